/* ingest.h - real video files to a data set: `zoe ingest`. Every file is looked at once; what cannot be used is recorded with
 * its reason in table sources and never stops the run. It filters nothing by looks or content. */
#ifndef ZT_DATA_INGEST_H
#define ZT_DATA_INGEST_H
#include <stdint.h>
#include "base/err.h"

enum {
    ZT_INGEST_CAPTION_MAX = 2000,   /* bytes of a caption that are kept, whole characters */
    ZT_INGEST_VAL_FROM = 10         /* usable sources from which on val (and test) get at least one when they are asked for */
};

/* Where captions come from. AUTO: the first of TXT, FOLDER that has one.
 * TXT: STEM.txt beside the file; else captions.tsv or labels.tsv in its folder (tab separated; a header row with a column file,
 * path, name, filename or video, and a column caption, text or label). FOLDER: the name of the file's folder ('_' read as
 * space), when that is below SRC. */
typedef enum zt_ingest_caption { ZT_CAPTION_AUTO, ZT_CAPTION_TXT, ZT_CAPTION_FOLDER, ZT_CAPTION_NONE } zt_ingest_caption;

/* What is done about faces in a clip before it is stored (data/faces.h). DROP: its faces are blurred and it is dropped, so that
 * no later restoring brings them back. */
typedef enum zt_ingest_faces {
    ZT_INGEST_FACES_OFF,
    ZT_INGEST_FACES_REPORT,
    ZT_INGEST_FACES_BLUR,
    ZT_INGEST_FACES_DROP
} zt_ingest_faces;
#define ZT_INGEST_FACES_CHOICES "off|report|blur|drop"

typedef struct zt_ingest_cfg {
    const char *const *src; /* n_src files and folders; folders are walked in byte order, links and hidden names left out */
    int n_src;
    const char *out;                /* new, empty, or a data set that ingest began with the same settings: it then continues */
    int64_t size, frames;           /* of a clip: size x size pixels (8..1024), 1..1024 frames, at most 1 GiB */
    double fps;                     /* 0.1..240 */
    double val, test;               /* parts of the sources for validation and test, 0..0.5 */
    zt_ingest_caption caption;
    int64_t max_clips;              /* per file; 0: all */
    uint64_t seed;                  /* of the split */
    zt_ingest_faces faces;
} zt_ingest_cfg;

typedef struct zt_ingest_report {
    int64_t files;                  /* looked at in this run: new_ok + new_dropped + duplicates + done_before */
    int64_t new_ok, new_dropped, duplicates, done_before;
    int64_t damaged;                /* of new_ok: some part did not decode, the rest was kept */
    int64_t skipped;                /* found in folders, no media: text, tables, links, hidden, special files */
    int64_t new_clips;
    int64_t train, val, test;       /* usable clips in the data set now, old and new */
    double seconds;
} zt_ingest_report;

/** Cut consecutive clips of cfg->frames frames out of every file (a shorter rest is dropped; its length is recorded) and add
 *  them to the data set cfg->out. A source goes whole to one split, by hash of its content and the seed; equal content is taken
 *  once. Work is committed every few sources: after a kill at any time the data set is whole, and the same call continues.
 *  Progress on stderr.
 *  A file that does not decode is no error; a report without clips is none either. report may be NULL; it is filled after
 *  ZT_CANCELLED too.
 *  Errors: ZT_ARG (cfg; other settings than cfg->out has), ZT_NOTFOUND (no such source; no cascades to find faces with), ZT_IO,
 *  ZT_FORMAT (damaged data set), ZT_CANCELLED (finished sources are kept), ZT_NOMEM. */
zt_err zt_ingest(const zt_ingest_cfg *cfg, zt_ingest_report *report);
#endif
