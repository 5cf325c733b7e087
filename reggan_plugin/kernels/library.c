/* What the compiled file says of itself, and what a system asks of it when it is loaded. */
#include "kernels.h"

/* The SHA-256 of the sources that this file was compiled from (hatch_build.py defines it). */
KERNEL const char *compiled_from(void) { return SOURCES; }

/* Whether the processor has AVX2 (leaf 7), and the system keeps the registers that it needs (leaf 1
   says whether one may ask). */
KERNEL int has_avx2(void) {
#ifdef __x86_64__
    uint32_t a = 1, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (!(c >> 27 & c >> 28 & 1)) return 0;
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    if ((a & 6) != 6) return 0;
    a = 7, c = 0;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return b >> 5 & 1;
#else
    return 0;
#endif
}

#ifdef _WIN32
int DllMainCRTStartup(void *library, unsigned long reason, void *reserved) {
    (void)library, (void)reason, (void)reserved;
    return 1; /* loaded: there is nothing to prepare */
}
#endif
