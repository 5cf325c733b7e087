/* The largest, the mean and the middle one of the values around each pixel, and blurs. */
#include "kernels.h"

enum { TOGETHER = 16 };
static const float LEAST = 1.0f / 512;

static inline uint8_t higher(uint8_t a, uint8_t b) { return a > b ? a : b; }

typedef struct {
    int64_t top, bottom, left, right;
} Box;

/* Find the box around all that is more than 0, wider by `reach` as far as the plane goes. */
#define BOX_AROUND(NAME, NUMBER)                                                                   \
    static Box NAME(const NUMBER *plane, int64_t rows, int64_t columns, int64_t reach) {           \
        Box box = {rows, 0, columns, 0};                                                           \
        for (int64_t row = 0; row < rows; row++, plane += columns) {                               \
            int64_t left = 0, right = columns;                                                     \
            while (left < columns && !(plane[left] > 0)) left++;                                   \
            if (left == columns) continue;                                                         \
            while (!(plane[right - 1] > 0)) right--;                                               \
            if (row < box.top) box.top = row;                                                      \
            if (left < box.left) box.left = left;                                                  \
            if (right > box.right) box.right = right;                                              \
            box.bottom = row + 1;                                                                  \
        }                                                                                          \
        if (box.bottom == 0) return (Box){0, 0, 0, 0};                                             \
        box.top = within(box.top - reach, rows), box.left = within(box.left - reach, columns);     \
        box.bottom = within(box.bottom - 1 + reach, rows) + 1;                                     \
        box.right = within(box.right - 1 + reach, columns) + 1;                                    \
        return box;                                                                                \
    }

BOX_AROUND(box_of_levels, uint8_t)
BOX_AROUND(box_of_floats, float)

typedef uint8_t Bytes __attribute__((ext_vector_type(TOGETHER), aligned(1), may_alias));

static void take_higher(uint8_t *own, const uint8_t *other, int64_t count) {
    int64_t i = 0;
    for (; i + TOGETHER <= count; i += TOGETHER) {
        const Bytes one = *(const Bytes *)(own + i), two = *(const Bytes *)(other + i);
        *(Bytes *)(own + i) = one > two ? one : two;
    }
    for (; i < count; i++) own[i] = higher(own[i], other[i]);
}

static void take_higher_from_the_end(uint8_t *own, const uint8_t *other, int64_t count) {
    for (; count >= TOGETHER; count -= TOGETHER)
        take_higher(own + count - TOGETHER, other + count - TOGETHER, TOGETHER);
    while (count-- > 0) own[count] = higher(own[count], other[count]);
}

/* Let each value of `after` be the largest up to `reach` values after it, and of `before` the largest
   before it, in place, by twice as many at each step; neighbours lie `apart` bytes from each other. */
static void spread(uint8_t *after, uint8_t *before, int64_t bytes, int64_t apart, int64_t reach) {
    for (int64_t span = 1, by; span <= reach && span * apart < bytes; span += by) {
        by = span < reach + 1 - span ? span : reach + 1 - span;
        take_higher(after, after + by * apart, bytes - by * apart);
        take_higher_from_the_end(before + by * apart, before, bytes - by * apart);
    }
    take_higher(before, after, bytes);
}

/* Find the largest values, along columns and then along rows; `result` is 0 at first. Beyond the border
   is none. */
KERNEL void largest_around(const uint8_t *levels, int64_t rows, int64_t columns, int64_t reach,
                           uint8_t *restrict part, uint8_t *restrict result) {
    const Box box = box_of_levels(levels, rows, columns, reach);
    const int64_t begin = box.top * columns, end = box.bottom * columns, width = box.right - box.left;
    for (int64_t i = begin; i < end; i++) part[i] = result[i] = levels[i];
    spread(part + begin, result + begin, end - begin, columns, reach);
    for (int64_t i = begin; i < end; i++) part[i] = result[i];
    for (int64_t row = begin + box.left; row < end; row += columns)
        spread(part + row, result + row, width, 1, reach);
}

/* Find means; beyond the border the edge goes on. `sums` has a number for each column. */
static void mean_around(const float *plane, int64_t rows, int64_t columns, int64_t reach,
                        double *restrict sums, float *restrict result) {
    const double share = 1 / ((double)(2 * reach + 1) * (double)(2 * reach + 1));
    for (int64_t x = 0; x < columns; x++) {
        sums[x] = 0;
        for (int64_t row = -reach; row <= reach; row++)
            sums[x] += plane[within(row, rows) * columns + x];
    }
    for (int64_t row = 0; row < rows; row++) {
        double total = 0;
        for (int64_t x = -reach; x <= reach; x++) total += sums[within(x, columns)];
        for (int64_t x = 0; x < columns; x++) {
            result[row * columns + x] = (float)(total * share);
            total += sums[within(x + reach + 1, columns)] - sums[within(x - reach, columns)];
        }
        const float *enters = plane + within(row + reach + 1, rows) * columns;
        const float *leaves = plane + within(row - reach, rows) * columns;
        for (int64_t x = 0; x < columns; x++) sums[x] += (double)enters[x] - (double)leaves[x];
    }
}

/* Let a mask follow the edges of its guide: in each square it is a straight line of the guide, whose
   slopes and offsets are averaged. `parts` has room for four planes. */
KERNEL void follow_edges(const float *guide, const float *mask, int64_t rows, int64_t columns,
                         int64_t reach, float soft, float *parts, double *sums,
                         float *restrict result) {
    const int64_t size = rows * columns;
    float *usual = parts, *share = parts + size, *slope = parts + 2 * size, *offset = slope + size;
    mean_around(guide, rows, columns, reach, sums, usual);
    mean_around(mask, rows, columns, reach, sums, share);
    for (int64_t i = 0; i < size; i++) result[i] = guide[i] * mask[i];
    mean_around(result, rows, columns, reach, sums, slope);
    for (int64_t i = 0; i < size; i++) result[i] = guide[i] * guide[i];
    mean_around(result, rows, columns, reach, sums, offset);
    for (int64_t i = 0; i < size; i++) {
        float variance = larger(offset[i] - usual[i] * usual[i], 0);
        slope[i] = (slope[i] - usual[i] * share[i]) / (variance + soft);
        offset[i] = share[i] - slope[i] * usual[i];
    }
    mean_around(slope, rows, columns, reach, sums, usual);
    mean_around(offset, rows, columns, reach, sums, share);
    for (int64_t i = 0; i < size; i++) result[i] = usual[i] * guide[i] + share[i];
}

/* Find medians, bit by bit: a median is as large as a number if no more than half of the values are
   less. `wide` is wider by `reach` on each side, and by `TOGETHER` at the right. */
KERNEL void median_around(const uint8_t *wide, int64_t rows, int64_t columns, int64_t reach,
                          uint8_t *restrict result) {
    const int64_t size = 2 * reach + 1, width = columns + 2 * reach + TOGETHER;
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t first = 0; first < columns; first += TOGETHER) {
            const uint8_t *corner = wide + row * width + first;
            uint8_t found[TOGETHER], wanted[TOGETHER], less[TOGETHER], differs = 0;
            for (int64_t down = 0; down < size; down++)
                for (int64_t x = 0; x < TOGETHER + 2 * reach; x++)
                    differs |= corner[down * width + x] ^ corner[0];
            for (int x = 0; x < TOGETHER; x++) found[x] = differs ? 0 : corner[0];
            for (int bit = differs ? 128 : 0; bit; bit >>= 1) {
                for (int x = 0; x < TOGETHER; x++) wanted[x] = found[x] | (uint8_t)bit, less[x] = 0;
                for (int64_t down = 0; down < size; down++) {
                    const uint8_t *from = corner + down * width;
                    for (const uint8_t *end = from + size; from < end; from++)
                        for (int x = 0; x < TOGETHER; x++) less[x] += from[x] < wanted[x];
                }
                for (int x = 0; x < TOGETHER; x++)
                    found[x] = less[x] <= size * size / 2 ? wanted[x] : found[x];
            }
            for (int64_t x = 0; x < TOGETHER && first + x < columns; x++)
                result[row * columns + first + x] = found[x];
        }
    }
}

/* Average along the first axis over so many values on each side, and parts of the next ones. */
static void average(const float *from, int64_t length, int64_t width, float radius, double *sums,
                    float *restrict into) {
    const int64_t reach = (int64_t)radius;
    const double share = 1 / (2 * (double)radius + 1), rest = ((double)radius - (double)reach) * share;
    for (int64_t x = 0; x < width; x++) {
        sums[x] = 0;
        for (int64_t row = -reach; row <= reach; row++) sums[x] += from[within(row, length) * width + x];
    }
    for (int64_t row = 0; row < length; row++, into += width) {
        const float *before = from + within(row - reach - 1, length) * width;
        const float *leaves = from + within(row - reach, length) * width;
        const float *enters = from + within(row + reach + 1, length) * width;
        for (int64_t x = 0; x < width; x++) {
            into[x] = (float)(sums[x] * share + ((double)before[x] + (double)enters[x]) * rest);
            sums[x] += (double)enters[x] - (double)leaves[x];
        }
    }
}

/* Blur a plane of numbers from 0 to 1 by averages of a radius, three along each axis; `result` is 0
   at first, as what becomes less than `LEAST` is. `part` and `other` have room for the plane, `sums`
   for a row and a column. */
KERNEL void blur(const float *plane, int64_t rows, int64_t columns, float radius, float *part,
                 float *other, double *sums, float *result) {
    const Box box = box_of_floats(plane, rows, columns, 3 * ((int64_t)radius + 2));
    const int64_t height = box.bottom - box.top, width = box.right - box.left;
    plane += box.top * columns + box.left, result += box.top * columns + box.left;
    for (int64_t row = 0; row < height; row++)
        for (int64_t x = 0; x < width; x++)
            part[x * height + row] = plane[row * columns + x];
    average(part, width, height, radius, sums, other);
    average(other, width, height, radius, sums, part);
    average(part, width, height, radius, sums, other);
    for (int64_t row = 0; row < height; row++)
        for (int64_t x = 0; x < width; x++) part[row * width + x] = other[x * height + row];
    average(part, height, width, radius, sums, other);
    average(other, height, width, radius, sums, part);
    average(part, height, width, radius, sums, other);
    for (int64_t row = 0; row < height; row++)
        for (int64_t x = 0; x < width; x++) {
            float value = other[row * width + x];
            result[row * columns + x] = value < LEAST ? 0 : value;
        }
}
