/* What every kernel needs. The language is C11 without a C library: the compiled file needs nothing
   of the system that it is loaded into, so that one file serves all Linux, and the same bits come
   out everywhere (no fused multiply-add, no other order of sums). */
#include <stdint.h>

#ifdef _WIN32
#define KERNEL __declspec(dllexport)
#else
#define KERNEL __attribute__((visibility("default")))
#endif

static inline float smaller(float a, float b) { return a < b ? a : b; }
static inline float larger(float a, float b) { return a > b ? a : b; }

/* The index nearest to `index` that an axis of `length` has. */
static inline int64_t within(int64_t index, int64_t length) {
    return index < 0 ? 0 : index < length ? index : length - 1;
}

/* A place whose integer part an index can hold; what is no number lies before every axis. */
static inline double holdable(double place) {
    const double most = 1 << 30;
    return place > -most ? (place < most ? place : most) : -most;
}
