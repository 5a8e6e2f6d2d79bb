/* cpu.c - the kernel table of the CPU backend: picks the processor level, fills the entries of each op, checks types.
 * Kernels are in kernels/ (own) and onednn.c (oneDNN). Tested by tests/backends/. */
#include "backends/cpu/cpu.h"
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(ZT_ONEDNN)
#include "backends/cpu/onednn.h"
#endif

enum { OFFERS = 8 };
static const zt_cpu_entry *table[ZT_OP_COUNT][OFFERS];   /* the first that takes a node runs it */
static zt_cpu_level level;
static int slots = 1;

int zt_cpu_slots(void) {
    return slots;
}
zt_cpu_level zt_cpu_get_level(void) {
    return level;
}

/* Are there tiles, and may this process use them? Linux wants to be asked, since they enlarge what it saves of a thread. */
static bool may_use_tiles(void) {
#if defined(__x86_64__) && defined(__linux__)
    enum { REQUEST = 0x1023, TILE_DATA = 18, TILES = 1 << 24, BF16 = 1 << 22 };   /* ARCH_REQ_XCOMP_PERM; of leaf 7's edx */
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d & TILES && d & BF16 && syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return false;
#endif
}
static const char *const names[] = {[ZT_CPU_BASE] = "base", [ZT_CPU_V3] = "v3", [ZT_CPU_V4] = "v4", [ZT_CPU_BF16] = "bf16",
                                    [ZT_CPU_AMX_EMULATED] = "amx-emulated", [ZT_CPU_AMX] = "amx"};
const char *zt_cpu_level_name(void) {
    return names[level];
}
bool zt_cpu_level_named(const char *name, zt_cpu_level *to) {
    for (int k = 0; k < (int)(sizeof names / sizeof *names); k++)
        if (strcmp(names[k], name) == 0) {
            *to = (zt_cpu_level)k;
            return true;
        }
    return false;
}

static zt_cpu_level processor_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#if defined(__clang__) /* 14 does not know the levels by name; what else is in them comes with these on every processor made */
    const int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const int v4 =
        v3 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    const int v3 = __builtin_cpu_supports("x86-64-v3"), v4 = __builtin_cpu_supports("x86-64-v4");
#endif
    if (v4 && __builtin_cpu_supports("avx512bf16")) return may_use_tiles() ? ZT_CPU_AMX : ZT_CPU_BF16;
    if (v4) return ZT_CPU_V4;
    if (v3) return ZT_CPU_V3;
#endif
    return ZT_CPU_BASE;
}

/* Numbers below 2^-126 become zero: they carry nothing here, and some instructions are many times slower on them. */
static void flush_to_zero(void) {
#if defined(__x86_64__)
#pragma omp parallel
    _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
}

static void add(const zt_cpu_entry *e) {
    for (; e->op >= 0; e++) {
        for (int k = OFFERS - 1; k > 0; k--) table[e->op][k] = table[e->op][k - 1];
        table[e->op][0] = e;                                  /* what comes later is preferred */
    }
}

void zt_cpu_setup(zt_cpu_level cap) {
    const zt_cpu_level have = processor_level();
    level = cap == ZT_CPU_AMX_EMULATED && have >= ZT_CPU_BF16 ? cap : cap < have ? cap : have;
    slots = omp_get_max_threads();
    flush_to_zero();
#if defined(__x86_64__)
#define ADD(name) add(level >= ZT_CPU_V4 ? zt_k_##name##_v4 : level == ZT_CPU_V3 ? zt_k_##name##_v3 : zt_k_##name##_base);
#else
#define ADD(name) add(zt_k_##name##_base);
#endif
    ZT_KERNEL_FILES(ADD)
#undef ADD
#if defined(ZT_ONEDNN)
    const char *use = getenv("ZT_ONEDNN");
    if (!use || strcmp(use, "off") != 0) {
        zt_onednn_setup(level);
        add(zt_k_onednn);
    }
#endif
#if defined(__x86_64__)
#define ADD(name) if (level >= ZT_CPU_BF16) add(zt_k_##name##_bf16);
    ZT_KERNEL_FILES_BF16(ADD)
#undef ADD
#define ADD(name) if (level > ZT_CPU_BF16) add(level == ZT_CPU_AMX ? zt_k_##name##_amx : zt_k_##name##_amx_emulated);
    ZT_KERNEL_FILES_AMX(ADD)
#undef ADD
#endif
}

/* 0: a specialist for this node, 1: serves it like any other, 2: a specialist for others; -1: does not serve it. */
static int rank(const zt_cpu_entry *e, const zt_node *n) {
    if (!e || (e->ok && !e->ok(n))) return -1;
    return !e->suits ? 1 : e->suits(n) ? 0 : 2;
}
int zt_cpu_offers(const zt_node *n, const zt_kernel **list, int cap) {
    const zt_dtype result = n->op->flags & ZT_OPF_INDEX ? ZT_I32 : ZT_F32;
    int count = 0;
    if (n->op->id < 0 || n->op->id >= ZT_OP_COUNT || n->dtype != result) return 0;
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k]->dtype != ZT_F32 && n->in[k]->dtype != ZT_I32) return 0;
    for (int wanted = 0; wanted < 3; wanted++)
        for (int k = 0; k < OFFERS && count < cap; k++)
            if (rank(table[n->op->id][k], n) == wanted) list[count++] = &table[n->op->id][k]->kernel;
    return count;
}
const zt_kernel *zt_cpu_find(const zt_node *n) {
    const zt_kernel *first;
    return zt_cpu_offers(n, &first, 1) ? first : NULL;
}
const char *zt_cpu_tag(void) {
    static char tag[32];
    snprintf(tag, sizeof tag, "%s %d", zt_cpu_level_name(), slots);
    return tag;
}

int zt_cpu_run_chain(const zt_chain *c, bool check) {
#if defined(__x86_64__)
    if (level >= ZT_CPU_BF16) return zt_chain_run_bf16(c, check);
    if (level == ZT_CPU_V4) return zt_chain_run_v4(c, check);
    if (level == ZT_CPU_V3) return zt_chain_run_v3(c, check);
#endif
    return zt_chain_run_base(c, check);
}
