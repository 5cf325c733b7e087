/* Stored pixels as a display shows them, and the curve of sRGB, which goes on beyond [0, 1] and is odd
   for negative values (IEC 61966-2-1 and its Amendment 1). */
#include "kernels.h"

enum { TOGETHER = 16, TERMS = 6, CELLS = 1024, STEP = 21 };

/* A power of numbers above 0, in cells of a quarter of an octave: the middle of each, one by it and
   its power; and the series of (1 + t)^power, |t| <= 1/9, shared by all. */
typedef struct {
    float cells[CELLS][4];
    float series[TERMS];
} Power;

typedef struct {
    float line, slope, scale, offset; /* straight up to the line, then scale * power - offset */
} Curve;

static const Curve ENCODED = {0.0031308f, 12.92f, 1.055f, 0.055f};

static inline int is_finite(float value) { return value - value == 0; }
static inline float size_of(float value) { return value < 0 ? -value : value; }
static inline uint32_t bits_of(float value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline float float_of(uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

/* Raise `TOGETHER` numbers, in place; what is no number or not above 0 gives anything. */
static inline void raise(const Power *power, float *restrict numbers) {
    float t[TOGETHER], own[TOGETHER];
    for (int k = 0; k < TOGETHER; k++) {
        const float *cell = power->cells[(bits_of(numbers[k]) >> STEP) & (CELLS - 1)];
        t[k] = (numbers[k] - cell[0]) * cell[1], own[k] = cell[2];
    }
    for (int k = 0; k < TOGETHER; k++) {
        float sum = power->series[TERMS - 1];
        for (int term = TERMS - 2; term >= 0; term--) sum = sum * t[k] + power->series[term];
        numbers[k] = sum * own[k];
    }
}

/* Encode `TOGETHER` linear values, in place. */
static inline void encode(const Power *power, float *restrict values) {
    float curved[TOGETHER], most = 0;
    for (int k = 0; k < TOGETHER; k++) curved[k] = size_of(values[k]);
    for (int k = 0; k < TOGETHER; k++) most = larger(most, curved[k]);
    if (most > ENCODED.line) raise(power, curved); /* black backdrops are wide */
    for (int k = 0; k < TOGETHER; k++) {
        float size = size_of(values[k]);
        float encoded = ENCODED.scale * curved[k] - ENCODED.offset;
        encoded = size <= ENCODED.line ? size * ENCODED.slope : encoded;
        encoded = is_finite(size) ? encoded : size;
        values[k] = values[k] < 0 ? -encoded : encoded;
    }
}

/* Decode `TOGETHER` encoded values, in place. */
static inline void decode(const Power *power, float *restrict values) {
    float curved[TOGETHER];
    for (int k = 0; k < TOGETHER; k++) curved[k] = (size_of(values[k]) + 0.055f) / 1.055f;
    raise(power, curved);
    for (int k = 0; k < TOGETHER; k++) {
        float size = size_of(values[k]);
        float linear = size <= 0.04045f ? size / 12.92f : curved[k];
        linear = is_finite(size) ? linear : size;
        values[k] = values[k] < 0 ? -linear : linear;
    }
}

/* Read `TOGETHER` of `count` values, `step` apart; beyond the last one it comes again. */
static inline void read(const float *from, int64_t first, int64_t count, int64_t step, float *to) {
    if (first + TOGETHER <= count)
        for (int64_t k = 0; k < TOGETHER; k++) to[k] = from[(first + k) * step];
    else
        for (int64_t k = 0; k < TOGETHER; k++) to[k] = from[within(first + k, count) * step];
}

static inline void write(const float *values, int64_t first, int64_t count, float *restrict to) {
    if (first + TOGETHER <= count)
        for (int64_t k = 0; k < TOGETHER; k++) to[first + k] = values[k];
    else
        for (int64_t k = 0; first + k < count; k++) to[first + k] = values[k];
}

/* Put `count` values through the curve, or back. */
KERNEL void srgb_curve(const float *from, int64_t count, const Power *power, int64_t is_back,
                       float *restrict to) {
    for (int64_t first = 0; first < count; first += TOGETHER) {
        float some[TOGETHER];
        read(from, first, count, 1, some);
        if (is_back) decode(power, some);
        else encode(power, some);
        write(some, first, count, to);
    }
}

/* Say whether all values lie in [0, 1], in rows of `count` that are `step` floats apart. */
KERNEL void lie_within(const float *values, int64_t step, int64_t rows, int64_t count, int64_t *answer) {
    *answer = 0;
    for (int64_t row = 0; row < rows; row++, values += step) {
        int beyond = 0;
        for (int64_t i = 0; i < count; i++) beyond |= !((values[i] >= 0) & (values[i] <= 1));
        if (beyond) return;
    }
    *answer = 1;
}

/* By what stored colours are divided. */
static inline float divisor(float alpha) { return is_finite(alpha) && alpha > 0 ? alpha : 1; }

/* The display image of stored pixels: divided by alpha (null: not), times `gain`, encoded (without
   a power: neither). Rows of pixels lie `step` floats apart, those of alpha `alpha_step`. */
KERNEL void display_pixels(const float *pixels, int64_t step, const float *alpha, int64_t alpha_step,
                           int64_t rows, int64_t columns, float gain, const Power *power,
                           float *restrict to) {
    const int64_t count = 3 * columns;
    for (int64_t row = 0; row < rows; row++, pixels += step, to += count) {
        for (int64_t x = 0; x < columns; x++) {
            float own = alpha ? divisor(alpha[row * alpha_step + x]) : 1;
            for (int channel = 0; channel < 3; channel++)
                to[3 * x + channel] = pixels[3 * x + channel] / own;
        }
        for (int64_t first = 0; power && first < count; first += TOGETHER) {
            float some[TOGETHER];
            read(to, first, count, 1, some);
            for (int k = 0; k < TOGETHER; k++) some[k] *= gain;
            encode(power, some);
            write(some, first, count, to);
        }
    }
}

/* A number for each pixel: its colours, divided by alpha (null: not), times `gain`, encoded (without
   a power: not), held in [0, 1] if that is asked for, then weighed. */
KERNEL void tones(const float *pixels, int64_t step, const float *alpha, int64_t alpha_step,
                  int64_t rows, int64_t columns, float gain, const Power *power, int64_t is_held,
                  const float *weights, float *restrict to) {
    const int is_plain = !alpha && gain == 1 && !power && is_held;
    for (int64_t row = 0; row < rows; row++, pixels += step, to += columns) {
        for (int64_t x = 0; is_plain && x < columns; x++) {
            float tone = 0;
            for (int channel = 0; channel < 3; channel++)
                tone += smaller(larger(pixels[3 * x + channel], 0), 1) * weights[channel];
            to[x] = tone;
        }
        for (int64_t first = 0; !is_plain && first < columns; first += TOGETHER) {
            float colours[3][TOGETHER], own[TOGETHER];
            for (int k = 0; k < TOGETHER; k++) own[k] = 1;
            if (alpha) read(alpha + row * alpha_step, first, columns, 1, own);
            for (int k = 0; k < TOGETHER; k++) own[k] = divisor(own[k]);
            for (int channel = 0; channel < 3; channel++) {
                float *colour = colours[channel];
                read(pixels + channel, first, columns, 3, colour);
                for (int k = 0; k < TOGETHER; k++) colour[k] = colour[k] / own[k] * gain;
                if (power) encode(power, colour);
                for (int k = 0; is_held && k < TOGETHER; k++)
                    colour[k] = smaller(larger(colour[k], 0), 1);
            }
            for (int k = 0; k < TOGETHER; k++)
                own[k] = colours[0][k] * weights[0] + colours[1][k] * weights[1] +
                         colours[2][k] * weights[2];
            write(own, first, columns, to);
        }
    }
}

/* Change the light of `count` pixels, in place, in linear light, and lay paint over them. Each has its
   place among `size` ones in `index`. There `gains` [channels][size] are the factors on light, of one
   channel for all or three; `cover` says how far `paint` [size][3] covers (null: nothing), which is
   encoded and of `exposure` as light. Pixels are encoded, too, or linear (without `encoded`); where
   neither light nor paint changes one, it keeps its bits. */
KERNEL void relight(float *restrict values, const int64_t *index, int64_t count, int64_t size,
                    const float *gains, int64_t channels, const float *cover, const float *paint,
                    float exposure, const Power *encoded, const Power *decoded) {
    for (int64_t first = 0; first < count; first += TOGETHER) {
        float light[3][TOGETHER], gain[3][TOGETHER], shade[TOGETHER], covers = 0, changes = 0;
        int64_t place[TOGETHER], some = count - first < TOGETHER ? count - first : TOGETHER;
        float *own = values + 3 * first;
        for (int64_t k = 0; k < TOGETHER; k++) {
            int64_t pixel = k < some ? k : some - 1;
            place[k] = within(index[first + pixel], size);
            shade[k] = cover ? cover[place[k]] : 0;
            covers = larger(covers, shade[k]);
            for (int64_t channel = 0; channel < 3; channel++) {
                light[channel][k] = own[3 * pixel + channel];
                gain[channel][k] = gains[(channel < channels ? channel : 0) * size + place[k]];
                changes = larger(changes, size_of(gain[channel][k] - 1));
            }
        }
        if (!(covers > 0) && !(changes > 0)) continue;
        for (int channel = 0; channel < 3; channel++) {
            float *colour = light[channel], paints[TOGETHER];
            if (encoded) decode(decoded, colour);
            for (int k = 0; k < TOGETHER; k++) colour[k] *= gain[channel][k];
            if (covers > 0) {
                for (int k = 0; k < TOGETHER; k++) paints[k] = paint[3 * place[k] + channel];
                decode(decoded, paints);
                for (int k = 0; k < TOGETHER; k++)
                    colour[k] += shade[k] * (paints[k] * exposure - colour[k]);
            }
            if (encoded) encode(encoded, colour);
        }
        for (int64_t k = 0; k < some; k++) {
            if (!(shade[k] > 0) && gain[0][k] == 1 && gain[1][k] == 1 && gain[2][k] == 1) continue;
            for (int channel = 0; channel < 3; channel++) own[3 * k + channel] = light[channel][k];
        }
    }
}

/* Make floats of halves, exactly, three channels side by side. */
KERNEL void floats_from_halves(const uint16_t *red, const uint16_t *green, const uint16_t *blue,
                               int64_t count, float *restrict to) {
    const uint16_t *channels[3] = {red, green, blue};
    const uint32_t infinite = 0x7c00u << 13, unit = 1u << 23;
    for (int64_t first = 0; first < count; first += TOGETHER) {
        float values[3][TOGETHER];
        for (int channel = 0; channel < 3; channel++) {
            uint16_t last[TOGETHER];
            const uint16_t *from = channels[channel] + first;
            if (first + TOGETHER > count) {
                for (int64_t k = 0; k < TOGETHER; k++) last[k] = from[within(k, count - first)];
                from = last;
            }
            for (int k = 0; k < TOGETHER; k++) {
                uint32_t size = (from[k] & 0x7fffu) << 13, exponent = size & infinite;
                uint32_t bits = size + (112u << 23) + (exponent == infinite ? 112u << 23 : 0);
                float tiny = float_of(size + (112u << 23) + unit) - 0x1p-14f;
                bits = (exponent ? bits : bits_of(tiny)) | (from[k] & 0x8000u) << 16;
                values[channel][k] = float_of(bits);
            }
        }
        int64_t some = count - first < TOGETHER ? count - first : TOGETHER;
        for (int64_t k = 0; k < some; k++)
            for (int channel = 0; channel < 3; channel++)
                to[3 * (first + k) + channel] = values[channel][k];
    }
}
