/* What the compiled file says of itself, and what a system asks of it when it is loaded. */
#include "kernels.h"

/* The SHA-256 of the sources that this file was compiled from (hatch_build.py defines it). */
KERNEL const char *compiled_from(void) { return SOURCES; }

#ifdef _WIN32
int DllMainCRTStartup(void *library, unsigned long reason, void *reserved) {
    (void)library, (void)reason, (void)reserved;
    return 1; /* loaded: there is nothing to prepare */
}
#endif
