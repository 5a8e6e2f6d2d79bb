/* facts.h - what `zoe info` tells about the CPU backend; reached through src/init.c. */
#ifndef ZT_BACKENDS_CPU_FACTS_H
#define ZT_BACKENDS_CPU_FACTS_H
#include <stdbool.h>

/** Name of the processor level in use: "base" (plain C), "v3" (AVX2), "v4" (AVX-512) or "bf16" (AVX-512 with BF16: nodes that
 *  multiply in bf16 do so only there). After zt_cpu_setup. */
const char *zt_cpu_level_name(void);
/** Version of the oneDNN library that is loaded, such as "2.6.3"; "none" in a build without it. Any thread. */
const char *zt_cpu_onednn_version(void);

#endif
