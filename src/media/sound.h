/* sound.h - the sound of a video file as 16-bit samples on the time line of its pictures. */
#ifndef ZT_MEDIA_SOUND_H
#define ZT_MEDIA_SOUND_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { ZT_SOUND_CHANNELS_MAX = 8, ZT_WAV_HEADER = 44 };

typedef struct zt_sound zt_sound;
/** Open the best sound stream of `path` at its own rate and channels. Sample 0 is what is heard with the first picture, whose
 *  time stamp is `first_s` (zt_reader_info); from there samples are counted, time stamps only bridge holes. *s is NULL, with
 *  ZT_OK, when the file has no sound that decodes. Errors: ZT_NOMEM, ZT_CANCELLED. One thread at a time. */
zt_err zt_sound_create(zt_sound **s, const char *path, double first_s);
/** NULL and *s == NULL are fine; sets *s = NULL. */
void zt_sound_destroy(zt_sound **s);
int zt_sound_rate(const zt_sound *s);       /* samples per second and channel, 1000..768000 */
int zt_sound_channels(const zt_sound *s);   /* 1..ZT_SOUND_CHANNELS_MAX */
/** Samples from..from+n-1 of all channels into out [n, channels]; silence where the file has none. `from` never goes back between
 *  calls. Errors: ZT_ARG, ZT_NOMEM, ZT_CANCELLED. */
zt_err zt_sound_read(zt_sound *s, int64_t from, int64_t n, int16_t *out);
/** Header of a RIFF/WAVE file of n samples of 16 bits (IBM and Microsoft 1991, format tag 1). n * channels * 2 is below 4 GiB. */
void zt_wav_header(uint8_t header[ZT_WAV_HEADER], int rate, int channels, int64_t n);
#endif
