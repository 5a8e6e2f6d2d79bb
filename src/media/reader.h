/* reader.h - stream any video or image file as full-range RGB frames on an exact timeline. No sound. */
#ifndef ZT_MEDIA_READER_H
#define ZT_MEDIA_READER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "media/frames.h"

typedef struct zt_reader zt_reader;

/** What is wanted. Zero-initialised means: source rate, source size, default limits. NULL is the same. */
typedef struct zt_reader_cfg {
    double fps;          /* 0: each source frame once, at its own time; else output frame k is what is on screen at k/fps s */
    int width, height;   /* 0,0: source size after rotation, no scaling; else both: centre-crop to this aspect, then scale
                          * (antialiased Catmull-Rom). Non-square source pixels become square; at source size they stay. */
    double start_s, end_s;  /* the piece to deliver, seconds since the first frame of the file: output frame k is what is on
                             * screen at start_s + k/fps; nothing at or after end_s is delivered (0: no end) */
    int64_t max_pixels;  /* per source frame; 0: 64 * 1024 * 1024. Larger files are refused (ZT_FORMAT). */
    int64_t max_frames;  /* stop after so many output frames; 0: no limit */
    int stream;          /* 0: the stream FFmpeg finds best; n >= 1: the n-th video stream */
    double stall_s;      /* give up after so many seconds without a new frame; 0: 120 */
} zt_reader_cfg;

typedef struct zt_reader_info {
    int width, height;          /* source pixels, after rotation */
    int out_width, out_height;  /* what zt_reader_next delivers */
    int rotation;               /* clockwise degrees that are applied for display: 0, 90, 180, 270 */
    bool mirrored;              /* the display matrix (or EXIF) also flips */
    double fps;                 /* source rate (average for variable rate); an image says 25 */
    double duration_s;          /* as the file says; 0 when unknown */
    double pixel_aspect;        /* width/height of one source pixel after rotation; 1 when unknown */
    int64_t frames;             /* estimate of source frames; 0 when unknown, 1 for an image */
    int bit_depth;              /* bits per sample of the luma or red channel */
    bool has_alpha;             /* frames are composited on black */
    bool hdr;                   /* PQ or HLG: tone-mapped to standard range (see colour.h) */
    bool image;                 /* a still image */
    char codec[32], pix_fmt[32];
} zt_reader_info;

/** Open `path` (a regular file) and decode up to its first frame. `cfg` may be NULL and is copied.
 *  Colour: matrix and range as tagged; untagged YUV is BT.709 from 720 lines or 1280 columns up, else BT.601 (the usual
 *  player rule); untagged range is limited except for JPEG-like formats.
 *  Errors, each naming the file and the reason: ZT_NOTFOUND, ZT_IO, ZT_ARG (cfg), ZT_FORMAT (no known format, no video stream,
 *  no frame that decodes, too large), ZT_UNSUPPORTED (no decoder, odd colour matrix), ZT_CANCELLED, ZT_NOMEM.
 *  *r is NULL on failure.
 *  Thread: one thread at a time per reader; readers are independent. Two decoder threads each. Only the file itself is
 *  opened: playlists that name other files or addresses are refused. */
zt_err zt_reader_create(zt_reader **r, const char *path, const zt_reader_cfg *cfg);
/** The same from memory; `bytes` is borrowed until destroy; `name` is for messages (and its suffix a hint). */
zt_err zt_reader_create_memory(zt_reader **r, const void *bytes, size_t len, const char *name, const zt_reader_cfg *cfg);
/** NULL and *r == NULL are fine; sets *r = NULL. */
void zt_reader_destroy(zt_reader **r);

/** Next frame into rgb [out_height,out_width,3]; *time_s (may be NULL) is seconds since the first frame of
 *  the file.
 *  *end = true: nothing was delivered, the stream is over (also when the rest is damaged: see zt_reader_damaged).
 *  Errors: ZT_CANCELLED (Ctrl-C), ZT_FORMAT (no progress for stall_s, a later frame too large), ZT_NOMEM. */
zt_err zt_reader_next(zt_reader *r, uint8_t *rgb, double *time_s, bool *end);
void zt_reader_get_info(const zt_reader *r, zt_reader_info *out);
/** How many packets or frames were damaged so far (errors, concealed blocks, a cut end). */
int64_t zt_reader_damaged(const zt_reader *r);

/** Read a whole file into a clip (free with zt_frames_finish). out->fps is cfg->fps, or the source's rate when that is 0.
 *  At most cfg->max_frames frames; without that limit more than 4 GiB of pixels is ZT_FORMAT. */
zt_err zt_video_read(zt_frames *out, const char *path, const zt_reader_cfg *cfg);
#endif
