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
#include "media/sound.h"

enum { ZT_INGEST_THREADS_MAX = 256 };

/** Errors: ZT_ARG, whatever of *c is not as ingest.h says. */
zt_err zt_ingest_check(const zt_ingest_cfg *c);
/** A folder that holds something else is not ours to fill (ZT_ARG); what a killed run leaves before its catalogue is there,
 *  is. */
zt_err zt_ingest_check_out(const char *out);

/* A file to look at. */
typedef struct zt_ingest_file {
    const char *path;           /* absolute */
    size_t root;                /* length of the folder SRC that it was found in; 0: the user named the file itself */
    int64_t bytes;              /* its size */
    int64_t modified, changed;  /* nanoseconds since 1970, as it was when it was found; 0 for a member of an archive */
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

/* ---- the file at hand (ingest_source.c) ---- */

enum { ZT_SPLITS = 3, ZT_NAME_MAX = 4 * ZT_PATH_MAX };   /* a path with every byte escaped */

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

/* ---- clips that wait (ingest_spool.c) ---- */

#define ZT_INGEST_SPOOL_MAX ((size_t)2 << 30)   /* bytes of one file's clips */

/* Decoded clips of one file, in a file, so that a long film ahead of its turn costs no more memory than a short one. While they
 * are made it is called as the caller says; when the source is done it gets its last name, and any process of this data set can
 * take it. Zero-initialise; free with zt_ingest_spool_clear. */
typedef struct zt_ingest_spooled { int64_t first, frames; size_t at, rgb_bytes, sound_bytes; uint64_t sum; } zt_ingest_spooled;
typedef struct zt_ingest_spool {
    int fd;                     /* of a file, when open */
    bool open;
    char path[ZT_PATH_MAX];     /* the file's name while it is not finished; "" of one that was */
    size_t bytes;
    zt_ingest_spooled *clip;
    size_t n, cap;
    char maker[64];             /* who made what zt_ingest_spool_load found */
} zt_ingest_spool;

/** Put a clip away, the first into a new file `path`. ZT_IO: there is no room (the caller does without). Errors: ZT_NOMEM. */
zt_err zt_ingest_spool_add(zt_ingest_spool *s, const char *path, const zt_ingest_clip *clip, size_t rgb_bytes, const void *sound,
                           size_t sound_bytes);
/** The source is read to its end (or `s` is empty: only its hash is known): write what is known of it behind its clips and name
 *  the file `last`. The spool is then empty; after a failure it is as before. Errors: ZT_IO, ZT_NOMEM, ZT_ARG (no text for a
 *  file). */
zt_err zt_ingest_spool_finish(zt_ingest_spool *s, const char *path, const char *last, const char *maker,
                              const zt_ingest_source *source);
/** What was finished as `last`: its clips into `s`, what is known into *source, of which `name` is set. Every byte is checked.
 *  Errors: ZT_NOTFOUND, ZT_FORMAT (damaged, of another source), ZT_IO, ZT_NOMEM. */
zt_err zt_ingest_spool_load(zt_ingest_spool *s, const char *last, zt_ingest_source *source);
/** Clip i as it was put away; borrowed until the next zt_ingest_spool_drop. Errors: ZT_IO. */
zt_err zt_ingest_spool_get(const zt_ingest_spool *s, size_t i, zt_ingest_clip *clip, const void **sound);
void zt_ingest_spool_drop(const zt_ingest_spool *s, size_t i, const zt_ingest_clip *clip);
/** Forget all clips; a file that was not finished is removed. */
void zt_ingest_spool_clear(zt_ingest_spool *s);

/* ---- several processes (ingest_share.c) ---- */

#define ZT_INGEST_WORK ".ingest"    /* folder of the data set; hidden, so that no walk enters it */

/* What the process that writes says of itself. */
typedef struct zt_ingest_state {
    int64_t run, clips;         /* how many times somebody began to write; usable clips so far */
    size_t turn;                /* files that are written */
    double megabytes;           /* of those */
    bool done;                  /* all of them, and they are committed */
    bool ours;                  /* its files and settings are ours (when asked) */
} zt_ingest_state;

/* One process among those that fill a data set. One of them writes, all of them decode: each file is claimed first, and a claim
 * ends with its process. Zero-initialise. Any thread, except open, write and close. Two in one process exclude each other only
 * through the catalogue. */
typedef struct zt_ingest_share {
    bool open;
    int fd;
    char dir[ZT_PATH_MAX], list[65], maker[64];  /* the folder; hash of all files and settings; name of this process */
    const char *settings;
    zt_ingest_state found;      /* as it was when this process came */
    int64_t run;                /* number of this process's turn as the one that writes */
    pthread_mutex_t asking;
} zt_ingest_share;

/** Make or enter the folder. `settings` is borrowed. Errors: ZT_IO (rights, no locks here), ZT_ARG, ZT_NOMEM. */
zt_err zt_ingest_share_open(zt_ingest_share *s, const char *out, const char *settings, const zt_ingest_files *files);
/** The last one takes the folder away, unless clips wait in it that a later run can use. */
void zt_ingest_share_close(zt_ingest_share *s);
/** Hash of everything that the data set comes from: settings, files as they were found, what lists say of them. */
zt_err zt_ingest_share_digest(const char *settings, const zt_ingest_files *files, char digest[65]);
/** Become the one that writes. *writes: nobody else is, and *v is what the last one left (zt_ingest_share_finished tells whether
 *  anything is to do); else *v is what the present one says. Errors: ZT_ARG (it has other settings), ZT_IO, ZT_NOMEM. */
zt_err zt_ingest_share_write(zt_ingest_share *s, zt_ingest_state *v, bool *writes);
/** Whether *v, left by one that no longer writes, says that our files are done and was said since this process came. */
bool zt_ingest_share_finished(const zt_ingest_share *s, const zt_ingest_state *v);
void zt_ingest_share_ask(zt_ingest_share *s, zt_ingest_state *v);
/** Only for the one that writes; v->run is set here. Errors: ZT_IO, ZT_NOMEM. */
zt_err zt_ingest_share_tell(zt_ingest_share *s, const zt_ingest_state *v);
/** Claim file i; false: another process has it. Threads of one process agree among themselves first. */
bool zt_ingest_share_claim(zt_ingest_share *s, size_t i);
void zt_ingest_share_unclaim(zt_ingest_share *s, size_t i);
/** Files of the folder that belong to file i: part (clips that are being made), clips (finished), seen (only its hash). */
zt_err zt_ingest_share_path(const zt_ingest_share *s, size_t i, const char *suffix, char path[ZT_PATH_MAX]);
bool zt_ingest_share_has(const zt_ingest_share *s, size_t i, const char *suffix);
void zt_ingest_share_remove(const zt_ingest_share *s, size_t i, const char *suffix);
/** Remove what is of other files or settings. */
void zt_ingest_share_tidy(const zt_ingest_share *s);
/** Bytes of everything in the folder. */
int64_t zt_ingest_share_waiting(const zt_ingest_share *s);

/* ---- frames whose shot is not known yet (ingest_ring.c) ---- */

/* A ring: n of cap frames, the oldest at head, and when each is shown. Zero-initialise. */
typedef struct zt_ingest_ring { uint8_t *px; double *shown; size_t frame_bytes, cap, n, head; } zt_ingest_ring;
/** Frame i behind the head; slot n is the next free one. */
uint8_t *zt_ingest_ring_slot(const zt_ingest_ring *q, size_t i);
/** Room for one more frame; the frames move to a ring twice as large. Errors: ZT_NOMEM. */
zt_err zt_ingest_ring_grow(zt_ingest_ring *q);
void zt_ingest_ring_finish(zt_ingest_ring *q);

/* ---- the run (ingest.c), its workers (ingest_work.c, ingest_take.c), the turn (ingest_turn.c) ---- */

/* Of a file, in this process. */
enum {
    ZT_FILE_OURS = 1,           /* a thread has it */
    ZT_FILE_LEFT = 2,           /* others finished it, or we gave it up: nothing for workers to do */
    ZT_FILE_COUNTED = 4         /* in the progress */
};

/* The run. `lock` guards what several workers touch: all but cfg, files, threads. Every worker decodes; the thread that called
 * zt_ingest writes finished files in their order, once this process is the one that writes. */
typedef struct zt_ingest_job {
    const zt_ingest_cfg *cfg;
    const zt_ingest_files *files;
    zt_ingest_share share;
    bool writes;                /* this process is the one; store, captions and faces are there */
    zt_store *store;
    zt_catalog *seen;           /* while it does not write: what others committed, for reading; or NULL */
    zt_ingest_captions *captions;
    zt_finder *faces;           /* NULL: not looked for */
    uint8_t *copy;              /* of a clip, to blur faces in */
    size_t copy_room;
    zt_ingest_report rep;
    int64_t clips[ZT_SPLITS];   /* usable ones in the data set */
    int64_t next_key, usable;   /* number of the next clip; usable sources */
    int64_t since;              /* new files since the last commit */
    int64_t others;             /* files that other processes decoded */
    int threads, decoder_threads;
    pthread_mutex_t lock;
    pthread_cond_t passed;      /* the turn went to the next file, or something else changed */
    uint8_t *mark;              /* of each file: ZT_FILE_ flags */
    size_t turn, kept;          /* file that may be written; first one whose finished clips may still lie in the folder */
    int working, blocked;       /* workers; those that wait for their file's turn */
    bool over;                  /* there is nothing left to do */
    bool room;                  /* more clips may wait, as it was at room_at (zt_now) */
    double room_at;
    zt_ingest_state told;       /* while it does not write: what the one that does said last */
    zt_err err;                 /* what ended the run, and its text */
    char text[1024];
    const char *hashed;         /* path of the file that was hashed last, as zt_ingest_file has it, and its hash: lists name */
    char hash[65];              /* many pieces of one file */
    zt_progress progress;       /* in megabytes of files */
    double megabytes;           /* of files that are done */
} zt_ingest_job;

/* A thread that takes files. Zero-initialise; free with zt_ingest_worker_finish. */
typedef struct zt_ingest_worker {
    zt_ingest_job *j;
    size_t index;               /* the file */
    zt_ingest_source s;
    zt_reader *r;
    zt_sound *sound;
    zt_ingest_cutter cutter;
    zt_ingest_spool spool;
    zt_ingest_ring queue;
    int64_t next_frame;         /* number of the frame at the queue's head */
    size_t boundary;            /* the first one that is not behind us */
    bool between;               /* we are inside it */
    bool counting;              /* first pass of UNIFORM: shots are only measured */
    int64_t *shot, n_shots, shots_cap, run;
    bool enough;                /* max_clips are made */
    int64_t made;               /* clips so far, waiting ones too */
    int16_t *samples;
    size_t samples_room;
    bool left;                  /* too much for us: the process that writes has to do it */
    bool holding;               /* it is our turn and we use it */
    bool drop;                  /* known or a duplicate after all: nothing of it is written */
    int split;
    int64_t clips_before[ZT_SPLITS], key_before;   /* the job's counters as they were when the turn began */
    double megabytes;           /* of the file, counted in the progress */
} zt_ingest_worker;

void zt_ingest_worker_start(zt_ingest_worker *w, zt_ingest_job *j);
void zt_ingest_worker_finish(zt_ingest_worker *w);
/** One file, w->index, which is ours: from the hash to its row, or to finished clips that wait. Errors: what must end the run. */
zt_err zt_ingest_take(zt_ingest_worker *w);
/** The same from its finished clips to its row; it is its turn. *usable false: they were damaged and are gone, nothing was
 *  written. */
zt_err zt_ingest_take_finished(zt_ingest_worker *w, bool *usable);
/** What a worker thread does: files until there are none or the run ends. arg: the job. */
void *zt_ingest_work(void *arg);
/** Write file after file, until all are, with the workers' help. The thread that called zt_ingest. */
void zt_ingest_write_all(zt_ingest_job *j);
/** End the run with e and its text, if it has not failed before. Not under the lock. */
void zt_ingest_fail(zt_ingest_job *j, zt_err e);
/** Have the turn: now if it is ours, after waiting for it if `wait`. *held: we have it. Errors: ZT_CANCELLED: the run ends. */
zt_err zt_ingest_hold(zt_ingest_worker *w, bool wait, bool *held);
/** Whether the content of *s is known already; else what speaks against it. Under the lock. */
zt_err zt_ingest_look(zt_catalog *c, zt_ingest_source *s, bool *known);
/** Write a clip, in the turn. Under the lock. */
zt_err zt_ingest_write_clip(zt_ingest_worker *w, const zt_ingest_clip *clip, const void *wav, size_t wav_bytes);
/** End of the turn: the file whole or not at all. */
zt_err zt_ingest_end_turn(zt_ingest_worker *w, zt_err e);
/** Close a shard that is full, or (now) all of them, and commit. Under the lock, inside the turn. */
zt_err zt_ingest_commit(zt_ingest_job *j, bool now);
/** Say how far the run is. Under the lock. */
void zt_ingest_say(zt_ingest_job *j);
/** Count how far the file is, 0..1, and say it. Show: not under the lock; count: under it. */
void zt_ingest_show(zt_ingest_worker *w, double part);
void zt_ingest_count(zt_ingest_worker *w, double part);
#endif
