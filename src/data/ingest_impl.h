/* ingest_impl.h - private to ingest*.c: finding the files, their captions, clips out of frames, clips that wait for their
 * turn. */
#ifndef ZT_DATA_INGEST_IMPL_H
#define ZT_DATA_INGEST_IMPL_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/faces_set.h"
#include "data/ingest.h"
#include "data/store.h"

/** A folder that holds something else is not ours to fill (ZT_ARG); what a killed run leaves before its catalogue is there,
 *  is. */
zt_err zt_ingest_check_out(const char *out);

/* A file to look at. */
typedef struct zt_ingest_file {
    const char *path;           /* absolute */
    size_t root;                /* length of the folder SRC that it was found in; 0: the user named the file itself */
    int64_t bytes;              /* its size */
    const zt_ingest_item *item; /* what a list says of it; NULL: found in SRC */
} zt_ingest_file;

/* Zero-initialise; free with zt_ingest_files_finish. */
typedef struct zt_ingest_files {
    zt_arena *arena;
    zt_ingest_file *file;
    size_t n, cap;
    int64_t skipped;
    uint64_t out_dev, out_ino;  /* the data set's own folder is not walked into */
    bool has_out;
} zt_ingest_files;

/** All files of src[0..n) in order; a folder that cannot be read below SRC is warned about and counted as skipped.
 *  Errors: ZT_NOTFOUND, ZT_IO (an SRC), ZT_CANCELLED, ZT_NOMEM. */
zt_err zt_ingest_walk(zt_ingest_files *f, const char *const *src, int n, const char *out);
/** Add the files that a list names. Errors: ZT_ARG (an item says what cannot be), ZT_NOTFOUND, ZT_IO, ZT_NOMEM. */
zt_err zt_ingest_list(zt_ingest_files *f, const zt_ingest_item *items, size_t n);
void zt_ingest_files_finish(zt_ingest_files *f);

/* Looks captions up; remembers the tables of the last folder. */
typedef struct zt_ingest_captions zt_ingest_captions;
zt_err zt_ingest_captions_create(zt_ingest_captions **c, zt_ingest_caption mode);
void zt_ingest_captions_destroy(zt_ingest_captions **c);
/** Caption of `file`, from its item or from beside it, into text: UTF-8 on one line, "" when there is none; *from says where it
 *  is from ("list", "txt", "table", "folder", "").
 *  A caption file that cannot be used is warned about and passed over. Errors: ZT_NOMEM. */
zt_err zt_ingest_caption_of(zt_ingest_captions *c, const zt_ingest_file *file, char text[ZT_INGEST_CAPTION_MAX + 1],
                            const char **from);

/* ---- clips out of frames (ingest_cut.c) ---- */

/* A clip: frames first..first+frames-1 of the source's time line at cfg->fps, from its start. */
typedef struct zt_ingest_clip { int64_t first, frames; const uint8_t *rgb; } zt_ingest_clip;

/* Takes the frames of shot after shot and gives away clips by cfg->mode. Zero-initialise; free with zt_ingest_cutter_finish. */
typedef struct zt_ingest_cutter {
    const zt_ingest_cfg *cfg;
    size_t frame_bytes;
    uint8_t *buf;               /* room for the longest clip */
    int64_t have, first;        /* frames in buf; frame number of the first */
    int64_t seen, start, clips; /* in this shot: frames so far, where the present clip starts, clips given */
    const int64_t *shot;        /* UNIFORM: lengths of all shots, n_shots of them, found in a first pass */
    int64_t n_shots, shot_at;
    zt_err (*give)(void *ctx, const zt_ingest_clip *clip);   /* a result other than ZT_OK ends the call it came from */
    void *ctx;
} zt_ingest_cutter;

/** Frame number `k` of the present shot. Errors: as give. */
zt_err zt_ingest_cutter_frame(zt_ingest_cutter *c, int64_t k, const uint8_t *rgb);
/** The shot is over. */
zt_err zt_ingest_cutter_end_shot(zt_ingest_cutter *c);
/** For frames of another size. Errors: ZT_NOMEM. */
zt_err zt_ingest_cutter_start(zt_ingest_cutter *c, size_t frame_bytes);
void zt_ingest_cutter_finish(zt_ingest_cutter *c);

/* ---- clips that wait (ingest_spool.c) ---- */

/* A file without a name in the data set's folder: it goes away with the process. Zero-initialise; free with
 * zt_ingest_spool_finish. */
typedef struct zt_ingest_spooled { int64_t first, frames; size_t at, rgb_bytes, sound_bytes; } zt_ingest_spooled;
typedef struct zt_ingest_spool {
    int fd;                     /* of a file, when open */
    bool open;
    size_t bytes;
    zt_ingest_spooled *clip;
    size_t n, cap;
} zt_ingest_spool;

/** Put a clip away. ZT_IO: there is no room (the caller then waits instead). Errors: ZT_NOMEM. */
zt_err zt_ingest_spool_add(zt_ingest_spool *s, const char *dir, const zt_ingest_clip *clip, size_t rgb_bytes, const void *sound,
                           size_t sound_bytes);
/** Clip i as it was put away; borrowed until the next zt_ingest_spool_drop. Errors: ZT_IO. */
zt_err zt_ingest_spool_get(const zt_ingest_spool *s, size_t i, zt_ingest_clip *clip, const void **sound);
void zt_ingest_spool_drop(const zt_ingest_spool *s, size_t i, const zt_ingest_clip *clip);
/** Forget all clips; the file stays open for the next ones. */
void zt_ingest_spool_clear(zt_ingest_spool *s);
void zt_ingest_spool_finish(zt_ingest_spool *s);

/* ---- the run (ingest.c) and its workers (ingest_take.c) ---- */

enum { ZT_SPLITS = 3, ZT_NAME_MAX = 4 * ZT_PATH_MAX };   /* a path with every byte escaped */

/* The file at hand. */
typedef struct zt_ingest_source {
    const zt_ingest_file *file;
    char name[ZT_NAME_MAX + 1], fragment[80], hash[65], reason[1200], note[160];
    char caption[ZT_INGEST_CAPTION_MAX + 1];
    const char *caption_from;
    zt_reader_info info;
    int width, height;          /* of its clips */
    int rate, channels;         /* of its sound; 0: none kept */
    bool opened, duplicate;
    bool again;                 /* the reason may have gone by the next run */
    int64_t frames, clips, damaged, boundaries, used;   /* used: frames in clips, overlaps once for each clip */
} zt_ingest_source;

/* Of a source (ingest_source.c). */
/** Into s->name: its path, and for a piece the stretch of time as a media fragment. Errors: ZT_ARG (too long). */
zt_err zt_ingest_source_name(zt_ingest_source *s);
/** A call failed with e: its text becomes the reason, without the path in front that everybody knows. */
void zt_ingest_source_refuse(zt_ingest_source *s, zt_err e);
/** The reader failed with e: what came before it stays. */
void zt_ingest_source_ended(zt_ingest_source *s, zt_err e);
/** The reason why a file that opens gives no clip. */
void zt_ingest_source_explain(const zt_ingest_cfg *c, zt_ingest_source *s);
/** Table sources, column info. *text is jansson's own: free(). Errors: ZT_NOMEM. */
zt_err zt_ingest_source_describe(const zt_ingest_source *s, char **text);

/* The run. `lock` guards what several workers touch: next, turn, err, text, hash, progress, faces, copy; and the store, its
 * catalogue with it. */
typedef struct zt_ingest_job {
    const zt_ingest_cfg *cfg;
    const zt_ingest_files *files;
    zt_store *store;
    zt_ingest_captions *captions;
    zt_finder *faces;           /* NULL: not looked for */
    uint8_t *copy;              /* of a clip, to blur faces in */
    size_t copy_room;
    zt_ingest_report rep;
    int64_t clips[ZT_SPLITS];   /* usable ones in the data set */
    int64_t next_key, usable;   /* number of the next clip; usable sources */
    int64_t since;              /* new files since the last commit */
    int threads, decoder_threads;
    pthread_mutex_t lock;
    pthread_cond_t passed;      /* the turn went to the next file */
    size_t next, turn;          /* file to hand out; file that may write */
    zt_err err;                 /* what ended the run, and its text */
    char text[1024];
    const char *hashed;         /* path of the file that was hashed last, as zt_ingest_file has it, and its hash: lists name */
    char hash[65];              /* many pieces of one file */
    zt_progress progress;       /* in megabytes of files */
    double megabytes;           /* of files that are done */
} zt_ingest_job;

/** What a worker thread does: files until there are none or the run ends. arg: the job. */
void *zt_ingest_work(void *arg);
/** Close a shard that is full, or (now) all of them, and commit. Under the lock, inside the turn. */
zt_err zt_ingest_commit(zt_ingest_job *j, bool now);
#endif
