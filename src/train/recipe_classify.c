/* recipe_classify.c - training a classifier of clips on their labels: cross-entropy of each head. The step's graph:
 * classify_graph.c. Tested by tests/cli/test_judge_net.sh. */
#include <math.h>
#include <stdio.h>
#include "data/labels.h"
#include "init.h"
#include "pipeline/classifying.h"
#include "pipeline/sampling.h"
#include "train/classify_graph.h"
#include "train/label_classes.h"
#include "train/recipe.h"
#include "train/run_data.h"

enum { LOOK = 32 };                      /* clips of a validation pass */

typedef struct own { zt_clip_classes of[ZT_HEADS_MAX]; } own;

/* ---- before a run ------------------------------------------------------------------------------------------------- */
static zt_err check(zt_train_cfg *c, const zt_dataset *ds) {
    zt_net *net = &c->net;
    if (c->buckets.n)
        return zt_fail(ZT_CONFIG, "data.buckets: a classifier is trained for clips of one size; leave it out");
    if (c->data.flip)
        return zt_fail(ZT_CONFIG, "data.flip=true mirrors clips but not what classify.labels say of them; set data.flip=false");
    zt_err e = zt_classify_labels(&c->classify, net->head, &net->n_heads);
    for (int k = 0; e == ZT_OK && k < net->n_heads; k++)
        e = zt_clip_classes_read(NULL, ds, "classify.labels", net->head[k].label, &net->head[k].classes, net->head[k].class_name);
    return e;
}

static zt_err open_run(zt_run *r) {
    zt_head *h = r->c->net.head;
    own *o = r->own = zt_alloc(sizeof *o);
    zt_err e = o ? ZT_OK : ZT_NOMEM;
    for (int k = 0; e == ZT_OK && k < r->c->net.n_heads; k++)
        e = zt_clip_classes_read(&o->of[k], r->ds, "classify.labels", h[k].label, &h[k].classes, h[k].class_name);
    return e;
}

static void close_run(zt_run *r) {
    own *o = r->own;
    for (int k = 0; o && k < ZT_HEADS_MAX; k++) zt_clip_classes_finish(&o->of[k]);
    zt_free(o);
    r->own = NULL;
}

/* ---- graphs ------------------------------------------------------------------------------------------------------- */
static void destroy(void **graphs) {
    if (*graphs) zt_classify_graph_finish(*graphs);
    zt_free(*graphs);
    *graphs = NULL;
}

static zt_err create(void **graphs, const zt_train_cfg *c, zt_tset *params, zt_tset *states, bool dry) {
    zt_classify_graph *s = *graphs = zt_alloc(sizeof *s);
    return s ? zt_classify_graph_create(s, c, params, states, dry) : ZT_NOMEM;
}

static zt_step_cost cost(const void *graphs, const zt_train_cfg *c) {
    const zt_classify_graph *s = graphs;
    const zt_plan_info *i = zt_plan_get_info(s->plan);
    (void)c;
    return (zt_step_cost){s->flops, zt_plan_bytes(s->plan), i->arena_bytes + i->scratch_bytes, i->fallbacks};
}

static zt_err validation_cost(const zt_train_cfg *c, zt_tset *params, zt_tset *states, zt_step_cost *of) {
    zt_classifying *s = NULL;
    (void)states;
    *of = (zt_step_cost){0};
    const zt_err e = zt_classifying_create(&s, &c->net, params, LOOK, zt_precision_multiply(c->run.precision), true);
    if (e == ZT_OK) of->bytes = zt_classifying_bytes(s) + LOOK * c->net.frames * c->net.height * c->net.width * ZT_RGB;
    zt_classifying_destroy(&s);
    return e;
}

/* Any numbers that train nothing: the rate is 0. */
static zt_err profile(void *graphs, FILE *f, double gflops, double gbytes) {
    zt_classify_graph *s = graphs;
    zt_err e = ZT_OK;
    zt_fill_normal(1, 1, s->clips->x, zt_numel(&s->clips->sh));
    zt_fill_normal(1, 2, s->noise->x, zt_numel(&s->noise->sh));
    for (int k = 0; k < 8; k++) ((float *)s->opt.hyper->x)[k] = (const float[]){0, 0.5f, 0.99f, 1e-8f, 0, 1, 1, 1}[k];
    for (int k = 0; e == ZT_OK && k < 2; k++) e = zt_plan_run(s->plan);
    return e == ZT_OK ? zt_plan_profile(s->plan, f, gflops, gbytes) : e;
}

static int64_t batches(const zt_train_cfg *c) {
    (void)c;
    return 1;
}

/* ---- a step ------------------------------------------------------------------------------------------------------- */
static zt_err step(zt_run *r, zt_scalars *out) {
    const zt_steps_cfg *k = &r->c->train;
    const own *o = r->own;
    zt_batch b;
    zt_err e = zt_run_next(r, &b);
    if (e != ZT_OK) return e;
    zt_classify_graph *s = r->graphs;
    zt_rgb_to_floats(b.rgb, s->clips->x, zt_numel(&s->clips->sh));
    for (int i = 0; i < r->c->net.n_heads; i++)
        for (int64_t j = 0; j < k->batch; j++) ((int32_t *)s->target[i]->x)[j] = zt_clip_classes_find(&o->of[i], b.id[j]);
    zt_classify_graph_draw(s, &r->now, r->at.step);
    zt_optimise_set(&s->opt, k, r->at.step, r->at.step + 1);
    if ((e = zt_plan_run(s->plan)) != ZT_OK) return e;
    const float loss = *(float *)s->loss->x, norm = *(float *)s->opt.norm->x;
    if (!isfinite(loss) || !isfinite(norm)) {                 /* the optimiser left the weights alone: the same again, watched */
        const long long at = (long long)r->at.step + 1;
        const char *next = "lower train.lr, or resume from the last checkpoint";
        e = zt_plan_run_checked(s->plan);
        return e != ZT_OK ? zt_fail_context(e, "step %lld; %s", at, next)
                          : zt_fail(ZT_NONFINITE, "step %lld: the loss is not finite; %s", at, next);
    }
    zt_scalars_add(out, "loss", loss, true);
    zt_scalars_add(out, "grad_norm", norm, false);
    zt_scalars_add(out, "lr", zt_learning_rate(k, r->at.step), false);
    return ZT_OK;
}

/* ---- validation --------------------------------------------------------------------------------------------------- */
/* Over clips: sum of their cross-entropies, and how many were right, by head and of all heads at once. */
typedef struct sums { double loss; int64_t n, all, right[ZT_HEADS_MAX]; } sums;

/* With the smoothing of training: without it the best weights would be early ones, before the logits came near their targets. */
static double cross_entropy(const float *logits, int64_t n, int class, double smoothing) {
    double most = logits[0], sum = 0, mean = 0;
    for (int64_t k = 1; k < n; k++) most = fmax(most, logits[k]);
    for (int64_t k = 0; k < n; k++) sum += exp(logits[k] - most);
    for (int64_t k = 0; k < n; k++) mean += logits[k] / (double)n;
    return most + log(sum) - (1 - smoothing) * logits[class] - smoothing * mean;
}

static zt_err add_clip(const zt_run *r, int64_t id, const float *logits, sums *s) {
    const zt_net *net = &r->c->net;
    zt_clip_view clip;
    int seen[ZT_HEADS_MAX];
    bool all = true;
    const zt_err e = zt_dataset_by_id(r->ds, id, &clip);
    if (e != ZT_OK) return e;
    zt_classes_of(net, logits, seen);
    for (int i = 0; i < net->n_heads; i++) {
        const zt_head *h = &net->head[i];
        char text[ZT_CLASS_NAME_MAX];
        zt_label_text(&clip, h->label, text, sizeof text);
        const int class = zt_head_class(h, text);
        if (class < 0)
            return zt_fail(ZT_CONFIG,
                           "validation clip %s: its label %s is '%s', which no training clip has; drop the clip, or move it "
                           "to the training split",
                           clip.key, h->label, text);
        s->loss += cross_entropy(logits, h->classes, class, r->c->classify.label_smoothing) / net->n_heads;
        s->right[i] += seen[i] == class;
        all = all && seen[i] == class;
        logits += h->classes;
    }
    s->all += all;
    s->n++;
    return ZT_OK;
}

static zt_err look_at_all(zt_run *r, sums *s) {
    const zt_net *net = &r->c->net;
    const int64_t n = zt_dataset_count(r->ds, "val");
    zt_classifying *look = NULL;
    zt_loader *l = NULL;
    float *logits = NULL;
    zt_err e;
    ZT_TRY(e = zt_classifying_create(&look, net, &r->ema, LOOK, zt_precision_multiply(r->c->run.precision), false), done);
    logits = zt_alloc_array((size_t)(LOOK * zt_classifying_logits(look)), sizeof *logits);
    e = logits ? zt_run_loader(&l, r->ds, r->c, "val", n < LOOK ? n : LOOK, 0) : ZT_NOMEM;
    for (int64_t done = 0; e == ZT_OK && done < n; done += LOOK) {
        const int64_t rows = n - done < LOOK ? n - done : LOOK;               /* the last batch begins the split again */
        zt_batch b;
        ZT_TRY(e = zt_loader_next(l, &b), done);
        ZT_TRY(e = zt_classifying_run(look, b.rgb, rows, NULL, logits), done);
        for (int64_t k = 0; e == ZT_OK && k < rows; k++) e = add_clip(r, b.id[k], logits + k * zt_classifying_logits(look), s);
    }
done:
    zt_free(logits);
    zt_loader_destroy(&l);
    zt_classifying_destroy(&look);
    return e;
}

static zt_err validate(zt_run *r, double *figure) {
    const zt_net *net = &r->c->net;
    sums s = {0};
    char text[ZT_HEADS_MAX][64];
    const char *name[ZT_HEADS_MAX + 2] = {"val_loss", "val_accuracy"};
    double value[ZT_HEADS_MAX + 2];
    const zt_err e = look_at_all(r, &s);
    if (e != ZT_OK) return e;
    value[0] = *figure = s.loss / (double)s.n;
    value[1] = (double)s.all / (double)s.n;
    for (int i = 0; i < net->n_heads; i++) {
        snprintf(text[i], sizeof text[i], "val_accuracy/%s", net->head[i].label);
        name[i + 2] = text[i];
        value[i + 2] = (double)s.right[i] / (double)s.n;
    }
    return zt_run_log_scalars(&r->log, r->at.step, net->n_heads + 2, name, value);
}

static zt_err save(zt_run *r, const char *dir) {
    return zt_model_dir_save_classifier(dir, &r->c->net, &r->ema);
}

const zt_recipe zt_recipe_classify = {
    .name = "classify", .create = create, .destroy = destroy, .cost = cost, .validation_cost = validation_cost,
    .profile = profile, .batches = batches, .check = check, .open = open_run, .close = close_run, .step = step,
    .validate = validate, .save = save,
};
