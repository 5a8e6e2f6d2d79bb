/* build.c - version and encoders of the FFmpeg libraries that are loaded now (not of the headers the build saw). */
#include "media/build.h"

#include <libavcodec/avcodec.h>
#include <libavutil/avutil.h>

const char *zt_media_version(void) { return av_version_info(); }

bool zt_media_has_encoder(const char *name) { return avcodec_find_encoder_by_name(name) != NULL; }
