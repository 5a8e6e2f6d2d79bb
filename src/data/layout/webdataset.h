/* webdataset.h - the samples of a WebDataset tar: what lies under one key. */
#ifndef ZT_DATA_WEBDATASET_H
#define ZT_DATA_WEBDATASET_H
#include "base/file.h"
#include "data/shard.h"

enum { ZT_TAR_LONG_NAME = 4000 };

/* A walk over a tar image, at its start when zero but for bytes, len and where. */
typedef struct zt_tar_walk {
    const uint8_t *bytes;
    size_t len;
    const char *where; /* names it in errors */
    size_t pos;
    char name[ZT_TAR_LONG_NAME + 1]; /* of the last member, pax and GNU long names resolved */
} zt_tar_walk;

typedef struct zt_tar_part {
    const uint8_t *bytes;
    size_t n;
} zt_tar_part; /* bytes NULL: not there */

/* Members that follow each other and share a key: the name up to the first dot of its last component. */
typedef struct zt_tar_sample {
    char key[ZT_TAR_LONG_NAME + 1], video_name[ZT_TAR_LONG_NAME + 1];
    zt_tar_part video, text, json; /* the first KEY.mp4 or the like; KEY.txt; KEY.json: inside the image */
    int members;
} zt_tar_sample;

/** The next sample; *end = true: there was none. Errors: ZT_FORMAT (as zt_tar_next; a malformed long name; a name that is
 *  absolute, holds '..' or is no text). Any thread. */
zt_err zt_tar_sample_next(zt_tar_walk *w, zt_tar_sample *s, bool *end);
#endif
