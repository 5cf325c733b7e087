/* Outlines as shares of pixels, and lines as smooth bands. */
#include "kernels.h"

enum { ROWS_OF_PIXEL = 4, MOST_CUTS = 128 };

static inline double lesser(double a, double b) { return a < b ? a : b; }
static inline double greater(double a, double b) { return a > b ? a : b; }
static inline int64_t clipped(double place, int64_t length) {
    return (int64_t)lesser(greater(place, 0), (double)length);
}

/* Fill a closed outline by the even-odd rule: the share of each pixel of a plane of 0. Along a row
   shares are exact; down a pixel they are the mean of four rows. */
KERNEL void fill_outline(const double *corners, int64_t count, int64_t rows, int64_t columns,
                         float *plane) {
    double top = (double)rows, bottom = 0, cuts[MOST_CUTS];
    for (int64_t corner = 0; corner < count; corner++) {
        top = lesser(top, corners[2 * corner + 1]);
        bottom = greater(bottom, corners[2 * corner + 1]);
    }
    for (int64_t part = 0; part < ROWS_OF_PIXEL * rows; part++) {
        double y = ((double)part + 0.5) / ROWS_OF_PIXEL;
        if (y < top || y > bottom) continue;
        int64_t found = 0;
        for (int64_t corner = 0; corner < count && found < MOST_CUTS; corner++) {
            const double *one = corners + 2 * corner;
            const double *other = corners + 2 * (corner + 1 < count ? corner + 1 : 0);
            if ((one[1] <= y) == (other[1] <= y)) continue;
            double x = one[0] + (y - one[1]) / (other[1] - one[1]) * (other[0] - one[0]);
            int64_t place = found++;
            for (; place && cuts[place - 1] > x; place--) cuts[place] = cuts[place - 1];
            cuts[place] = x;
        }
        float *row = plane + part / ROWS_OF_PIXEL * columns;
        for (int64_t cut = 0; cut + 1 < found; cut += 2) {
            double left = cuts[cut], right = cuts[cut + 1];
            for (int64_t x = clipped(left, columns); x < columns && (double)x < right; x++) {
                double inside = lesser(right, (double)x + 1) - greater(left, (double)x);
                row[x] = smaller(row[x] + (float)(inside / ROWS_OF_PIXEL), 1);
            }
        }
    }
}

/* Draw a line: 1 within a half of its half width, 0 from one and a half on. */
KERNEL void draw_line(const double *places, int64_t count, float half_width, int64_t rows,
                      int64_t columns, float *restrict plane) {
    const float reach = 1.5f * half_width;
    for (int64_t pixel = 0; pixel < rows * columns; pixel++)
        plane[pixel] = reach * reach; /* squares of distances, at first */
    for (int64_t place = 0; place + 1 < count; place++, places += 2) {
        int64_t left = clipped(lesser(places[0], places[2]) - reach, columns);
        int64_t right = clipped(greater(places[0], places[2]) + reach + 1, columns);
        int64_t top = clipped(lesser(places[1], places[3]) - reach, rows);
        int64_t bottom = clipped(greater(places[1], places[3]) + reach + 1, rows);
        float x = (float)(places[2] - places[0]), y = (float)(places[3] - places[1]);
        float square = x * x + y * y, share = square > 0 ? 1 / square : 0;
        float first_x = (float)(0.5 - places[0]);
        for (int64_t row = top; row < bottom; row++) {
            float *line = plane + row * columns, down = (float)((double)row + 0.5 - places[1]);
            for (int64_t column = left; column < right; column++) {
                float across = (float)(int32_t)column + first_x;
                float along = smaller(larger((across * x + down * y) * share, 0), 1);
                float beside = across - along * x, beyond = down - along * y;
                line[column] = smaller(beside * beside + beyond * beyond, line[column]);
            }
        }
    }
    for (int64_t pixel = 0; pixel < rows * columns; pixel++) {
        float share = 1.5f - __builtin_sqrtf(plane[pixel]) / half_width;
        share = smaller(larger(share, 0), 1);
        plane[pixel] = share * share * (3 - 2 * share);
    }
}
