/* recipe.h - what is particular to a way of training: which graphs a step has, what it does with its batches, how good the result
 * is, what a model folder of it holds. Everything else is the trainer's and written once. */
#ifndef ZT_RECIPE_H
#define ZT_RECIPE_H
#include <stdio.h>
#include "base/file.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/run_log.h"
#include "train/trainer.h"
#include "trust/policy.h"

enum { ZT_SCALARS = 16 };
/** What a step says of itself; the first is its loss. mean: the log has the mean since its last line, else the newest value. */
typedef struct zt_scalars {
    int n;
    const char *name[ZT_SCALARS];        /* static storage */
    double value[ZT_SCALARS];
    bool mean[ZT_SCALARS];
} zt_scalars;
void zt_scalars_add(zt_scalars *s, const char *name, double value, bool mean);

/** A run in progress. */
typedef struct zt_run {
    const struct zt_recipe *recipe;
    zt_train_cfg *c;
    zt_train_cfg now;                    /* c with the size of the stage or bucket at hand */
    const char *out;
    char checkpoints[ZT_PATH_MAX], kernels[ZT_PATH_MAX];
    zt_dataset *ds;
    zt_admission used;                   /* its clips that this run may use */
    zt_loader *loader;
    zt_bpe tok;
    zt_tset params, states, ema;         /* ema: the ema.* part of states, under the parameters' names */
    void *made[ZT_SIZES_MAX];            /* the recipe's graphs by bucket, made when first needed; without buckets one */
    void *graphs, *own;                  /* the recipe's: those at hand, of made; what it keeps of the run */
    zt_plan_pool pool;                   /* memory that the graphs of all buckets take turns in, validation too */
    zt_run_log log;
    zt_choices choices;
    zt_run_state at;
    bool doubtful;                       /* the last validation found a fault that its figure need not show (mode collapse) */
    int64_t clips;                       /* trained on in this session */
    double waited_s;                     /* for data, in the stages before */
    zt_scalars since;                    /* of the steps since the last line of the log */
    int since_n;
    zt_train_result *result;
} zt_run;

/** The next batch of training clips; with buckets r->graphs and r->now become those of its bucket. */
zt_err zt_run_next(zt_run *r, zt_batch *b);

/** FLOPs of a step, and of its graphs all together: bytes they hold, how many of these lie in the run's pool (zt_train_cfg.pool),
 *  nodes that run on a reference for want of a kernel. */
typedef struct zt_step_cost { int64_t flops, bytes, pooled; int fallbacks; } zt_step_cost;

typedef struct zt_recipe {
    const char *name;
    bool captions;                       /* learns from captions: the run has a tokenizer */
    bool newest;                         /* model/ holds the newest weights but `doubtful` ones, not those of the best figure */
    /** The graphs of a step of c->train.batch clips of c's size. New parameters are added to `params` with first values, states
     *  (the optimiser's, averages, the layers' own) to `states`. dry: laid out only, for --plan. */
    zt_err (*create)(void **graphs, const zt_train_cfg *c, zt_tset *params, zt_tset *states, bool dry);
    void (*destroy)(void **graphs);      /* *graphs == NULL is fine; sets it */
    zt_step_cost (*cost)(const void *graphs, const zt_train_cfg *c);
    /** What validation of c's size holds beside the step: bytes and pooled of *cost. */
    zt_err (*validation_cost)(const zt_train_cfg *c, zt_tset *params, zt_tset *states, zt_step_cost *cost);
    /** Bytes that making samples holds, when validation is not there. NULL where `samples` is. */
    zt_err (*samples_bytes)(const zt_train_cfg *c, zt_tset *params, zt_tset *states, int64_t *bytes);
    /** The graphs on any numbers, once or more; then a profile of each into f. gflops, gbytes: as of zt_plan_profile. */
    zt_err (*profile)(void *graphs, FILE *f, double gflops, double gbytes);
    /** Training batches a step takes from the loader. */
    int64_t (*batches)(const zt_train_cfg *c);
    /** Data against options, before a run starts; settles what of c follows from the data. May be NULL, as the next two. */
    zt_err (*check)(zt_train_cfg *c, const zt_dataset *ds);
    zt_err (*open)(zt_run *r);           /* once a run, before graphs: r->own */
    void (*close)(zt_run *r);
    /** Step number r->at.step + 1. ZT_NONFINITE leaves the weights alone and says where. */
    zt_err (*step)(zt_run *r, zt_scalars *s);
    /** How good the averaged weights are (lower is better, never negative), into *figure and the log. */
    zt_err (*validate)(zt_run *r, double *figure);
    zt_err (*samples)(zt_run *r);        /* into RUN/samples; NULL: this model makes no clips */
    zt_err (*save)(zt_run *r, const char *dir);              /* the averaged weights as model folder */
} zt_recipe;

extern const zt_recipe zt_recipe_diffusion, zt_recipe_gan, zt_recipe_classify;
const zt_recipe *zt_recipe_of(const zt_train_cfg *c);
#endif
