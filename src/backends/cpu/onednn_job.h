/* onednn_job.h - prepared nodes as lists of oneDNN primitives whose arguments are found when they run. Used by onednn.c alone. */
#ifndef ZT_BACKENDS_ONEDNN_JOB_H
#define ZT_BACKENDS_ONEDNN_JOB_H
#include <dnnl.h>
#include "backends/cpu/onednn.h"

/* Where an argument's bytes are at run time. */
typedef enum place_kind { AT_INPUT, AT_OUTPUT, AT_SCRATCH, AT_PACKED } place_kind;
typedef struct place { place_kind kind; int input; size_t offset; } place;

enum { MAX_STEPS = 4, MAX_ARGS = 6 };
typedef struct step { dnnl_primitive_t p; int n; dnnl_exec_arg_t arg[MAX_ARGS]; place at[MAX_ARGS]; } step;

/* A prepared node: primitives in order, and the one that packs its weights, if any. */
typedef struct job {
    step s[MAX_STEPS];
    int n;
    step pack;
    size_t scratch, packed;
    int64_t taps, tap;                  /* number of taps and floats per tap that are reversed before they are packed; 0: none */
    size_t taps_at;                     /* where the reversed copy goes in scratch */
    char name[64];
} job;

/* The engine; NULL: oneDNN could not be started. */
dnnl_engine_t zt_dnn_engine(void);

/* Room in scratch: its offset. */
size_t zt_job_reserve(job *j, size_t bytes);
/* The next primitive, from its description (not taken over), with its scratchpad; its arguments follow. */
dnnl_status_t zt_job_step(job *j, const_dnnl_primitive_desc_t pd, step **out);
dnnl_status_t zt_job_arg(step *s, int arg, const dnnl_memory_desc_t *md, place at);
dnnl_status_t zt_job_reorder(job *j, const dnnl_memory_desc_t *from, place from_at, const dnnl_memory_desc_t *to, place to_at);
/* *md is stored as `have`; unless that is what a product wants, another step makes such a copy in scratch, and *md and *at become
 * those of the copy. */
dnnl_status_t zt_job_convert(job *j, dnnl_memory_desc_t *md, place *at, dnnl_data_type_t have, dnnl_data_type_t want);
/* Weights that lie at `from_at` as `from` says are packed as `to` says. */
dnnl_status_t zt_job_pack(job *j, const dnnl_memory_desc_t *from, place from_at, const dnnl_memory_desc_t *to);
/* Attributes of a product: scratch is ours; `then` (may be NULL) is applied to its result. */
dnnl_status_t zt_job_attributes(dnnl_primitive_attr_t *attr, const zt_node *then);
/* Whether oneDNN's function of that kind is ours, to the last bits, and costs less than a pass of its own. */
bool zt_job_folds(const zt_node *then);

/* The end of a prepare callback: the job, or the error (then the job is released). */
zt_err zt_job_finish(const zt_node *n, job *j, dnnl_status_t e, void **prepared, size_t *scratch);

/* The kernels' other callbacks (zt_kernel). */
void zt_job_release(void *prepared);
size_t zt_job_packs(const zt_node *n, const void *prepared);
void zt_job_pack_run(const zt_node *n, const zt_exec *e);
void zt_job_run(const zt_node *n, const zt_exec *e);
#endif
