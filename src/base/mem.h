/* mem.h - counted allocation, arenas, large aligned blocks. The only file of the project that calls malloc. */
#ifndef ZT_BASE_MEM_H
#define ZT_BASE_MEM_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/** Zeroed block of `bytes` (>= 1 is allocated for 0), 64-byte aligned. NULL when memory ends; the error text is then set
 *  (return ZT_NOMEM). With environment ZT_FAIL_ALLOC=n the n-th call fails (failure tests). Free with zt_free. Any thread. */
void *zt_alloc(size_t bytes);
/** As zt_alloc for count*size bytes; NULL too when the product overflows. */
void *zt_alloc_array(size_t count, size_t size);
/** Grow or shrink; new bytes are NOT zeroed. On failure NULL and `p` is untouched. */
void *zt_realloc(void *p, size_t bytes);
char *zt_strdup(const char *s);
/** NULL is fine. */
void zt_free(void *p);
/** For failure tests: from now on the n-th allocation fails, once (n <= 0: none). Replaces what ZT_FAIL_ALLOC said. */
void zt_alloc_fail_at(int64_t n);
/** Calls left until that failure; 0 or less once it has happened (or none was asked for). */
int64_t zt_alloc_fail_left(void);

/** Bump allocator: everything is freed at once. Zeroed, 16-byte aligned pieces. Not thread-safe. */
typedef struct zt_arena zt_arena;
zt_err zt_arena_create(zt_arena **a);
void *zt_arena_alloc(zt_arena *a, size_t bytes);           /* NULL: out of memory, text set */
char *zt_arena_strdup(zt_arena *a, const char *s);
void zt_arena_destroy(zt_arena **a);                       /* NULL and *a == NULL are fine; sets *a = NULL */

/** Large block for tensors: 2 MiB aligned, transparent huge pages asked for, zero (untouched pages cost nothing).
 *  Free with zt_big_free and the same size. */
void *zt_big_alloc(size_t bytes);
void zt_big_free(void *p, size_t bytes);

/** Memory this machine has, in bytes (not all of it may be free). 0 if unknown. */
int64_t zt_machine_memory_bytes(void);
/** Peak resident set of this process in bytes (VmHWM) since it began or since zt_peak_rss_reset. 0 if unknown. */
int64_t zt_peak_rss_bytes(void);
/** Give freed memory back to the system and count the peak from now on (Linux; elsewhere nothing happens). */
void zt_peak_rss_reset(void);
#endif
