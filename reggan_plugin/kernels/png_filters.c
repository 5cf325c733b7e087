/* The filters of PNG, which store a byte as its difference from what bytes before it foretell.
   Source: PNG specification, 3rd edition, section 9. */
#include "kernels.h"

/* Bytes side by side, anywhere in memory, and numbers to reckon with one pixel's. */
enum { LANES = 8, RUN = 32 };
typedef uint8_t Run __attribute__((ext_vector_type(RUN), aligned(1), may_alias));
typedef uint8_t Bytes __attribute__((ext_vector_type(LANES), aligned(1), may_alias));
typedef int16_t Numbers __attribute__((ext_vector_type(LANES)));

static inline Numbers size_of(Numbers values) { return values < 0 ? -values : values; }

/* Whichever of three neighbours is nearest to left + above - corner. */
static inline Numbers paeth(Numbers left, Numbers above, Numbers corner) {
    const Numbers from_left = size_of(above - corner), from_above = size_of(left - corner);
    const Numbers from_corner = size_of(left + above - corner - corner);
    const Numbers nearer = from_above <= from_corner ? above : corner;
    return ((from_left <= from_above) & (from_left <= from_corner)) ? left : nearer;
}

/* Undo the filters of rows, in place: each begins with the number of its filter, 0 to 4, and comes to
   lie right behind the row before it, without that number. `step` bytes make a pixel. Behind the rows
   are LANES more bytes, which may be read. */
KERNEL void undo_filters(uint8_t *rows, int64_t height, int64_t width, int64_t step) {
#define ALONG_ROW(STEP, FORETOLD)                                                                  \
    for (int64_t x = 0; x < width; x += STEP) {                                                    \
        if (row) above = __builtin_convertvector(*(const Bytes *)(to + x - width), Numbers);       \
        const Numbers own = __builtin_convertvector(*(const Bytes *)(from + x), Numbers);          \
        left = (own + (FORETOLD)) & 0xFF, corner = above;                                          \
        const Bytes known = __builtin_convertvector(left, Bytes);                                  \
        for (int64_t k = 0; k < STEP; k++) to[x + k] = known[k];                                   \
    }
#define UNDONE(STEP)                                                                               \
    if (filter == 1) ALONG_ROW(STEP, left)                                                         \
    else if (filter == 3) ALONG_ROW(STEP, (left + above) >> 1)                                     \
    else ALONG_ROW(STEP, paeth(left, above, corner))
    for (int64_t row = 0; row < height; row++) {
        const uint8_t *from = rows + row * (width + 1);
        uint8_t *to = rows + row * width; /* never before what is still to be read */
        const uint8_t filter = *from++;
        Numbers left = {0}, above = {0}, corner = {0};
        if (filter == 0 || filter == 2) {
            const int is_added = filter == 2 && row > 0;
            int64_t x = 0;
            for (; x + RUN <= width; x += RUN) {
                const Run own = *(const Run *)(from + x);
                *(Run *)(to + x) = is_added ? own + *(const Run *)(to + x - width) : own;
            }
            for (; x < width; x++) to[x] = (uint8_t)(from[x] + (is_added ? to[x - width] : 0));
            continue;
        }
        switch (step) {
            case 3: UNDONE(3) break;
            case 4: UNDONE(4) break;
            default: UNDONE(step)
        }
    }
}
