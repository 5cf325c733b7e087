/* Triangles drawn into a picture: which one each pixel shows, and what lies on it there.

   A triangle is drawn row by row. Where a row cuts an edge is computed from the edge's two ends in
   an order of their own, so two triangles that share an edge get the same number to the last bit:
   one ends before it, the other begins at it, and no pixel is left out or drawn by both. */
#include "kernels.h"

typedef struct {
    double x, y, z;
} Corner;

static inline Corner corner_of(const double *points, int64_t vertices, int64_t vertex) {
    points += 3 * within(vertex, vertices);
    return (Corner){points[0], points[1], points[2]};
}

static inline int is_finite(Corner one) {
    return (one.x - one.x) + (one.y - one.y) + (one.z - one.z) == 0;
}

/* Sort two corners downwards, then rightwards. */
static inline void put_in_order(Corner *one, Corner *other) {
    if (one->y > other->y || (one->y == other->y && one->x > other->x)) {
        Corner kept = *one;
        *one = *other;
        *other = kept;
    }
}

/* The first pixel whose centre is at a place or after it, within the picture. */
static inline int64_t first_pixel(double place, int64_t length) {
    double first = __builtin_ceil(place - 0.5);
    return first > 0 ? (first < (double)length ? (int64_t)first : length) : 0;
}

/* Find x and z at which an edge crosses a row. */
static inline void cut(Corner top, Corner end, double y, double *x, double *z) {
    double down = end.y - top.y, share = (y - top.y) / (down == 0 ? 1 : down);
    *x = top.x + share * (end.x - top.x);
    *z = top.z + share * (end.z - top.z);
}

/* Nearness and a triangle's row in one number, nearness first: the largest is what is seen. */
static inline int64_t nearness(float depth, int64_t row) {
    union {
        float depth;
        int32_t bits;
    } one = {depth};
    int64_t bits = one.bits, sortable = bits < 0 ? -(INT64_C(1) << 31) - bits : bits;
    return (sortable + (INT64_C(1) << 31)) >> 1 << 32 | row;
}

static inline double least_of(double a, double b, double c) {
    a = a < b ? a : b;
    return a < c ? a : c;
}
static inline double largest_of(double a, double b, double c) {
    a = a > b ? a : b;
    return a > c ? a : c;
}

/* Keep in `nearest` what each pixel shows, as `nearness` says; -1 is nothing. `rows` (null: all)
   are the triangles that are drawn, `inside` (null: all) the pixels. `hits` becomes the number of
   pixels that show a triangle, or -1 as soon as boxes around the triangles have more than `most`
   pixels together. */
KERNEL void draw_triangles(const double *points, int64_t vertices, const int64_t *triangles,
                           int64_t triangle_count, const int64_t *rows, int64_t row_count,
                           int64_t culls_back, const uint8_t *inside, int64_t height, int64_t width,
                           int64_t most, int64_t *nearest, int64_t *hits) {
    int64_t boxes = 0, found = 0;
    *hits = -1;
    for (int64_t number = 0; number < row_count; number++) {
        int64_t row = within(rows ? rows[number] : number, triangle_count);
        Corner a = corner_of(points, vertices, triangles[3 * row]);
        Corner b = corner_of(points, vertices, triangles[3 * row + 1]);
        Corner c = corner_of(points, vertices, triangles[3 * row + 2]);
        int64_t top = first_pixel(least_of(a.y, b.y, c.y), height);
        int64_t bottom = first_pixel(largest_of(a.y, b.y, c.y), height);
        int64_t across = first_pixel(largest_of(a.x, b.x, c.x), width) -
                         first_pixel(least_of(a.x, b.x, c.x), width);
        double area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        if (top >= bottom || across <= 0 || !(culls_back ? area < 0 : area != 0)) continue;
        if (!is_finite(a) || !is_finite(b) || !is_finite(c)) continue;
        boxes += across * (bottom - top);
        if (boxes > most) return;
        put_in_order(&a, &b);
        put_in_order(&b, &c);
        put_in_order(&a, &b);
        for (int64_t down = top; down < bottom; down++) {
            double middle = (double)down + 0.5, long_x, long_z, short_x, short_z;
            cut(a, c, middle, &long_x, &long_z);
            cut(middle < b.y ? a : b, middle < b.y ? b : c, middle, &short_x, &short_z);
            double run = short_x - long_x;
            int64_t end = down * width + first_pixel(run > 0 ? short_x : long_x, width);
            int64_t first = down * width + first_pixel(run > 0 ? long_x : short_x, width);
            /* from one cut to the other: depth never leaves the triangle's own range */
            float slope = (float)((short_z - long_z) / (run == 0 ? 1 : run)), start = (float)long_z;
            double left = (double)(down * width) - 0.5 + long_x;
            for (int64_t pixel = first; pixel < end; pixel++) {
                if (inside && !inside[pixel]) continue;
                int64_t own = nearness(start + (float)((double)pixel - left) * slope, row);
                found += nearest[pixel] < 0;
                nearest[pixel] = nearest[pixel] > own ? nearest[pixel] : own;
            }
        }
    }
    *hits = found;
}

/* List the pixels that show a triangle: index, the triangle's row, nearness, and the weights of its
   corners at the pixel's centre, each from 0 to 1 and of sum 1. */
KERNEL void list_hits(const int64_t *nearest, int64_t height, int64_t width, const double *points,
                      int64_t vertices, const int64_t *triangles, int64_t triangle_count,
                      int64_t hits, int64_t *pixels, int64_t *shown, int64_t *near, float *weights) {
    int64_t hit = 0, last = -1;
    float corner_x = 0, corner_y = 0, second_x = 0, second_y = 0, third_x = 0, third_y = 0;
    for (int64_t down = 0; down < height; down++) {
        for (int64_t across = 0; across < width; across++) {
            int64_t key = nearest[down * width + across];
            if (key < 0 || hit == hits) continue;
            int64_t row = within(key & 0xFFFFFFFF, triangle_count);
            if (row != last) { /* steps of the second and third weight, by pixel */
                Corner a = corner_of(points, vertices, triangles[3 * row]);
                Corner b = corner_of(points, vertices, triangles[3 * row + 1]);
                Corner c = corner_of(points, vertices, triangles[3 * row + 2]);
                double b_x = b.x - a.x, b_y = b.y - a.y, c_x = c.x - a.x, c_y = c.y - a.y;
                double area = b_x * c_y - b_y * c_x;
                corner_x = (float)a.x, corner_y = (float)a.y;
                second_x = (float)(c_y / area), second_y = (float)(-c_x / area);
                third_x = (float)(-b_y / area), third_y = (float)(b_x / area);
                last = row;
            }
            float x = (float)across + 0.5f - corner_x, y = (float)down + 0.5f - corner_y;
            float second = smaller(larger(x * second_x + y * second_y, 0), 1);
            float third = smaller(larger(x * third_x + y * third_y, 0), 1 - second);
            pixels[hit] = down * width + across, shown[hit] = row, near[hit] = key;
            weights[hit] = 1 - second - third;
            weights[hits + hit] = second, weights[2 * hits + hit] = third;
            hit++;
        }
    }
}

/* Mix values of the corners of the triangles that pixels show. */
KERNEL void mix_corners(const float *values, int64_t vertices, int64_t channels,
                        const int64_t *triangles, int64_t triangle_count, const int64_t *shown,
                        const float *weights, int64_t hits, float *result) {
    for (int64_t hit = 0; hit < hits; hit++, result += channels) {
        const int64_t *corners = triangles + 3 * within(shown[hit], triangle_count);
        const float *first = values + channels * within(corners[0], vertices);
        const float *second = values + channels * within(corners[1], vertices);
        const float *third = values + channels * within(corners[2], vertices);
        float a = weights[hit], b = weights[hits + hit], c = weights[2 * hits + hit];
        for (int64_t channel = 0; channel < channels; channel++) {
            float two = first[channel] * a + second[channel] * b;
            result[channel] = two + third[channel] * c;
        }
    }
}

/* Add the first channels of pixels' values times their weights, and the weights, to the squares of
   `factor` by `factor` pixels that they lie in. `step` floats lie between two pixels' values. */
KERNEL void add_in_squares(const float *values, int64_t step, int64_t channels,
                           const float *weights, const int64_t *pixels, int64_t count,
                           int64_t height, int64_t width, int64_t factor, float *sums) {
    int64_t cells = (width + factor - 1) / factor, start = 0, first_cell = 0;
    for (int64_t number = 0; number < count; number++, values += step) {
        int64_t pixel = within(pixels[number], height * width);
        if (pixel < start || pixel >= start + width) { /* of another row than the last one */
            start = pixel / width * width;
            first_cell = pixel / width / factor * cells;
        }
        int64_t cell = first_cell + (uint32_t)(pixel - start) / (uint32_t)factor;
        float *sum = sums + cell * (channels + 1), weight = weights[number];
        for (int64_t channel = 0; channel < channels; channel++)
            sum[channel] += values[channel] * weight;
        sum[channels] += weight;
    }
}

static inline float size_of(float value) { return value < 0 ? -value : value; }

/* Find pixels (rising) below or beside which another surface begins: its motion, whose right and
   down are the first of `step` floats, and its depth differ by more than the least. */
KERNEL void find_edges(const float *motion, int64_t step, const float *depth,
                       const int64_t *pixels, int64_t count, int64_t width, float least_motion,
                       float least_depth, uint8_t *found) {
    int64_t below = 0;
    for (int64_t number = 0; number < count; number++) {
        int64_t pixel = pixels[number], next = number + 1;
        while (below < count && pixels[below] < pixel + width) below++;
        found[number] = 0;
        for (int64_t way = 0; way < 2; way++) {
            int64_t other = way ? below : next, place = way ? pixel + width : pixel + 1;
            if (other >= count || pixels[other] != place) continue;
            if (!way && place % width == 0) continue; /* of the next row */
            const float *one = motion + step * number, *two = motion + step * other;
            float away = larger(size_of(one[0] - two[0]), size_of(one[1] - two[1]));
            float deep = size_of(depth[number] - depth[other]);
            found[number] |= away > least_motion && deep > least_depth;
        }
    }
}

/* Add to each vertex the normals of its triangles, as long as twice their areas. */
KERNEL void add_normals(const double *points, int64_t vertices, const int64_t *triangles,
                        int64_t count, double *normals) {
    for (int64_t row = 0; row < count; row++, triangles += 3) {
        Corner a = corner_of(points, vertices, triangles[0]);
        Corner b = corner_of(points, vertices, triangles[1]);
        Corner c = corner_of(points, vertices, triangles[2]);
        b.x -= a.x, b.y -= a.y, b.z -= a.z, c.x -= a.x, c.y -= a.y, c.z -= a.z;
        for (int64_t corner = 0; corner < 3; corner++) {
            double *normal = normals + 3 * within(triangles[corner], vertices);
            normal[0] += b.y * c.z - b.z * c.y;
            normal[1] += b.z * c.x - b.x * c.z;
            normal[2] += b.x * c.y - b.y * c.x;
        }
    }
}
