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
    zt_nn nn = {.g = g, .params = params, .seed = 1};
    const zt_net_in in = zt_net_inputs(g, &c->net, c->train.sample_cfg_scale != 1 ? 8 : 4);
    zt_node *y = zt_net_build(&nn, &c->net, &in);
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .dry = true, .params = params};
    e = zt_plan_create(&p, g, 1, &y, &cfg);
    if (e == ZT_OK) {
        const zt_plan_info *i = zt_plan_get_info(p);
        const int64_t clip = c->net.frames * c->net.height * c->net.width * ZT_RGB * (int64_t)sizeof(float);
        *bytes = larger(*bytes, i->arena_bytes + i->input_bytes + i->scratch_bytes + 8 * clip + 4 * 7 * clip);
    }
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
    return e;
}

zt_err zt_train_plan_make(zt_train_cfg *c, zt_train_plan *p) {
    zt_dataset *ds = NULL;
    zt_step_graph s = {0};
    zt_tset params = {0}, states = {0};
    *p = (zt_train_plan){.base_bytes = BASE_BYTES};
    zt_err e;
    ZT_TRY(e = zt_run_data_open(&ds, c), done);
    p->clips = zt_dataset_count(ds, "train");
    c->net.vocab = c->net.text.vocab;
    ZT_TRY(e = zt_step_graph_create(&s, c, c->train.batch, &params, &states, true), done);
    const zt_plan_info *info = zt_plan_get_info(s.plan);
    p->params = zt_tset_numel(&params);
    p->flops_per_step = s.flops;
    p->fallbacks = info->fallbacks;
    p->weights_bytes = zt_tset_bytes(&params) + zt_tset_bytes(&states);
    p->step_bytes = zt_step_graph_bytes(&s);
    ZT_TRY(e = extra_bytes(c, &params, &p->extra_bytes), done);
    p->loader_bytes = PREFETCHED * c->train.batch * c->net.frames * c->net.height * c->net.width * ZT_RGB;
    p->peak_bytes = p->base_bytes + p->weights_bytes + p->step_bytes + p->extra_bytes + p->loader_bytes;
    p->disk_bytes = (c->train.keep + 2) * p->weights_bytes + zt_tset_bytes(&params);
    p->peak_gflops = zt_matmul_peak_gflops(zt_precision_multiply(c->run.precision), 1024, 0.3);
    const double rate = p->peak_gflops * 1e9 * 0.55;         /* what the training step reaches of it (zoe bench) */
    p->predicted_s = (double)(p->flops_per_step * c->train.steps) / rate;
done:
    zt_step_graph_finish(&s);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    zt_dataset_close(&ds);
    return e;
}

zt_err zt_train_profile(zt_train_cfg *c, FILE *f) {
    zt_dataset *ds = NULL;
    zt_step_graph s = {0};
    zt_tset params = {0}, states = {0};
    zt_err e;
    ZT_TRY(e = zt_run_data_open(&ds, c), done);
    c->net.vocab = c->net.text.vocab;
    ZT_TRY(e = zt_step_graph_create(&s, c, c->train.batch, &params, &states, false), done);
    zt_step_graph_fill(&s);
    for (int k = 0; e == ZT_OK && k < 2; k++) e = zt_plan_run(s.plan);
    const zt_dtype t = zt_precision_multiply(c->run.precision);
    if (e == ZT_OK) e = zt_plan_profile(s.plan, f, zt_matmul_peak_gflops(t, 2048, 0.3), zt_memory_peak_gbytes(0.3));
done:
    zt_step_graph_finish(&s);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    zt_dataset_close(&ds);
    return e;
}
