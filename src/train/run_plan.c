/* run_plan.c - what a run needs, before anything is loaded: the graphs are laid out dry. */
#include "init.h"
#include "train/buckets.h"
#include "train/peak.h"
#include "train/run_data.h"
#include "train/trainer.h"

/* Memory of the program itself: code, libraries, their tables and stacks (roughly; mapped data set pages come on top). */
enum { BASE_BYTES = 90 << 20, PREFETCHED = 4 };

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Bytes of a plan's results and scratch, which all steps of a run take turns in; inputs and packed weights are each one's own. */
static int64_t shared_bytes(const zt_plan *p) {
    const zt_plan_info *i = zt_plan_get_info(p);
    return i->arena_bytes + i->scratch_bytes;
}
static int64_t own_bytes(const zt_plan *p) {
    return zt_plan_bytes(p) - shared_bytes(p);
}

static zt_err sampling_bytes(const zt_train_cfg *c, zt_tset *params, int64_t *bytes) {
    zt_graph *g;
    zt_plan *p = NULL;
    zt_err e = zt_graph_create(&g);
    if (e != ZT_OK) return e;
    zt_graph_set_multiply(g, zt_precision_multiply(c->run.precision));
    zt_nn nn = {.g = g, .params = params, .seed = 1};
    const zt_net_in in = zt_net_inputs(g, &c->net, c->train.sample_cfg_scale != 1 ? 8 : 4);
    zt_node *y = zt_net_build(&nn, &c->net, &in);
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .dry = true, .params = params};
    e = zt_plan_create(&p, g, 1, &y, &cfg);
    if (e == ZT_OK) {
        const int64_t clip = c->net.frames * c->net.height * c->net.width * ZT_RGB * (int64_t)sizeof(float);
        *bytes = zt_plan_bytes(p) + 8 * clip + 4 * 7 * clip;
    }
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
    return e;
}

/* What a step and a validation of one bucket take. */
typedef struct needs { int64_t flops, bytes, shared, own, val_shared, val_own; int fallbacks; } needs;
static zt_err measure(needs *n, const zt_train_cfg *c, zt_tset *params, zt_tset *states) {
    zt_step_graph s;
    zt_err e = zt_step_graph_create(&s, c, c->train.batch, params, states, true);
    if (e != ZT_OK) return e;
    *n = (needs){.flops = s.flops, .bytes = zt_step_graph_bytes(&s), .shared = shared_bytes(s.plan),
                 .own = own_bytes(s.plan), .fallbacks = zt_plan_get_info(s.plan)->fallbacks};
    zt_step_graph_finish(&s);
    if ((e = zt_step_graph_create(&s, c, c->train.batch, params, NULL, true)) != ZT_OK) return e;
    n->val_shared = shared_bytes(s.plan);
    n->val_own = own_bytes(s.plan);
    zt_step_graph_finish(&s);
    return ZT_OK;
}

/* The data set's sizes; a tokenizer as large as it may be. */
static zt_err open_data(zt_train_cfg *c, int64_t *clips) {
    zt_dataset *ds = NULL;
    const zt_err e = zt_run_data_open(&ds, c, NULL);
    *clips = e == ZT_OK ? zt_dataset_count(ds, "train") : 0;
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
        p->bucket[k] = (zt_bucket_plan){size, clips, one.train.batch, n.flops, n.bytes, (double)clips / (double)one.train.batch};
        batches += p->bucket[k].share;
        p->fallbacks += n.fallbacks;
        shared = larger(shared, n.shared);
        p->step_bytes += n.own;
        val_shared = larger(val_shared, n.val_shared);
        val_own = larger(val_own, n.val_own);
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
    p->weights_bytes = zt_tset_bytes(&params) + zt_tset_bytes(&states);
    ZT_TRY(e = sampling_bytes(c, &params, &sampling), done);
    p->extra_bytes = larger(p->extra_bytes, sampling);
    p->peak_bytes = p->base_bytes + p->weights_bytes + p->step_bytes + p->extra_bytes + p->loader_bytes;
    p->disk_bytes = (c->train.keep + 2) * p->weights_bytes + zt_tset_bytes(&params);
    p->peak_gflops = zt_matmul_peak_gflops(zt_precision_multiply(c->run.precision), 1024, 0.3);
    const double rate = p->peak_gflops * 1e9 * 0.55;         /* what the training step reaches of it (zoe bench) */
    p->predicted_s = (double)p->flops_per_step * (double)c->train.steps / rate;
done:
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    return e;
}

static zt_err profile(const zt_train_cfg *c, zt_tset *params, zt_tset *states, FILE *out) {
    const zt_dtype t = zt_precision_multiply(c->run.precision);
    zt_step_graph s;
    zt_err e = zt_step_graph_create(&s, c, c->train.batch, params, states, false);
    if (e == ZT_OK) zt_step_graph_fill(&s);
    for (int k = 0; e == ZT_OK && k < 2; k++) e = zt_plan_run(s.plan);
    if (e == ZT_OK) e = zt_plan_profile(s.plan, out, zt_matmul_peak_gflops(t, 2048, 0.3), zt_memory_peak_gbytes(0.3));
    zt_step_graph_finish(&s);
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
