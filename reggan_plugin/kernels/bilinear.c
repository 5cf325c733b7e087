/* Values of a picture at places between its pixels, in straight lines. A picture is
   [height][width][channels]; beyond its border the edge goes on. */
#include "kernels.h"

#define BETWEEN(PLACE, LAST) ((PLACE) > 0 ? ((PLACE) < (LAST) ? (PLACE) : (LAST)) : 0)

/* `places` are x and y in turn; `matrix` [2][3] (null: none) leads from them to the picture, where
   the first pixel's centre lies at `centre`. */
#define SAMPLE_BILINEAR(NAME, NUMBER)                                                              \
    KERNEL void NAME(const float *picture, int64_t height, int64_t width, int64_t channels,        \
                     const NUMBER *places, const NUMBER *matrix, float centre, int64_t count,      \
                     float *restrict result) {                                                     \
        const int64_t right = width > 1 ? channels : 0, below = height > 1 ? width * channels : 0; \
        for (int64_t place = 0; place < count; place++, places += 2) {                             \
            NUMBER x = places[0], y = places[1];                                                   \
            if (matrix) {                                                                          \
                x = places[0] * matrix[0] + places[1] * matrix[1] + matrix[2];                     \
                y = places[0] * matrix[3] + places[1] * matrix[4] + matrix[5];                     \
            }                                                                                      \
            x -= (NUMBER)centre, y -= (NUMBER)centre;                                              \
            NUMBER column = BETWEEN(x, (NUMBER)(width - 1));                                       \
            NUMBER row = BETWEEN(y, (NUMBER)(height - 1));                                         \
            int64_t left = within((int64_t)column, width > 1 ? width - 1 : 1);                     \
            int64_t top = within((int64_t)row, height > 1 ? height - 1 : 1);                       \
            float u = (float)(column - (NUMBER)left), v = (float)(row - (NUMBER)top);              \
            if (x != x || y != y) u = v = (float)(x + y); /* no number is read as none */          \
            const float *first = picture + (top * width + left) * channels;                        \
            const float *second = first + below;                                                   \
            for (int64_t channel = 0; channel < channels; channel++) {                             \
                float upper = first[channel] * (1 - u) + first[channel + right] * u;               \
                float lower = second[channel] * (1 - u) + second[channel + right] * u;             \
                *result++ = upper * (1 - v) + lower * v;                                           \
            }                                                                                      \
        }                                                                                          \
    }

SAMPLE_BILINEAR(sample_bilinear_floats, float)
SAMPLE_BILINEAR(sample_bilinear_doubles, double)
