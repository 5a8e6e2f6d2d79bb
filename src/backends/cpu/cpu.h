/* cpu.h - what the CPU backend's files share: kernel entries, processor levels, thread slots. Not a public header. */
#ifndef ZT_BACKENDS_CPU_H
#define ZT_BACKENDS_CPU_H
#include "ops/attrs.h"
#include "ops/ops.h"
#include "tensor/plan.h"

/* BF16: v4 with AVX512-BF16; AMX: BF16 with tiles; AMX_EMULATED: tiles carried out by the instructions of BF16, for tests. */
typedef enum zt_cpu_level { ZT_CPU_BASE, ZT_CPU_V3, ZT_CPU_V4, ZT_CPU_BF16, ZT_CPU_AMX_EMULATED, ZT_CPU_AMX } zt_cpu_level;

/* One kernel offered for one op. `ok` (may be NULL) refuses nodes it does not serve; `suits` (may be NULL) marks a specialist: it
 * is the first choice for the nodes it names, the last for others. A list ends with op == -1. Types were checked before: every
 * tensor of the node is f32, but for index inputs and results of index ops (i32). */
typedef struct zt_cpu_entry {
    int op;
    bool (*ok)(const zt_node *n);
    bool (*suits)(const zt_node *n);
    zt_kernel kernel;
} zt_cpu_entry;

/* Files of kernels/: each is compiled once per level and exports zt_k_NAME_LEVEL. */
#define ZT_KERNEL_FILES(X) X(elementwise) X(reduce) X(layout) X(group_norm) X(row_norm) X(attention) X(embed) X(optim) \
    X(conv) X(conv_dw) X(winograd) X(winograd_dw) X(winograd_strided) X(winograd_strided_dw) X(gemm) X(muon) X(softmax) X(index) \
    X(sample) X(max_pool) X(random)
/* Those of them that are also compiled for level bf16: there they take nodes that multiply in bf16, and those only. */
#define ZT_KERNEL_FILES_BF16(X) X(attention) X(conv) X(conv_dw) X(winograd) X(winograd_dw) X(winograd_strided) \
    X(winograd_strided_dw) X(elementwise) X(group_norm) X(row_norm) X(reduce) X(layout) X(embed) X(muon)
/* And of those, the ones with products on tiles. */
#define ZT_KERNEL_FILES_AMX(X) X(attention) X(conv) X(conv_dw)
#define ZT_KERNEL_DECL(name) extern const zt_cpu_entry zt_k_##name##_base[], zt_k_##name##_v3[], zt_k_##name##_v4[];
ZT_KERNEL_FILES(ZT_KERNEL_DECL)
#undef ZT_KERNEL_DECL
#define ZT_KERNEL_DECL(name) extern const zt_cpu_entry zt_k_##name##_bf16[];
ZT_KERNEL_FILES_BF16(ZT_KERNEL_DECL)
#undef ZT_KERNEL_DECL
#define ZT_KERNEL_DECL(name) extern const zt_cpu_entry zt_k_##name##_amx[], zt_k_##name##_amx_emulated[];
ZT_KERNEL_FILES_AMX(ZT_KERNEL_DECL)
#undef ZT_KERNEL_DECL

/** Of elementwise.c: the backend's run_chain, of each level. */
int zt_chain_run_base(const zt_chain *c, bool check);
int zt_chain_run_v3(const zt_chain *c, bool check);
int zt_chain_run_v4(const zt_chain *c, bool check);
int zt_chain_run_bf16(const zt_chain *c, bool check);

/** Pieces that reductions and scratch are split in: the OpenMP thread count when the backend started. Sums are combined in
 *  the order of the pieces, so results depend on this number only, never on timing. >= 1. */
int zt_cpu_slots(void);

/** Build the table for at most `cap` (the processor may offer less; AMX_EMULATED: from level BF16 on) and set up the threads;
 *  called once, by src/init.c. */
void zt_cpu_setup(zt_cpu_level cap);
/** The level in use. */
zt_cpu_level zt_cpu_get_level(void);
/** Its name: "base" (plain C), "v3" (AVX2), "v4" (AVX-512), "bf16" (AVX-512 with BF16: nodes that multiply in bf16 do so only
 *  from here on), "amx" (tiles) or "amx-emulated". */
const char *zt_cpu_level_name(void);
/** The level of that name to *level; false: there is none. */
bool zt_cpu_level_named(const char *name, zt_cpu_level *level);
/** The kernel for a node, or NULL; all that serve it (zt_backend.offers). */
const zt_kernel *zt_cpu_find(const zt_node *n);
int zt_cpu_offers(const zt_node *n, const zt_kernel **list, int cap);
/** Level and threads, such as "bf16 2". After zt_cpu_setup. */
const char *zt_cpu_tag(void);
/** Run element-wise nodes tile by tile (zt_backend.run_chain). */
int zt_cpu_run_chain(const zt_chain *c, bool check);
#endif
