/* ingest.h - real video files to a data set: `zoe ingest`. Every file is looked at once; what cannot be used is recorded with
 * its reason in table sources and never stops the run. It filters nothing by looks or content. */
#ifndef ZT_DATA_INGEST_H
#define ZT_DATA_INGEST_H
#include <stddef.h>
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

/* One thing to take, from a list that says more than a folder can: a row of a manifest. Strings are borrowed until zt_ingest
 * returns; NULL and "" mean "not said". */
typedef struct zt_ingest_item {
    const char *path;               /* a file; with bytes: the absolute path of what holds them and a name in it */
    const void *bytes;              /* NULL, or the file's content where it lies in memory (a member of a mapped archive) */
    size_t n_bytes;
    double start_s, end_s;          /* the piece to take, seconds after the first frame; end 0: to the end of the file */
    const char *caption;            /* UTF-8; NULL: looked up beside the file as for files in folders; "": none */
    const char *labels;             /* JSON object */
    const char *split;              /* train, val or test; NULL: by content */
    const char *licence;
    const char *origin;             /* where the file came from (an address, a data set's name): kept in sources.info */
} zt_ingest_item;

typedef struct zt_ingest_cfg {
    const char *const *src; /* n_src files and folders; folders are walked in byte order, links and hidden names left out */
    int n_src;
    const zt_ingest_item *items;    /* n_items more, after those of src. A piece is a source of its own in the catalogue, called
                                     * PATH#t=START,END (W3C Media Fragments); rows of one file best stand together */
    size_t n_items;
    const char *out;                /* new, empty, or a data set that ingest began with the same settings: it then continues */
    int64_t size, frames;           /* of a clip: size x size pixels (8..1024), 1..1024 frames, at most 1 GiB */
    double fps;                     /* 0.1..240 */
    double val, test;               /* parts of the sources for validation and test, 0..0.5 */
    zt_ingest_caption caption;
    int64_t max_clips;              /* per file; 0: all */
    uint64_t seed;                  /* of the split */
} zt_ingest_cfg;

typedef struct zt_ingest_report {
    int64_t files;                  /* looked at in this run: new_ok + new_dropped + duplicates + done_before */
    int64_t new_ok, new_dropped, duplicates, done_before;
    int64_t damaged;                /* of new_ok: some part did not decode, the rest was kept */
    int64_t skipped;                /* found in folders, no media: text, tables, links, hidden, special files */
    int64_t new_clips;
    int64_t arrays;                 /* videos of which there are features and no pixels: they went to OUT/arrays (data/cache.h) */
    int64_t train, val, test;       /* usable clips in the data set now, old and new */
    double seconds;
} zt_ingest_report;

/** Cut consecutive clips of cfg->frames frames out of every file (a shorter rest is dropped; its length is recorded) and add
 *  them to the data set cfg->out. A source goes whole to one split, by hash of its content and the seed; equal content is taken
 *  once. Work is committed every few sources: after a kill at any time the data set is whole, and the same call continues.
 *  Progress on stderr.
 *  A file that does not decode is no error; a report without clips is none either. report may be NULL; it is filled after
 *  ZT_CANCELLED too.
 *  Errors: ZT_ARG (cfg, an item; other settings than cfg->out has), ZT_NOTFOUND (no such source), ZT_IO, ZT_FORMAT (damaged data
 *  set), ZT_CANCELLED (finished sources are kept), ZT_NOMEM. */
zt_err zt_ingest(const zt_ingest_cfg *cfg, zt_ingest_report *report);
#endif
