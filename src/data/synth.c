/* synth.c - see synth.h. Tested by tests/data/test_data_synth.c and test_data_worlds.c. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/store.h"
#include "data/synth.h"

/* BLOCK clips are drawn at once, in parallel; fewer when they would take more than MEMORY_MAX. Shards end at whole blocks. */
enum { BLOCK = 32, SPLITS = 3, SIDE_MAX = 1024, FRAMES_MAX = 1024, MEMORY_MAX = 1 << 30 };
static const char *const SPLIT[SPLITS] = {"train", "val", "test"};

/* One clip of a block, before it is written. */
typedef struct drawn {
    zt_scene *scene;
    bool held;
    zt_err e;
    char key[24], caption[ZT_CAPTION_MAX];
    uint8_t *rgb;
    void *truth[ZT_TRUTHS];
} drawn;

typedef struct job {
    const zt_synth_cfg *cfg;
    const zt_world *world;
    zt_clip_size size;
    bool held[ZT_COMBOS];
    int64_t count[SPLITS], done, n_held;
    drawn clip[BLOCK];
    int n_clips;                   /* of them in use */
    zt_store *store;
    zt_progress progress;
} job;

static zt_err check(const zt_synth_cfg *c) {
    if (c->clips < 1 || c->clips > 100000000)
        return zt_fail(ZT_ARG, "synth: %lld clips; 1 to 100000000 are possible", (long long)c->clips);
    if (c->frames < 1 || c->frames > FRAMES_MAX || c->size < ZT_WORLD_SIDE_MIN || c->size > SIDE_MAX)
        return zt_fail(ZT_ARG, "synth: %lld frames of %lldx%lld; 1 to %d frames of side %d to %d are possible",
                       (long long)c->frames, (long long)c->size, (long long)c->size, FRAMES_MAX, ZT_WORLD_SIDE_MIN, SIDE_MAX);
    if (!(c->fps > 0 && c->fps <= 240))
        return zt_fail(ZT_ARG, "synth: %g frames per second; more than 0 and at most 240 are possible", c->fps);
    if (!(c->val >= 0 && c->val <= 0.5 && c->test >= 0 && c->test <= 0.5))
        return zt_fail(ZT_ARG, "synth: val %g and test %g; each is a part of the clips, 0 to 0.5", c->val, c->test);
    if (c->hold_out < 0 || c->hold_out > ZT_HOLD_OUT_MAX)
        return zt_fail(ZT_ARG, "synth: %lld combinations to hold out; 0 to %d are possible", (long long)c->hold_out,
                       ZT_HOLD_OUT_MAX);
    if (!c->world) return zt_fail(ZT_ARG, "synth: no world given");
    if (!c->out || !c->out[0]) return zt_fail(ZT_ARG, "synth: no folder given; use --out DIR");
    return ZT_OK;
}

static zt_err check_out(const char *out) {
    char **names = NULL;
    int n = 0;
    if (!zt_is_dir(out)) {
        if (access(out, F_OK) == 0) return zt_fail(ZT_ARG, "%s: there is a file of this name; give a new folder", out);
        return ZT_OK;
    }
    zt_err e = zt_dir_list(out, &names, &n);
    zt_names_free(names, n);
    if (e == ZT_OK && n > 0)
        e = zt_fail(ZT_ARG, "%s: the folder is not empty (%d entries); give a new one, or remove it first", out, n);
    return e;
}

static zt_err allocate(job *j, int most) {
    const zt_world *w = j->world;
    const size_t pixels = (size_t)(j->size.T * j->size.H * j->size.W);
    int64_t shape[4];
    size_t bytes = pixels * 3;
    for (int i = 0; i < w->n_truths; i++) bytes += zt_world_truth_shape(w, i, &j->size, shape);
    const int fit = MEMORY_MAX / bytes > BLOCK ? BLOCK : MEMORY_MAX / bytes < 1 ? 1 : (int)(MEMORY_MAX / bytes);
    j->n_clips = fit < most ? fit : most;
    for (int i = 0; i < j->n_clips; i++) {
        drawn *d = &j->clip[i];
        d->rgb = zt_alloc(pixels * 3);
        d->scene = zt_alloc(w->scene_bytes);
        if (!d->rgb || !d->scene) return ZT_NOMEM;
        for (int k = 0; k < w->n_truths; k++)
            if (!(d->truth[k] = zt_alloc(zt_world_truth_shape(w, k, &j->size, shape)))) return ZT_NOMEM;
    }
    return ZT_OK;
}

static void release(job *j) {
    for (int i = 0; i < BLOCK; i++) {
        zt_free(j->clip[i].rgb);
        zt_free(j->clip[i].scene);
        for (int k = 0; k < ZT_TRUTHS; k++) zt_free(j->clip[i].truth[k]);
    }
    zt_free(j);
}

/* Clip i of a split depends on seed, split and i alone. */
static void draw(job *j, int split, int64_t i, bool truth, drawn *d) {
    static void *const NONE[ZT_TRUTHS] = {NULL};
    const zt_world *w = j->world;
    int64_t shape[4];
    zt_rng r = zt_rng_init(j->cfg->seed, zt_hash_name(SPLIT[split]) + (uint64_t)i);
    d->held = split == 2 && j->cfg->hold_out > 0 && i % 2 == 0;
    memset(d->scene, 0, w->scene_bytes);
    w->sample(&r, j->held, d->held, &j->size, d->scene);
    w->caption(d->scene, &r, d->caption);
    snprintf(d->key, sizeof d->key, "%s-%08lld", SPLIT[split], (long long)i);
    for (int k = 0; truth && k < w->n_truths; k++) memset(d->truth[k], 0, zt_world_truth_shape(w, k, &j->size, shape));
    d->e = w->render(d->scene, &j->size, d->rgb, truth ? d->truth : NONE);
}

static zt_err store(job *j, int split, bool truth, const drawn *d) {
    const zt_world *w = j->world;
    zt_err e;
    char source[64];
    zt_str labels = {0};
    zt_store_array array[ZT_TRUTHS];
    if (d->e != ZT_OK)
        return zt_fail(d->e, "synth: no memory to draw clip %s; fewer frames or a smaller --size take less", d->key);
    ZT_TRY(e = zt_format(source, sizeof source, "world:%s", w->name), done);
    ZT_TRY(e = zt_world_labels(w, d->scene, &j->size, d->held, &labels), done);
    for (int i = 0; i < w->n_truths; i++) {
        const zt_truth_def *t = &w->truth[i];
        array[i] =
            (zt_store_array){.name = t->name, .kind = t->kind, .item_bytes = t->item_bytes, .n = t->n, .data = d->truth[i]};
        zt_world_truth_shape(w, i, &j->size, array[i].shape);
    }
    const zt_catalog_clip k = {.key = d->key,
                               .split = SPLIT[split],
                               .caption = d->caption,
                               .labels = labels.buf,
                               .source = source,
                               .frames = j->size.T,
                               .height = j->size.H,
                               .width = j->size.W,
                               .fps = j->cfg->fps,
                               .licence = "CC0-1.0"};
    j->n_held += d->held;
    e = zt_store_add(j->store, &k, d->rgb, array, truth ? w->n_truths : 0);
done:
    zt_str_finish(&labels);
    return e;
}

static zt_err make_split(job *j, int split) {
    zt_err e = ZT_OK;
    const bool truth = j->cfg->all_truth || split > 0;
    for (int64_t at = 0, end; at < j->count[split]; at = end) {
        end = (at / BLOCK + 1) * BLOCK;
        end = end < at + j->n_clips ? end : at + j->n_clips;
        end = end < j->count[split] ? end : j->count[split];
        const int n = (int)(end - at);
#pragma omp parallel for schedule(dynamic)
        for (int i = 0; i < n; i++) draw(j, split, at + i, truth, &j->clip[i]);
        for (int i = 0; i < n; i++) ZT_TRY(e = store(j, split, truth, &j->clip[i]), done);
        if (end % BLOCK == 0 || end == j->count[split]) ZT_TRY(e = zt_store_flush(j->store, 0), done);
        j->done += n;
        zt_progress_update(&j->progress, j->done);
        if (zt_cancelled()) return zt_fail(ZT_CANCELLED, "stopped after %lld of %lld clips; nothing was kept", (long long)j->done,
                                           (long long)j->cfg->clips);
    }
done:
    return e;
}

static zt_err write_meta(job *j) {
    char text[64];
    zt_err e;
    zt_catalog *c = zt_store_catalog(j->store);
    ZT_TRY(e = zt_catalog_set_meta(c, "world", j->world->name), done);
    snprintf(text, sizeof text, "%llu", (unsigned long long)j->cfg->seed);
    ZT_TRY(e = zt_catalog_set_meta(c, "seed", text), done);
    snprintf(text, sizeof text, "%lld", (long long)j->cfg->hold_out);
    ZT_TRY(e = zt_catalog_set_meta(c, "hold_out", text), done);
    zt_str combos = {0};
    for (int i = 0; i < zt_world_combos(j->world); i++)
        if (j->held[i]) {
            if (combos.len) zt_str_add(&combos, ", ");
            zt_world_combo_text(j->world, i, &combos);
        }
    e = combos.failed ? ZT_NOMEM : zt_catalog_set_meta(c, "held_out", combos.buf ? combos.buf : "");
    zt_str_finish(&combos);
done:
    return e;
}

static zt_err make(job *j, const char *fresh) {
    zt_err e;
    int64_t most = 0;
    for (int split = 0; split < SPLITS; split++) most = j->count[split] > most ? j->count[split] : most;
    ZT_TRY(e = allocate(j, (int)(most < BLOCK ? most : BLOCK)), done);
    ZT_TRY(e = zt_store_open(&j->store, fresh, (int64_t)128 << 20), done);
    ZT_TRY(e = write_meta(j), done);
    for (int split = 0; split < SPLITS; split++) ZT_TRY(e = make_split(j, split), done);
    e = zt_store_flush(j->store, 1);
done:
    return e;
}

zt_err zt_synth(const zt_synth_cfg *cfg, zt_synth_report *report) {
    zt_err e;
    job *j = NULL;
    char fresh[ZT_PATH_MAX];
    double t0 = zt_now();
    zt_synth_report rep = {0};
    ZT_TRY(e = check(cfg), done);
    ZT_TRY(e = check_out(cfg->out), done);
    size_t len = strlen(cfg->out);
    while (len > 1 && cfg->out[len - 1] == '/') len--;
    ZT_TRY(e = zt_format(fresh, sizeof fresh, "%.*s.part", (int)(len < ZT_PATH_MAX ? len : ZT_PATH_MAX), cfg->out), done);
    if (!(j = zt_alloc(sizeof *j))) return ZT_NOMEM;
    j->cfg = cfg;
    j->world = cfg->world;
    j->size = (zt_clip_size){(int)cfg->frames, (int)cfg->size, (int)cfg->size, cfg->fps};
    j->count[1] = (int64_t)((double)cfg->clips * cfg->val + 0.5);
    j->count[2] = (int64_t)((double)cfg->clips * cfg->test + 0.5);
    j->count[0] = cfg->clips - j->count[1] - j->count[2];
    if (j->count[0] < 1) {
        e = zt_fail(ZT_ARG, "synth: val %g and test %g leave no training clip of %lld", cfg->val, cfg->test,
                    (long long)cfg->clips);
        goto done;
    }
    zt_world_hold_out(j->world, cfg->seed, (int)cfg->hold_out, j->held);
    zt_progress_begin(&j->progress, "synth", "clips", cfg->clips);
    ZT_TRY(e = zt_dir_remove(fresh), done);
    e = make(j, fresh);
    zt_progress_end(&j->progress);
    rep = (zt_synth_report){.train = j->count[0], .val = j->count[1], .test = j->count[2], .held_out = j->n_held};
    if (j->store) zt_store_sizes(j->store, &rep.bytes, &rep.shards);
    zt_store_close(&j->store);
    if (e == ZT_OK) e = zt_dir_swap(fresh, cfg->out);
    if (e != ZT_OK) {
        /* The cause is what the user must read, not a failure to clean up after it. */
        char why[1024];
        snprintf(why, sizeof why, "%s", zt_err_text());
        zt_dir_remove(fresh);
        zt_fail(e, "%s", why);
    }
done:
    if (j) release(j);
    rep.seconds = zt_now() - t0;
    if (report) *report = rep;
    return e;
}
