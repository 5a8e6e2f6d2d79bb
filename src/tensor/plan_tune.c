/* plan_tune.c - the choice among kernels that can run the same node: read from a file, or timed on the node's own shapes, once
 * per signature (op, shapes, attributes, processor level, threads). Tested by tests/backends/test_tune.c. */
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/str.h"
#include "tensor/plan_internal.h"

enum { OFFERS = 5, RUNS = 3, FILE_MAX = 4 << 20 };
#define MARGIN 0.95             /* the first offer stays unless another takes less than this part of its time */

/* ---- the file ------------------------------------------------------------------------------------------------------ */
static zt_err kernels_of(zt_choices *c) {
    if (!c->kernels) c->kernels = json_object();
    return c->kernels ? ZT_OK : zt_fail(ZT_NOMEM, "kernel choices: no memory");
}

zt_err zt_choices_load(zt_choices *c, const char *path) {
    json_t *j = NULL, *value;
    const char *key;
    zt_err e;
    ZT_TRY(e = kernels_of(c), done);
    ZT_TRY(e = zt_json_load(path, FILE_MAX, &j), done);
    bool ok = json_is_object(j);
    json_object_foreach(j, key, value) ok = ok && json_is_string(value);
    if (!ok) e = zt_fail(ZT_FORMAT, "%s: wanted an object of kernel names by node, as a run with tune=true writes it", path);
    else if (json_object_update(c->kernels, j) != 0) e = zt_fail(ZT_NOMEM, "%s: no memory", path);
done:
    json_decref(j);
    return e;
}

zt_err zt_choices_save(const zt_choices *c, const char *path) {
    return zt_json_save(path, c->kernels);
}

void zt_choices_finish(zt_choices *c) {
    json_decref(c->kernels);
    *c = (zt_choices){0};
}

/* ---- signatures ---------------------------------------------------------------------------------------------------- */
/* "conv bf16 [2,16,64,64,64] [1,3,3,64,64] i:1,1,1,0,1,1 on v4 2": what the time of a node depends on. */
static bool signature(const zt_plan *p, const zt_node *n, zt_str *s) {
    int last = ZT_MAX_IATTR - 1;
    zt_str_addf(s, "%s %s", n->op->name, zt_dtype_name(n->multiply));
    for (int k = 0; k < n->n_in; k++) zt_str_addf(s, " %s", zt_shape_text(&n->in[k]->sh));
    while (last >= 0 && !n->at.i[last]) last--;
    for (int k = 0; k <= last; k++) zt_str_addf(s, "%s%lld", k ? "," : " i:", (long long)n->at.i[k]);
    zt_str_addf(s, " on %s", p->cfg.backend->tag);
    return !s->failed;
}

/* ---- timing -------------------------------------------------------------------------------------------------------- */
/* Gives x storage with values in [0, 1) unless it has some; *mine: to be taken back by give_back. */
static zt_err lend(zt_node *x, bool *mine) {
    *mine = !x->x;
    if (x->x) return ZT_OK;
    x->x = zt_big_alloc((size_t)zt_result_bytes(x) + 64);
    if (!x->x) return ZT_NOMEM;
    if (x->dtype == ZT_F32) zt_fill_uniform(1, (uint64_t)x->id, x->x, zt_numel(&x->sh));
    return ZT_OK;
}
static void give_back(zt_node *x, bool mine) {
    if (!mine || !x->x) return;
    zt_big_free(x->x, (size_t)zt_result_bytes(x) + 64);
    x->x = NULL;
}
/* Best time of a few runs in seconds; negative: the kernel refused. Storage is lent. */
static double best_of(const zt_kernel *k, const zt_node *n) {
    zt_exec x = {0};
    size_t scratch = 0;
    double best = -1;
    zt_err e = k->prepare ? k->prepare(n, &x.prepared, &scratch) : ZT_OK;
    const size_t packed = e == ZT_OK && k->packs ? k->packs(n, x.prepared) : 0;
    if (e == ZT_OK && !(x.scratch = zt_big_alloc(scratch + 64))) e = ZT_NOMEM;
    if (e == ZT_OK && !(x.packed = zt_big_alloc(packed + 64))) e = ZT_NOMEM;
    for (int run = 0; e == ZT_OK && run <= RUNS; run++) {
        const double start = zt_now();
        if (packed) k->pack(n, &x);
        k->run(n, &x);
        const double t = zt_now() - start;
        if (run && (best < 0 || t < best)) best = t;            /* the first only warms up */
    }
    if (x.scratch) zt_big_free(x.scratch, scratch + 64);
    if (x.packed) zt_big_free(x.packed, packed + 64);
    if (k->release) k->release(x.prepared);
    return best;
}
static zt_err fastest(zt_node *n, int offers, const zt_kernel *const *offer, const zt_kernel **out) {
    bool mine[8] = {false}, mine_y = false;
    zt_err e = n->n_in <= 8 && !n->n_aux ? lend(n, &mine_y) : zt_fail(ZT_INTERNAL, "%s is not timed", n->op->name);
    for (int k = 0; e == ZT_OK && k < n->n_in; k++) e = lend(n->in[k], &mine[k]);
    double best = -1;
    for (int k = 0; e == ZT_OK && k < offers; k++) {
        const double t = best_of(offer[k], n);
        if (t < 0 || (best >= 0 && t > MARGIN * best)) continue;
        best = t;
        *out = offer[k];
    }
    for (int k = 0; k < n->n_in && k < 8; k++) give_back(n->in[k], mine[k]);
    give_back(n, mine_y);
    return e;
}

/* ---- choosing ------------------------------------------------------------------------------------------------------ */
zt_err zt_plan_choose(zt_plan *p, zt_step *s) {
    zt_choices *c = p->cfg.choices;
    const zt_kernel *offer[OFFERS];
    const int offers = c && p->cfg.backend->offers ? p->cfg.backend->offers(s->node, offer, OFFERS) : 0;
    if (offers < 2 || !offer[0]->name) return ZT_OK;
    zt_str key = {0};
    zt_err e = signature(p, s->node, &key) ? kernels_of(c) : ZT_NOMEM;
    if (e == ZT_OK) {
        const char *name = json_string_value(json_object_get(c->kernels, key.buf));
        for (int k = 0; name && k < offers; k++)
            if (strcmp(offer[k]->name, name) == 0) s->kernel = offer[k];
        if (!name && c->tune && !p->cfg.dry) {
            e = fastest(s->node, offers, offer, &s->kernel);
            if (e == ZT_OK && json_object_set_new(c->kernels, key.buf, json_string(s->kernel->name)) != 0) e = ZT_NOMEM;
            c->timed += e == ZT_OK;
        }
    }
    zt_str_finish(&key);
    return e;
}
