/* encode.h - private to media/: the encoders behind writer.h. */
#ifndef ZT_MEDIA_ENCODE_H
#define ZT_MEDIA_ENCODE_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/err.h"
#include "media/frames.h"
#include "media/tags.h"
#include "media/writer.h"

typedef struct AVCodec AVCodec;
/** The encoder `name`, or ZT_UNSUPPORTED that says what to install. */
zt_err zt_find_encoder(const char *name, const AVCodec **codec);

/** Into the file `tmp`, to be renamed to `path` by the caller; `path` is for messages. */
zt_err zt_encode_mp4(const char *tmp, const char *path, const zt_frames *f, const zt_media_tags *tags, const zt_write_cfg *cfg);
/** A whole file in memory, without tags; *buf is zt_alloc'd. */
zt_err zt_encode_gif(const char *path, const zt_frames *f, uint8_t **buf, size_t *len);
/** A whole file in memory, with tags as XMP; *buf is zt_alloc'd. */
zt_err zt_encode_webp(const char *path, const zt_frames *f, const zt_media_tags *tags, const zt_write_cfg *cfg, uint8_t **buf,
                      size_t *len);
/** Into an open stream, frame after frame; of the tags only that it is made by AI. */
zt_err zt_encode_y4m(const char *path, const zt_frames *f, const zt_media_tags *tags, FILE *to);

/* How tags are stored in each format: tags_store.c; read back by tags_read.c. `out` is zt_alloc'd; tags may be NULL or empty. */
/** PNG bytes with text chunks added behind the header. Source: PNG specification (ISO/IEC 15948) 11.3.4. */
zt_err zt_tags_into_png(const uint8_t *png, size_t len, const zt_media_tags *tags, uint8_t **out, size_t *out_len);
/** GIF bytes with one comment extension "key=value" per tag. Source: GIF89a specification, 24. */
zt_err zt_tags_into_gif(const uint8_t *gif, size_t len, const zt_media_tags *tags, uint8_t **out, size_t *out_len);
/** XMP packet text, zt_alloc'd; NULL in *xmp when there are no tags. Source: ISO 16684-1. */
zt_err zt_tags_to_xmp(const zt_media_tags *tags, char **xmp);
#endif
