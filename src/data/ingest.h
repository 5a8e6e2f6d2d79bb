/* ingest.h - real video files to a data set: `zoe ingest`. Every file is looked at once; what cannot be used is recorded with
 * its reason in table sources and never stops the run. It filters nothing by looks or content. */
#ifndef ZT_DATA_INGEST_H
#define ZT_DATA_INGEST_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "media/reader.h"

enum {
    ZT_INGEST_BUCKETS = 8,          /* most sizes, and most lengths */
    ZT_INGEST_CAPTION_MAX = 2000,   /* bytes of a caption that are kept, whole characters */
    ZT_INGEST_VAL_FROM = 10         /* usable sources from which on val (and test) get at least one when they are asked for */
};

/* Where captions come from. AUTO: the first of TXT, FOLDER that has one.
 * TXT: STEM.txt beside the file; else captions.tsv or labels.tsv in its folder (tab separated; a header row with a column file,
 * path, name, filename or video, and a column caption, text or label). FOLDER: the name of the file's folder ('_' read as
 * space), when that is below SRC. */
typedef enum zt_ingest_caption { ZT_CAPTION_AUTO, ZT_CAPTION_TXT, ZT_CAPTION_FOLDER, ZT_CAPTION_NONE } zt_ingest_caption;

/* Which stretches of a shot become clips. "Longest" is the largest of cfg->frames.
 * CHUNK: one after another, the longest; the rest of a shot becomes the largest length that fits, again and again.
 * HEAD: the first clip of each shot. SLIDE: the longest, a new one every cfg->stride frames, so they overlap; a shot that is
 * shorter gives one clip as CHUNK does. UNIFORM: cfg->per_shot clips of the largest length that fits, spread evenly from the
 * start of the shot to its end; the file is decoded twice. FULL: the shot as one clip as long as it is, between the smallest and
 * the largest of cfg->frames; a longer one in pieces. */
typedef enum zt_ingest_mode { ZT_MODE_CHUNK, ZT_MODE_HEAD, ZT_MODE_SLIDE, ZT_MODE_UNIFORM, ZT_MODE_FULL } zt_ingest_mode;
#define ZT_INGEST_MODES "chunk|head|slide|uniform|full"   /* names in the order of the enum, as option tables want them */

typedef struct zt_ingest_size { int width, height; } zt_ingest_size;

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
    const zt_ingest_item *items;    /* n_items more, after those of src. A piece is a source of its own in the catalogue, called
                                     * PATH#t=START,END (W3C Media Fragments); rows of one file best stand together */
    size_t n_items;
    const char *out;                /* new, empty, or a data set that ingest began with the same settings: it then continues */
    zt_ingest_size size[ZT_INGEST_BUCKETS]; /* sides 8..4096; a source takes the one nearest to its aspect, the first of equals */
    int n_size;
    int64_t frames[ZT_INGEST_BUCKETS];        /* lengths, growing, 1..1024; a clip has at most 1 GiB */
    int n_frames;
    int64_t frame_step;             /* 4 or 8: every length is frame_step*n + 1, as causal video encoders want; 0: any */
    double fps;                     /* 0.1..240 */
    zt_ingest_mode mode;
    int64_t stride, per_shot;       /* frames, 1..65536 (SLIDE; 0: half the longest); clips, 1..1024 (UNIFORM; 0: 4) */
    zt_scene_cfg scenes;            /* no clip spans a boundary that it finds; OFF: a file is one shot */
    zt_fit fit;
    zt_filter filter;
    bool audio;                     /* keep the sound of each clip: member KEY.wav, 16 bit at the file's rate, from sample
                                     * round(start*rate) to before round(end*rate) of the file's time line */
    int threads;                    /* files at a time, 1..256; 0: as many as processors. No byte of the data set depends on it */
    double val, test;               /* parts of the sources for validation and test, 0..0.5 */
    zt_ingest_caption caption;
    int64_t max_clips;              /* per source; 0: all */
    uint64_t seed;                  /* of the split */
    zt_ingest_faces faces;
} zt_ingest_cfg;

typedef struct zt_ingest_report {
    int64_t files;                  /* looked at in this run: new_ok + new_dropped + duplicates + done_before */
    int64_t new_ok, new_dropped, duplicates, done_before;
    int64_t damaged;                /* of new_ok: some part did not decode, the rest was kept */
    int64_t skipped;                /* found in folders, no media: text, tables, links, hidden, special files */
    int64_t new_clips;
    int64_t arrays;                 /* videos of which there are features and no pixels: they went to OUT/arrays (data/cache.h) */
    int64_t train, val, test;       /* usable clips in the data set now, old and new */
    bool wrote;                     /* this process wrote the data set; else others did: new_*, duplicates and damaged are 0 */
    int64_t here, others;           /* files that this process looked into; of those it wrote, files that others decoded */
    double seconds;
} zt_ingest_report;

/** Cut clips out of every file (what of it is in none is counted in sources.info) and add them to the data set cfg->out. A source
 *  goes whole to one split, by hash of its content and the seed; equal content is taken once. Files are decoded side by side and
 *  written in their order: equal files and settings give equal data, byte for byte, also when the run was killed on the way and
 *  the same call went on. Finished shards are committed at places that depend on the content only; after a kill at any time the
 *  data set is whole. Progress on stderr.
 *  Several processes, on several machines too, may make this call for one folder that they all see (its file system must have
 *  locks as fcntl sets them): one writes, all decode, and where one is killed the others go on with its files. Each returns when
 *  the data set is complete. With other files (not settings) a process waits for its turn to write. One call at a time in a
 *  process.
 *  A file that does not decode is no error; a report without clips is none either. report may be NULL; it is filled after
 *  ZT_CANCELLED too.
 *  Errors: ZT_ARG (cfg, an item; other settings than cfg->out has), ZT_NOTFOUND (no such source; no
 *  cascades to find faces with), ZT_IO, ZT_FORMAT (damaged data
 *  set), ZT_CANCELLED (finished sources are kept, in a shard of their own), ZT_NOMEM. */
zt_err zt_ingest(const zt_ingest_cfg *cfg, zt_ingest_report *report);
#endif
