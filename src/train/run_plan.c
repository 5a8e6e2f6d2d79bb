/* run_plan.c - what a run needs, before anything is loaded: the graphs are laid out dry. */
#include "train/peak.h"
#include "train/recipe.h"
#include "train/run_data.h"
#include "train/trainer.h"

/* Memory of the program itself: code, libraries, their tables and stacks (roughly; mapped data set pages come on top). */
enum { BASE_BYTES = 90 << 20, PREFETCHED = 4 };

/* The step of a run whose tokenizer is as large as it may be. */
typedef struct first_step { const zt_recipe *recipe; int64_t clips; void *graphs; zt_tset params, states; } first_step;
static zt_err first_step_create(first_step *f, zt_train_cfg *c, bool dry) {
    zt_dataset *ds = NULL;
    *f = (first_step){.recipe = zt_recipe_of(c)};
    zt_err e = zt_run_data_open(&ds, c, NULL);
    f->clips = e == ZT_OK ? zt_dataset_count(ds, "train") : 0;
    if (e == ZT_OK && f->recipe->check) e = f->recipe->check(c, ds);
    zt_dataset_close(&ds);
    if (e != ZT_OK) return e;
    c->net.vocab = c->net.text.vocab;
    return f->recipe->create(&f->graphs, c, &f->params, &f->states, dry);
}
static void first_step_finish(first_step *f) {
    f->recipe->destroy(&f->graphs);
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
    const zt_step_cost cost = f.recipe->cost(f.graphs, c);
    p->flops_per_step = cost.flops;
    p->fallbacks = cost.fallbacks;
    p->weights_bytes = zt_tset_bytes(&f.params) + zt_tset_bytes(&f.states);
    p->step_bytes = cost.bytes;
    ZT_TRY(e = f.recipe->extra_bytes(c, &f.params, &f.states, &p->extra_bytes), done);
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
    if (e == ZT_OK) e = f.recipe->profile(f.graphs, out, zt_matmul_peak_gflops(t, 2048, 0.3), zt_memory_peak_gbytes(0.3));
    first_step_finish(&f);
    return e;
}
