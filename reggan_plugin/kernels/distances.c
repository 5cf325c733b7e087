/* Sums of distances from points to anchors, as a smooth map through the anchors needs them, and the
   equations that tell their weights. */
#include "kernels.h"

enum { TOGETHER = 16, MOST_CHANNELS = 4 };

/* Add up, for each point, the weights of all anchors times the root of the square of their distance
   plus `soft`. */
KERNEL void sum_distances(const float *points, int64_t count, const float *anchors,
                          int64_t anchor_count, const float *weights, int64_t channels, float soft,
                          float *result) {
    for (int64_t first = 0; first < count; first += TOGETHER) {
        float x[TOGETHER], y[TOGETHER], z[TOGETHER], away[TOGETHER];
        float sums[MOST_CHANNELS][TOGETHER];
        for (int64_t k = 0; k < TOGETHER; k++) {
            const float *point = points + 3 * within(first + k, count);
            x[k] = point[0], y[k] = point[1], z[k] = point[2];
            for (int channel = 0; channel < MOST_CHANNELS; channel++) sums[channel][k] = 0;
        }
        for (int64_t anchor = 0; anchor < anchor_count; anchor++) {
            const float *at = anchors + 3 * anchor;
            for (int64_t k = 0; k < TOGETHER; k++) {
                float across = x[k] - at[0], down = y[k] - at[1], deep = z[k] - at[2];
                away[k] = __builtin_sqrtf(across * across + down * down + deep * deep + soft);
            }
            for (int64_t channel = 0; channel < channels && channel < MOST_CHANNELS; channel++)
                for (int64_t k = 0; k < TOGETHER; k++)
                    sums[channel][k] += weights[anchor * channels + channel] * away[k];
        }
        for (int64_t k = 0; k < TOGETHER && first + k < count; k++)
            for (int64_t channel = 0; channel < channels && channel < MOST_CHANNELS; channel++)
                result[(first + k) * channels + channel] = sums[channel][k];
    }
}

/* Solve `count` equations: each is `wide` numbers, those it is solved for and then right sides, which
   become the solutions. By elimination, with the largest number of a column first. Where they have no
   one solution it is no finite number. */
KERNEL void solve_equations(double *equations, int64_t count, int64_t wide) {
    for (int64_t step = 0; step < count; step++) {
        double *own = equations + step * wide, *pivot = own;
        for (int64_t row = step + 1; row < count; row++) {
            double *other = equations + row * wide;
            if (other[step] * other[step] > pivot[step] * pivot[step]) pivot = other;
        }
        for (int64_t x = step; x < wide && pivot != own; x++) {
            double kept = own[x];
            own[x] = pivot[x], pivot[x] = kept;
        }
        for (int64_t row = step + 1; row < count; row++) {
            double *restrict other = equations + row * wide, share = other[step] / own[step];
            for (int64_t x = step + 1; x < wide; x++) other[x] -= share * own[x];
        }
    }
    for (int64_t side = count; side < wide; side++)
        for (int64_t row = count - 1; row >= 0; row--) {
            double *own = equations + row * wide, left = own[side];
            for (int64_t x = row + 1; x < count; x++) left -= own[x] * equations[x * wide + side];
            own[side] = left / own[row];
        }
}
