/* Values that run on to where they are not known: what is near counts most.

   Source: Gortler et al., The lumigraph, SIGGRAPH 1996, section 3.4 (pull and push). */
#include "kernels.h"

enum { MOST_LEVELS = 40 };
static const float LEAST = 1e-6f;

typedef struct {
    float *values, *weight; /* values are multiplied by their weights, 0 to 1 */
    int64_t rows, columns;
} Level;

/* Add up squares of two by two, as one cell of weight 1 at most. */
static inline __attribute__((always_inline)) void pull(Level fine, Level coarse, int64_t channels) {
    for (int64_t row = 0; row < coarse.rows; row++) {
        for (int64_t column = 0; column < coarse.columns; column++) {
            int64_t cell = row * coarse.columns + column;
            float *sums = coarse.values + cell * channels, total = 0;
            for (int64_t channel = 0; channel < channels; channel++) sums[channel] = 0;
            for (int64_t part = 0; part < 4; part++) {
                int64_t y = 2 * row + part / 2, x = 2 * column + part % 2;
                if (y >= fine.rows || x >= fine.columns) continue;
                int64_t place = y * fine.columns + x;
                total += fine.weight[place];
                for (int64_t channel = 0; channel < channels; channel++)
                    sums[channel] += fine.values[place * channels + channel];
            }
            coarse.weight[cell] = smaller(total, 1);
            float share = smaller(total, 1) / larger(total, LEAST);
            for (int64_t channel = 0; channel < channels; channel++) sums[channel] *= share;
        }
    }
}

/* Add what is lacking from a coarser level, in straight lines between the middles of its cells. */
static inline __attribute__((always_inline)) void push(Level coarse, Level fine, int64_t channels) {
    for (int64_t row = 0; row < fine.rows; row++) {
        int64_t other_row = within(row / 2 + (row % 2 ? 1 : -1), coarse.rows);
        const float *own = coarse.values + row / 2 * coarse.columns * channels;
        const float *other = coarse.values + other_row * coarse.columns * channels;
        for (int64_t column = 0; column < fine.columns; column++) {
            int64_t place = row * fine.columns + column;
            float lack = 1 - fine.weight[place];
            if (!(lack > 0)) continue;
            int64_t here = column / 2 * channels;
            int64_t beside = within(column / 2 + (column % 2 ? 1 : -1), coarse.columns) * channels;
            float *values = fine.values + place * channels;
            for (int64_t channel = 0; channel < channels; channel++) {
                float one = 0.75f * own[here + channel] + 0.25f * own[beside + channel];
                float two = 0.75f * other[here + channel] + 0.25f * other[beside + channel];
                values[channel] += lack * (0.75f * one + 0.25f * two);
            }
        }
    }
}

/* A number of channels that the compiler knows takes half the time. */
#define KNOWING_CHANNELS(STEP, FROM, TO)                                                           \
    if (channels == 3) STEP(FROM, TO, 3);                                                          \
    else if (channels == 1) STEP(FROM, TO, 1);                                                     \
    else STEP(FROM, TO, channels);

/* Complete values, in place. `levels` has room for all coarser levels: of each the values, then the
   weights; the sides of one are half those of the one before, rounded up, down to two by two. */
KERNEL void run_on(float *values, float *weight, int64_t rows, int64_t columns, int64_t channels,
                   float *levels) {
    Level level[MOST_LEVELS];
    int64_t count = 0;
    level[0] = (Level){values, weight, rows, columns};
    for (; (rows > 2 || columns > 2) && count + 1 < MOST_LEVELS; count++) {
        rows = (rows + 1) / 2, columns = (columns + 1) / 2;
        level[count + 1] = (Level){levels, levels + rows * columns * channels, rows, columns};
        levels += rows * columns * (channels + 1);
        KNOWING_CHANNELS(pull, level[count], level[count + 1])
    }
    Level last = level[count];
    for (int64_t channel = 0; channel < channels; channel++) {
        float total = 0, sum = 0;
        for (int64_t place = 0; place < rows * columns; place++)
            total += last.weight[place], sum += last.values[place * channels + channel];
        for (int64_t place = 0; place < rows * columns; place++)
            last.values[place * channels + channel] +=
                (1 - last.weight[place]) * sum / larger(total, LEAST);
    }
    while (count--) KNOWING_CHANNELS(push, level[count + 1], level[count])
}
