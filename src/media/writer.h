/* writer.h - write a clip as MP4, GIF, animated WebP, Y4M or numbered PNG files, with tags inside. */
#ifndef ZT_MEDIA_WRITER_H
#define ZT_MEDIA_WRITER_H
#include "base/err.h"
#include "media/frames.h"
#include "media/tags.h"

typedef struct zt_write_cfg {
    int crf;           /* MP4: H.264 constant rate factor 1 (best) .. 51; 0: the default, 16 */
    int webp_quality;  /* 1..100; 0: the default, 90 */
} zt_write_cfg;

/** Write clip `f` to `path`; the suffix decides (case does not matter):
 *   .mp4              H.264 4:2:0, BT.709 limited range (tagged), moov first; an odd width or height is padded by repeating the
 *                     last column or row, because 4:2:0 needs even sizes
 *   .gif              one palette for the clip, loops for ever; at most 50 fps (the format counts hundredths of a second)
 *   .webp             animated, loops for ever; lossy
 *   NAME_%04d.png     one PNG per frame, numbered from 0; exactly one field %d or %0Nd (N 1..9), in the file name
 *   .png              one PNG; the clip must have one frame
 *   .y4m              raw 4:4:4 in limited range, BT.601; its header has room for one word of the tags: XAI-GENERATED=zoetrope
 *   -                 the same to standard output, frame after frame
 *  `tags` may be NULL; they are stored (but for Y4M) so that zt_media_tags_read finds them (each PNG carries them all).
 *  Written beside and renamed: an older file stays until the new one is whole; nothing is left behind on failure.
 *  Errors: ZT_ARG (suffix, pattern, clip), ZT_IO (folder, rights, disk full), ZT_UNSUPPORTED (FFmpeg without that encoder),
 *  ZT_NOMEM. Any thread. */
zt_err zt_video_write(const char *path, const zt_frames *f, const zt_media_tags *tags);
/** The same with settings; cfg NULL: the defaults. */
zt_err zt_video_write_with(const char *path, const zt_frames *f, const zt_media_tags *tags, const zt_write_cfg *cfg);
/** Check, before hours of work, that zt_video_write(path) of T frames at `fps` would be accepted: suffix, pattern, encoder,
 *  folder. T or fps 0: not known yet. */
zt_err zt_video_write_check(const char *path, int T, double fps);
#endif
