/* mem.c - counted allocation, arenas, large aligned blocks. The only file that calls malloc and mmap for memory. */
#include "base/mem.h"
#include <fcntl.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGN = 64, BIG_ALIGN = 2 << 20, CHUNK = 64 << 10 };

/* In front of each block: zt_realloc must know how much to copy, since the C library's realloc forgets the alignment. */
typedef struct header {
    size_t bytes;
    char pad[ALIGN - sizeof(size_t)];
} header;

static atomic_llong calls_to_failure; /* counts down to the call that fails; 0 and below: none */
static pthread_once_t env_once = PTHREAD_ONCE_INIT;

static void read_env(void) {
    const char *s = getenv("ZT_FAIL_ALLOC");
    if (s) atomic_store(&calls_to_failure, strtoll(s, NULL, 10));
}

void zt_alloc_fail_at(int64_t n) {
    (void)pthread_once(&env_once, read_env);
    atomic_store(&calls_to_failure, (long long)n);
}

int64_t zt_alloc_fail_left(void) { return (int64_t)atomic_load(&calls_to_failure); }

static int made_to_fail(void) {
    (void)pthread_once(&env_once, read_env);
    if (atomic_load_explicit(&calls_to_failure, memory_order_relaxed) <= 0) return 0;
    return atomic_fetch_sub(&calls_to_failure, 1) == 1;
}

static void *out_of_memory(size_t bytes) {
    (void)zt_fail(ZT_NOMEM,
                  "out of memory: a block of %zu bytes could not be had; "
                  "close programs or use a smaller model, batch or size",
                  bytes);
    return NULL;
}

static void *raw_alloc(size_t bytes) {
    void *base = NULL;
    if (made_to_fail() || bytes > PTRDIFF_MAX - sizeof(header) || posix_memalign(&base, ALIGN, sizeof(header) + bytes) != 0)
        return out_of_memory(bytes);
    ((header *)base)->bytes = bytes;
    return (header *)base + 1;
}

void *zt_alloc(size_t bytes) {
    if (bytes == 0) bytes = 1;
    void *p = raw_alloc(bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

void *zt_alloc_array(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        (void)zt_fail(ZT_NOMEM, "out of memory: %zu pieces of %zu bytes are more than any machine has", count, size);
        return NULL;
    }
    return zt_alloc(bytes);
}

void *zt_realloc(void *p, size_t bytes) {
    if (bytes == 0) bytes = 1;
    void *fresh = raw_alloc(bytes);
    if (!fresh || !p) return fresh;
    size_t old = ((header *)p - 1)->bytes;
    memcpy(fresh, p, old < bytes ? old : bytes);
    zt_free(p);
    return fresh;
}

char *zt_strdup(const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = raw_alloc(n);
    if (copy) memcpy(copy, s, n);
    return copy;
}

void zt_free(void *p) {
    if (p) free((header *)p - 1);
}

/* ---- arena ---- */

typedef struct chunk {
    struct chunk *next;
    size_t used, cap; /* of the bytes behind this struct */
    size_t pad;       /* keeps those bytes 16-aligned */
} chunk;

struct zt_arena {
    chunk *head; /* the chunk pieces are cut from */
};

zt_err zt_arena_create(zt_arena **a) {
    *a = zt_alloc(sizeof **a);
    return *a ? ZT_OK : ZT_NOMEM;
}

void *zt_arena_alloc(zt_arena *a, size_t bytes) {
    if (bytes > PTRDIFF_MAX - CHUNK) return out_of_memory(bytes);
    size_t need = bytes ? (bytes + 15) & ~(size_t)15 : 16;
    chunk *c = a->head;
    if (!c || c->cap - c->used < need) {
        size_t cap = need > CHUNK - sizeof(chunk) ? need : CHUNK - sizeof(chunk);
        c = zt_alloc(sizeof(chunk) + cap);
        if (!c) return NULL;
        c->cap = cap;
        if (need == cap && a->head) { /* a big piece goes behind the head: the head's room stays in use */
            c->next = a->head->next;
            a->head->next = c;
        } else {
            c->next = a->head;
            a->head = c;
        }
    }
    void *p = (char *)(c + 1) + c->used;
    c->used += need;
    return p;
}

char *zt_arena_strdup(zt_arena *a, const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = zt_arena_alloc(a, n);
    if (copy) memcpy(copy, s, n);
    return copy;
}

void zt_arena_destroy(zt_arena **a) {
    if (!a || !*a) return;
    for (chunk *c = (*a)->head, *next; c; c = next) {
        next = c->next;
        zt_free(c);
    }
    zt_free(*a);
    *a = NULL;
}

/* ---- large blocks ---- */

static size_t whole_pages(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + (bytes == 0) + page - 1) / page * page;
}

void *zt_big_alloc(size_t bytes) {
    if (made_to_fail() || bytes > PTRDIFF_MAX - 2 * (size_t)BIG_ALIGN) return out_of_memory(bytes);
    size_t size = whole_pages(bytes), reserved = size + BIG_ALIGN;
    char *base = mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return out_of_memory(bytes);
    size_t lead = (BIG_ALIGN - (uintptr_t)base % BIG_ALIGN) % BIG_ALIGN, trail = reserved - lead - size;
    if (lead) (void)munmap(base, lead);
    if (trail) (void)munmap(base + lead + size, trail);
#ifdef MADV_HUGEPAGE
    if (size >= BIG_ALIGN)
        (void)madvise(base + lead, size, MADV_HUGEPAGE); /* only a wish: without huge pages it is slower, not wrong */
#endif
    return base + lead;
}

void zt_big_free(void *p, size_t bytes) {
    if (p) (void)munmap(p, whole_pages(bytes));
}

int64_t zt_machine_memory_bytes(void) {
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (int64_t)pages * size : 0;
}

int64_t zt_peak_rss_bytes(void) {
    char buf[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, buf, sizeof buf - 1);
    (void)close(fd);
    if (n <= 0) return 0;
    buf[n] = 0;
    const char *line = strstr(buf, "VmHWM:");
    return line ? (int64_t)strtoll(line + 6, NULL, 10) * 1024 : 0;
}

void zt_peak_rss_reset(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
    const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    const ssize_t done = write(fd, "5", 1);                   /* proc(5): resets VmHWM */
    (void)done;
    (void)close(fd);
}
