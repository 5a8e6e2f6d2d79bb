/* init.c - the composition root: the only file outside backends/ that names a backend. */
#include "init.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "backends/cpu/cpu.h"
#include "backends/cpu/facts.h"
#include "base/log.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static zt_backend backend = {.name = "cpu", .find = zt_cpu_find, .offers = zt_cpu_offers, .run_chain = zt_cpu_run_chain};

static void setup(void) {
    const char *cap = getenv("ZT_CPU");
    zt_cpu_level level = ZT_CPU_AMX;
    if (cap && *cap && !zt_cpu_level_named(cap, &level))
        zt_warn("ZT_CPU is '%s'; wanted base, v3, v4, bf16 or amx: it is ignored", cap);
    zt_cpu_setup(level);
    backend.tag = zt_cpu_tag();
}

const zt_backend *zt_backend_cpu(void) {
    pthread_once(&once, setup);
    return &backend;
}

void zt_backend_cpu_facts(zt_backend_facts *f) {
    zt_backend_cpu();
    *f = (zt_backend_facts){.level = zt_cpu_level_name(), .onednn = zt_cpu_onednn_version(), .threads = zt_cpu_slots(),
                             .bf16 = zt_cpu_get_level() >= ZT_CPU_BF16};
}
