/* export.h - a data set as other programs read it: clips as MP4 with captions and labels. Lossy: H.264 takes the pixels. */
#ifndef ZT_DATA_EXPORT_H
#define ZT_DATA_EXPORT_H
#include <stdint.h>
#include "base/err.h"

/* WEBDATASET: OUT/SPLIT-NNNNNN.tar with KEY.mp4, KEY.txt, KEY.json (github.com/webdataset; the names video2dataset writes).
 * FOLDER: OUT/SPLIT/KEY.mp4 and KEY.txt, and OUT/metadata.jsonl with file_name, text, split, labels, licence, origin. Both are
 * read back by `zoe ingest`. */
typedef enum zt_export_format { ZT_EXPORT_WEBDATASET, ZT_EXPORT_FOLDER } zt_export_format;

typedef struct zt_export_cfg {
    const char *dir, *out; /* data set; a folder that is new or empty */
    zt_export_format format;
    const char *split;   /* only this one; NULL: all */
    int64_t shard_bytes; /* WEBDATASET: a tar is closed once it has as many; 0: 256 MiB */
    int crf;             /* H.264 quality, 1 (best) .. 51; 0: 16 */
} zt_export_cfg;

typedef struct zt_export_report {
    int64_t clips, files, bytes;
} zt_export_report; /* files and bytes written */

/** Write every usable clip. Progress on stderr. report may be NULL. Errors: ZT_ARG (cfg, OUT not empty), ZT_NOTFOUND, ZT_FORMAT
 *  (data set), ZT_IO, ZT_UNSUPPORTED (FFmpeg without H.264), ZT_CANCELLED (finished files are whole, the export is not),
 *  ZT_NOMEM. */
zt_err zt_export(const zt_export_cfg *cfg, zt_export_report *report);
#endif
