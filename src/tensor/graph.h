/* graph.h - the static graph: nodes, how they are emitted, gradients as graph.
 *
 * A graph is built once per shape, differentiated by graph rules (zt_grad returns ordinary nodes), planned (plan.h), run many
 * times. Nodes live in the graph's arena. Errors are sticky: builders never return NULL; after the first failure the graph
 * keeps code, text and scope path, later emits return the graph's dead node, and zt_graph_error tells. A graph is used by
 * one thread at a time. */
#ifndef ZT_GRAPH_H
#define ZT_GRAPH_H
#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "tensor/shape.h"

enum { ZT_MAX_AUX = 5, ZT_MAX_IATTR = 16, ZT_MAX_FATTR = 6 };

typedef struct zt_op_def zt_op_def;
typedef struct zt_graph zt_graph;
typedef struct zt_node zt_node;
typedef struct zt_attr { int64_t i[ZT_MAX_IATTR]; double f[ZT_MAX_FATTR]; } zt_attr;

/* What a leaf is (op `leaf`); computed nodes have ZT_COMPUTED. */
typedef enum zt_role {
    ZT_COMPUTED,
    ZT_INPUT,       /* fed by the caller before each run */
    ZT_PARAM,       /* trainable, storage in a zt_tset, bound when planned */
    ZT_STATE,       /* persistent between runs (optimiser moments, EMA), storage in a zt_tset */
    ZT_CONST        /* values fixed when built, owned by the graph, or borrowed (zt_frozen) */
} zt_role;

struct zt_node {
    zt_graph *g;
    int id;                      /* creation order: inputs of a node always have smaller ids */
    const zt_op_def *op;
    zt_role role;
    zt_dtype dtype;
    zt_dtype multiply;           /* of matmul and conv: what factors are rounded to; sums and results are of dtype */
    zt_shape sh;                 /* of the primary output */
    int n_in;
    zt_node **in;
    zt_attr at;
    int n_aux;                   /* further outputs (saved statistics, second gradients); reached with zt_aux */
    zt_shape aux_sh[ZT_MAX_AUX]; /* always of the node's dtype */
    const char *name;            /* leaves: name in the input table or tensor set; else NULL */
    const char *scope;           /* scope path when it was made, "" at the top */
    int region;                  /* of zt_recompute: > 0; 0: none; -1: a node made again */
    const zt_node *again;        /* the node that this one makes again; NULL: none */
    bool half;                   /* stored as bf16: set by the plan (plan_half.c) */
    zt_node *then;               /* of a product: the activation whose result its kernel stores: set by the plan (plan_fold.c) */
    bool folded;                 /* it is some node's `then`: nothing runs, the result is in[0]'s */
    bool is_output;              /* kept until the end of the run */
    void *x;                     /* storage of the primary output, bound by the plan */
    void *aux[ZT_MAX_AUX];       /* storage of the further outputs, bound by the plan */
};

zt_err zt_graph_create(zt_graph **g);
void zt_graph_destroy(zt_graph **g);
/** The first failure: its code, with the text (scope path in front) put back as this thread's error text. */
zt_err zt_graph_error(const zt_graph *g);
/** Record a failure in the graph (first one wins) using the current thread text; returns the dead node. */
zt_node *zt_graph_fail(zt_graph *g, zt_err e);
int zt_graph_size(const zt_graph *g);
zt_node *zt_graph_node(const zt_graph *g, int id);
void *zt_graph_alloc(zt_graph *g, size_t bytes);           /* from the graph's arena, zeroed; NULL: sticky ZT_NOMEM */

/** Scope path: names of nodes made until the matching pop are under it ("blocks.3.attn"). */
void zt_push(zt_graph *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void zt_pop(zt_graph *g);
const char *zt_scope(const zt_graph *g);

/** Leaves. Names are unique per graph and role; a second zt_param of the same name and shape returns the first node. */
zt_node *zt_input(zt_graph *g, const char *name, zt_dtype t, zt_shape sh);
zt_node *zt_param(zt_graph *g, const char *full_name, zt_shape sh);
zt_node *zt_state(zt_graph *g, const char *full_name, zt_shape sh);
/** Copies numel values (given as f64, stored as the graph's real type or i32). */
zt_node *zt_const(zt_graph *g, zt_dtype t, zt_shape sh, const double *values);
zt_node *zt_scalar(zt_graph *g, double value);
/** A constant whose values stay where they are, borrowed as long as the graph lives: a weight of a network that is not trained. A
 *  second one of the same name and shape returns the first node. */
zt_node *zt_frozen(zt_graph *g, const char *full_name, zt_dtype t, zt_shape sh, void *values);

/** Real type of the graph's leaves and results: ZT_F32 unless set to ZT_F64 (gradient checks) before the first node. */
void zt_graph_set_real(zt_graph *g, zt_dtype t);
zt_dtype zt_graph_real(const zt_graph *g);

/** Type that matmul and conv nodes emitted from now on round their factors to: ZT_F32 (at first) or ZT_BF16, which processors
 *  with bf16 instructions multiply twice as fast; others, and the references, keep f32. */
void zt_graph_set_multiply(zt_graph *g, zt_dtype t);
/** Nodes made so far under the comma-separated scopes ("text,blocks.0"; "": none) multiply in f32 after all. NULL, or the first
 *  of the scopes that no node is under: a pointer into `scopes`. */
const char *zt_graph_keep_f32(zt_graph *g, const char *scopes);

/** What is computed between zt_recompute(g, true) and zt_recompute(g, false) is not kept for gradients: zt_grad makes it again
 *  where it is first needed, from the values that entered the region (Chen et al. 2016, arXiv:1604.06174): about a third more
 *  work for the memory of one region at a time, and the same bits. Regions do not nest. */
void zt_recompute(zt_graph *g, bool on);

/** Emit one op: runs its shape rule, returns the node (or the dead node). `at` may be NULL. */
zt_node *zt_emit(zt_graph *g, const zt_op_def *op, int n_in, zt_node *const *in, const zt_attr *at);
#define zt_emit1(g, op, a, at) zt_emit(g, op, 1, (zt_node *const[]){a}, at)
#define zt_emit2(g, op, a, b, at) zt_emit(g, op, 2, (zt_node *const[]){a, b}, at)
#define zt_emit3(g, op, a, b, c, at) zt_emit(g, op, 3, (zt_node *const[]){a, b, c}, at)
/** Rows start .. start+n-1 of x's first axis (any dtype): a view, no copy, no gradient through it. Sticky ZT_SHAPE when they are
 *  not there. */
zt_node *zt_rows_view(zt_node *x, int64_t start, int64_t n);
/** Further output k of a node as a node of its own (a view: no copy, no gradient through it). */
zt_node *zt_aux(zt_node *n, int k);
/** x as a constant to gradients: a view, any dtype. */
zt_node *zt_stop_gradient(zt_node *x);

/** Gradients dy/dwrt of the scalar node y: nodes of wrt's shapes, ordinary graph (they may enter a loss again). A wrt that
 *  y does not depend on gives a zero constant. ZT_SHAPE when y is not a scalar; an op without a gradient rule on the path is an
 *  error that names it. */
zt_err zt_grad(zt_node *y, int n, zt_node *const *wrt, zt_node **dwrt);

/* ---- op definitions -------------------------------------------------------------------------------------------- */
enum {
    ZT_OPF_VIEW = 1,        /* primary output shares in[0]'s storage: nothing runs */
    ZT_OPF_MUTATES = 2,     /* overwrites the first at.i[ZT_MAX_IATTR-1] inputs (PARAM or STATE leaves) */
    ZT_OPF_OVERWRITE = 4,   /* output may share in[0]'s storage when in[0] dies here (element-wise: reads i before writing i) */
    ZT_OPF_LEAF = 8,
    ZT_OPF_CHEAP = 32,      /* zt_grad makes the result again rather than have it kept: one pass over inputs that its gradient
                               needs anyway, or that are much smaller */
    ZT_OPF_TURNS = 64,      /* as cheap; its gradient needs no input, so it is made again only where its input is too */
    ZT_OPF_BF16 = 128,      /* in nodes that multiply in bf16 the result may be stored so: it is not known better (products), or
                               is a gradient on its way into such a product */
    ZT_OPF_FOLLOWS = 256,   /* a sum, a copy, a multiple: the same where its inputs (but for what is broadcast) are stored so */
    ZT_OPF_INDEX = 16       /* the primary output is i32 (positions); real inputs still have the graph's real type */
};
struct zt_op_def {
    int id;                                /* ZT_OP_name of ops/ops.h: index into kernel tables; -1 for those of graph.c */
    const char *name, *doc;                /* doc: shapes and formula, one line */
    int min_in, max_in;                    /* inputs (NULL inputs are not allowed: optional ones are left out at the end) */
    unsigned flags;
    zt_err (*shape)(zt_node *n);           /* checks inputs and attributes; sets dtype, sh, n_aux, aux_sh */
    void (*ref[2])(const zt_node *n);      /* plain C, [0] f32 and [1] f64 (same source compiled twice): writes x and aux */
    void (*grad)(zt_node *n, zt_node *dy, zt_node **dx); /* sets dx[k] for differentiable inputs; others stay NULL. NULL: none */
    zt_node *(*gen)(zt_graph *g, zt_rng *r);               /* a random legal case over fresh inputs: tests and bench use it */
    double tol;                            /* allowed error of an optimised kernel, relative to the operands' size */
    int64_t (*flops)(const zt_node *n);    /* model FLOPs (2 per multiply-add of matmul, conv, attention); NULL: counts 0 */
};
/* graph.c: leaves of every role; views of further outputs, of rows, of what is constant to gradients */
extern const zt_op_def zt_def_leaf, zt_def_aux, zt_def_rows_view, zt_def_stop_gradient;
/* The ops that zt_grad itself emits: sums of gradients, and ranges of one put together. Of ops/elementwise.c, ops/layout.c. */
extern const zt_op_def zt_def_add, zt_def_pad, zt_def_concat;

/** For gen: inputs with values U(-1,1) (or integers 0..max-1), named "in0", "in1", ... The values are made when the test binds
 *  them. */
zt_node *zt_gen_real(zt_graph *g, zt_shape sh);
zt_node *zt_gen_index(zt_graph *g, zt_shape sh, int64_t max);   /* max is kept in at.i[0] of the leaf */
#endif
