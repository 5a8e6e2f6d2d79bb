/* graph.c - nodes, leaves, scopes and the sticky error of a graph. Gradients are in grad.c, running in plan.c.
 * Tested by tests/tensor/test_tensor_graph.c. */
#include "tensor/graph.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tensor/graph_internal.h"

enum { SCOPE_MAX = 512, SCOPE_DEPTH = 32 };

struct zt_graph {
    zt_arena *arena;
    zt_node **nodes;
    int n, cap;
    zt_dtype real, multiply;
    int regions;                      /* of zt_recompute so far */
    bool in_region;
    zt_err err;
    char err_text[2048];          /* scope path and text */
    zt_node *dead;                    /* what builders return after a failure */
    char scope[SCOPE_MAX];
    int cut[SCOPE_DEPTH], depth;      /* scope lengths to return to */
    const char *scope_copy;           /* the current path, in the arena; NULL: not copied yet */
};

/* ---- leaves and views ---------------------------------------------------------------------------------------------- */
static zt_err leaf_shape(zt_node *n) {
    (void)n;
    return ZT_OK;
}
const zt_op_def zt_def_leaf = {.id = -1, .name = "leaf", .doc = "input, parameter, state or constant", .flags = ZT_OPF_LEAF,
                               .shape = leaf_shape};

static zt_err aux_shape(zt_node *n) {
    const int64_t k = n->at.i[0];
    if (k < 0 || k >= n->in[0]->n_aux)
        return zt_fail(ZT_INTERNAL, "%s has %d further outputs; asked for number %lld", n->in[0]->op->name, n->in[0]->n_aux,
                       (long long)k);
    n->sh = n->in[0]->aux_sh[k];
    n->dtype = n->in[0]->dtype;
    return ZT_OK;
}
const zt_op_def zt_def_aux = {.id = -1, .name = "aux", .doc = "view of a node's further output", .min_in = 1, .max_in = 1,
                              .flags = ZT_OPF_VIEW, .shape = aux_shape};

static zt_err rows_view_shape(zt_node *n) {
    const zt_shape *x = &n->in[0]->sh;
    const int64_t start = n->at.i[0], rows = n->at.i[1];
    if (x->n < 1 || start < 0 || rows < 1 || rows > x->d[0] - start)
        return zt_fail(ZT_SHAPE, "rows_view: %lld rows from %lld on are not in %s", (long long)rows, (long long)start,
                       zt_shape_text(x));
    n->sh = *x;
    n->sh.d[0] = rows;
    n->dtype = n->in[0]->dtype;
    return ZT_OK;
}
const zt_op_def zt_def_rows_view = {.id = -1, .name = "rows_view", .doc = "view of rows of the first axis", .min_in = 1,
                                    .max_in = 1, .flags = ZT_OPF_VIEW, .shape = rows_view_shape};
static zt_err same_shape(zt_node *n) {
    n->sh = n->in[0]->sh;
    n->dtype = n->in[0]->dtype;
    return ZT_OK;
}
static void no_gradient(zt_node *n, zt_node *dy, zt_node **dx) {
    (void)n, (void)dy, (void)dx;
}
const zt_op_def zt_def_stop_gradient = {.id = -1, .name = "stop_gradient", .doc = "view that gradients do not pass", .min_in = 1,
                                        .max_in = 1, .flags = ZT_OPF_VIEW, .shape = same_shape, .grad = no_gradient};

/* ---- graph ----------------------------------------------------------------------------------------------------- */
zt_err zt_graph_create(zt_graph **out) {
    *out = NULL;
    zt_graph *g = zt_alloc(sizeof *g);
    if (!g) return ZT_NOMEM;
    zt_err e = zt_arena_create(&g->arena);
    if (e == ZT_OK && !(g->dead = zt_arena_alloc(g->arena, sizeof *g->dead))) e = ZT_NOMEM;
    if (e != ZT_OK) {
        zt_graph_destroy(&g);
        return e;
    }
    *g->dead = (zt_node){.g = g, .op = &zt_def_leaf, .role = ZT_CONST, .sh = zt_shape_of(0, NULL), .scope = ""};
    g->real = g->multiply = ZT_F32;
    *out = g;
    return ZT_OK;
}

void zt_graph_destroy(zt_graph **g) {
    if (!*g) return;
    zt_free((*g)->nodes);
    zt_arena_destroy(&(*g)->arena);
    zt_free(*g);
    *g = NULL;
}

zt_err zt_graph_error(const zt_graph *g) {
    return g->err == ZT_OK ? ZT_OK : zt_fail(g->err, "%s", g->err_text);
}

zt_node *zt_graph_fail(zt_graph *g, zt_err e) {
    if (g->err == ZT_OK) {
        g->err = e;
        snprintf(g->err_text, sizeof g->err_text, "%s%s%.900s", g->scope, *g->scope ? ": " : "", zt_err_text());
    }
    return g->dead;
}

int zt_graph_size(const zt_graph *g) {
    return g->n;
}
zt_node *zt_graph_node(const zt_graph *g, int id) {
    return g->nodes[id];
}
void *zt_graph_alloc(zt_graph *g, size_t bytes) {
    void *p = g->err == ZT_OK ? zt_arena_alloc(g->arena, bytes) : NULL;
    if (!p && g->err == ZT_OK) zt_graph_fail(g, ZT_NOMEM);
    return p;
}

void zt_graph_set_real(zt_graph *g, zt_dtype t) {
    g->real = t;
}
zt_dtype zt_graph_real(const zt_graph *g) {
    return g->real;
}
void zt_graph_set_multiply(zt_graph *g, zt_dtype t) {
    g->multiply = t;
}

const char *zt_graph_keep_f32(zt_graph *g, const char *scopes) {
    const char *missing = NULL;
    while (*scopes) {
        const size_t len = strcspn(scopes, ",");
        int found = 0;
        for (int id = 0; id < zt_graph_size(g); id++) {
            zt_node *n = zt_graph_node(g, id);
            if (strncmp(n->scope, scopes, len) != 0 || (n->scope[len] && n->scope[len] != '.')) continue;
            n->multiply = ZT_F32;
            found++;
        }
        if (!found && !missing) missing = scopes;
        scopes += len + (scopes[len] == ',');
    }
    return missing;
}

void zt_recompute(zt_graph *g, bool on) {
    g->regions += on;
    g->in_region = on;
}

/* ---- scopes ---------------------------------------------------------------------------------------------------- */
void zt_push(zt_graph *g, const char *fmt, ...) {
    const int len = (int)strlen(g->scope);
    if (g->depth == SCOPE_DEPTH) {
        zt_fail(ZT_INTERNAL, "scopes are nested deeper than %d", SCOPE_DEPTH);
        zt_graph_fail(g, ZT_INTERNAL);
        return;
    }
    g->cut[g->depth++] = len;
    g->scope_copy = NULL;
    va_list ap;
    va_start(ap, fmt);
    int at = len;
    if (len && at < SCOPE_MAX - 1) g->scope[at++] = '.';
    vsnprintf(g->scope + at, (size_t)(SCOPE_MAX - at), fmt, ap);
    va_end(ap);
}

void zt_pop(zt_graph *g) {
    if (g->depth == 0) return;
    g->scope[g->cut[--g->depth]] = 0;
    g->scope_copy = NULL;
}

const char *zt_scope(const zt_graph *g) {
    return g->scope;
}

void zt_scope_swap(zt_graph *g, const char *path, char saved[512]) {
    memcpy(saved, g->scope, SCOPE_MAX);
    snprintf(g->scope, SCOPE_MAX, "%s", path);
    g->scope_copy = path;
}

void zt_scope_restore(zt_graph *g, const char saved[512]) {
    memcpy(g->scope, saved, SCOPE_MAX);
    g->scope_copy = NULL;
}

static const char *scope_of(zt_graph *g) {
    if (!g->scope_copy) g->scope_copy = zt_arena_strdup(g->arena, g->scope);
    return g->scope_copy ? g->scope_copy : "";
}

/* ---- nodes ----------------------------------------------------------------------------------------------------- */
static zt_node *node_new(zt_graph *g, const zt_op_def *op) {
    if (g->err != ZT_OK) return NULL;
    if (g->n == g->cap) {
        const int cap = g->cap ? 2 * g->cap : 256;
        zt_node **p = zt_realloc(g->nodes, (size_t)cap * sizeof(zt_node *));
        if (!p) {
            zt_graph_fail(g, ZT_NOMEM);
            return NULL;
        }
        g->nodes = p;
        g->cap = cap;
    }
    zt_node *n = zt_graph_alloc(g, sizeof *n);
    if (!n) return NULL;
    n->g = g;
    n->op = op;
    n->dtype = g->real;
    n->multiply = g->multiply;
    n->region = g->in_region ? g->regions : 0;
    n->sh = zt_shape_of(0, NULL);
    n->scope = scope_of(g);
    n->id = g->n;
    return n;
}

zt_node *zt_emit(zt_graph *g, const zt_op_def *op, int n_in, zt_node *const *in, const zt_attr *at) {
    zt_node *n = node_new(g, op);
    if (!n) return g->dead;
    if (n_in < op->min_in || n_in > op->max_in)
        return zt_graph_fail(g, zt_fail(ZT_INTERNAL, "%s takes %d..%d inputs; got %d", op->name, op->min_in, op->max_in, n_in));
    n->in = zt_graph_alloc(g, (size_t)(n_in ? n_in : 1) * sizeof(zt_node *));
    if (!n->in) return g->dead;
    for (int k = 0; k < n_in; k++) {
        if (!in[k] || in[k]->g != g)
            return zt_graph_fail(g, zt_fail(ZT_INTERNAL, "%s: input %d is missing or of another graph", op->name, k));
        n->in[k] = in[k];
    }
    n->n_in = n_in;
    if (at) n->at = *at;
    const zt_err e = op->shape(n);
    if (e != ZT_OK) return zt_graph_fail(g, e);
    g->nodes[g->n++] = n;
    return n;
}

zt_node *zt_rows_view(zt_node *x, int64_t start, int64_t n) {
    return zt_emit1(x->g, &zt_def_rows_view, x, &((zt_attr){.i = {start, n}}));
}

zt_node *zt_aux(zt_node *n, int k) {
    return zt_emit1(n->g, &zt_def_aux, n, &((zt_attr){.i = {k}}));
}

zt_node *zt_stop_gradient(zt_node *x) {
    return zt_emit1(x->g, &zt_def_stop_gradient, x, NULL);
}

/* ---- leaves ---------------------------------------------------------------------------------------------------- */
static zt_node *leaf(zt_graph *g, zt_role role, const char *name, zt_dtype t, zt_shape sh) {
    for (int k = 0; name && k < g->n; k++) {
        zt_node *o = g->nodes[k];
        if (o->role != role || !o->name || strcmp(o->name, name) != 0) continue;
        if (role == ZT_INPUT || !zt_same_shape(&o->sh, &sh))
            return zt_graph_fail(g, zt_fail(ZT_SHAPE, "'%s' is there already with shape %s; asked for %s", name,
                                            zt_shape_text(&o->sh), zt_shape_text(&sh)));
        return o;
    }
    for (int k = 0; k < sh.n; k++)
        if (sh.d[k] < 1)
            return zt_graph_fail(g, zt_fail(ZT_SHAPE, "'%s' has shape %s; every size must be at least 1",
                                            name ? name : "constant", zt_shape_text(&sh)));
    zt_node *n = node_new(g, &zt_def_leaf);
    if (!n) return g->dead;
    n->role = role;
    n->dtype = t;
    n->sh = sh;
    if (name && !(n->name = zt_arena_strdup(g->arena, name))) return zt_graph_fail(g, ZT_NOMEM);
    g->nodes[g->n++] = n;
    return n;
}

zt_node *zt_input(zt_graph *g, const char *name, zt_dtype t, zt_shape sh) {
    return leaf(g, ZT_INPUT, name, t, sh);
}
zt_node *zt_param(zt_graph *g, const char *full_name, zt_shape sh) {
    return leaf(g, ZT_PARAM, full_name, g->real, sh);
}
zt_node *zt_state(zt_graph *g, const char *full_name, zt_shape sh) {
    return leaf(g, ZT_STATE, full_name, g->real, sh);
}

zt_node *zt_const(zt_graph *g, zt_dtype t, zt_shape sh, const double *values) {
    zt_node *n = leaf(g, ZT_CONST, NULL, t, sh);
    if (n == g->dead) return n;
    const int64_t count = zt_numel(&sh);
    n->x = zt_graph_alloc(g, (size_t)count * zt_dtype_bytes(t));
    if (!n->x) return g->dead;
    for (int64_t k = 0; k < count; k++) {
        if (t == ZT_F32) ((float *)n->x)[k] = (float)values[k];
        else if (t == ZT_F64) ((double *)n->x)[k] = values[k];
        else ((int32_t *)n->x)[k] = (int32_t)values[k];
    }
    return n;
}

zt_node *zt_frozen(zt_graph *g, const char *full_name, zt_dtype t, zt_shape sh, void *values) {
    zt_node *n = leaf(g, ZT_CONST, full_name, t, sh);
    if (n != g->dead) n->x = values;
    return n;
}

zt_node *zt_scalar(zt_graph *g, double value) {
    return zt_const(g, g->real, zt_shape_of(0, NULL), &value);
}

/* ---- generated cases ------------------------------------------------------------------------------------------- */
static zt_node *gen_leaf(zt_graph *g, zt_dtype t, zt_shape sh) {
    char name[32];
    snprintf(name, sizeof name, "in%d", g->n);
    return zt_input(g, name, t, sh);
}
zt_node *zt_gen_real(zt_graph *g, zt_shape sh) {
    return gen_leaf(g, g->real, sh);
}
zt_node *zt_gen_index(zt_graph *g, zt_shape sh, int64_t max) {
    zt_node *n = gen_leaf(g, ZT_I32, sh);
    n->at.i[0] = max;
    return n;
}
