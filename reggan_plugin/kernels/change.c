/* How much of a change each pixel takes. */
#include "kernels.h"

enum { AT_ONCE = 512 }; /* values that a processor keeps at hand from one step to the next */

/* 0 up to 0, 1 from 1 on, without a kink between. */
static inline float smooth_step(float value) {
    float inside = larger(0, smaller(1, value));
    return inside * inside * (inside * -2 + 3);
}

/* 0 where a pixel lies less than `begins` within a square's border or outside of it, 1 from `begins`
   and `over` on, smooth between. `across` [2][columns] and `down` [2][rows] add up to where a pixel
   lies in the square, whose sides are 1. */
KERNEL void inside_border(const float *across, const float *down, int64_t rows, int64_t columns,
                          float begins, float over, float *restrict share) {
    for (int64_t row = 0; row < rows; row++, share += columns) {
        for (int64_t column = 0; column < columns; column++) {
            float x = across[column] + down[row];
            float y = across[columns + column] + down[rows + row];
            float nearest = smaller(smaller(x, 1 - x), smaller(y, 1 - y));
            share[column] = smooth_step((nearest - begins) / over);
        }
    }
}

/* Lay colours [count][3] over others, in place, by a share [count]. */
KERNEL void blend(float *restrict values, const float *over, const float *share, int64_t count) {
    for (int64_t i = 0; i < count; i++, values += 3, over += 3)
        for (int k = 0; k < 3; k++) values[k] += share[i] * (over[k] - values[k]);
}

/* Weigh a change: 0 up to a part (`least`) of what counts in full, 1 from there on. Displacement
   [2][count], light [lights][count] and cover [count] are each a part of `per_...` of that; they are
   multiplied, in place, by the weight and by what each pixel takes. */
KERNEL void weigh_change(float *displacement, float *light, int64_t lights, float *cover,
                         const float *takes, int64_t count, float per_displacement, float per_light,
                         float per_cover, float least, float *restrict weight) {
    float share[AT_ONCE];
    for (int64_t first = 0; first < count; first += AT_ONCE) {
        const int64_t some = count - first < AT_ONCE ? count - first : AT_ONCE;
        float *right = displacement + first, *below = right + count, *covers = cover + first;
        for (int64_t i = 0; i < some; i++) {
            float covered = covers[i] < 0 ? -covers[i] : covers[i];
            float moved = __builtin_sqrtf(right[i] * right[i] + below[i] * below[i]);
            share[i] = larger(moved * per_displacement, covered * per_cover);
        }
        for (int64_t k = 0; k < lights; k++) {
            const float *own = light + k * count + first;
            for (int64_t i = 0; i < some; i++)
                share[i] = larger((own[i] < 0 ? -own[i] : own[i]) * per_light, share[i]);
        }
        for (int64_t i = 0; i < some; i++) {
            float own = smooth_step((share[i] * takes[first + i] - least) / (1 - least));
            weight[first + i] = own;
            share[i] = own * takes[first + i];
        }
        for (int64_t i = 0; i < some; i++) right[i] *= share[i];
        for (int64_t i = 0; i < some; i++) below[i] *= share[i];
        for (int64_t i = 0; i < some; i++) covers[i] *= share[i];
        for (int64_t k = 0; k < lights; k++)
            for (int64_t i = 0; i < some; i++) light[k * count + first + i] *= share[i];
    }
}

/* Put `count` new values [count][3] in their places among pixels [][3] of which `index` tells each one's:
   none that is no number, and as far as nothing stands before it (`front`, null: nothing). The weights
   there become those of the change (`weigh`), likewise. */
KERNEL void put_in_place(const float *values, const int64_t *index, int64_t count, const float *front,
                         const float *weigh, float *restrict pixels, float *restrict weights) {
    for (int64_t i = 0; i < count; i++, values += 3) {
        const int64_t place = index[i];
        const float none = 0 * values[0] + 0 * values[1] + 0 * values[2];
        float *own = pixels + 3 * place;
        if (!(none == 0)) continue;
        for (int k = 0; k < 3; k++)
            own[k] = front ? front[place] * (own[k] - values[k]) + values[k] : values[k];
        weights[place] = front ? weigh[place] * (1 - front[place]) : weigh[place];
    }
}
