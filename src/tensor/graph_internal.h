/* graph_internal.h - what grad.c needs of graph.c. */
#ifndef ZT_GRAPH_INTERNAL_H
#define ZT_GRAPH_INTERNAL_H
#include "tensor/graph.h"

/** Make `path` (kept by the caller, in the arena) the current scope; the old one is put in `saved`. */
void zt_scope_swap(zt_graph *g, const char *path, char saved[512]);
/** Put back what zt_scope_swap saved. */
void zt_scope_restore(zt_graph *g, const char saved[512]);
#endif
