/* Pixels laid over what runs on beneath them. Values are [rows][columns][3]. */
#include "kernels.h"

static inline int is_finite(float value) { return value - value == 0; }

/* How far each pixel counts: none that is no number; by its alpha (null: in full) from `unsure` up,
   in full `span` above it; less what is `hidden` (null: nothing). `few` is set to 1 where one does not
   count in full. Rows of values lie `step` floats apart, those of alpha `alpha_step`. */
KERNEL void sureness(const float *values, int64_t step, const float *alpha, int64_t alpha_step,
                     const float *hidden, int64_t rows, int64_t columns, float unsure, float span,
                     float *restrict share, uint8_t *restrict few) {
    int any = 0;
    for (int64_t row = 0; row < rows; row++, share += columns) {
        const float *value = values + row * step, *cover = alpha ? alpha + row * alpha_step : 0;
        for (int64_t x = 0; x < columns; x++, value += 3) {
            float own = is_finite(value[0]) & is_finite(value[1]) & is_finite(value[2]);
            if (cover) { /* infinity is all, what is no number none */
                float known = is_finite(cover[x]) ? cover[x] : cover[x] > 0;
                own *= larger(0, smaller(1, (known - unsure) / span));
            }
            if (hidden) own *= 1 - hidden[row * columns + x];
            share[x] = own;
            any |= own < 1;
        }
    }
    *few = (uint8_t)any;
}

/* Lays values over `colours` [height][width][3], in place, by their share. A colour is the average
   of a block of `factor` pixels, of which the first begins `top` rows above the values and `left`
   columns beside them; between the middles of blocks it lies on straight lines. */
KERNEL void lay_over(float *restrict values, const float *share, int64_t rows, int64_t columns,
                     const float *colours, int64_t height, int64_t width, int64_t top,
                     int64_t left, int64_t factor) {
    const int64_t right = width > 1 ? 3 : 0, below = height > 1 ? 3 * width : 0;
    for (int64_t row = 0; row < rows; row++) {
        double y = ((double)(row + top) + 0.5) / (double)factor - 0.5;
        y = y > 0 ? (y < (double)(height - 1) ? y : (double)(height - 1)) : 0;
        int64_t up = within((int64_t)y, height > 1 ? height - 1 : 1);
        float v = (float)(y - (double)up);
        for (int64_t column = 0; column < columns; column++, values += 3, share++) {
            if (!(*share < 1)) continue;
            double x = ((double)(column + left) + 0.5) / (double)factor - 0.5;
            x = x > 0 ? (x < (double)(width - 1) ? x : (double)(width - 1)) : 0;
            int64_t beside = within((int64_t)x, width > 1 ? width - 1 : 1);
            float u = (float)(x - (double)beside);
            const float *first = colours + 3 * (up * width + beside);
            for (int channel = 0; channel < 3; channel++, first++) {
                const float *second = first + below;
                float upper = first[0] * (1 - u) + first[right] * u;
                float lower = second[0] * (1 - u) + second[right] * u;
                float beneath = upper * (1 - v) + lower * v;
                float own = is_finite(values[channel]) ? values[channel] : 0;
                values[channel] = (own - beneath) * *share + beneath;
            }
        }
    }
}

/* Average what is known of colours over blocks of `factor` pixels: where all three are finite, as far
   as alpha shows them (null: in full) and nothing hides them (null). `colours` [rows][columns][3] of the
   blocks and `weights` [rows][columns], 0 at first, take the colours times their weight and the weight.
   Rows of pixels lie `step` floats apart, those of alpha `alpha_step`. */
KERNEL void average_blocks(const float *pixels, int64_t step, const float *alpha, int64_t alpha_step,
                           const float *hidden, int64_t height, int64_t width, int64_t premultiplied,
                           int64_t factor, int64_t rows, int64_t columns, float *restrict colours,
                           float *restrict weights) {
    for (int64_t row = 0; row < height; row++) {
        int64_t into = within(row / factor, rows) * columns, left = factor;
        const float *pixel = pixels + row * step;
        for (int64_t x = 0, block = 0; x < width; x++, left--, pixel += 3) {
            if (left == 0) left = factor, block = within(block + 1, columns);
            if (!(is_finite(pixel[0]) & is_finite(pixel[1]) & is_finite(pixel[2]))) continue;
            float weight = 1, shown = hidden ? 1 - hidden[row * width + x] : 1;
            if (alpha) {
                float own = alpha[row * alpha_step + x];
                weight = is_finite(own) ? larger(0, smaller(1, own)) : 0;
            }
            if (!(weight > 0)) continue;
            float share = premultiplied ? shown : shown * weight, *sum = colours + 3 * (into + block);
            for (int channel = 0; channel < 3; channel++)
                sum[channel] += pixel[channel] * share;
            weights[into + block] += weight * shown;
        }
    }
    for (int64_t row = 0; row < rows; row++) {
        int64_t down = row + 1 < rows ? factor : height - row * factor;
        for (int64_t block = 0; block < columns; block++, colours += 3, weights++) {
            int64_t across = block + 1 < columns ? factor : width - block * factor;
            float share = 1 / (float)(down * across);
            for (int channel = 0; channel < 3; channel++) colours[channel] *= share;
            *weights *= share;
        }
    }
}

/* Go from `count` pixels along `lines` lines of `most` steps, each so many rows and columns away from
   the pixel, while the state of a place is 1 (open). Where it is 2 (known) the line ends; else, and
   outside of the picture, its end is -1 and its steps are all. */
KERNEL void line_ends(const uint8_t *state, int64_t rows, int64_t columns, const int64_t *own,
                      int64_t count, const int64_t (*ways)[2], int64_t lines, int64_t most,
                      int64_t *restrict ends, float *restrict steps) {
    for (int64_t line = 0; line < lines; line++, ways += most) {
        for (int64_t i = 0; i < count; i++, ends++, steps++) {
            const int64_t top = own[i] / columns, left = own[i] % columns;
            *ends = -1, *steps = (float)most;
            for (int64_t step = 0; step < most; step++) {
                const int64_t row = top + ways[step][0], column = left + ways[step][1];
                if (row < 0 || row >= rows || column < 0 || column >= columns) break;
                const uint8_t found = state[row * columns + column];
                if (found == 2) *ends = row * columns + column, *steps = (float)(step + 1);
                if (found != 1) break;
            }
        }
    }
}
