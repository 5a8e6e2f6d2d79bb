/* facts.h - what `zoe info` tells about the CPU backend; reached through src/init.c. */
#ifndef ZT_BACKENDS_CPU_FACTS_H
#define ZT_BACKENDS_CPU_FACTS_H

/** Version of the oneDNN library that is loaded, such as "2.6.3"; "none" in a build without it. Any thread. */
const char *zt_cpu_onednn_version(void);

#endif
