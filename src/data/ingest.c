/* ingest.c - see ingest.h. Finding files is ingest_walk.c, captions are ingest_caption.c, what reaches the disk and when is
 * store.c. Tested by tests/data/test_data_ingest.c. */
#include "data/ingest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/catalog.h"
#include "data/ingest_impl.h"
#include "data/store.h"
#include "media/reader.h"

enum {
    TRAIN,
    VAL,
    TEST,
    SPLITS,
    NAME_MAX_BYTES = 4 * ZT_PATH_MAX, /* a path with every byte escaped */
    /* At most this much work is lost by a kill, and the file at hand. */
    SHARD_BYTES = 64 << 20,
    COMMIT_FILES = 256,
    COMMIT_S = 120,
    /* So many seconds of repeated pictures with less than 1 new one in so many frames: a broken clock. */
    STILL_S = 600,
    STILL_PART = 200
};
static const char *const SPLIT[SPLITS] = {"train", "val", "test"};
static const char *const CAPTION[] = {"auto", "txt", "folder", "none"};

/* The run. */
typedef struct job {
    const zt_ingest_cfg *cfg;
    zt_store *store;
    zt_ingest_captions *captions;
    zt_ingest_report rep;
    uint8_t *clip, *last;       /* [frames,size,size,3]; the frame before this one */
    int64_t clips[SPLITS];      /* usable ones in the data set */
    int64_t next_key, usable;   /* number of the next clip; usable sources */
    int since;                  /* files since the last commit, which was at */
    double committed;
    zt_progress progress;
} job;

/* The file at hand. */
typedef struct source {
    const zt_ingest_file *file;
    char name[NAME_MAX_BYTES + 1], fragment[80], hash[65], reason[1200], note[160];
    char caption[ZT_INGEST_CAPTION_MAX + 1];
    const char *caption_from;
    zt_reader_info info;
    bool opened, duplicate;
    bool again;                 /* the reason may have gone by the next run */
    int64_t frames, clips, damaged;
} source;

static size_t frame_bytes(const job *j) { return (size_t)(j->cfg->size * j->cfg->size * 3); }

static zt_err check(const zt_ingest_cfg *c) {
    if (!c || c->n_src < 0 || (c->n_src && !c->src) || (c->n_items && !c->items) || (c->n_src == 0 && c->n_items == 0))
        return zt_fail(ZT_ARG, "ingest: no source given; name files or folders");
    if (!c->out || !c->out[0]) return zt_fail(ZT_ARG, "ingest: no folder for the data set given (--out DIR)");
    if (c->size < 8 || c->size > 1024 || c->frames < 1 || c->frames > 1024 || !(c->fps >= 0.1 && c->fps <= 240))
        return zt_fail(ZT_ARG, "ingest: %lld frames of %lldx%lld at %g fps; wanted 1..1024 frames, size 8..1024, 0.1..240 fps",
                       (long long)c->frames, (long long)c->size, (long long)c->size, c->fps);
    if (c->frames * c->size * c->size * 3 > (int64_t)1 << 30)
        return zt_fail(ZT_ARG, "ingest: %lld frames of %lldx%lld are more than 1 GiB a clip; take fewer frames or a smaller size",
                       (long long)c->frames, (long long)c->size, (long long)c->size);
    if (!(c->val >= 0 && c->val <= 0.5) || !(c->test >= 0 && c->test <= 0.5) || c->val + c->test > 0.9)
        return zt_fail(ZT_ARG, "ingest: val %g and test %g; wanted are parts 0..0.5, together at most 0.9", c->val, c->test);
    if (c->max_clips < 0 || c->max_clips > 1 << 30 || (int)c->caption < 0 || c->caption > ZT_CAPTION_NONE)
        return zt_fail(ZT_ARG, "ingest: max-clips %lld or kind of caption %d is out of range", (long long)c->max_clips,
                       (int)c->caption);
    return ZT_OK;
}

zt_err zt_ingest_check_out(const char *out) {
    char **names = NULL;
    int n = 0;
    zt_err e = ZT_OK;
    if (!zt_is_dir(out))
        return zt_file_exists(out) ? zt_fail(ZT_ARG, "%s: is a file; the data set needs a folder of its own", out) : ZT_OK;
    ZT_TRY(e = zt_dir_list(out, &names, &n), done);
    bool foreign = n > 0;
    for (int i = 0; i < n; i++)
        if (strncmp(names[i], "catalog.db", 10) == 0 || strcmp(names[i], "shards") == 0 || strcmp(names[i], "arrays") == 0)
            foreign = false;
    if (foreign)
        e = zt_fail(ZT_ARG, "%s: holds other files (%.60s) and no data set; choose a new or empty folder", out, names[0]);
done:
    zt_names_free(names, n);
    return e;
}

/* A path as text that is always UTF-8: bytes of other encodings become \xNN. */
static zt_err readable_name(const char *path, char name[NAME_MAX_BYTES + 1]) {
    const size_t n = strlen(path);
    if (zt_utf8_valid(path, n, NULL)) return zt_format(name, NAME_MAX_BYTES + 1, "%s", path);
    if (n > ZT_PATH_MAX) return zt_fail(ZT_ARG, "a path of %zu bytes is too long", n);
    for (size_t i = 0; i < n; i++, path++) {
        const unsigned char c = (unsigned char)*path;
        if (c >= 128 || c == '\\') name += snprintf(name, 5, "\\x%02x", c);
        else *name++ = (char)c;
    }
    *name = '\0';
    return ZT_OK;
}

/* The source's name in the catalogue: its path, and for a piece the stretch of time as a media fragment. */
static zt_err name_source(source *s) {
    const zt_ingest_item *k = s->file->item;
    zt_err e = readable_name(s->file->path, s->name);
    s->fragment[0] = '\0';
    if (e != ZT_OK || !k || (k->start_s == 0 && k->end_s == 0)) return e;
    char start[32], end[32] = "";
    zt_real_text(start, k->start_s);
    if (k->end_s > 0) zt_real_text(end, k->end_s);
    snprintf(s->fragment, sizeof s->fragment, "#t=%s%s%s", start, end[0] ? "," : "", end);
    const size_t n = strlen(s->name);
    return zt_format(s->name + n, sizeof s->name - n, "%s", s->fragment);
}

static zt_err count_clip(void *ctx, const zt_catalog_clip *k) {
    int64_t *clips = ctx;
    for (int i = 0; i < SPLITS; i++) clips[i] += strcmp(k->split, SPLIT[i]) == 0;
    return ZT_OK;
}

static zt_err count_clips(job *j) {
    memset(j->clips, 0, sizeof j->clips);
    return zt_catalog_clips(zt_store_catalog(j->store), "ok", count_clip, j->clips);
}

/* A data set is made with one set of settings; they are in table meta. */
static zt_err settle(job *j) {
    const zt_ingest_cfg *c = j->cfg;
    zt_catalog *k = zt_store_catalog(j->store);
    char now[300], then[300], fps[32], val[32], test[32];
    int64_t clips;
    zt_err e;
    zt_real_text(fps, c->fps);
    zt_real_text(val, c->val);
    zt_real_text(test, c->test);
    ZT_TRY(e = zt_format(now, sizeof now,
                         "size %lld, frames %lld, fps %s, val %s, test %s, caption %s, max-clips %lld, seed %llu",
                         (long long)c->size, (long long)c->frames, fps, val, test, CAPTION[c->caption], (long long)c->max_clips,
                         (unsigned long long)c->seed),
           done);
    ZT_TRY(e = zt_catalog_get_meta(k, "ingest", then, sizeof then), done);
    ZT_TRY(e = zt_catalog_last_clip(k, &clips), done);
    if (!then[0] && clips > 0)
        return zt_fail(ZT_ARG, "%s: holds a data set that ingest did not make; choose another folder", c->out);
    if (then[0] && strcmp(now, then) != 0)
        return zt_fail(ZT_ARG,
                       "%s: was made with other settings (%s), asked for now: %s; give the same ones or choose another folder",
                       c->out, then, now);
    j->next_key = clips + 1;
    ZT_TRY(e = zt_catalog_set_meta(k, "ingest", now), done);
    ZT_TRY(e = zt_catalog_count_sources(k, "ok", &j->usable), done);
    e = count_clips(j);
done:
    return e;
}

/* Remove shards that a killed run left and no row names: shards of a split are numbered without gaps. Inside the transaction, so
 * no other program can be writing them. */
static zt_err tidy(job *j) {
    char dir[ZT_PATH_MAX], path[ZT_PATH_MAX], **names = NULL;
    int n = 0;
    zt_err e;
    ZT_TRY(e = zt_path_join(dir, j->cfg->out, "shards"), done);
    ZT_TRY(e = zt_dir_list(dir, &names, &n), done);
    for (int s = 0; s < SPLITS; s++) {
        const size_t len = strlen(SPLIT[s]);
        int64_t count;
        ZT_TRY(e = zt_catalog_count_shards(zt_store_catalog(j->store), SPLIT[s], &count), done);
        for (int i = 0; i < n; i++) {
            if (strncmp(names[i], SPLIT[s], len) != 0 || names[i][len] != '-') continue;
            char *end;
            const long long number = strtoll(names[i] + len + 1, &end, 10);
            const bool part = strcmp(end, ".tar.part") == 0;
            if (!part && (strcmp(end, ".tar") != 0 || number < count)) continue;
            ZT_TRY(e = zt_path_join(path, dir, names[i]), done);
            (void)unlink(path);   /* if it stays it is only written over later */
        }
    }
done:
    zt_names_free(names, n);
    return e;
}

/* What the list says; else by content and seed, whatever the file is called; the last sources before ZT_INGEST_VAL_FROM fill a
 * split that got none. */
static int split_of(const job *j, const source *s) {
    const zt_ingest_cfg *c = j->cfg;
    const char *hash = s->hash, *said = s->file->item ? s->file->item->split : NULL;
    for (int i = 0; i < SPLITS; i++)
        if (said && strcmp(said, SPLIT[i]) == 0) return i;
    if (c->test > 0 && j->clips[TEST] == 0 && j->usable >= ZT_INGEST_VAL_FROM - 2) return TEST;
    if (c->val > 0 && j->clips[VAL] == 0 && j->usable >= ZT_INGEST_VAL_FROM - 1) return VAL;
    zt_rng r = zt_rng_init(c->seed, zt_hash_name(hash));
    const double u = zt_rng_uniform(&r);
    return u < c->val ? VAL : u < c->val + c->test ? TEST : TRAIN;
}

/* The reason of a failed call, without the path in front that everybody knows. */
static void refuse(source *s, zt_err e) {
    const char *text = zt_err_text();
    const size_t n = strlen(s->file->path);
    if (strncmp(text, s->file->path, n) == 0 && strncmp(text + n, ": ", 2) == 0) text += n + 2;
    size_t keep = snprintf(s->reason, sizeof s->reason, "%s", *text ? text : zt_err_name(e)) < 0 ? 0 : strlen(s->reason);
    if (!zt_utf8_valid(s->reason, keep, NULL))                        /* a name inside it, or a character that was cut */
        for (char *p = s->reason; *p; p++)
            if ((unsigned char)*p >= 128) *p = '?';
    s->again = e == ZT_IO || e == ZT_NOMEM || e == ZT_NOTFOUND;
}

static zt_err add_clip(job *j, source *s, int split) {
    char key[32];
    const zt_ingest_cfg *c = j->cfg;
    const zt_ingest_item *item = s->file->item;
    snprintf(key, sizeof key, "%08lld", (long long)j->next_key);
    const zt_catalog_clip k = {.key = key, .frames = (int)c->frames, .height = (int)c->size, .width = (int)c->size, .fps = c->fps,
                               .caption = s->caption, .source = s->name, .source_hash = s->hash, .split = SPLIT[split],
                               .start_s = (item ? item->start_s : 0) + (double)(s->clips * c->frames) / c->fps,
                               .labels = item ? item->labels : NULL, .licence = item ? item->licence : NULL};
    zt_err e = zt_store_add(j->store, &k, j->clip, NULL, 0);
    if (e != ZT_OK) return e;
    j->next_key++;
    j->clips[split]++;
    s->clips++;
    return zt_cancelled() ? zt_fail(ZT_CANCELLED, "stopped") : ZT_OK;
}

/* The clips of one opened file. Fails only for what must end the run. */
static zt_err cut(job *j, source *s, zt_reader *r, int split) {
    const size_t bytes = frame_bytes(j);
    const int64_t frames = j->cfg->frames;
    int64_t still = 0;
    for (;;) {
        uint8_t *to = j->clip + (size_t)(s->frames % frames) * bytes;
        bool end;
        zt_err e = zt_reader_next(r, to, NULL, &end);
        if (e == ZT_CANCELLED) return e;
        if (e != ZT_OK) {
            refuse(s, e);
            snprintf(s->note, sizeof s->note, "ended early: %.120s", s->reason);
            if (!zt_utf8_valid(s->note, strlen(s->note), NULL)) snprintf(s->note, sizeof s->note, "ended early");
            s->damaged++;
        }
        if (e != ZT_OK || end) return ZT_OK;
        still += s->frames > 0 && memcmp(j->last, to, bytes) == 0;
        memcpy(j->last, to, bytes);
        if ((double)still > STILL_S * j->cfg->fps && s->frames - still < s->frames / STILL_PART) {
            snprintf(s->note, sizeof s->note, "hardly a new picture in %.0f s of its time line; the rest was left out",
                     (double)s->frames / j->cfg->fps);
            s->damaged++;
            return ZT_OK;
        }
        if (++s->frames % frames == 0 && (e = add_clip(j, s, split)) != ZT_OK) return e;
    }
}

/* Why a file that opens gives no clip. */
static void explain(const job *j, source *s) {
    const long long found = (long long)s->frames, want = (long long)j->cfg->frames;
    if (s->reason[0] && s->frames == 0) return;
    if (s->info.image)
        snprintf(s->reason, sizeof s->reason, "too short: an image, a clip needs %lld frames (--frames 1 takes images)", want);
    else {
        char hint[80] = "";
        if (s->damaged) snprintf(hint, sizeof hint, "; the rest is damaged");
        else if (s->info.fps > j->cfg->fps && (double)s->frames * s->info.fps >= (double)j->cfg->frames * j->cfg->fps)
            snprintf(hint, sizeof hint, "; at its own rate, --fps %.4g, it has enough", s->info.fps);
        snprintf(s->reason, sizeof s->reason, "too short: %lld frame%s at %g fps, a clip needs %lld%s", found,
                 found == 1 ? "" : "s", j->cfg->fps, want, hint);
    }
}

static zt_err decode(job *j, source *s) {
    const zt_ingest_cfg *c = j->cfg;
    const zt_reader_cfg want = {.fps = c->fps,
                                .width = (int)c->size,
                                .height = (int)c->size,
                                .start_s = s->file->item ? s->file->item->start_s : 0,
                                .end_s = s->file->item ? s->file->item->end_s : 0,
                                .max_frames = c->max_clips * c->frames};
    zt_reader *r = NULL;
    const zt_ingest_item *item = s->file->item;
    zt_err e = item && item->bytes ? zt_reader_create_memory(&r, item->bytes, item->n_bytes, s->file->path, &want)
                                   : zt_reader_create(&r, s->file->path, &want);
    if (e == ZT_CANCELLED) return e;
    if (e != ZT_OK) {
        refuse(s, e);
        return ZT_OK;
    }
    s->opened = true;
    zt_reader_get_info(r, &s->info);
    ZT_TRY(e = zt_ingest_caption_of(j->captions, s->file, s->caption, &s->caption_from), done);
    ZT_TRY(e = cut(j, s, r, split_of(j, s)), done);
    s->damaged += zt_reader_damaged(r);
    if (s->clips > 0) s->reason[0] = '\0';
    else explain(j, s);
done:
    zt_reader_destroy(&r);
    return e;
}

static double finite_or_0(double v) { return isfinite(v) ? v : 0; }

/* Table sources, column info. *text is jansson's own: free(). */
static zt_err describe(const job *j, const source *s, char **text) {
    const zt_reader_info *i = &s->info;
    json_t *o = json_object();
    if (s->opened) {
        json_object_set_new(o, "codec", json_string(i->codec));
        json_object_set_new(o, "pix_fmt", json_string(i->pix_fmt));
        json_object_set_new(o, "width", json_integer(i->width));
        json_object_set_new(o, "height", json_integer(i->height));
        json_object_set_new(o, "fps", json_real(finite_or_0(i->fps)));
        json_object_set_new(o, "duration_s", json_real(finite_or_0(i->duration_s)));
        json_object_set_new(o, "rotation", json_integer(i->rotation));
        json_object_set_new(o, "hdr", json_boolean(i->hdr));
        json_object_set_new(o, "frames", json_integer(s->frames));
        json_object_set_new(o, "clips", json_integer(s->clips));
        json_object_set_new(o, "rest_frames", json_integer(s->frames % j->cfg->frames));
        json_object_set_new(o, "damaged", json_integer(s->damaged));
        json_object_set_new(o, "caption_from", json_string(s->caption_from));
    }
    if (s->file->item && s->file->item->origin && s->file->item->origin[0])
        json_object_set_new(o, "origin", json_string(s->file->item->origin));
    if (s->note[0]) json_object_set_new(o, "note", json_string(s->note));
    *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    return *text ? ZT_OK : zt_fail(ZT_NOMEM, "%s: out of memory for its description", s->file->path);
}

static zt_err record(job *j, source *s) {
    char *info = NULL;
    zt_err e = describe(j, s, &info);
    const zt_catalog_source row = {.path = s->name,
                                   .hash = s->again && !s->clips ? "" : s->hash,
                                   .status = s->clips ? "ok" : "dropped",
                                   .reason = s->reason,
                                   .info = info};
    if (e == ZT_OK) e = zt_catalog_put_source(zt_store_catalog(j->store), &row);
    free(info);
    if (e != ZT_OK) return e;
    if (s->clips > 0) {
        j->usable++;
        j->rep.new_ok++;
        j->rep.new_clips += s->clips;
        j->rep.damaged += s->damaged > 0;
    } else if (s->duplicate) j->rep.duplicates++;
    else j->rep.new_dropped++;
    return ZT_OK;
}

/* Whether the content is known already; else what speaks against it. */
static zt_err look(job *j, source *s, bool *known) {
    zt_catalog *c = zt_store_catalog(j->store);
    char twin[NAME_MAX_BYTES + 1];
    *known = false;
    const zt_ingest_item *item = s->file->item;
    const bool memory = item && item->bytes;
    zt_err e = memory ? zt_sha256(item->bytes, item->n_bytes, s->hash) : zt_sha256_file(s->file->path, s->hash);
    if (e != ZT_OK) {
        refuse(s, e);
        s->hash[0] = '\0';
        return ZT_OK;
    }
    ZT_TRY(e = zt_catalog_has_source(c, s->name, s->hash, known), done);
    if (*known) return ZT_OK;
    if (memory ? item->n_bytes == 0 : zt_file_size(s->file->path) == 0) snprintf(s->reason, sizeof s->reason, "zero bytes");
    else {
        ZT_TRY(e = zt_catalog_same_content(c, s->hash, s->fragment, twin, sizeof twin), done);
        s->duplicate = twin[0] != '\0';
        if (s->duplicate) snprintf(s->reason, sizeof s->reason, "duplicate of %.1000s", twin);
        if (s->duplicate && !zt_utf8_valid(s->reason, strlen(s->reason), NULL))
            snprintf(s->reason, sizeof s->reason, "duplicate of another file");
    }
    /* Clips of older content under this name are no longer what they say they are. */
    e = zt_catalog_drop_clips(c, s->name, "the file has changed since");
done:
    return e;
}

/* One file, whole or not at all. */
static zt_err take(job *j, source *s, const zt_ingest_file *file) {
    bool known;
    zt_err e;
    memset(s, 0, sizeof *s);
    s->file = file;
    s->caption_from = "";
    const int64_t key = j->next_key;
    ZT_TRY(e = name_source(s), done);
    ZT_TRY(e = zt_store_mark(j->store), done);
    ZT_TRY(e = look(j, s, &known), done);
    if (known) j->rep.done_before++;
    if (!known && !s->reason[0]) e = decode(j, s);
    if (e == ZT_CANCELLED) {
        j->next_key = key;
        e = zt_store_back(j->store);
        return e == ZT_OK ? zt_fail(ZT_CANCELLED, "stopped") : e;
    }
    if (e == ZT_OK && !known) e = record(j, s);
    if (e == ZT_OK) e = zt_store_keep(j->store);
done:
    return e;
}

static zt_err commit(job *j, bool now) {
    now = now || ++j->since >= COMMIT_FILES || zt_now() - j->committed > COMMIT_S;
    zt_err e = zt_store_flush(j->store, now);
    if (now) {
        j->since = 0;
        j->committed = zt_now();
    }
    return e;
}

static zt_err take_all(job *j, const zt_ingest_files *files) {
    zt_err e = ZT_OK;
    source *s = zt_alloc(sizeof *s);
    if (!s) return ZT_NOMEM;
    size_t i = 0;
    for (; i < files->n && e == ZT_OK; i++) {
        if (zt_cancelled()) e = zt_fail(ZT_CANCELLED, "stopped");
        if (e == ZT_OK) e = take(j, s, &files->file[i]);
        if (e == ZT_OK) e = commit(j, false);
        if (e != ZT_OK) break;
        snprintf(j->progress.note, sizeof j->progress.note, "%lld clips", (long long)(j->clips[0] + j->clips[1] + j->clips[2]));
        zt_progress_update(&j->progress, (int64_t)i + 1);
    }
    j->rep.files = (int64_t)i;
    if (e == ZT_OK || e == ZT_CANCELLED) {
        const zt_err committed = commit(j, true);
        if (committed != ZT_OK) e = committed;
        else if (e == ZT_CANCELLED)
            zt_fail(e, "stopped after %zu of %zu files, which are in %s; the same command continues", i, files->n, j->cfg->out);
    }
    zt_free(s);
    return e;
}

static zt_err prepare(job *j) {
    zt_err e;
    ZT_TRY(e = zt_ingest_check_out(j->cfg->out), done);
    j->clip = zt_alloc_array((size_t)j->cfg->frames, frame_bytes(j));
    j->last = zt_alloc(frame_bytes(j));
    if (!j->clip || !j->last) return ZT_NOMEM;
    ZT_TRY(e = zt_ingest_captions_create(&j->captions, j->cfg->caption), done);
    ZT_TRY(e = zt_store_open(&j->store, j->cfg->out, SHARD_BYTES), done);
    ZT_TRY(e = settle(j), done);
    e = tidy(j);
done:
    return e;
}

zt_err zt_ingest(const zt_ingest_cfg *cfg, zt_ingest_report *report) {
    zt_err e;
    zt_ingest_files files = {0};
    job j = {.cfg = cfg, .committed = zt_now()};
    const double t0 = zt_now();
    ZT_TRY(e = check(cfg), done);
    ZT_TRY(e = zt_ingest_walk(&files, cfg->src, cfg->n_src, cfg->out), done);
    ZT_TRY(e = zt_ingest_list(&files, cfg->items, cfg->n_items), done);
    ZT_TRY(e = prepare(&j), done);
    zt_progress_begin(&j.progress, "ingest", "files", (int64_t)files.n);
    e = take_all(&j, &files);
    zt_progress_end(&j.progress);
    if (e == ZT_OK) e = count_clips(&j);
done:
    j.rep.skipped = files.skipped;
    j.rep.train = j.clips[TRAIN];
    j.rep.val = j.clips[VAL];
    j.rep.test = j.clips[TEST];
    j.rep.seconds = zt_now() - t0;
    if (report) *report = j.rep;
    zt_store_close(&j.store);
    zt_ingest_captions_destroy(&j.captions);
    zt_ingest_files_finish(&files);
    zt_free(j.clip);
    zt_free(j.last);
    return e;
}
