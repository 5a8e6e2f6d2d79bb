/* init.h - the composition root: the only place that knows which backends this build has. */
#ifndef ZT_INIT_H
#define ZT_INIT_H
#include "tensor/plan.h"

/** The CPU backend: kernels for this processor, oneDNN, OpenMP threads (environment: ZT_CPU=base|v3|v4|bf16|amx caps the level,
 *  ZT_ONEDNN=off leaves oneDNN out). Sets flush-to-zero in every worker on first use. Never NULL. */
const zt_backend *zt_backend_cpu(void);

/** What it runs on, for `zoe info`; starts the backend. Strings are static. */
typedef struct zt_backend_facts {
    const char *level, *onednn;
    int threads;
    bool bf16;               /* the processor multiplies in bf16; else `precision: bf16` runs in f32 */
} zt_backend_facts;
void zt_backend_cpu_facts(zt_backend_facts *f);
#endif
