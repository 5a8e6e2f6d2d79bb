/* judge_net.c - see judge_net.h. Tested by tests/pipeline/test_judge_net.c and tests/cli/test_judge_net.sh. */
#include "pipeline/judge_net.h"
#include <string.h>
#include "data/labels.h"
#include "eval/frechet.h"

enum { PASS = ZT_JUDGE_PASS, REAL_MOST = 4096 };

/* ---- the network -------------------------------------------------------------------------------------------------- */
zt_err zt_judge_net_take(zt_judge_net *j, zt_model_dir *dir, zt_dtype multiply) {
    *j = (zt_judge_net){.dir = *dir, .T = (int)dir->net.frames, .H = (int)dir->net.height, .W = (int)dir->net.width};
    *dir = (zt_model_dir){0};
    for (int a = 0; a < ZT_JUDGE_ATTRIBUTES; a++) j->head[a] = zt_head_find(&j->dir.net, zt_judge_attribute(a));
    const zt_err e = zt_classifying_create(&j->look, &j->dir.net, &j->dir.params, PASS, multiply, false);
    if (e != ZT_OK) zt_judge_net_close(j);
    return e;
}

static zt_err check(const char *dir, const zt_net *net, int T, int H, int W) {
    if (!net->classifier)
        return zt_fail(ZT_CONFIG, "%s: %s makes clips; a judge is a classifier: give the RUN/model of zoe train "
                       "configs/judge-move-32.yaml", dir, zt_net_name(net));
    if (net->frames != T || net->height != H || net->width != W)
        return zt_fail(ZT_CONFIG,
                       "%s: this judge was trained on clips of %lldx%lldx%lld (frames x height x width), the model makes "
                       "%dx%dx%d; train a judge on clips of that size (zoe synth --frames --size)",
                       dir, (long long)net->frames, (long long)net->height, (long long)net->width, T, H, W);
    for (int a = 0; a < ZT_JUDGE_ATTRIBUTES; a++)
        if (zt_head_find(net, zt_judge_attribute(a)) < 0)
            return zt_fail(ZT_CONFIG,
                           "%s: this classifier does not tell a clip's %s; want classify.labels=shape,colour,direction", dir,
                           zt_judge_attribute(a));
    return ZT_OK;
}

zt_err zt_judge_net_open(zt_judge_net *j, const char *dir, int T, int H, int W, zt_dtype multiply) {
    zt_model_dir m;
    *j = (zt_judge_net){0};
    zt_err e = zt_model_dir_load(&m, dir);
    if (e == ZT_OK) e = check(dir, &m.net, T, H, W);
    if (e == ZT_OK) e = zt_judge_net_take(j, &m, multiply);
    zt_model_dir_finish(&m);
    return e;
}

void zt_judge_net_close(zt_judge_net *j) {
    zt_classifying_destroy(&j->look);
    zt_model_dir_finish(&j->dir);
    *j = (zt_judge_net){0};
}

/* ---- looking ------------------------------------------------------------------------------------------------------ */
zt_opinion zt_judge_net_read(const zt_judge_net *j, const float *logits) {
    const zt_net *net = &j->dir.net;
    int class[ZT_HEADS_MAX];
    zt_opinion o;
    zt_classes_of(net, logits, class);
    for (int a = 0; a < ZT_JUDGE_ATTRIBUTES; a++) {
        const int h = j->head[a];
        o.seen[a] = h < 0 ? "?" : net->head[h].class_name[class[h]];
    }
    return o;
}

zt_err zt_judge_net_look(zt_judge_net *j, const uint8_t *rgb, int64_t n, zt_opinion *seen, float *features) {
    const int64_t L = zt_classifying_logits(j->look);
    float *logits = zt_alloc_array((size_t)(n * L), sizeof *logits);
    const zt_err e = logits ? zt_classifying_run(j->look, rgb, n, features, logits) : ZT_NOMEM;
    for (int64_t k = 0; e == ZT_OK && k < n; k++) seen[k] = zt_judge_net_read(j, logits + k * L);
    zt_free(logits);
    return e;
}

bool zt_judges_agree(const zt_verdict *v, const zt_opinion *o) {
    bool same = v->valid;
    for (int a = 0; same && a < ZT_JUDGE_ATTRIBUTES; a++)
        same = strcmp(o->seen[a], zt_judge_value_name(a, zt_judge_value_of(v, a))) == 0;
    return same;
}

bool zt_opinion_right(const zt_opinion *o, const zt_clip_view *clip) {
    bool right = true;
    for (int a = 0; right && a < ZT_JUDGE_ATTRIBUTES; a++) {
        char text[ZT_CLASS_NAME_MAX];
        zt_label_text(clip, zt_judge_attribute(a), text, sizeof text);
        right = strcmp(o->seen[a], text) == 0;
    }
    return right;
}

/* ---- a set of clips ----------------------------------------------------------------------------------------------- */
/* Clips before both judges. */
typedef struct seen_set { int64_t n, right, both; zt_clip_view *clip; float *features; } seen_set;

/* One pass of at most PASS clips of set s, which begin with number `first`; labels say what is right where s has clips. */
static zt_err see_pass(zt_judge_net *j, seen_set *s, const uint8_t *rgb, int64_t first, int64_t n) {
    const int64_t bytes = (int64_t)j->T * j->H * j->W * ZT_RGB, F = zt_classifying_features(j->look);
    zt_opinion seen[PASS];
    zt_err e = zt_judge_net_look(j, rgb, n, seen, s->features + first * F);
    for (int64_t k = 0; e == ZT_OK && k < n; k++) {
        zt_verdict v;
        e = zt_judge_clip(rgb + k * bytes, j->T, j->H, j->W, &v);
        if (e != ZT_OK) break;
        s->both += zt_judges_agree(&v, &seen[k]);
        if (s->clip) s->right += zt_opinion_right(&seen[k], &s->clip[first + k]);
    }
    return e;
}

static zt_err see_made(zt_judge_net *j, seen_set *s, const uint8_t *rgb) {
    const int64_t bytes = (int64_t)j->T * j->H * j->W * ZT_RGB;
    zt_err e = ZT_OK;
    for (int64_t k = 0; e == ZT_OK && k < s->n; k += PASS)
        e = see_pass(j, s, rgb + k * bytes, k, s->n - k < PASS ? s->n - k : PASS);
    return e;
}

static zt_err see_real(zt_judge_net *j, seen_set *s) {
    const int64_t bytes = (int64_t)j->T * j->H * j->W * ZT_RGB;
    uint8_t *rgb = zt_alloc((size_t)(PASS * bytes));
    zt_err e = rgb ? ZT_OK : ZT_NOMEM;
    for (int64_t k = 0; e == ZT_OK && k < s->n; k += PASS) {
        const int64_t n = s->n - k < PASS ? s->n - k : PASS;
        for (int64_t i = 0; i < n; i++) memcpy(rgb + i * bytes, s->clip[k + i].rgb, (size_t)bytes);
        e = see_pass(j, s, rgb, k, n);
    }
    zt_free(rgb);
    return e;
}

/* The clips of a split that have the judge's size, of longer ones the first frames, at most `most`: those of combinations that
 * were trained on first, *n_seen many. */
static zt_err gather(const zt_judge_net *j, const zt_dataset *ds, const char *split, int64_t most, seen_set *s, int64_t *n_seen) {
    const int64_t count = zt_dataset_count(ds, split);
    s->clip = zt_alloc_array((size_t)(most + 1), sizeof *s->clip);
    zt_err e = s->clip ? ZT_OK : ZT_NOMEM;
    for (int held = 0; e == ZT_OK && held < 2; held++) {
        for (int64_t k = 0; e == ZT_OK && k < count && s->n < most; k++) {
            zt_clip_view *c = &s->clip[s->n];
            e = zt_dataset_clip(ds, split, k, c);
            const bool fits = e == ZT_OK && c->frames >= j->T && c->height == j->H && c->width == j->W;
            if (fits && zt_label_true(c, "held_out") == (held == 1)) s->n++;
        }
        if (held == 0) *n_seen = s->n;
    }
    return e;
}

static zt_err make_room(const zt_judge_net *j, seen_set *s) {
    s->features = zt_alloc_array((size_t)(s->n * zt_classifying_features(j->look)), sizeof *s->features);
    return s->features ? ZT_OK : ZT_NOMEM;
}

static void finish(seen_set *s) {
    zt_free(s->clip);
    zt_free(s->features);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

zt_err zt_second_opinion_of(zt_judge_net *j, const zt_dataset *ds, const uint8_t *made, int n, int n_seen, zt_second_opinion *r) {
    seen_set of_made = {.n = n}, real = {0}, other = {0};
    const int F = (int)zt_classifying_features(j->look);
    int64_t real_seen = 0, other_seen = 0;
    *r = (zt_second_opinion){.made = n, .features = F};
    memcpy(r->hash, j->dir.hash, sizeof r->hash);
    zt_err e;
    ZT_TRY(e = gather(j, ds, "test", REAL_MOST, &real, &real_seen), done);
    ZT_TRY(e = gather(j, ds, "train", least(n_seen, real_seen), &other, &other_seen), done);
    const int64_t few = r->frechet_clips = least(least(n_seen, real_seen), other_seen);
    if (few < 2) {
        e = zt_fail(ZT_CONFIG,
                    "the judge network compares with %lld clips of %dx%dx%d (frames x height x width) of the test and of the "
                    "training split; want 2 or more: give a data set made by zoe synth at that size",
                    (long long)few, j->T, j->H, j->W);
        goto done;
    }
    ZT_TRY(e = make_room(j, &of_made), done);
    ZT_TRY(e = make_room(j, &real), done);
    ZT_TRY(e = make_room(j, &other), done);
    ZT_TRY(e = see_made(j, &of_made, made), done);
    ZT_TRY(e = see_real(j, &real), done);
    ZT_TRY(e = see_real(j, &other), done);
    r->both = of_made.both;
    r->real = real.n;
    r->real_right = real.right;
    r->real_both = real.both;
    ZT_TRY(e = zt_frechet(of_made.features, few, real.features, few, F, &r->frechet), done);
    e = zt_frechet(other.features, few, real.features, few, F, &r->frechet_floor);
done:
    finish(&of_made);
    finish(&real);
    finish(&other);
    return e;
}
