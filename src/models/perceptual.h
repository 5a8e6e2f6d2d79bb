/* perceptual.h - how far apart two clips look: the distance of what the layers of a frozen classifier make of them.
 * Sources: Johnson, Alahi & Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
 * arXiv:1603.08155; Zhang et al. 2018 (LPIPS), arXiv:1801.03924, section 3, all of whose learned weights are 1 here. Any graph
 * that makes clips can pay this distance. Tested by tests/models/test_perceptual_distance.c. */
#ifndef ZT_PERCEPTUAL_H
#define ZT_PERCEPTUAL_H
#include "models/net.h"

/** Scope of the network in the graphs that use it, and so the name that f32_scopes knows it by. */
#define ZT_PERCEPTUAL_SCOPE "perceptual"

/** A frozen network. Zero-initialise; zt_perceptual_finish frees. Graphs borrow its weights and do not change them. */
typedef struct zt_perceptual {
    zt_net net;                          /* a classifier */
    zt_tset params;                      /* its weights, under the scope */
    char hash[65];                       /* SHA-256 of its model.safetensors */
} zt_perceptual;

/** Load the classifier of model folder `dir`. ZT_CONFIG: it is none; and as zt_model_dir_load. *p is empty on failure. */
zt_err zt_perceptual_load(zt_perceptual *p, const char *dir);
void zt_perceptual_finish(zt_perceptual *p);
/** Whether it can look at clips of that size (pixels), which need not be the one it was trained at; ZT_CONFIG says what would
 *  do. */
zt_err zt_perceptual_check(const zt_perceptual *p, int64_t frames, int64_t height, int64_t width);
/** Clips a, b [B,T,H,W,3], pixels in [-1,1] -> the distance of each pair, [B]: at each place of a layer the squared distance of
 *  the two vectors of channels, both scaled to length 1, so 0..4; mean over places, then over layers. 0 for equal clips. Gradient
 *  by both clips, none by the weights. Shapes that differ: ZT_SHAPE, sticky in the graph. One graph at a time may be built. */
zt_node *zt_perceptual_distance(zt_perceptual *p, zt_node *a, zt_node *b);
#endif
