/* tags.h - key/value text that travels inside a media file (prompt, seed, "AI-generated"), and reading it back. */
#ifndef ZT_MEDIA_TAGS_H
#define ZT_MEDIA_TAGS_H
#include <stddef.h>
#include "base/err.h"

enum { ZT_TAGS_MAX = 64, ZT_TAG_KEY_MAX = 79, ZT_TAG_VALUE_MAX = 1 << 20 };

typedef struct zt_media_tag { char *key, *value; } zt_media_tag;
/** Zero-initialise; free with zt_media_tags_finish. */
typedef struct zt_media_tags { zt_media_tag tag[ZT_TAGS_MAX]; int n; } zt_media_tags;

/** Set `key` to a copy of `value` (replaces an older value). Common keys: title, artist, comment, description.
 *  key: 1..79 of a-z A-Z 0-9 _ - . ; value: UTF-8 without control characters other than tab and newline, up to 1 MiB.
 *  Errors: ZT_ARG, ZT_NOMEM. */
zt_err zt_media_tags_set(zt_media_tags *t, const char *key, const char *value);
/** Value, borrowed, or NULL. `t` may be NULL. */
const char *zt_media_tags_get(const zt_media_tags *t, const char *key);
void zt_media_tags_finish(zt_media_tags *t);

/** Read the tags of a file that zt_video_write wrote: mp4 (any FFmpeg container), png, gif, webp, by content. `t` is overwritten.
 *  A file without tags gives t->n == 0. Bookkeeping of the container (brands, encoder) is left out.
 *  Errors: ZT_NOTFOUND, ZT_IO, ZT_FORMAT, ZT_NOMEM. Any thread. */
zt_err zt_media_tags_read(const char *path, zt_media_tags *t);
#endif
