/* onednn_job.c - building and running lists of oneDNN primitives. Memory objects are made once; where their bytes are is told to
 * them at each run. Tested through onednn.c by tests/backends/test_kernels_sweep.c and test_fold.c. */
#include "backends/cpu/onednn_job.h"
#include <string.h>

static dnnl_engine_t engine;
static dnnl_stream_t stream;

void zt_onednn_setup(zt_cpu_level level) {
    if (level == ZT_CPU_BASE) dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
    else if (level == ZT_CPU_V3) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
    else if (level == ZT_CPU_V4) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core);
    else if (level < ZT_CPU_AMX) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core_bf16);
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
    else if (dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success) {
        dnnl_engine_destroy(engine);
        engine = NULL;
    }
}
dnnl_engine_t zt_dnn_engine(void) {
    return engine;
}
const char *zt_onednn_implementation(const void *prepared) {
    return ((const job *)prepared)->name;
}

/* ---- building ------------------------------------------------------------------------------------------------------ */
static void step_release(step *s) {
    for (int a = 0; a < s->n; a++) dnnl_memory_destroy(s->arg[a].memory);
    if (s->p) dnnl_primitive_destroy(s->p);
}
void zt_job_release(void *prepared) {
    job *j = prepared;
    if (!j) return;
    for (int k = 0; k < j->n; k++) step_release(&j->s[k]);
    step_release(&j->pack);
    zt_free(j);
}

size_t zt_job_reserve(job *j, size_t bytes) {
    const size_t at = j->scratch;
    j->scratch += (bytes + 63) / 64 * 64;
    return at;
}
dnnl_status_t zt_job_arg(step *s, int arg, const dnnl_memory_desc_t *md, place at) {
    s->arg[s->n].arg = arg;
    s->at[s->n] = at;
    const dnnl_status_t e = dnnl_memory_create(&s->arg[s->n].memory, md, engine, DNNL_MEMORY_NONE);
    if (e == dnnl_success) s->n++;
    return e;
}
static dnnl_status_t step_begin(job *j, const_dnnl_primitive_desc_t pd, step *s) {
    dnnl_status_t e = dnnl_primitive_create(&s->p, pd);
    const dnnl_memory_desc_t *pad = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    const size_t bytes = pad ? dnnl_memory_desc_get_size(pad) : 0;
    if (e == dnnl_success && bytes) e = zt_job_arg(s, DNNL_ARG_SCRATCHPAD, pad, (place){AT_SCRATCH, 0, zt_job_reserve(j, bytes)});
    return e;
}
dnnl_status_t zt_job_step(job *j, const_dnnl_primitive_desc_t pd, step **out) {
    const char *name = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) == dnnl_success && name) {
        strncpy(j->name, name, sizeof j->name - 1);              /* of the last step: the main one */
    }
    return step_begin(j, pd, *out = &j->s[j->n++]);
}
static dnnl_status_t reorder(job *j, step *s, const dnnl_memory_desc_t *from, place from_at, const dnnl_memory_desc_t *to,
                             place to_at) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t e = zt_job_attributes(&attr, NULL);
    if (e == dnnl_success) e = dnnl_reorder_primitive_desc_create(&pd, from, engine, to, engine, attr);
    if (e == dnnl_success) e = step_begin(j, pd, s);
    if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_FROM, from, from_at);
    if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_TO, to, to_at);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return e;
}
dnnl_status_t zt_job_reorder(job *j, const dnnl_memory_desc_t *from, place from_at, const dnnl_memory_desc_t *to, place to_at) {
    return reorder(j, &j->s[j->n++], from, from_at, to, to_at);
}
dnnl_status_t zt_job_convert(job *j, dnnl_memory_desc_t *md, place *at, dnnl_data_type_t have, dnnl_data_type_t want) {
    dnnl_memory_desc_t copy = *md;
    md->data_type = have;
    copy.data_type = want;
    if (have == want) return dnnl_success;
    const place to = {AT_SCRATCH, 0, zt_job_reserve(j, dnnl_memory_desc_get_size(&copy))};
    const dnnl_status_t e = zt_job_reorder(j, md, *at, &copy, to);
    *md = copy;
    *at = to;
    return e;
}
dnnl_status_t zt_job_pack(job *j, const dnnl_memory_desc_t *from, place from_at, const dnnl_memory_desc_t *to) {
    j->packed = dnnl_memory_desc_get_size(to);
    return reorder(j, &j->pack, from, from_at, to, (place){AT_PACKED, 0, 0});
}

/* ---- activations --------------------------------------------------------------------------------------------------- */
bool zt_job_folds(const zt_node *then) { /* with slope 0 its maximum would make 0 of a NaN */
    return then->op->id == ZT_OP_leaky_relu && then->at.f[0] != 0;
}
dnnl_status_t zt_job_attributes(dnnl_primitive_attr_t *attr, const zt_node *then) {
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t e = dnnl_primitive_attr_create(attr);
    if (e == dnnl_success) e = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (e != dnnl_success || !then) return e;
    e = dnnl_post_ops_create(&ops);
    if (e == dnnl_success) e = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, (float)then->at.f[0], 0);
    if (e == dnnl_success) e = dnnl_primitive_attr_set_post_ops(*attr, ops);
    if (ops) dnnl_post_ops_destroy(ops);
    return e;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */
zt_err zt_job_finish(const zt_node *n, job *j, dnnl_status_t e, void **prepared, size_t *scratch) {
    if (e != dnnl_success) {
        zt_job_release(j);
        return zt_fail(e == dnnl_out_of_memory ? ZT_NOMEM : ZT_UNSUPPORTED, "%s %s: oneDNN refused it with status %d",
                       n->op->name, zt_shape_text(&n->sh), (int)e);
    }
    *prepared = j;
    *scratch = j->scratch;
    return ZT_OK;
}

static void *bytes_at(const zt_node *n, const zt_exec *e, place p) {
    if (p.kind == AT_INPUT) return n->in[p.input]->x;
    if (p.kind == AT_OUTPUT) return n->x;
    return (char *)(p.kind == AT_SCRATCH ? e->scratch : e->packed) + p.offset;
}
static void step_run(const zt_node *n, const zt_exec *e, step *s) {
    for (int a = 0; a < s->n; a++) dnnl_memory_set_data_handle(s->arg[a].memory, bytes_at(n, e, s->at[a]));
    dnnl_primitive_execute(s->p, stream, s->n, s->arg);
}
size_t zt_job_packs(const zt_node *n, const void *prepared) {
    (void)n;
    return ((const job *)prepared)->packed;
}
void zt_job_pack_run(const zt_node *n, const zt_exec *e) {
    job *j = e->prepared;
    const float *w = n->in[1]->x;
    float *to = (float *)((char *)e->scratch + j->taps_at);
    for (int64_t t = 0; t < j->taps; t++)
        memcpy(to + t * j->tap, w + (j->taps - 1 - t) * j->tap, (size_t)j->tap * sizeof *to);
    step_run(n, e, &j->pack);
    dnnl_stream_wait(stream);
}
void zt_job_run(const zt_node *n, const zt_exec *e) {
    job *j = e->prepared;
    for (int k = 0; k < j->n; k++) step_run(n, e, &j->s[k]);
    dnnl_stream_wait(stream);
}
