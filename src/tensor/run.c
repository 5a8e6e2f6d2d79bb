/* run.c - running a plan: as it is, with every result checked, or with every step timed. Tested by
 * tests/tensor/test_tensor_graph.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "tensor/plan_internal.h"

/* ---- running --------------------------------------------------------------------------------------------------- */
static void pack_weights(const zt_plan *p, const zt_step *s) {
    if (!s->pack_bytes || (s->pack >= 0 && p->pack[s->pack].done)) return;
    s->kernel->pack(s->node, &s->exec);
    if (s->pack >= 0) p->pack[s->pack].done = true;
}
static void run_step(const zt_plan *p, const zt_step *s) {
    pack_weights(p, s);
    if (s->chain) p->cfg.backend->run_chain(s->chain, false);
    else if (s->kernel) s->kernel->run(s->node, &s->exec);
    else s->node->op->ref[zt_reference_of(s->node)](s->node);
}

static zt_err can_run(zt_plan *p) {
    const zt_plan_pool *pool = p->cfg.pool;
    if (p->cfg.dry) return zt_fail(ZT_ARG, "a dry plan only lays out memory; it cannot run");
    if (!pool || (pool->arena == p->arena && pool->scratch == p->scratch)) return ZT_OK;
    if (!pool->arena || !pool->scratch) return zt_fail(ZT_NOMEM, "a plan's memory could not be made larger before");
    p->arena = pool->arena;                  /* it has grown for another plan */
    p->scratch = pool->scratch;
    return zt_plan_bind(p);
}

/* Parameters may have changed. */
static void forget_packs(zt_plan *p) {
    for (int k = 0; k < p->n_packs; k++) p->pack[k].done = false;
}

zt_err zt_plan_run_same(zt_plan *p) {
    const zt_err e = can_run(p);
    if (p->changes_params) forget_packs(p);
    for (int k = 0; e == ZT_OK && k < p->n_steps; k++) run_step(p, &p->steps[k]);
    return e;
}
zt_err zt_plan_run(zt_plan *p) {
    forget_packs(p);
    return zt_plan_run_same(p);
}

static bool finite_values(zt_dtype t, bool half, const void *x, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        if (half) {
            if ((~((const uint16_t *)x)[k] & 0x7f80) == 0) return false;          /* an exponent of all ones */
            continue;
        }
        if (t == ZT_F32 && !isfinite(((const float *)x)[k])) return false;
        if (t == ZT_F64 && !isfinite(((const double *)x)[k])) return false;
    }
    return true;
}

static zt_err not_finite(const zt_node *n, const char *what) {
    return zt_fail(ZT_NONFINITE, "%s '%s%s%s' %s holds a NaN or infinity", what, n->scope, *n->scope ? ": " : "",
                   n->name ? n->name : n->op->name, zt_shape_text(&n->sh));
}
static zt_err check_node(const zt_node *n, const char *what) {
    bool ok = finite_values(n->dtype, n->half, n->x, zt_numel(&n->sh));
    for (int a = 0; a < n->n_aux; a++) ok = ok && finite_values(n->dtype, false, n->aux[a], zt_numel(&n->aux_sh[a]));
    return ok ? ZT_OK : not_finite(n, what);
}
static zt_err run_step_checked(const zt_plan *p, const zt_step *s) {
    if (s->chain) {
        const int bad = p->cfg.backend->run_chain(s->chain, true);
        return bad < 0 ? ZT_OK : not_finite(s->chain->link[bad].node, "result of");
    }
    run_step(p, s);
    return check_node(s->node, "result of");
}

zt_err zt_plan_run_checked(zt_plan *p) {
    zt_err e = can_run(p);
    forget_packs(p);
    for (int k = 0; e == ZT_OK && k < p->n_steps; k++) {
        const zt_step *s = &p->steps[k];
        for (int j = 0; e == ZT_OK && j < s->n_in; j++)
            if (s->in[j]->op == &zt_def_leaf) e = check_node(s->in[j], "leaf");
        if (e == ZT_OK) e = run_step_checked(p, s);
    }
    return e;
}

/* ---- profile --------------------------------------------------------------------------------------------------- */
enum { ROWS_MAX = 40 };                  /* printed of a table */
typedef struct row { char name[96]; double ms, roof_ms; int64_t flops, bytes, held; int calls; } row;   /* held: at the peak */

static void add_row(row *rows, int *n, int cap, const char *name, const row *one) {
    int k = 0;
    while (k < *n && strcmp(rows[k].name, name) != 0) k++;
    if (k == *n) {
        if (*n == cap) k = cap - 1;
        else rows[(*n)++] = (row){0};
        snprintf(rows[k].name, sizeof rows[k].name, "%s", name);
    }
    rows[k].ms += one->ms;
    rows[k].roof_ms += one->roof_ms;
    rows[k].flops += one->flops;
    rows[k].bytes += one->bytes;
    rows[k].held += one->held;
    rows[k].calls++;
}

static int by_ms(const void *a, const void *b) {
    const double x = ((const row *)a)->ms, y = ((const row *)b)->ms;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void print_rows(FILE *f, const char *title, row *rows, int n, double total) {
    qsort(rows, (size_t)n, sizeof *rows, by_ms);
    if (n > ROWS_MAX) n = ROWS_MAX;
    fprintf(f, "%-64s %8s %7s %9s %9s %8s %9s %6s %9s\n", title, "ms", "share", "GFLOP", "GFLOP/s", "GB", "roofline", "calls",
            "MB held");
    for (int k = 0; k < n; k++) {
        const row *r = &rows[k];
        fprintf(f, "%-64s %8.2f %6.1f%% %9.3f %9.1f %8.3f %8.1f%% %6d %9.1f\n", r->name, r->ms, 100 * r->ms / total,
                (double)r->flops * 1e-9, (double)r->flops * 1e-6 / (r->ms + 1e-9), (double)r->bytes * 1e-9,
                100 * r->roof_ms / (r->ms + 1e-9), r->calls, (double)r->held * 1e-6);
    }
}

static int64_t traffic(const zt_node *n, int n_in, zt_node *const *in) {
    int64_t bytes = zt_result_bytes(n);
    for (int k = 0; k < n_in; k++) bytes += zt_result_bytes(in[k]);
    for (int k = 0; k < n->n_aux; k++) bytes += zt_aux_bytes(n, k);
    return bytes;
}
int64_t zt_node_traffic(const zt_node *n) {
    return traffic(n, n->n_in, n->in);
}
/* Bytes of blocks in use at step k: of all of them, or of those that step `of` made. */
static int64_t held_at(const zt_plan *p, int k, int of) {
    int64_t bytes = 0;
    const int from = of < 0 ? 0 : p->first_block[p->steps[of].node->id];
    const int to = of < 0 ? p->n_blocks : from + 1 + p->steps[of].node->n_aux;
    for (int b = from; b < to; b++)
        if (p->owner[b] == b && p->block[b].first <= k && k <= p->block[b].last) bytes += p->block[b].bytes;
    return bytes;
}
/* The step at which most bytes are in use. */
static int fullest(const zt_plan *p) {
    int64_t most = -1;
    int at = 0;
    for (int k = 0; k < p->n_steps; k++) {
        const int64_t bytes = held_at(p, k, -1);
        if (bytes > most) at = k;
        if (bytes > most) most = bytes;
    }
    return at;
}
/* The first two levels of a scope path. */
static void scope_name(const zt_node *n, char out[96]) {
    const size_t first = strcspn(n->scope, ".");
    const size_t len = n->scope[first] ? first + 1 + strcspn(n->scope + first + 1, ".") : first;
    snprintf(out, 96, "%.*s", len ? (int)len : 5, len ? n->scope : "(top)");
}

/* The op; of a chain all of them, "mul+add+silu"; of a product with its activation both. */
static void step_name(const zt_step *s, char out[64]) {
    int at = snprintf(out, 64, "%s", s->chain ? s->chain->link[0].node->op->name : s->node->op->name);
    if (s->node->then && at < 63) snprintf(out + at, (size_t)(64 - at), "+%s", s->node->then->op->name);
    for (int k = 1; s->chain && k < s->chain->n && at < 63; k++)
        at += snprintf(out + at, (size_t)(64 - at), "+%s", s->chain->link[k].node->op->name);
}

zt_err zt_plan_profile(zt_plan *p, FILE *f, double gflops, double gbytes) {
    enum { CAP = 256 };
    zt_err e = can_run(p);
    if (e != ZT_OK) return e;
    row *ops = zt_alloc_array(CAP, sizeof *ops), *scopes = zt_alloc_array(CAP, sizeof *scopes);
    row *steps = zt_alloc_array((size_t)p->n_steps + 1, sizeof *steps);
    int n_ops = 0, n_scopes = 0;
    char name[64], scope[96];
    const int peak = fullest(p);
    double total = 0;
    forget_packs(p);
    e = ops && scopes && steps ? ZT_OK : ZT_NOMEM;
    for (int k = 0; e == ZT_OK && k < p->n_steps; k++) {
        const zt_node *n = p->steps[k].node;
        const double t0 = zt_now();
        run_step(p, &p->steps[k]);
        row r = {.ms = (zt_now() - t0) * 1e3, .flops = n->op->flops ? n->op->flops(n) : 0,
                 .bytes = traffic(n, p->steps[k].n_in, p->steps[k].in), .held = held_at(p, peak, k)};
        r.roof_ms = fmax((double)r.flops * 1e-6 / gflops, (double)r.bytes * 1e-6 / gbytes);
        step_name(&p->steps[k], name);
        scope_name(n, scope);
        add_row(ops, &n_ops, CAP, name, &r);
        add_row(scopes, &n_scopes, CAP, scope, &r);
        steps[k] = r;
        steps[k].calls = 1;
        snprintf(steps[k].name, sizeof steps[k].name, "%.40s %s %.30s", name, zt_shape_text(&n->sh), scope);
        total += r.ms;
    }
    if (e == ZT_OK) {
        print_rows(f, "op", ops, n_ops, total);
        print_rows(f, "scope", scopes, n_scopes, total);
        print_rows(f, "slowest steps", steps, p->n_steps, total);
        scope_name(p->steps[peak].node, scope);
        fprintf(f, "arena %.1f MB; most is held, %.1f MB, at step %d of %d: %s of %s\n", (double)p->info.arena_bytes * 1e-6,
                (double)held_at(p, peak, -1) * 1e-6, peak + 1, p->n_steps, p->steps[peak].node->op->name, scope);
    }
    zt_free(steps);
    zt_free(ops);
    zt_free(scopes);
    return e;
}
