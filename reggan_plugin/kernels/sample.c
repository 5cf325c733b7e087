/* Values of a picture at places between its pixels. A picture is [height][width][channels]; beyond
   its border the edge goes on. */
#include "kernels.h"

enum { TAPS = 4, LANES = 4, PHASES = 1024 };
static const float UNBOUNDED = -1;

/* The pixels around a place along one axis: the first of four, and the row of the table of weights
   that belongs to where it lies between them. */
typedef struct {
    int64_t first, phase;
} Around;

static inline Around around(double place) {
    int64_t steps = (int64_t)__builtin_rint(holdable(place) * PHASES);
    return (Around){.first = (steps >> 10) - 1, .phase = steps & (PHASES - 1)};
}

/* Four floats side by side, anywhere in memory: channels of a pixel, or what lies beside them, which
   nobody looks at. */
typedef float Lanes __attribute__((ext_vector_type(LANES), aligned(4), may_alias));

#define SMALLER(A, B) ((A) < (B) ? (A) : (B))
#define LARGER(A, B) ((A) > (B) ? (A) : (B))

/* Weigh four rows of four taps; `down` and `right` say how many floats lie from one to the next. The
   sum leaves the range of the taps by no more than a part of it (`overshoot`), and no further below
   than a part of what is darkest there. */
static inline Lanes weigh(const float *taps, int64_t down, int64_t right, const float *of_rows,
                          const float *of_columns, float overshoot) {
    const Lanes none = {0, 0, 0, 0}, all = none + 1;
    Lanes sum = none, low = *(const Lanes *)taps, high = low;
    for (int row = 0; row < TAPS; row++) {
        Lanes along = none;
        for (int tap = 0; tap < TAPS; tap++) {
            Lanes value = *(const Lanes *)(taps + row * down + tap * right);
            low = SMALLER(value, low);
            high = LARGER(value, high);
            along += value * of_columns[tap];
        }
        sum += along * of_rows[row];
    }
    if (overshoot == UNBOUNDED) return sum;
    Lanes span = high - low;
    Lanes least = low - overshoot * SMALLER(span, LARGER(low, none));
    Lanes most = high + overshoot * SMALLER(span, all);
    sum = LARGER(sum, least);
    return SMALLER(sum, most);
}

/* The same of four rows of four floats that lie side by side, unbounded: all rows at once. */
static inline float weigh_one_channel(const float *taps, int64_t down, const float *of_rows,
                                      const float *of_columns) {
#define MIX __builtin_shufflevector
    Lanes row[TAPS], along = {0, 0, 0, 0};
    for (int i = 0; i < TAPS; i++) row[i] = *(const Lanes *)(taps + i * down);
    Lanes upper = MIX(row[0], row[1], 0, 4, 1, 5), lower = MIX(row[2], row[3], 0, 4, 1, 5);
    along += MIX(upper, lower, 0, 1, 4, 5) * of_columns[0];
    along += MIX(upper, lower, 2, 3, 6, 7) * of_columns[1];
    upper = MIX(row[0], row[1], 2, 6, 3, 7), lower = MIX(row[2], row[3], 2, 6, 3, 7);
    along += MIX(upper, lower, 0, 1, 4, 5) * of_columns[2];
    along += MIX(upper, lower, 2, 3, 6, 7) * of_columns[3];
    along *= *(const Lanes *)of_rows;
    return 0 + along[0] + along[1] + along[2] + along[3];
}

typedef struct {
    const float *pixels;
    int64_t height, width, channels, row; /* a row begins so many floats after the one before */
} Picture;

/* Copy the taps around a place at the border, those outside moved onto the edge. */
static __attribute__((noinline)) void copy_taps(Picture picture, int64_t top, int64_t left,
                                                int64_t channel, float copy[TAPS][TAPS][LANES]) {
    for (int i = 0; i < TAPS; i++) {
        for (int j = 0; j < TAPS; j++) {
            int64_t row = within(top + i, picture.height), column = within(left + j, picture.width);
            const float *tap = picture.pixels + row * picture.row + column * picture.channels;
            for (int64_t k = 0; k < LANES; k++)
                copy[i][j][k] = tap[within(channel + k, picture.channels)];
        }
    }
}

/* Weigh the 4 by 4 pixels around a place, four channels at a time; the sum of one channel lies
   `plane` floats behind that of the one before. */
static inline __attribute__((always_inline)) void sample_at(Picture picture, double x, double y, const float (*weights)[TAPS],
                             float overshoot, float *result, int64_t plane) {
    const int64_t channels = picture.channels, row = picture.row;
    const int64_t end = (picture.height - 1) * row + picture.width * channels;
    Around column = around(x), line = around(y);
    int64_t corner = line.first * row + column.first * channels;
    int64_t last = corner + (TAPS - 1) * (row + channels); /* the last tap's first channel */
    int is_inside = column.first >= 0 && column.first + TAPS <= picture.width && line.first >= 0 &&
                    line.first + TAPS <= picture.height;
    if (channels == 1 && overshoot == UNBOUNDED && is_inside) {
        const float *taps = picture.pixels + corner;
        *result = weigh_one_channel(taps, row, weights[line.phase], weights[column.phase]);
        return;
    }
    for (int64_t channel = 0; channel < channels; channel += LANES) {
        float copy[TAPS][TAPS][LANES];
        const float *taps = picture.pixels + corner + channel;
        int64_t down = row, right = channels;
        if (!is_inside || last + channel + LANES > end) {
            copy_taps(picture, line.first, column.first, channel, copy);
            taps = copy[0][0], down = TAPS * LANES, right = LANES;
        }
        Lanes sum = weigh(taps, down, right, weights[line.phase], weights[column.phase], overshoot);
        for (int64_t k = 0; k < LANES && channel + k < channels; k++) result[(channel + k) * plane] = sum[k];
    }
}

/* Say how many channels a picture has before it is sampled: a number that the compiler knows halves
   the time. */
#define KNOWING_CHANNELS(SAMPLE)                                                                       \
    switch (channels) {                                                                                \
        case 1: SAMPLE(1) break;                                                                       \
        case 2: SAMPLE(2) break;                                                                       \
        case 3: SAMPLE(3) break;                                                                       \
        case 4: SAMPLE(4) break;                                                                       \
        default: SAMPLE(channels)                                                                      \
    }

/* Sample with a cubic kernel, whose weights along an axis are a row of `weights`, one for each step
   of 1/1024 pixel. */
KERNEL void sample_cubic(const float *pixels, int64_t step, int64_t height, int64_t width,
                         int64_t channels, const float (*weights)[TAPS], float overshoot, const double *x,
                         const double *y, int64_t places, float *result) {
#define AT_PLACES(CHANNELS)                                                                            \
    for (int64_t place = 0; place < places; place++, result += CHANNELS)                               \
        sample_at((Picture){pixels, height, width, CHANNELS, step}, x[place], y[place], weights,       \
                  overshoot, result, 1);
    KNOWING_CHANNELS(AT_PLACES)
}

/* The same where pixels of a region of `columns` columns come from, whose `index` rises: `left` and `top`
   bring them into the picture, `right` and `down` move them, in pixels of which `factor` by `factor` make
   one of this picture. */
KERNEL void sample_moved(const float *pixels, int64_t step, int64_t height, int64_t width,
                         int64_t channels, const float (*weights)[TAPS], float overshoot,
                         const int64_t *index, int64_t places, int64_t columns, int64_t left,
                         int64_t top, const float *right, const float *down, int64_t factor,
                         float *result) {
    const double share = 1 / (double)factor;
    int64_t row = 0;
#define WHERE_MOVED(CHANNELS)                                                                            \
    for (int64_t i = 0; i < places; i++, result += CHANNELS) {                                         \
        const int64_t place = index[i];                                                                \
        if (place - row * columns >= columns) row = place / columns;                                   \
        double x = (double)(place - row * columns + left) + (double)right[place];                      \
        double y = (double)(row + top) + (double)down[place];                                          \
        x = factor == 1 ? x : (x + 0.5) * share - 0.5, y = factor == 1 ? y : (y + 0.5) * share - 0.5;  \
        sample_at((Picture){pixels, height, width, CHANNELS, step}, x, y, weights, overshoot, result, 1); \
    }
    KNOWING_CHANNELS(WHERE_MOVED)
}

/* Where a picture holds more than zeros: squares of 2^shift pixels that hold some, and those beside
   them, since taps lie less than two pixels from the middle. */
enum { SQUARES = 48, LEAST_SHIFT = 3 }; /* on the stack: Windows wants a library for 4 kB */
typedef struct {
    uint8_t square[SQUARES][SQUARES];
    int shift;
} Filled;

static int is_zero(const float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (values[i] != 0) return 0;
    return 1;
}

static void find_filled(Picture picture, Filled *filled) {
    const int64_t longest = picture.height > picture.width ? picture.height : picture.width;
    filled->shift = LEAST_SHIFT;
    while ((longest - 1) >> filled->shift >= SQUARES) filled->shift++;
    for (int i = 0; i < SQUARES; i++)
        for (int j = 0; j < SQUARES; j++) filled->square[i][j] = 0;
    const int64_t side = (int64_t)1 << filled->shift;
    for (int64_t y = 0; y < picture.height; y++) {
        for (int64_t x = 0; x < picture.width; x += side) {
            const float *values = picture.pixels + y * picture.row + x * picture.channels;
            const int64_t wide = x + side < picture.width ? side : picture.width - x;
            if (is_zero(values, wide * picture.channels)) continue;
            const int64_t row = y >> filled->shift, column = x >> filled->shift;
            for (int64_t i = row - 1; i <= row + 1; i++)
                for (int64_t j = column - 1; j <= column + 1; j++)
                    filled->square[within(i, SQUARES)][within(j, SQUARES)] = 1;
        }
    }
}

static void place_in(const double *matrix, int64_t row, int64_t column, double *x, double *y) {
    const double right = (double)column + 0.5, down = (double)row + 0.5;
    *x = matrix[0] * right + matrix[1] * down + matrix[2];
    *y = matrix[3] * right + matrix[4] * down + matrix[5];
}

/* Say whether a straight line from one place to another passes such a square. */
static int passes_filled(Picture picture, const Filled *filled, double x, double y, double to_x, double to_y) {
    const int64_t left = within((int64_t)holdable(smaller(x, to_x)), picture.width) >> filled->shift;
    const int64_t right = within((int64_t)holdable(larger(x, to_x)), picture.width) >> filled->shift;
    const int64_t top = within((int64_t)holdable(smaller(y, to_y)), picture.height) >> filled->shift;
    const int64_t bottom = within((int64_t)holdable(larger(y, to_y)), picture.height) >> filled->shift;
    for (int64_t i = top; i <= bottom; i++)
        for (int64_t j = left; j <= right; j++)
            if (filled->square[i][j]) return 1;
    return 0;
}

/* Sample at the pixels of another picture, whose corner and sides `matrix` (2 by 3) places in this
   one; what lies outside is 0, and nothing bounds the sum. The result has a plane a channel. */
KERNEL void sample_affine(const float *pixels, int64_t height, int64_t width, int64_t channels,
                          const float (*weights)[TAPS], const double *matrix, int64_t rows,
                          int64_t columns, float *result) {
    enum { RUN = 32 };
    const Picture whole = {pixels, height, width, channels, width * channels};
    const int64_t plane = rows * columns;
    const double wide = (double)width, high = (double)height;
    Filled filled;
    find_filled(whole, &filled);
#define ALONG_RUN(CHANNELS)                                                                            \
    for (int64_t column = begin; column < end; column++) {                                             \
        place_in(matrix, row, column, &x, &y);                                                         \
        float *own = result + row * columns + column;                                                  \
        if (x >= 0 && x < wide && y >= 0 && y < high)                                                \
            sample_at((Picture){pixels, height, width, CHANNELS, width * CHANNELS}, x - 0.5, y - 0.5,  \
                      weights, UNBOUNDED, own, plane);                                                 \
        else                                                                                           \
            for (int64_t k = 0; k < CHANNELS; k++) own[k * plane] = 0;                                 \
    }
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t begin = 0; begin < columns; begin += RUN) {
            const int64_t end = begin + RUN < columns ? begin + RUN : columns;
            double x, y, to_x, to_y;
            place_in(matrix, row, begin, &x, &y), place_in(matrix, row, end - 1, &to_x, &to_y);
            if (passes_filled(whole, &filled, x, y, to_x, to_y)) {
                KNOWING_CHANNELS(ALONG_RUN)
                continue;
            }
            for (int64_t k = 0; k < channels; k++)
                for (int64_t column = begin; column < end; column++)
                    result[k * plane + row * columns + column] = 0;
        }
    }
}

/* Shrink a part of a picture: along columns, a row at a time, into `line` (as long as one of the
   picture's, and LANES more), then along that. A row or column of the result is the sum of `taps`
   ones, from its first on, by its weights. */
KERNEL void shrink(const float *pixels, int64_t step, int64_t height, int64_t width,
                   int64_t channels, const int64_t *tops, const float *of_rows, int64_t rows,
                   const int64_t *lefts, const float *of_columns, int64_t columns, int64_t taps,
                   float *restrict line, float *restrict result) {
    const int64_t begin = within(lefts[0], width) * channels;
    const int64_t end = (within(lefts[columns - 1] + taps - 1, width) + 1) * channels;
    for (int64_t row = 0; row < rows; row++, of_rows += taps) {
        int64_t x = begin;
        for (; x + 4 * LANES <= end; x += 4 * LANES) {
            Lanes sums[4] = {0};
            for (int64_t tap = 0; tap < taps; tap++) {
                const float *from = pixels + within(tops[row] + tap, height) * step + x;
                for (int k = 0; k < 4; k++) sums[k] += *(const Lanes *)(from + k * LANES) * of_rows[tap];
            }
            for (int k = 0; k < 4; k++) *(Lanes *)(line + x + k * LANES) = sums[k];
        }
        for (; x < end; x++) {
            float sum = 0;
            for (int64_t tap = 0; tap < taps; tap++)
                sum += pixels[within(tops[row] + tap, height) * step + x] * of_rows[tap];
            line[x] = sum;
        }
        const float *weights = of_columns;
        for (int64_t column = 0; column < columns; column++, weights += taps, result += channels) {
            for (int64_t channel = 0; channel < channels; channel += LANES) {
                Lanes sum = {0};
                for (int64_t tap = 0; tap < taps; tap++) {
                    int64_t from = within(lefts[column] + tap, width) * channels + channel;
                    sum += *(const Lanes *)(line + from) * weights[tap];
                }
                for (int64_t k = 0; k < LANES && channel + k < channels; k++) result[channel + k] = sum[k];
            }
        }
    }
}

/* Average over blocks of `factor` by `factor` pixels; those at the far edges average what is left.
   `line` is as long as one of the picture's. */
KERNEL void block_means(const float *pixels, int64_t step, int64_t height, int64_t width,
                           int64_t channels, int64_t factor, float *restrict line,
                           float *restrict result) {
    for (int64_t top = 0; top < height; top += factor) {
        const int64_t below = top + factor < height ? top + factor : height;
        for (int64_t x = 0; x < width * channels; x++) line[x] = pixels[top * step + x];
        for (int64_t row = top + 1; row < below; row++)
            for (int64_t x = 0; x < width * channels; x++) line[x] += pixels[row * step + x];
        for (int64_t left = 0; left < width; left += factor) {
            const int64_t right = left + factor < width ? left + factor : width;
            const float share = 1 / (float)((below - top) * (right - left));
            for (int64_t channel = 0; channel < channels; channel++) {
                float sum = 0;
                for (int64_t x = left; x < right; x++) sum += line[x * channels + channel];
                *result++ = sum * share;
            }
        }
    }
}
