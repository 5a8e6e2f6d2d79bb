/* webp.c - see webp.h. The pixels of each frame are decoded by FFmpeg's webp decoder, wrapped as a still file.
 * Tested by tests/media/test_media_writer.c and fuzz/fuzz_media.c. */
#include "media/webp.h"
#include <string.h>
#include <libavcodec/avcodec.h>
#include "base/mem.h"
#include "base/str.h"
#include "media/avglue.h"
#include "media/colour.h"

enum { VP8X_ALPHA = 0x10, VP8X_XMP = 0x04, VP8X_ANIM = 0x02 };

typedef struct chunk { char id[4]; const uint8_t *data; size_t len; } chunk;

struct zt_webp {
    const uint8_t *bytes;
    size_t len, at;                 /* at: the next chunk of the file */
    const char *name;
    int width, height;
    uint8_t *canvas;                /* [H,W,3], colour times alpha: what is seen on black */
    uint8_t *rgba;                  /* one decoded frame */
    int dispose[4];                 /* x,y,w,h to clear before the next frame; w 0: nothing */
    AVCodecContext *dec;
    AVPacket *pkt;
    AVFrame *frame;
    zt_colour *colour;
};

static uint32_t le24(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static uint32_t le32(const uint8_t *p) {
    return le24(p) | (uint32_t)p[3] << 24;
}

static void put_le(zt_str *s, uint32_t v, int n) {
    uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    zt_str_addn(s, b, (size_t)n);
}

static void put_chunk(zt_str *s, const char id[4], const void *data, size_t len) {
    zt_str_addn(s, id, 4);
    put_le(s, (uint32_t)len, 4);
    zt_str_addn(s, data, len);
    if (len & 1) zt_str_addn(s, "", 1);
}

/* Chunk at *at of bytes[0..len); moves *at past it. False at the end; a chunk cut by the end is given as far as it goes. */
static bool next_chunk(const uint8_t *bytes, size_t len, size_t *at, chunk *c) {
    if (*at > len || len - *at < 8) return false;
    memcpy(c->id, bytes + *at, 4);
    c->len = le32(bytes + *at + 4);
    c->data = bytes + *at + 8;
    size_t room = len - *at - 8;
    if (c->len > room) c->len = room;
    *at += 8 + c->len;
    if (c->len & 1 && *at < len) (*at)++;
    return true;
}

static void put_size(uint8_t *p, int width, int height) {
    for (int k = 0; k < 3; k++) {
        p[k] = (uint8_t)((width - 1) >> 8 * k);
        p[3 + k] = (uint8_t)((height - 1) >> 8 * k);
    }
}

static bool is(const chunk *c, const char *id) {
    return memcmp(c->id, id, 4) == 0;
}

static bool is_webp(const uint8_t *b, size_t len) {
    return len >= 20 && !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4);
}

bool zt_webp_is_animated(const uint8_t *b, size_t len) {
    return is_webp(b, len) && len >= 30 && !memcmp(b + 12, "VP8X", 4) && (b[20] & VP8X_ANIM);
}

zt_err zt_webp_open(zt_webp **out, const uint8_t *bytes, size_t len, const char *name, int64_t max_pixels) {
    *out = NULL;
    if (!zt_webp_is_animated(bytes, len)) return zt_fail(ZT_FORMAT, "%s: not an animated WebP file", name);
    int width = (int)le24(bytes + 24) + 1, height = (int)le24(bytes + 27) + 1;
    if ((int64_t)width * height > max_pixels)
        return zt_fail(ZT_FORMAT, "%s: canvas of %dx%d pixels, at most %lld are accepted", name, width, height,
                       (long long)max_pixels);
    zt_err e = ZT_OK;
    zt_webp *w = zt_alloc(sizeof *w);
    if (!w) return ZT_NOMEM;
    *w = (zt_webp){.bytes = bytes, .len = len, .at = 12, .name = name, .width = width, .height = height};
    size_t pixels = (size_t)width * (size_t)height;
    w->canvas = zt_alloc_array(pixels, 3);
    w->rgba = zt_alloc_array(pixels, 4);
    w->pkt = av_packet_alloc();
    w->frame = av_frame_alloc();
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_WEBP);
    if (!codec) {
        e = zt_fail(ZT_UNSUPPORTED, "%s: this FFmpeg has no WebP decoder", name);
        goto done;
    }
    w->dec = avcodec_alloc_context3(codec);
    if (!w->canvas || !w->rgba || !w->pkt || !w->frame || !w->dec) {
        e = zt_av_nomem(name);
        goto done;
    }
    ZT_TRY(e = zt_colour_create(&w->colour), done);
    w->dec->max_pixels = max_pixels;
    int rc = avcodec_open2(w->dec, codec, NULL);
    if (rc < 0) e = zt_av_fail(ZT_UNSUPPORTED, rc, "%s: the WebP decoder does not start", name);
done:
    if (e != ZT_OK) zt_webp_close(&w);
    *out = w;
    return e;
}

void zt_webp_close(zt_webp **w) {
    if (!w || !*w) return;
    zt_colour_destroy(&(*w)->colour);
    avcodec_free_context(&(*w)->dec);
    av_packet_free(&(*w)->pkt);
    av_frame_free(&(*w)->frame);
    zt_free((*w)->canvas);
    zt_free((*w)->rgba);
    zt_free(*w);
    *w = NULL;
}

/* The ALPH/VP8/VP8L chunks of one ANMF as a still file in w->pkt. */
static zt_err wrap_still(zt_webp *w, const uint8_t *data, size_t len, int width, int height) {
    zt_str s = {0};
    chunk c;
    bool alpha = false;
    for (size_t at = 0; next_chunk(data, len, &at, &c);) alpha = alpha || is(&c, "ALPH");
    zt_str_addn(&s, "RIFF\0\0\0\0WEBP", 12);
    if (alpha) {
        uint8_t x[10] = {VP8X_ALPHA};
        put_size(x + 4, width, height);
        put_chunk(&s, "VP8X", x, sizeof x);
    }
    for (size_t at = 0; next_chunk(data, len, &at, &c);)
        if (is(&c, "ALPH") || is(&c, "VP8 ") || is(&c, "VP8L")) put_chunk(&s, c.id, c.data, c.len);
    zt_err e = ZT_OK;
    if (s.failed || s.len > INT32_MAX || av_new_packet(w->pkt, (int)s.len) < 0) e = zt_av_nomem(w->name);
    else {
        memcpy(w->pkt->data, s.buf, s.len);
        uint32_t riff = (uint32_t)s.len - 8;
        for (int k = 0; k < 4; k++) w->pkt->data[4 + k] = (uint8_t)(riff >> 8 * k);
    }
    zt_str_finish(&s);
    return e;
}

/* Decode one still and paint it at x,y. *good = false when it is damaged. */
static zt_err paint(zt_webp *w, const uint8_t *data, size_t len, int x, int y, int fw, int fh, bool blend, bool *good) {
    zt_err e;
    *good = false;
    ZT_TRY(e = wrap_still(w, data, len, fw, fh), done);
    if (avcodec_send_packet(w->dec, w->pkt) < 0 || avcodec_receive_frame(w->dec, w->frame) < 0) goto done;
    if (w->frame->width != fw || w->frame->height != fh) goto done;
    ZT_TRY(e = zt_colour_convert_rgba(w->colour, w->frame, AV_CODEC_ID_WEBP, w->name, w->rgba), done);
    const uint8_t *in = w->rgba;
    for (int r = 0; r < fh; r++) {
        uint8_t *out = w->canvas + ((size_t)(y + r) * (size_t)w->width + (size_t)x) * 3;
        for (int k = 0; k < fw; k++, in += 4, out += 3) {
            int a = in[3], under = blend ? 255 - a : 0;
            for (int j = 0; j < 3; j++) out[j] = (uint8_t)((in[j] * a + out[j] * under + 127) / 255);
        }
    }
    *good = true;
done:
    av_packet_unref(w->pkt);
    av_frame_unref(w->frame);
    return e;
}

static zt_err give_canvas(zt_webp *w, AVFrame *out) {
    out->width = w->width;
    out->height = w->height;
    out->format = AV_PIX_FMT_RGB24;
    if (av_frame_get_buffer(out, 64) < 0) return zt_av_nomem(w->name);
    size_t row = (size_t)w->width * 3;
    for (int y = 0; y < w->height; y++) memcpy(out->data[0] + (ptrdiff_t)y * out->linesize[0], w->canvas + (size_t)y * row, row);
    return ZT_OK;
}

static void clear_rect(zt_webp *w) {
    const int *r = w->dispose;
    for (int y = 0; r[2] && y < r[3]; y++)
        memset(w->canvas + ((size_t)(r[1] + y) * (size_t)w->width + (size_t)r[0]) * 3, 0, (size_t)r[2] * 3);
    w->dispose[2] = 0;
}

zt_err zt_webp_next(zt_webp *w, AVFrame *out, int *duration_ms, int64_t *damaged, bool *end) {
    chunk c;
    *end = false;
    while (next_chunk(w->bytes, w->len, &w->at, &c)) {
        if (!is(&c, "ANMF")) continue;
        if (c.len < 16) {
            (*damaged)++;
            continue;
        }
        uint32_t x = le24(c.data) * 2, y = le24(c.data + 3) * 2, fw = le24(c.data + 6) + 1, fh = le24(c.data + 9) + 1;
        if (x + fw > (uint32_t)w->width || y + fh > (uint32_t)w->height) {
            (*damaged)++;
            continue;
        }
        clear_rect(w);
        bool good, blend = !(c.data[15] & 2);
        zt_err e = paint(w, c.data + 16, c.len - 16, (int)x, (int)y, (int)fw, (int)fh, blend, &good);
        if (e != ZT_OK) return e;
        if (!good) {
            (*damaged)++;
            continue;
        }
        if (c.data[15] & 1) memcpy(w->dispose, (int[4]){(int)x, (int)y, (int)fw, (int)fh}, sizeof w->dispose);
        *duration_ms = (int)le24(c.data + 12);
        return give_canvas(w, out);
    }
    *end = true;
    return ZT_OK;
}

void zt_webp_stats(const zt_webp *w, int64_t *frames, double *duration_s) {
    chunk c;
    *frames = 0;
    *duration_s = 0;
    for (size_t at = 12; next_chunk(w->bytes, w->len, &at, &c);)
        if (is(&c, "ANMF") && c.len >= 16) {
            ++*frames;
            *duration_s += le24(c.data + 12) / 1000.0;
        }
}

/* ANIM and one ANMF that holds the picture chunks of a still file. */
static void put_still_as_animation(zt_str *s, const uint8_t *bytes, size_t len, int width, int height, int total_ms) {
    chunk c;
    zt_str frame = {0};
    uint8_t head[16] = {0};                                /* x, y 0; blend, keep */
    put_size(head + 6, width, height);
    for (int k = 0; k < 3; k++) head[12 + k] = (uint8_t)(total_ms >> 8 * k);
    zt_str_addn(&frame, head, sizeof head);
    for (size_t at = 12; next_chunk(bytes, len, &at, &c);)
        if (is(&c, "ALPH") || is(&c, "VP8 ") || is(&c, "VP8L")) put_chunk(&frame, c.id, c.data, c.len);
    put_chunk(s, "ANIM", "\0\0\0\0\0\0", 6);
    if (frame.failed) s->failed = true;
    else put_chunk(s, "ANMF", frame.buf, frame.len);
    zt_str_finish(&frame);
}

/* The chunks of an animation, with the loop count 0 (for ever) and the duration of the ANMF at `last` raised by `more` ms. */
static void put_animation(zt_str *s, const uint8_t *bytes, size_t len, const uint8_t *last, int64_t more) {
    chunk c;
    for (size_t at = 12; next_chunk(bytes, len, &at, &c) && !s->failed;) {
        if (is(&c, "VP8X") || is(&c, "XMP ")) continue;
        size_t start = s->len + 8;
        put_chunk(s, c.id, c.data, c.len);
        if (s->failed) return;
        uint8_t *p = (uint8_t *)s->buf + start;
        if (is(&c, "ANIM") && c.len >= 6) p[4] = p[5] = 0;
        if (c.data != last) continue;
        int64_t ms = (int64_t)le24(p + 12) + more;
        for (int k = 0; k < 3; k++) p[12 + k] = (uint8_t)((ms < 1 ? 1 : ms) >> 8 * k);
    }
}

zt_err zt_webp_finish_file(const uint8_t *bytes, size_t len, const char *xmp, int width, int height, int total_ms, uint8_t **out,
                           size_t *out_len) {
    *out = NULL;
    if (!is_webp(bytes, len)) return zt_fail(ZT_INTERNAL, "the WebP encoder gave no WebP file");
    chunk c;
    int64_t sum = 0;
    const uint8_t *last = NULL;
    for (size_t at = 12; next_chunk(bytes, len, &at, &c);)
        if (is(&c, "ANMF") && c.len >= 16) {
            last = c.data;
            sum += le24(c.data + 12);
        }
    zt_str s = {0};
    zt_str_addn(&s, "RIFF\0\0\0\0WEBP", 12);
    uint8_t x[10] = {0};
    if (memcmp(bytes + 12, "VP8X", 4) == 0 && len >= 30) x[0] = bytes[20];
    if (xmp) x[0] |= VP8X_XMP;
    if (total_ms > 0) x[0] |= VP8X_ANIM;
    put_size(x + 4, width, height);
    put_chunk(&s, "VP8X", x, sizeof x);
    if (!last && total_ms > 0) put_still_as_animation(&s, bytes, len, width, height, total_ms);
    else put_animation(&s, bytes, len, last, total_ms > 0 ? total_ms - sum : 0);
    if (xmp) put_chunk(&s, "XMP ", xmp, strlen(xmp));
    if (s.failed || s.len > UINT32_MAX - 8) {
        zt_str_finish(&s);
        return zt_fail(ZT_NOMEM, "WebP file: out of memory, or larger than 4 GiB");
    }
    for (int k = 0; k < 4; k++) s.buf[4 + k] = (char)((uint32_t)(s.len - 8) >> 8 * k);
    *out = (uint8_t *)s.buf;
    *out_len = s.len;
    return ZT_OK;
}

zt_err zt_webp_xmp(const uint8_t *bytes, size_t len, const char **xmp, size_t *xmp_len) {
    *xmp = NULL;
    *xmp_len = 0;
    if (!is_webp(bytes, len)) return zt_fail(ZT_FORMAT, "not a WebP file");
    chunk c;
    for (size_t at = 12; next_chunk(bytes, len, &at, &c);)
        if (is(&c, "XMP ")) {
            *xmp = (const char *)c.data;
            *xmp_len = c.len;
        }
    return ZT_OK;
}
