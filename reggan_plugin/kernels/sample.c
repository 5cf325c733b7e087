/* Values of a picture at places between its pixels. A picture is [height][width][channels]; beyond
   its border the edge goes on. */
#include "kernels.h"

enum { TAPS = 4, LANES = 4, PHASES = 1024 };

/* The pixels around a place along one axis: the first of four, and the row of the table of weights
   that belongs to where it lies between them. */
typedef struct {
    int64_t first, phase;
} Around;

static inline Around around(double place) {
    int64_t steps = (int64_t)__builtin_rint(holdable(place) * PHASES);
    return (Around){.first = (steps >> 10) - 1, .phase = steps & (PHASES - 1)};
}

/* Weigh four rows of four taps, which lie `step` floats apart, in four lanes at once (channels, or
   what lies beside them, which nobody looks at). The sum leaves the range of the taps by no more
   than a part of it (`overshoot`), and no further below than a part of what is darkest there. */
static inline void weigh(const float *const rows[TAPS], int64_t step, const float *across,
                         const float *down, float overshoot, float sum[LANES]) {
    float low[LANES], high[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        low[lane] = high[lane] = rows[0][lane];
        sum[lane] = 0;
    }
    for (int row = 0; row < TAPS; row++) {
        float along[LANES] = {0, 0, 0, 0};
        for (int tap = 0; tap < TAPS; tap++) {
            for (int lane = 0; lane < LANES; lane++) {
                float value = rows[row][tap * step + lane];
                low[lane] = smaller(value, low[lane]);
                high[lane] = larger(value, high[lane]);
                along[lane] += value * across[tap];
            }
        }
        for (int lane = 0; lane < LANES; lane++) sum[lane] += along[lane] * down[row];
    }
    for (int lane = 0; lane < LANES; lane++) {
        float span = high[lane] - low[lane];
        float least = low[lane] - overshoot * smaller(span, larger(low[lane], 0));
        float most = high[lane] + overshoot * smaller(span, 1);
        sum[lane] = smaller(larger(sum[lane], least), most);
    }
}

/* Sample with a cubic kernel: 4 by 4 pixels around each place, whose weights along an axis are a
   row of `weights`, one for each step of 1/1024 pixel. */
KERNEL void sample_cubic(const float *picture, int64_t height, int64_t width, int64_t channels,
                         const float (*weights)[TAPS], float overshoot, const double *x,
                         const double *y, int64_t places, float *result) {
    const int64_t row = width * channels, size = height * row;
    for (int64_t place = 0; place < places; place++, result += channels) {
        Around column = around(x[place]), line = around(y[place]);
        const float *across = weights[column.phase], *down = weights[line.phase];
        int64_t corner = line.first * row + column.first * channels;
        int64_t last = corner + (TAPS - 1) * (row + channels); /* the last tap's first channel */
        int is_inside = column.first >= 0 && column.first + TAPS <= width && line.first >= 0 &&
                        line.first + TAPS <= height;
        for (int64_t channel = 0; channel < channels; channel += LANES) {
            int64_t lanes = channels - channel < LANES ? channels - channel : LANES;
            float copy[TAPS][TAPS][LANES], sum[LANES];
            const float *rows[TAPS];
            int64_t step = channels;
            if (is_inside && last + channel + LANES <= size) {
                for (int i = 0; i < TAPS; i++) rows[i] = picture + corner + i * row + channel;
            } else { /* at the border: copies of the taps, those outside moved onto the edge */
                for (int i = 0; i < TAPS; i++) {
                    const float *from = picture + within(line.first + i, height) * row + channel;
                    for (int j = 0; j < TAPS; j++) {
                        const float *tap = from + within(column.first + j, width) * channels;
                        for (int k = 0; k < LANES; k++) copy[i][j][k] = tap[k < lanes ? k : 0];
                    }
                    rows[i] = copy[i][0];
                }
                step = LANES;
            }
            weigh(rows, step, across, down, overshoot, sum);
            for (int64_t k = 0; k < lanes; k++) result[channel + k] = sum[k];
        }
    }
}
