/* writer.c - which format a path asks for, the PNG pattern, and files that appear whole or not at all.
 * Tested by tests/media/test_media_writer.c. */
#include "media/writer.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/encode.h"
#include "media/image.h"

typedef enum kind { KIND_MP4, KIND_GIF, KIND_WEBP, KIND_PNG, KIND_PNGS, KIND_Y4M, KIND_PIPE } kind;
typedef struct pattern { size_t before, after; int digits; } pattern;   /* path[0..before) NUMBER path[after..) */

/* The user's text never becomes a format string: the one field is found, checked and filled in by hand. */
static zt_err pattern_parse(const char *path, pattern *p) {
    const char *at = strchr(path, '%'), *q = at + 1;
    int digits = 0;
    if (*q == '0') {
        q++;
        if (*q >= '1' && *q <= '9') digits = *q++ - '0';
        else q = "";
    }
    if (*q != 'd' || strchr(q, '%') || strchr(q, '/'))
        return zt_fail(ZT_ARG, "%s: wanted exactly one number field in the file name, %%d or %%0Nd with N 1..9: frames_%%04d.png",
                       path);
    *p = (pattern){.before = (size_t)(at - path), .after = (size_t)(q + 1 - path), .digits = digits};
    return ZT_OK;
}

static zt_err pattern_fill(char out[ZT_PATH_MAX], const char *path, const pattern *p, int number) {
    if (p->before >= ZT_PATH_MAX) return zt_fail(ZT_ARG, "%.80s...: path too long", path);
    return zt_format(out, ZT_PATH_MAX, "%.*s%0*d%s", (int)p->before, path, p->digits ? p->digits : 1, number, path + p->after);
}

static zt_err find_kind(const char *path, int T, double fps, kind *k, pattern *p) {
    *p = (pattern){0};
    if (strcmp(path, "-") == 0) *k = KIND_PIPE;
    else if (zt_ends_with(path, ".y4m")) *k = KIND_Y4M;
    else if (zt_ends_with(path, ".mp4")) *k = KIND_MP4;
    else if (zt_ends_with(path, ".gif")) *k = KIND_GIF;
    else if (zt_ends_with(path, ".webp")) *k = KIND_WEBP;
    else if (zt_ends_with(path, ".png")) *k = strchr(path, '%') ? KIND_PNGS : KIND_PNG;
    else
        return zt_fail(ZT_ARG, "%s: unknown kind of file; end the name with .mp4, .gif, .webp, .y4m or .png (frames_%%04d.png)",
                       path);
    if (*k == KIND_PNG && T > 1)
        return zt_fail(ZT_ARG, "%s: one PNG cannot hold %d frames; name it like frames_%%04d.png, or write .mp4", path, T);
    if (*k == KIND_GIF && fps > 50)
        return zt_fail(ZT_ARG, "%s: GIF shows at most 50 frames per second, the clip has %g", path, fps);
    if (*k == KIND_PNGS) return pattern_parse(path, p);
    return ZT_OK;
}

static zt_err folder_of(const char *path, char out[ZT_PATH_MAX]) {
    size_t n = (size_t)(zt_path_base(path) - path);
    if (n == 0) return zt_format(out, ZT_PATH_MAX, ".");
    if (n >= ZT_PATH_MAX) return zt_fail(ZT_ARG, "%.80s...: path too long", path);
    return zt_format(out, ZT_PATH_MAX, "%.*s", n > 1 ? (int)n - 1 : 1, path);
}

static zt_err check_place(const char *path) {
    char folder[ZT_PATH_MAX];
    zt_err e = folder_of(path, folder);
    if (e != ZT_OK) return e;
    if (!zt_is_dir(folder)) return zt_fail(ZT_IO, "%s: the folder %s does not exist; make it first", path, folder);
    if (access(folder, W_OK | X_OK) != 0) return zt_fail(ZT_IO, "%s: the folder %s: %s", path, folder, strerror(errno));
    if (zt_is_dir(path)) return zt_fail(ZT_IO, "%s: is a folder; name a file", path);
    return ZT_OK;
}

zt_err zt_video_write_check(const char *path, int T, double fps) {
    static const char *const encoders[] = {
        [KIND_MP4] = "libx264", [KIND_GIF] = "gif", [KIND_WEBP] = "libwebp_anim", [KIND_PNG] = "png", [KIND_PNGS] = "png"};
    kind k;
    pattern p;
    const AVCodec *codec;
    zt_err e = find_kind(path, T, fps, &k, &p);
    if (e != ZT_OK || k == KIND_PIPE) return e;
    if (k == KIND_Y4M) return check_place(path);
    e = zt_find_encoder(encoders[k], &codec);
    if (e != ZT_OK) return zt_fail_context(e, "%s", path);
    return check_place(path);
}

/* MP4 needs a seekable file (moov is moved to the front) and Y4M may be large, so they get a temporary name of their own. */
static zt_err fill(kind k, const char *tmp, const char *path, const zt_frames *f, const zt_media_tags *tags,
                   const zt_write_cfg *cfg) {
    if (k == KIND_MP4) return zt_encode_mp4(tmp, path, f, tags, cfg);
    FILE *to = fopen(tmp, "wb");
    if (!to) return zt_fail(ZT_IO, "%s: %s", path, strerror(errno));
    const zt_err e = zt_encode_y4m(path, f, tags, to);
    if (fclose(to) != 0 && e == ZT_OK) return zt_fail(ZT_IO, "%s: %s; is the disk full?", path, strerror(errno));
    return e;
}

static zt_err write_beside(kind k, const char *path, const zt_frames *f, const zt_media_tags *tags, const zt_write_cfg *cfg) {
    static atomic_int serial;
    char folder[ZT_PATH_MAX], tmp[ZT_PATH_MAX];
    zt_err e = folder_of(path, folder);
    if (e != ZT_OK) return e;
    e = zt_format(tmp, sizeof tmp, "%s/.zt-%ld-%d.tmp%s", folder, (long)getpid(), atomic_fetch_add(&serial, 1),
                  k == KIND_MP4 ? ".mp4" : ".y4m");
    if (e != ZT_OK) return e;
    int fd = -1;
    ZT_TRY(e = fill(k, tmp, path, f, tags, cfg), done);
    fd = open(tmp, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0 || rename(tmp, path) != 0) {
        e = zt_fail(ZT_IO, "%s: %s; is the disk full or the folder read-only?", path, strerror(errno));
        goto done;
    }
    close(fd);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) fsync(fd);                                /* the rename itself; some file systems refuse, which is harmless */
done:
    if (fd >= 0) close(fd);
    if (e != ZT_OK) unlink(tmp);
    return e;
}

static zt_err write_gif(const char *path, const zt_frames *f, const zt_media_tags *tags) {
    uint8_t *gif = NULL, *tagged = NULL;
    size_t len, tagged_len;
    zt_err e;
    ZT_TRY(e = zt_encode_gif(path, f, &gif, &len), done);
    ZT_TRY(e = zt_tags_into_gif(gif, len, tags, &tagged, &tagged_len), done);
    e = zt_file_write(path, tagged, tagged_len);
done:
    zt_free(gif);
    zt_free(tagged);
    return e;
}

static zt_err write_webp(const char *path, const zt_frames *f, const zt_media_tags *tags, const zt_write_cfg *cfg) {
    uint8_t *webp = NULL;
    size_t len;
    zt_err e = zt_encode_webp(path, f, tags, cfg, &webp, &len);
    if (e == ZT_OK) e = zt_file_write(path, webp, len);
    zt_free(webp);
    return e;
}

static zt_err write_pngs(const char *path, const pattern *p, const zt_frames *f, const zt_media_tags *tags) {
    char name[ZT_PATH_MAX];
    zt_err e = ZT_OK;
    int t = 0;
    for (; t < f->frames; t++) {
        ZT_TRY(e = pattern_fill(name, path, p, t), done);
        ZT_TRY(e = zt_png_write(name, zt_frame_at(f, t), f->width, f->height, tags), done);
    }
done:
    while (e != ZT_OK && t-- > 0)                          /* half a sequence is a half file */
        if (pattern_fill(name, path, p, t) == ZT_OK) unlink(name);
    return e;
}

zt_err zt_video_write_with(const char *path, const zt_frames *f, const zt_media_tags *tags, const zt_write_cfg *cfg) {
    const zt_write_cfg defaults = {0};
    if (!cfg) cfg = &defaults;
    if (cfg->crf < 0 || cfg->crf > 51 || cfg->webp_quality < 0 || cfg->webp_quality > 100)
        return zt_fail(ZT_ARG, "%s: crf %d, WebP quality %d: wanted 0..51 and 0..100", path, cfg->crf, cfg->webp_quality);
    zt_err e = zt_frames_check(f);
    if (e != ZT_OK) return zt_fail_context(e, "%s", path);
    kind k;
    pattern p;
    e = find_kind(path, f->frames, f->fps, &k, &p);
    if (e == ZT_OK && k != KIND_PIPE) e = check_place(path);
    if (e != ZT_OK) return e;
    switch (k) {
    case KIND_MP4:
    case KIND_Y4M: return write_beside(k, path, f, tags, cfg);
    case KIND_PIPE: return zt_encode_y4m("standard output", f, tags, stdout);
    case KIND_GIF: return write_gif(path, f, tags);
    case KIND_WEBP: return write_webp(path, f, tags, cfg);
    case KIND_PNG: return zt_png_write(path, f->rgb, f->width, f->height, tags);
    case KIND_PNGS: return write_pngs(path, &p, f, tags);
    }
    return zt_fail(ZT_INTERNAL, "%s: kind %d", path, (int)k);
}

zt_err zt_video_write(const char *path, const zt_frames *f, const zt_media_tags *tags) {
    return zt_video_write_with(path, f, tags, NULL);
}
