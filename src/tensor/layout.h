/* layout.h - where the results of a graph live: lifetimes and offsets in one arena. Internal to tensor/. */
#ifndef ZT_LAYOUT_H
#define ZT_LAYOUT_H
#include <stdint.h>
#include "base/err.h"

/** One block of storage: `bytes` used from step `first` to step `last` inclusive; `offset` is the result. */
typedef struct zt_block { int64_t bytes, offset; int first, last; } zt_block;

/** Place blocks so that those alive at the same step never overlap: largest first, each in the lowest gap that fits. Offsets
 *  are multiples of 64. *total is the arena size. */
zt_err zt_layout_place(zt_block *b, int n, int64_t *total);
/** Place every block apart, `guard` bytes before and after each (tests). */
void zt_layout_apart(zt_block *b, int n, int64_t guard, int64_t *total);
#endif
