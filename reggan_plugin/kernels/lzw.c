/* LZW as TIFF stores it. Source: TIFF, revision 6.0, section 13. */
#include "kernels.h"

enum { CLEAR = 256, END = 257, FIRST = 258, MOST = 4096, SHORTEST = 9, LONGEST = 12 };

/* Whether all codes of a stream name what its table has by then: a decoder may read anything else. */
KERNEL void look_at_lzw(const uint8_t *stream, int64_t bytes, int64_t *is_sound) {
    uint32_t bits = 0;
    int held = 0, width = SHORTEST, next = FIRST, is_first = 1;
    *is_sound = 0;
    for (int64_t place = 0; place < bytes; place++) {
        bits = bits << 8 | stream[place];
        held += 8;
        if (held < width) continue;
        held -= width;
        const int code = (int)(bits >> held & ((1u << width) - 1));
        if (code == END) break;
        if (code == CLEAR) {
            width = SHORTEST, next = FIRST, is_first = 1;
            continue;
        }
        if (is_first ? code > CLEAR : code > next || next >= MOST) return;
        next += !is_first;
        is_first = 0;
        if (next == (1 << width) - 1 && width < LONGEST) width++;
    }
    *is_sound = 1;
}
