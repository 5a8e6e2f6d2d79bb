/* draw_text.h - number plates and captions of block letters, for tests of detectors: any size, any place between pixels, soft
 * edges. */
#ifndef ZT_TESTS_DRAW_TEXT_H
#define ZT_TESTS_DRAW_TEXT_H
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { GLYPH_W = 5, GLYPH_H = 7 };

/* Rows of a letter or digit, the highest of 5 bits is on the left. */
static inline const uint8_t *glyph(char c) {
    static const uint8_t LETTER[26][GLYPH_H] = {
        {14, 17, 17, 31, 17, 17, 17}, {30, 17, 17, 30, 17, 17, 30}, {14, 17, 16, 16, 16, 17, 14}, {30, 17, 17, 17, 17, 17, 30},
        {31, 16, 16, 30, 16, 16, 31}, {31, 16, 16, 30, 16, 16, 16}, {14, 17, 16, 23, 17, 17, 14}, {17, 17, 17, 31, 17, 17, 17},
        {14, 4, 4, 4, 4, 4, 14},      {7, 2, 2, 2, 2, 18, 12},      {17, 18, 20, 24, 20, 18, 17}, {16, 16, 16, 16, 16, 16, 31},
        {17, 27, 21, 21, 17, 17, 17}, {17, 25, 21, 19, 17, 17, 17}, {14, 17, 17, 17, 17, 17, 14}, {30, 17, 17, 30, 16, 16, 16},
        {14, 17, 17, 17, 21, 18, 13}, {30, 17, 17, 30, 20, 18, 17}, {15, 16, 16, 14, 1, 1, 30},   {31, 4, 4, 4, 4, 4, 4},
        {17, 17, 17, 17, 17, 17, 14}, {17, 17, 17, 17, 17, 10, 4},  {17, 17, 17, 21, 21, 27, 17}, {17, 17, 10, 4, 10, 17, 17},
        {17, 17, 10, 4, 4, 4, 4},     {31, 1, 2, 4, 8, 16, 31}};
    static const uint8_t DIGIT[10][GLYPH_H] = {
        {14, 17, 19, 21, 25, 17, 14}, {4, 12, 4, 4, 4, 4, 14}, {14, 17, 1, 6, 8, 16, 31},  {14, 17, 1, 6, 1, 17, 14},
        {2, 6, 10, 18, 31, 2, 2},     {31, 16, 30, 1, 1, 17, 14}, {6, 8, 16, 30, 17, 17, 14}, {31, 1, 2, 4, 8, 8, 8},
        {14, 17, 17, 14, 17, 17, 14}, {14, 17, 17, 15, 1, 2, 12}};
    static const uint8_t SPACE[GLYPH_H] = {0};
    return c >= 'A' && c <= 'Z' ? LETTER[c - 'A'] : c >= '0' && c <= '9' ? DIGIT[c - '0'] : SPACE;
}

/* Width of a line whose letters are `size` pixels high. */
static inline double text_width(const char *line, double size) {
    return ((double)strlen(line) * (GLYPH_W + 1) - 1) * size / GLYPH_H;
}

/* How much of the point at (u, v), in cells of the line, is ink. */
static inline int text_ink(const char *line, double u, double v) {
    const int column = (int)floor(u), row = (int)floor(v), n = (int)strlen(line);
    if (row < 0 || row >= GLYPH_H || column < 0 || column / (GLYPH_W + 1) >= n || column % (GLYPH_W + 1) >= GLYPH_W) return 0;
    return glyph(line[column / (GLYPH_W + 1)])[row] >> (GLYPH_W - 1 - column % (GLYPH_W + 1)) & 1;
}

/* A line with its upper left corner at (x, y), `size` pixels high, of one grey, with soft edges. */
static inline void draw_text(uint8_t *rgb, int H, int W, const char *line, double x, double y, double size, int grey) {
    enum { SUB = 4 };
    const double cell = size / GLYPH_H;
    for (int py = (int)floor(y) - 1; py <= (int)ceil(y + size); py++)
        for (int px = (int)floor(x) - 1; px <= (int)ceil(x + text_width(line, size)); px++) {
            if (px < 0 || py < 0 || px >= W || py >= H) continue;
            int ink = 0;
            for (int k = 0; k < SUB * SUB; k++)
                ink += text_ink(line, (px + (k % SUB + 0.5) / SUB - x) / cell, (py + (k / SUB + 0.5) / SUB - y) / cell);
            for (int c = 0; c < 3; c++) {
                uint8_t *p = rgb + ((size_t)py * (size_t)W + (size_t)px) * 3 + c;
                *p = (uint8_t)(*p + (grey - *p) * ink / (SUB * SUB));
            }
        }
}

/* The same on a plate of its own: a rectangle of `ground` around it, with the margin that plates have. box: x, y, w, h of it. */
static inline void draw_plate(uint8_t *rgb, int H, int W, const char *line, double x, double y, double size, int grey, int ground,
                              double box[4]) {
    const double m = 0.35 * size;
    box[0] = x - m, box[1] = y - m, box[2] = text_width(line, size) + 2 * m, box[3] = size + 2 * m;
    for (int py = (int)lrint(box[1]); py < (int)lrint(box[1] + box[3]); py++)
        for (int px = (int)lrint(box[0]); px < (int)lrint(box[0] + box[2]); px++)
            if (px >= 0 && py >= 0 && px < W && py < H) memset(rgb + ((size_t)py * (size_t)W + (size_t)px) * 3, ground, 3);
    draw_text(rgb, H, W, line, x, y, size, grey);
}
#endif
