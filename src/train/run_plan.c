/* run_plan.c - what a run needs, before anything is loaded: the graphs are laid out dry. */
#include "init.h"
#include "train/peak.h"
#include "train/run_data.h"
#include "train/step_graph.h"
#include "train/trainer.h"

/* Memory of the program itself: code, libraries, their tables and stacks (roughly; mapped data set pages come on top). */
enum { BASE_BYTES = 90 << 20, PREFETCHED = 4 };

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Sampling and validation graphs are made when needed and then freed: the larger one counts. */
static zt_err extra_bytes(const zt_train_cfg *c, zt_tset *params, int64_t *bytes) {
    zt_step_graph s = {0};
    zt_err e = zt_step_graph_create(&s, c, c->train.batch, params, NULL, true);
    if (e != ZT_OK) return e;
    *bytes = zt_step_graph_bytes(&s);
    zt_step_graph_finish(&s);
    zt_graph *g;
    zt_plan *p = NULL;
    if ((e = zt_graph_create(&g)) != ZT_OK) return e;
    zt_graph_set_multiply(g, zt_precision_multiply(c->run.precision));
    zt_nn nn = {.g = g, .params = params, .seed = 1};
    const zt_net_in in = zt_net_inputs(g, &c->net, c->train.sample_cfg_scale != 1 ? 8 : 4);
    zt_node *y = zt_net_build(&nn, &c->net, &in);
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .dry = true, .params = params};
    e = zt_plan_create(&p, g, 1, &y, &cfg);
    if (e == ZT_OK) {
        const int64_t clip = c->net.frames * c->net.height * c->net.width * ZT_RGB * (int64_t)sizeof(float);
        *bytes = larger(*bytes, zt_plan_bytes(p) + 8 * clip + 4 * 7 * clip);
    }
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
    return e;
}

/* The step of a run whose tokenizer is as large as it may be. */
typedef struct first_step { int64_t clips; zt_step_graph s; zt_tset params, states; } first_step;
static zt_err first_step_create(first_step *f, zt_train_cfg *c, bool dry) {
    zt_dataset *ds = NULL;
    *f = (first_step){0};
    const zt_err e = zt_run_data_open(&ds, c, NULL);
    f->clips = e == ZT_OK ? zt_dataset_count(ds, "train") : 0;
    zt_dataset_close(&ds);
    if (e != ZT_OK) return e;
    c->net.vocab = c->net.text.vocab;
    return zt_step_graph_create(&f->s, c, c->train.batch, &f->params, &f->states, dry);
}
static void first_step_finish(first_step *f) {
    zt_step_graph_finish(&f->s);
    zt_tset_finish(&f->params);
    zt_tset_finish(&f->states);
}

zt_err zt_train_plan_make(zt_train_cfg *c, zt_train_plan *p) {
    first_step f;
    *p = (zt_train_plan){.base_bytes = BASE_BYTES};
    zt_err e;
    ZT_TRY(e = first_step_create(&f, c, true), done);
    p->clips = f.clips;
    p->params = zt_tset_numel(&f.params);
    p->flops_per_step = f.s.flops;
    p->fallbacks = zt_plan_get_info(f.s.plan)->fallbacks;
    p->weights_bytes = zt_tset_bytes(&f.params) + zt_tset_bytes(&f.states);
    p->step_bytes = zt_step_graph_bytes(&f.s);
    ZT_TRY(e = extra_bytes(c, &f.params, &p->extra_bytes), done);
    p->loader_bytes = PREFETCHED * c->train.batch * c->net.frames * c->net.height * c->net.width * ZT_RGB;
    p->peak_bytes = p->base_bytes + p->weights_bytes + p->step_bytes + p->extra_bytes + p->loader_bytes;
    p->disk_bytes = (c->train.keep + 2) * p->weights_bytes + zt_tset_bytes(&f.params);
    p->peak_gflops = zt_matmul_peak_gflops(zt_precision_multiply(c->run.precision), 1024, 0.3);
    const double rate = p->peak_gflops * 1e9 * 0.55;         /* what the training step reaches of it (zoe bench) */
    p->predicted_s = (double)(p->flops_per_step * c->train.steps) / rate;
done:
    first_step_finish(&f);
    return e;
}

zt_err zt_train_profile(zt_train_cfg *c, FILE *out) {
    const zt_dtype t = zt_precision_multiply(c->run.precision);
    first_step f;
    zt_err e = first_step_create(&f, c, false);
    if (e == ZT_OK) zt_step_graph_fill(&f.s);
    for (int k = 0; e == ZT_OK && k < 2; k++) e = zt_plan_run(f.s.plan);
    if (e == ZT_OK) e = zt_plan_profile(f.s.plan, out, zt_matmul_peak_gflops(t, 2048, 0.3), zt_memory_peak_gbytes(0.3));
    first_step_finish(&f);
    return e;
}
