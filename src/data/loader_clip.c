/* loader_clip.c - one clip of a batch: a window in time and place, resized, turned, recoloured, mirrored. Every choice is made
 * once for all frames. Tested by tests/data/test_data_augment.c and test_data_loader.c. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/loader_impl.h"
#include "media/image.h"

/* ---- choosing ---- */

static int place(zt_rng *r, bool random, int room) { return random ? (int)zt_rng_int(r, 0, room) : room / 2; }

/* Uniform in its logarithm: as often half as double. A clip may be too short for the faster part. */
static double choose_speed(const zt_loader_cfg *c, int frames, zt_rng *r) {
    if (!(c->stretch > 1) || c->frames < 2) return 1;
    const double longest = (double)(frames - 1) / (c->frames - 1), most = fmin(c->stretch, longest);
    return exp(zt_rng_range(r, -log(c->stretch), log(most)));
}

/* Source frame of frame t. */
static int source_frame(const zt_cut *k, int t) { return k->start + (int)floor(t * k->speed + 0.5); }

/* The smallest size of the clip's shape that covers the batch's. */
static void cover(const zt_loader_cfg *c, const zt_clip_view *v, zt_cut *k) {
    const double by = (double)c->height / v->height, bx = (double)c->width / v->width, scale = fmax(by, bx);
    k->height = by >= bx ? c->height : (int)fmax(floor(v->height * scale + 0.5), c->height);
    k->width = bx >= by ? c->width : (int)fmax(floor(v->width * scale + 0.5), c->width);
}

/* m = a m, both affine maps of colours. */
static void compose(float m[12], const double a[12]) {
    double out[12];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
            out[4 * i + j] = j == 3 ? a[4 * i + 3] : 0;
            for (int n = 0; n < 3; n++) out[4 * i + j] += a[4 * i + n] * (double)m[4 * n + j];
        }
    for (int i = 0; i < 12; i++) m[i] = (float)out[i];
}

/* Brightness and contrast scale all channels, contrast about the middle; saturation and hue leave greys as they are.
 * Source of their matrices: W3C, Filter Effects Module Level 1, feColorMatrix (saturate, hueRotate). */
static void choose_colour(const zt_loader_cfg *c, zt_cut *k, zt_rng *r) {
    static const double LUMA[3] = {0.213, 0.715, 0.072};
    static const double SINE[9] = {-0.213, -0.715, 0.928, 0.143, 0.140, -0.283, -0.787, 0.715, 0.072};
    const double bright = zt_rng_range(r, 1 - c->brightness, 1 + c->brightness),
                 contrast = zt_rng_range(r, 1 - c->contrast, 1 + c->contrast),
                 sat = zt_rng_range(r, 1 - c->saturation, 1 + c->saturation),
                 hue = zt_rng_range(r, -c->hue, c->hue) * 3.14159265358979323846 / 180, offset = 127.5 * (1 - contrast);
    double grey[12] = {0}, mix[12] = {0}, turn[12] = {0};
    for (int i = 0; i < 3; i++) {
        grey[5 * i] = bright * contrast;
        grey[4 * i + 3] = offset;
        for (int j = 0; j < 3; j++) {
            const double same = i == j;
            mix[4 * i + j] = LUMA[j] + sat * (same - LUMA[j]);
            turn[4 * i + j] = LUMA[j] + cos(hue) * (same - LUMA[j]) + sin(hue) * SINE[3 * i + j];
        }
    }
    for (int i = 0; i < 3; i++) k->colour[5 * i] = 1;
    compose(k->colour, grey);
    compose(k->colour, mix);
    compose(k->colour, turn);
}

zt_cut zt_cut_choose(const zt_loader_cfg *c, const zt_clip_view *v, bool no_flip, zt_rng *r) {
    zt_cut k = {.height = v->height, .width = v->width};
    if (c->resize) cover(c, v, &k);
    k.speed = choose_speed(c, v->frames, r);
    k.start = place(r, c->jitter, v->frames - 1 - source_frame(&k, c->frames - 1));
    k.y = place(r, c->crop, k.height - c->height);
    k.x = place(r, c->crop, k.width - c->width);
    k.mirror = c->flip && zt_rng_u32(r) & 1 && !no_flip;
    if (c->rotate > 0) k.turn = zt_rng_range(r, -c->rotate, c->rotate) * 3.14159265358979323846 / 180;
    k.recolour = c->brightness > 0 || c->contrast > 0 || c->saturation > 0 || c->hue > 0;
    if (k.recolour) choose_colour(c, &k, r);
    return k;
}

/* ---- pixels ---- */

static uint8_t to_byte(float v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5f); }

/* The window as it is. */
static void copy_window(const zt_loader_cfg *c, const zt_cut *k, const uint8_t *src, uint8_t *dst) {
    const size_t row = (size_t)k->width * 3, out = (size_t)c->width * 3;
    src += (size_t)k->y * row + (size_t)k->x * 3;
    for (int y = 0; y < c->height; y++) memcpy(dst + (size_t)y * out, src + (size_t)y * row, out);
}

static float clamp(float v, float most) { return v < 0 ? 0 : v > most ? most : v; }

/* The window turned about its centre, between four pixels each; beyond the edge of the frame its last pixels go on. */
static void turn_window(const zt_loader_cfg *c, const zt_cut *k, const uint8_t *src, uint8_t *dst) {
    const float cs = (float)cos(k->turn), sn = (float)sin(k->turn);
    const float cy = (float)(c->height - 1) / 2, cx = (float)(c->width - 1) / 2;
    const size_t row = (size_t)k->width * 3;
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++, dst += 3) {
            const float dy = (float)y - cy, dx = (float)x - cx;
            const float fx = clamp(cs * dx + sn * dy + cx + (float)k->x, (float)(k->width - 1));
            const float fy = clamp(cs * dy - sn * dx + cy + (float)k->y, (float)(k->height - 1));
            const int x0 = (int)fx, y0 = (int)fy;
            const size_t right = x0 + 1 < k->width ? 3 : 0, below = y0 + 1 < k->height ? row : 0;
            const float ax = fx - (float)x0, ay = fy - (float)y0;
            const uint8_t *p = src + (size_t)y0 * row + (size_t)x0 * 3;
            for (int i = 0; i < 3; i++, p++) {
                const float top = (float)p[0] + ax * ((float)p[right] - (float)p[0]);
                const float bottom = (float)p[below] + ax * ((float)p[below + right] - (float)p[below]);
                dst[i] = to_byte(top + ay * (bottom - top));
            }
        }
}

static void recolour(const zt_cut *k, uint8_t *p, size_t pixels) {
    const float *m = k->colour;
    for (; pixels > 0; pixels--, p += 3) {
        const float r = p[0], g = p[1], b = p[2];
        for (int i = 0; i < 3; i++) p[i] = to_byte(m[4 * i] * r + m[4 * i + 1] * g + m[4 * i + 2] * b + m[4 * i + 3]);
    }
}

static void mirror_frame(uint8_t *p, int height, int width) {
    for (int y = 0; y < height; y++, p += (size_t)width * 3)
        for (int a = 0, b = width - 1; a < b; a++, b--)
            for (int i = 0; i < 3; i++) {
                const uint8_t keep = p[3 * a + i];
                p[3 * a + i] = p[3 * b + i];
                p[3 * b + i] = keep;
            }
}

static zt_err reserve(zt_scratch *s, size_t bytes) {
    if (bytes <= s->bytes) return ZT_OK;
    uint8_t *p = zt_realloc(s->p, bytes);
    if (!p) return ZT_NOMEM;
    *s = (zt_scratch){p, bytes};
    return ZT_OK;
}

zt_err zt_cut_apply(const zt_loader_cfg *c, const zt_clip_view *v, const zt_cut *k, zt_scratch *scratch, uint8_t *dst) {
    const size_t frame = (size_t)v->height * (size_t)v->width * 3, out = (size_t)c->height * (size_t)c->width * 3;
    const bool resize = k->height != v->height || k->width != v->width;
    zt_err e = ZT_OK;
    if (resize) ZT_TRY(e = reserve(scratch, (size_t)k->height * (size_t)k->width * 3), done);
    for (int t = 0; t < c->frames; t++, dst += out) {
        const uint8_t *src = v->rgb + (size_t)source_frame(k, t) * frame;
        if (resize) {
            ZT_TRY(e = zt_image_resize(src, v->width, v->height, 0, 0, v->width, v->height, scratch->p, k->width, k->height),
                   done);
            src = scratch->p;
        }
        if (k->turn != 0)
            turn_window(c, k, src, dst);
        else
            copy_window(c, k, src, dst);
        if (k->recolour) recolour(k, dst, out / 3);
        if (k->mirror) mirror_frame(dst, c->height, c->width);
    }
done:
    return e;
}

/* ---- words and labels that know left from right ---- */

/* `word` of n letters in the case pattern of `like`. */
static void add_like(zt_str *s, const char *word, const char *like, size_t n) {
    bool upper = n > 1;
    for (size_t i = 0; i < n; i++) upper = upper && isupper((unsigned char)like[i]);
    for (size_t i = 0; word[i]; i++) {
        const bool big = upper || (i == 0 && isupper((unsigned char)like[0]));
        const char ch = big ? (char)toupper((unsigned char)word[i]) : word[i];
        zt_str_addn(s, &ch, 1);
    }
}

static bool word_byte(char ch) { return isalnum((unsigned char)ch) || ch == '_' || (unsigned char)ch >= 0x80; }

zt_err zt_caption_mirror(const char *caption, char **out) {
    zt_str s = {0};
    *out = NULL;
    for (const char *p = caption; *p;) {
        size_t n = 0;
        while (word_byte(p[n])) n++;
        if (n == 4 && strncasecmp(p, "left", 4) == 0)
            add_like(&s, "right", p, n);
        else if (n == 5 && strncasecmp(p, "right", 5) == 0)
            add_like(&s, "left", p, n);
        else
            zt_str_addn(&s, p, n ? n : 1);
        p += n ? n : 1;
    }
    if (!s.failed) *out = zt_strdup(s.buf ? s.buf : "");
    zt_str_finish(&s);
    return *out ? ZT_OK : ZT_NOMEM;
}

zt_err zt_labels_no_flip(const zt_clip_view *v, bool *no_flip) {
    json_t *labels = NULL;
    *no_flip = false;
    if (!strstr(v->labels, "\"no_flip\"")) return ZT_OK; /* most have none: not parsed */
    const zt_err e = zt_json_parse(v->labels, strlen(v->labels), v->key, &labels);
    *no_flip = e == ZT_OK && json_is_true(json_object_get(labels, "no_flip"));
    json_decref(labels);
    return e;
}
