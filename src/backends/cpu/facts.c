/* facts.c - names and versions of what the CPU backend runs on. */
#include "backends/cpu/facts.h"

#if defined(ZT_ONEDNN)
#include <dnnl.h>
#endif
#include <pthread.h>
#include <stdio.h>

static char version[32];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_version(void) {
#if defined(ZT_ONEDNN)
    const dnnl_version_t *v = dnnl_version();
    snprintf(version, sizeof version, "%d.%d.%d", v->major, v->minor, v->patch);
#else
    snprintf(version, sizeof version, "none");
#endif
}

const char *zt_cpu_onednn_version(void) {
    pthread_once(&once, read_version);
    return version;
}
