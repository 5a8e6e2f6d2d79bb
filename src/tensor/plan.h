/* plan.h - a plan: the order, the kernels and the memory of a graph, made once and run many times. */
#ifndef ZT_PLAN_H
#define ZT_PLAN_H
#include <stdio.h>
#include "tensor/choices.h"
#include "tensor/graph.h"
#include "tensor/tset.h"

/** Per-step state handed to kernels. */
typedef struct zt_exec {
    void *prepared; /* what prepare returned */
    void *scratch;  /* scratch bytes asked for, 64-byte aligned */
    void *packed;   /* what pack wrote, 64-byte aligned */
} zt_exec;

/** What a kernel takes an input for: f32 only; f32 or bf16, whichever node->half says; either, and it rounds what is f32 to bf16
 *  (or adds it up over many rows), so that nothing is lost if it is stored so. */
typedef enum zt_reads { ZT_READS_F32, ZT_READS_EITHER, ZT_READS_ROUNDED } zt_reads;
/** Elements [from, from + count) of an element-wise node's result, into y. in[k]: element `from` of an input of the result's
 *  shape, the first element of a smaller one, which is broadcast. All are f32; y may be one of the inputs of its shape. */
typedef void zt_tile(const zt_node *n, const float *const *in, float *y, int64_t from, int64_t count);

/** One kernel: runs a node whose inputs' and outputs' storage is bound. It may not allocate. */
typedef struct zt_kernel {
    const char *name;       /* among the kernels of its op, such as "conv/v4", in all of them; NULL: there is no choice to make */
    void (*run)(const zt_node *n, const zt_exec *e);
    /** Called once when planned (storage not yet bound): builds library primitives, says how much scratch each run needs. May be
     *  NULL. */
    zt_err (*prepare)(const zt_node *n, void **prepared, size_t *scratch_bytes);
    void (*release)(void *prepared);
    /** Weights (input 1) laid out or rounded anew, in packs() bytes (0: they serve as they are): pack writes e->packed, run reads
     *  it, both may use e->scratch. The plan says when (plan_pack.c). NULL: none. */
    size_t (*packs)(const zt_node *n, const void *prepared);
    void (*pack)(const zt_node *n, const zt_exec *e);
    /** Whether the result can be stored as bf16 (node->half), and what input k may be. The plan decides (plan_half.c). NULL: no,
     *  ZT_READS_F32. */
    bool (*writes_half)(const zt_node *n);
    zt_reads (*reads)(const zt_node *n, int k);
    zt_tile *tile;          /* element-wise kernels: how a part of the result is made; NULL: it is none of them */
    /** Whether it can store `then` of its result, an element-wise node of one input (node->then). The plan decides (plan_fold.c).
     *  NULL: no. */
    bool (*folds)(const zt_node *n, const zt_node *then);
} zt_kernel;

/** Element-wise nodes that run as one step, tile by tile: only the last one's result is stored. in[k] of a link: an earlier link
 *  that it takes input k from, or -1: it is stored. */
enum { ZT_CHAIN_MAX = 12 };
typedef struct zt_link { zt_node *node; const zt_kernel *kernel; int in[3]; } zt_link;
typedef struct zt_chain { int n; zt_link *link; } zt_chain;

/** A backend offers kernels; `find` returns NULL for what it lacks. offers (may be NULL) writes up to `cap` that serve the node,
 *  the one of find first, and returns their number. run_chain (NULL: no chains are made) runs one; with `check` it returns the
 *  first link whose result holds a NaN or infinity, else -1. */
typedef struct zt_backend {
    const char *name, *tag;         /* tag: what the speed of kernels depends on besides the node: processor level, threads */
    const zt_kernel *(*find)(const zt_node *n);
    int (*offers)(const zt_node *n, const zt_kernel **list, int cap);
    int (*run_chain)(const zt_chain *c, bool check);
} zt_backend;

/** Memory of results and scratch that several plans take turns in: as much as the largest of them needs. Zero-initialise;
 *  zt_plan_pool_finish frees, after the plans. What a plan put out is lost when another one is made or run. One thread at a
 *  time. */
typedef struct zt_plan_pool { uint8_t *arena, *scratch; int64_t arena_bytes, scratch_bytes; } zt_plan_pool;
void zt_plan_pool_finish(zt_plan_pool *pool);

typedef struct zt_plan zt_plan;
typedef struct zt_plan_cfg {
    const zt_backend *backend;  /* NULL: plain C references only */
    zt_choices *choices;        /* which kernel where several can; new ones are added when it says tune. NULL: that of find */
    bool strict;                /* an op the backend lacks is an error naming it (else its reference runs) */
    bool no_half;               /* no result is stored as bf16 (tests) */
    bool half_if_rounded;       /* only where all readers round it anyway (tests) */
    bool no_fuse;               /* every element-wise node is a step of its own (tests) */
    bool no_fold;               /* no product's kernel applies an activation (tests) */
    bool no_reuse;              /* every node its own storage, with guard zones (tests) */
    zt_tset *params;            /* storage of PARAM leaves, found by name; each must be there with its shape */
    zt_tset *states;            /* storage of STATE leaves */
    zt_plan_pool *pool;         /* whose memory it uses, borrowed; NULL: memory of its own */
    bool dry;                   /* lay out memory only; cannot run (for --plan) */
} zt_plan_cfg;

typedef struct zt_plan_info {
    int steps;                       /* kernels per run */
    int64_t flops;                   /* model FLOPs per run; nodes made again for a gradient do not count */
    int64_t arena_bytes, scratch_bytes, input_bytes;
    int64_t packed_bytes;            /* packed weights that are kept: for several steps of a run, or from run to run */
    int fused;                       /* element-wise nodes whose result is not stored */
    int folded;                      /* activations that the kernel of a product applies */
    int halves;                      /* results stored as bf16 */
    int fallbacks;                   /* steps that run a reference for want of a kernel */
} zt_plan_info;

/** Plan what `outputs` need (mutating nodes must be among them). The plan binds the graph's nodes: one live plan per graph. The
 *  graph, sets and backend must outlive it. */
zt_err zt_plan_create(zt_plan **p, zt_graph *g, int n_out, zt_node *const *outputs, const zt_plan_cfg *cfg);
void zt_plan_destroy(zt_plan **p);
/** Run once. Input data is written beforehand through node->x of the INPUT leaves; outputs are read through node->x after. */
zt_err zt_plan_run(zt_plan *p);
/** The same, where no parameter has changed since the plan's last run: what was packed of them then is used again. The caller
 *  answers for that. In a plan that changes parameters itself, and for the first run, as zt_plan_run. */
zt_err zt_plan_run_same(zt_plan *p);
/** Run again checking every result: ZT_NONFINITE names the first node (op, scope) with a NaN or infinity. */
zt_err zt_plan_run_checked(zt_plan *p);
const zt_plan_info *zt_plan_get_info(const zt_plan *p);
/** Memory it takes: results, scratch, packed weights, inputs. */
int64_t zt_plan_bytes(const zt_plan *p);
/** Time every step over one run and print, per op and per scope (first two levels): ms, share, GFLOP, GFLOP/s, GB (inputs read
 *  and outputs written once), calls, and the part of the roofline reached: the time that the machine's peaks would take over the
 *  time it took, summed over steps; and of the results that are in memory when it is fullest, the bytes they made. gflops and
 *  gbytes: those peaks per second, of products and of memory. */
zt_err zt_plan_profile(zt_plan *p, FILE *f, double gflops, double gbytes);
/** Bytes that running this node reads and writes, each tensor counted once. */
int64_t zt_node_traffic(const zt_node *n);
/** tests: guard zones of a no_reuse plan are intact. */
bool zt_plan_guards_ok(const zt_plan *p);
#endif
