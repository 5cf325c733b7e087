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

enum { LEFT = 1, ABOVE = 2, AVERAGE = 3, LOOKED_AT = 4 * RUN };

static inline uint8_t less_foretold(int filter, int own, int left, int above) {
    return (uint8_t)(own - (filter == LEFT ? left : filter == ABOVE ? above : (left + above) / 2));
}

/* How much a filter leaves of a row: a run in four tells it. */
static inline int64_t left_by(int filter, const uint8_t *row, const uint8_t *above, int64_t width, int64_t step) {
    int64_t sum = 0;
    for (int64_t x = step; x + RUN <= width; x += LOOKED_AT) {
        int32_t size = 0;
        for (int64_t k = x; k < x + RUN; k++) {
            const int8_t rest = (int8_t)less_foretold(filter, row[k], row[k - step], above[k]);
            size += rest < 0 ? -rest : rest;
        }
        sum += size;
    }
    return sum;
}

/* Filter rows, each by whichever of three filters leaves least of it, and put the filter's number before
   it. `above` is the row before the first one. */
KERNEL void filter_rows(const uint8_t *rows, int64_t height, int64_t width, int64_t step,
                        const uint8_t *above, uint8_t *restrict result) {
    for (int64_t row = 0; row < height; row++, above = rows, rows += width) {
        const int64_t by_left = left_by(LEFT, rows, above, width, step);
        const int64_t by_above = left_by(ABOVE, rows, above, width, step);
        const int64_t by_both = left_by(AVERAGE, rows, above, width, step);
        const int is_both = by_both <= by_left && by_both <= by_above;
        const int filter = is_both ? AVERAGE : by_above <= by_left ? ABOVE : LEFT;
        *result++ = (uint8_t)filter;
        for (int64_t x = 0; x < step; x++) *result++ = less_foretold(filter, rows[x], 0, above[x]);
#define FILTERED(FILTER)                                                                           \
    for (int64_t x = step; x < width; x++)                                                         \
        *result++ = less_foretold(FILTER, rows[x], rows[x - step], above[x]);
        if (filter == LEFT) FILTERED(LEFT)
        else if (filter == ABOVE) FILTERED(ABOVE)
        else FILTERED(AVERAGE)
    }
}
