/* cascade_impl.h - private to cascade.c and cascade_xml.c: a cascade in memory. */
#ifndef ZT_DATA_CASCADE_IMPL_H
#define ZT_DATA_CASCADE_IMPL_H
#include <stdbool.h>
#include <stdint.h>
#include "base/mem.h"
#include "data/cascade.h"

enum { ZT_CASCADE_WINDOW_MAX = 256, ZT_CASCADE_RECTS = 3, ZT_CASCADE_SUBSET = 8 };

/* HAAR: weighted sums of 2 or 3 rectangles. LBP: rectangle 0 is the first of 3 x 3 equal cells. */
typedef struct zt_feature { int n; struct { int x, y, w, h; float weight; } r[ZT_CASCADE_RECTS]; } zt_feature;

/* HAAR: value < threshold goes left. LBP: bit `code` of the 256 bits set goes left. left, right > 0: node of the tree, behind
 * this one, counted from the tree's first; <= 0: minus the number of a leaf. */
typedef struct zt_cascade_node { int feature, left, right; float threshold; uint32_t subset[ZT_CASCADE_SUBSET]; } zt_cascade_node;
typedef struct zt_cascade_tree { int node, leaf; } zt_cascade_tree;                 /* the first of each */
typedef struct zt_cascade_stage { int tree, n; float threshold; } zt_cascade_stage;

struct zt_cascade {
    bool lbp;
    int width, height;            /* of the window, 1..ZT_CASCADE_WINDOW_MAX */
    zt_arena *arena;
    zt_feature *feature;
    zt_cascade_node *node;
    float *leaf;
    zt_cascade_tree *tree;
    zt_cascade_stage *stage;
    int n_features, n_nodes, n_leaves, n_trees, n_stages;
};
#endif
