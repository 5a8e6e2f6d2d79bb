/* judge_eval.c - see judge_eval.h. Tested by tests/cli/test_judge_net.sh. */
#include "pipeline/judge_eval.h"
#include <string.h>
#include "base/log.h"
#include "data/labels.h"
#include "pipeline/gan_monitor.h"

static const double noises[ZT_JUDGE_NOISES] = {0, 0.05, 0.1, 0.2};

/* rgb [n bytes] with noise of standard deviation `sigma` (pixels 0..1) into out; x [n]: work. */
static void add_noise(const uint8_t *rgb, uint8_t *out, float *x, int64_t n, double sigma, uint64_t seed, uint64_t stream) {
    zt_fill_normal(seed, stream, x, n);
    for (int64_t k = 0; k < n; k++) {
        const double v = rgb[k] + 255 * sigma * x[k] + 0.5;
        out[k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

/* One clip's logits against its labels. */
static zt_err compare(const zt_net *net, const zt_clip_view *clip, const float *logits, zt_judge_level *l, bool *all) {
    int seen[ZT_HEADS_MAX];
    zt_classes_of(net, logits, seen);
    *all = true;
    for (int i = 0; i < net->n_heads; i++) {
        char text[ZT_CLASS_NAME_MAX];
        zt_label_text(clip, net->head[i].label, text, sizeof text);
        const int class = zt_head_class(&net->head[i], text);
        if (class < 0)
            return zt_fail(ZT_CONFIG, "clip %s: its label %s is '%s', which this classifier has not learned", clip->key,
                           net->head[i].label, *text ? text : "missing");
        l->right[i] += class == seen[i];
        *all = *all && class == seen[i];
    }
    l->all += *all;
    l->n++;
    return ZT_OK;
}

/* What the passes share: clips [ZT_JUDGE_PASS], and room for them with noise. */
typedef struct work {
    zt_judge_eval *r;
    zt_judge_net *j;
    uint64_t seed;
    zt_clip_view *clip;
    uint8_t *rgb;
    float *x, *logits;                   /* x: the noise of one clip */
} work;

static zt_err judge_clip(const work *w, int level, int k) {
    const int64_t bytes = (int64_t)w->j->T * w->j->H * w->j->W * ZT_RGB;
    const float *logits = w->logits + k * zt_classifying_logits(w->j->look);
    zt_judge_level *l = &w->r->level[level];
    zt_verdict v;
    bool all;
    zt_err e = compare(&w->j->dir.net, &w->clip[k], logits, l, &all);
    if (e != ZT_OK) return e;
    if (level == 0 && zt_label_true(&w->clip[k], "held_out")) {
        w->r->held_out++;
        w->r->held_out_all += all;
    }
    if (!w->r->judged) return ZT_OK;
    if ((e = zt_judge_clip(w->rgb + k * bytes, w->j->T, w->j->H, w->j->W, &v)) != ZT_OK) return e;
    const zt_opinion seen = zt_judge_net_read(w->j, logits);
    l->analytic += zt_judge_matches(&v, w->clip[k].caption, NULL, NULL, NULL);
    l->both += zt_judges_agree(&v, &seen);
    return ZT_OK;
}

/* n clips, each at every level. */
static zt_err judge_pass(const work *w, int n) {
    const int64_t bytes = (int64_t)w->j->T * w->j->H * w->j->W * ZT_RGB, first = w->r->level[0].n;
    zt_err e = ZT_OK;
    for (int level = 0; e == ZT_OK && level < ZT_JUDGE_NOISES; level++) {
        for (int k = 0; k < n; k++)
            add_noise(w->clip[k].rgb, w->rgb + k * bytes, w->x, bytes, w->r->level[level].noise, w->seed + (uint64_t)(first + k),
                      (uint64_t)level);
        e = zt_classifying_run(w->j->look, w->rgb, n, NULL, w->logits);
        for (int k = 0; e == ZT_OK && k < n; k++) e = judge_clip(w, level, k);
    }
    return e;
}

static bool knows_attributes(const zt_judge_net *j) {
    bool all = true;
    for (int a = 0; a < ZT_JUDGE_ATTRIBUTES; a++) all = all && j->head[a] >= 0;
    return all;
}

static zt_err judge_all(const work *w, const zt_dataset *ds, int64_t n) {
    const zt_judge_net *j = w->j;
    zt_err e = ZT_OK;
    int waiting = 0;
    for (int64_t k = 0; e == ZT_OK && k < n; k++) {
        zt_clip_view *c = &w->clip[waiting];
        e = zt_cancelled() ? zt_fail(ZT_CANCELLED, "stopped") : zt_dataset_clip(ds, "test", k, c);
        if (e == ZT_OK && (c->frames != j->T || c->height != j->H || c->width != j->W))
            e = zt_fail(ZT_CONFIG, "clip %s is %dx%dx%d; this classifier looks at %dx%dx%d (frames x height x width)", c->key,
                        c->frames, c->height, c->width, j->T, j->H, j->W);
        if (e != ZT_OK || (++waiting < ZT_JUDGE_PASS && k + 1 < n)) continue;
        e = judge_pass(w, waiting);
        waiting = 0;
    }
    return e;
}

zt_err zt_judge_eval_run(zt_judge_eval *r, zt_judge_net *j, const zt_dataset *ds, int n, uint64_t seed) {
    const int64_t bytes = (int64_t)j->T * j->H * j->W * ZT_RGB, count = zt_dataset_count(ds, "test");
    *r = (zt_judge_eval){.judged = zt_gan_judgeable(ds, "test") && knows_attributes(j)};
    for (int k = 0; k < ZT_JUDGE_NOISES; k++) r->level[k].noise = noises[k];
    if (count == 0) return zt_fail(ZT_CONFIG, "the test split is empty; make a data set with zoe synth --test 0.1");
    const work w = {.r = r, .j = j, .seed = seed,
                    .clip = zt_alloc_array(ZT_JUDGE_PASS, sizeof *w.clip),
                    .rgb = zt_alloc_array(ZT_JUDGE_PASS, (size_t)bytes),
                    .x = zt_alloc_array((size_t)bytes, sizeof *w.x),
                    .logits = zt_alloc_array((size_t)(ZT_JUDGE_PASS * zt_classifying_logits(j->look)), sizeof *w.logits)};
    const double start = zt_now();
    const zt_err e = w.clip && w.rgb && w.x && w.logits ? judge_all(&w, ds, count < n ? count : n) : ZT_NOMEM;
    r->clips_per_s = (double)(r->level[0].n * ZT_JUDGE_NOISES) / (zt_now() - start);
    zt_free(w.clip);
    zt_free(w.rgb);
    zt_free(w.x);
    zt_free(w.logits);
    return e;
}
