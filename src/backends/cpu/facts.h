/* facts.h - what `zoe info` tells about the CPU backend; reached through src/init.c. */
#ifndef ZT_BACKENDS_CPU_FACTS_H
#define ZT_BACKENDS_CPU_FACTS_H
#include <stdbool.h>

/** Name of the processor level in use: "base" (plain C), "v3" (AVX2) or "v4" (AVX-512). After zt_cpu_setup. */
const char *zt_cpu_level_name(void);
/** Whether nodes that multiply in bf16 do so here (AVX512-BF16, and not capped by ZT_CPU). After zt_cpu_setup. */
bool zt_cpu_bf16(void);
/** Version of the oneDNN library that is loaded, such as "2.6.3". Any thread. */
const char *zt_cpu_onednn_version(void);

#endif
