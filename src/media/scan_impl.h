/* scan_impl.h - private to scan*.c: the work on one file. */
#ifndef ZT_MEDIA_SCAN_IMPL_H
#define ZT_MEDIA_SCAN_IMPL_H
#include <pthread.h>
#include "media/decoder.h"
#include "media/scan.h"

/* Decoded on both sides of a range, seconds: the longest window of the detector and some frames. */
#define ZT_SCAN_MARGIN_S 1.3

typedef struct zt_scan_frame { double t; int size; bool key, bi; } zt_scan_frame;
typedef struct zt_scan_key { double t; uint8_t thumb[ZT_THUMB_BYTES]; } zt_scan_key;
/* Boundaries that start in it are wanted, its ends included. before: seconds to decode before it. */
typedef struct zt_scan_range { double from, to, before; } zt_scan_range;
typedef struct zt_scan_ranges { zt_scan_range *r; size_t n, cap; } zt_scan_ranges;

typedef struct zt_scan_job {
    const char *path;
    zt_scene_cfg cfg;
    zt_reader_cfg reading;
    zt_scan_frame *frame;                 /* in the order of the file, then of time */
    size_t frames, frames_cap;
    zt_scan_key *key;
    size_t keys, keys_cap;
    bool clocked;                  /* every packet says its time */
    bool coarse;                   /* there are bidirectional frames enough, and key frames */
    zt_scan_ranges look;
    pthread_mutex_t lock;          /* of all below */
    size_t next;
    zt_scenes *found;
    bool whole;                    /* something is not as the packets said: only a full pass will do */
    double looked_s;
    zt_err err;
    char text[1024];
} zt_scan_job;

/* One thread's. */
typedef struct zt_scan_looker {
    zt_scan_job *s;
    zt_decoder *dec;
    AVFrame *f;
    double *t;                     /* times of the n pictures of the last stretch */
    size_t n, cap;
} zt_scan_looker;

/* Room for one more element of `size` bytes behind n. */
zt_err zt_scan_grow(void **list, size_t n, size_t *cap, size_t size);
zt_err zt_scan_add(zt_scan_ranges *l, zt_scan_range r);
/* Packets and pictures of the key frames; sets s->whole where the rest cannot work. */
zt_err zt_scan_read_keys(zt_scan_job *s);
/* What must be looked at into s->look. */
zt_err zt_scan_pick(zt_scan_job *s);
/* With so few ranges that a thread would wait, the longest is shared. */
zt_err zt_scan_split(zt_scan_job *s);
/* The boundaries of r into s->found. */
zt_err zt_scan_look(zt_scan_looker *l, zt_scan_range r);
#endif
