/* run_plan.c - what a run needs, before anything is loaded: the graphs are laid out dry. */
#include "train/buckets.h"
#include "train/peak.h"
#include "train/recipe.h"
#include "train/run_data.h"
#include "train/trainer.h"

/* Memory of the program itself: code, libraries, their tables and stacks (roughly; mapped data set pages come on top). */
enum { BASE_BYTES = 90 << 20, PREFETCHED = 4 };

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* What a step and a validation of one bucket take. */
typedef struct needs { zt_step_cost step, validation; } needs;
static zt_err measure(needs *n, const zt_train_cfg *c, zt_tset *params, zt_tset *states) {
    const zt_recipe *recipe = zt_recipe_of(c);
    void *graphs = NULL;
    const zt_err e = recipe->create(&graphs, c, params, states, true);
    if (e == ZT_OK) n->step = recipe->cost(graphs, c);
    recipe->destroy(&graphs);
    return e == ZT_OK ? recipe->validation_cost(c, params, states, &n->validation) : e;
}

/* The data set's sizes; a tokenizer as large as it may be. */
static zt_err open_data(zt_train_cfg *c, int64_t *clips) {
    const zt_recipe *recipe = zt_recipe_of(c);
    zt_dataset *ds = NULL;
    zt_err e = zt_run_data_open(&ds, c, NULL);
    *clips = e == ZT_OK ? zt_dataset_count(ds, "train") : 0;
    if (e == ZT_OK && recipe->check) e = recipe->check(c, ds);
    zt_dataset_close(&ds);
    c->net.vocab = c->net.text.vocab;
    return e;
}

/* Every bucket's part: steps take turns in the memory of the largest, each has its own inputs; validation takes turns too. */
static zt_err plan_buckets(zt_train_cfg *c, zt_train_plan *p, zt_tset *params, zt_tset *states) {
    int64_t shared = 0, val_shared = 0, val_own = 0, loaded = 0;
    double batches = 0;
    p->n_buckets = zt_bucket_count(c);
    for (int k = 0; k < p->n_buckets; k++) {
        const zt_train_cfg one = zt_bucket_cfg(c, k);
        const int64_t clips = c->buckets.n ? one.buckets.v[0].clips : p->clips;
        const zt_size size = {(int)one.net.frames, (int)one.net.height, (int)one.net.width};
        needs n;
        const zt_err e = measure(&n, &one, params, states);
        if (e != ZT_OK) return e;
        const double batches_of_it = (double)clips / (double)one.train.batch;
        p->bucket[k] = (zt_bucket_plan){size, clips, one.train.batch, n.step.flops, n.step.bytes, batches_of_it};
        batches += p->bucket[k].share;
        p->fallbacks += n.step.fallbacks;
        shared = larger(shared, n.step.pooled);
        p->step_bytes += n.step.bytes - n.step.pooled;
        val_shared = larger(val_shared, n.validation.pooled);
        val_own = larger(val_own, n.validation.bytes - n.validation.pooled);
        loaded = larger(loaded, one.train.batch * zt_size_pixels(size) * ZT_RGB);
    }
    double flops = 0;
    for (int k = 0; k < p->n_buckets; k++) {
        zt_bucket_plan *b = &p->bucket[k];
        b->share = batches > 0 ? b->share / batches : 1;
        flops += b->share * (double)b->flops_per_step;
        p->batch += b->share * (double)b->batch;
    }
    p->flops_per_step = (int64_t)(flops + 0.5);
    p->step_bytes += larger(shared, val_shared);
    p->extra_bytes = val_own;
    p->loader_bytes = PREFETCHED * loaded;
    return ZT_OK;
}

zt_err zt_train_plan_make(zt_train_cfg *c, zt_train_plan *p) {
    zt_tset params = {0}, states = {0};
    int64_t sampling = 0;
    *p = (zt_train_plan){.base_bytes = BASE_BYTES};
    zt_err e;
    ZT_TRY(e = open_data(c, &p->clips), done);
    ZT_TRY(e = plan_buckets(c, p, &params, &states), done);
    p->params = zt_tset_numel(&params);
    const int64_t saved = zt_tset_bytes(&params) + zt_tset_bytes(&states);
    p->weights_bytes = saved + (c->perceptual ? zt_tset_bytes(&c->perceptual->params) : 0);
    if (zt_recipe_of(c)->samples) ZT_TRY(e = zt_recipe_of(c)->samples_bytes(c, &params, &states, &sampling), done);
    p->extra_bytes = larger(p->extra_bytes, sampling);
    p->peak_bytes = p->base_bytes + p->weights_bytes + p->step_bytes + p->extra_bytes + p->loader_bytes;
    p->disk_bytes = (c->train.keep + 2) * saved + zt_tset_bytes(&params);
    p->peak_gflops = zt_matmul_peak_gflops(zt_precision_multiply(c->run.precision), 1024, 0.3);
    const double rate = p->peak_gflops * 1e9 * 0.55;         /* what the training step reaches of it (zoe bench) */
    p->predicted_s = (double)p->flops_per_step * (double)c->train.steps / rate;
done:
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    return e;
}

static zt_err profile(const zt_train_cfg *c, zt_tset *params, zt_tset *states, FILE *out) {
    const zt_recipe *recipe = zt_recipe_of(c);
    const zt_dtype t = zt_precision_multiply(c->run.precision);
    void *graphs = NULL;
    zt_err e = recipe->create(&graphs, c, params, states, false);
    if (e == ZT_OK) e = recipe->profile(graphs, out, zt_matmul_peak_gflops(t, 2048, 0.3), zt_memory_peak_gbytes(0.3));
    recipe->destroy(&graphs);
    return e;
}

zt_err zt_train_profile(zt_train_cfg *c, FILE *out) {
    zt_tset params = {0}, states = {0};
    int64_t clips;
    char text[128];
    zt_err e = open_data(c, &clips);
    for (int k = 0; e == ZT_OK && k < zt_bucket_count(c); k++) {
        const zt_train_cfg one = zt_bucket_cfg(c, k);
        if (c->buckets.n) fprintf(out, "%sbucket %s\n", k ? "\n" : "", zt_bucket_text(c, k, text, sizeof text));
        e = profile(&one, &params, &states, out);
    }
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    return e;
}
