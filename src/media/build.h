/* build.h - what the FFmpeg libraries this program runs with can do; for `zoe info`. Any thread, static storage. */
#ifndef ZT_MEDIA_BUILD_H
#define ZT_MEDIA_BUILD_H
#include <stdbool.h>

/** FFmpeg's version as its builder wrote it, such as "5.1.9-0+deb12u1". Never NULL. */
const char *zt_media_version(void);

/** Whether a video can be written with the encoder of this FFmpeg name ("libx264", "gif", "libwebp_anim", "png"). */
bool zt_media_has_encoder(const char *name);

#endif
