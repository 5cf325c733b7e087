/* Sums of distances from points to anchors, as a smooth map through the anchors needs them. */
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
