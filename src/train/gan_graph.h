/* gan_graph.h - the graphs of adversarial training: a step of the critics, one of the generator. Both are plans of their own over
 * the same parameters ("critic.*", "generator.*") and states, so that the generator meets the critics as they were left. */
#ifndef ZT_GAN_GRAPH_H
#define ZT_GAN_GRAPH_H
#include "tensor/plan.h"
#include "train/config.h"
#include "train/optimise.h"

typedef enum zt_gan_side { ZT_GAN_GENERATOR, ZT_GAN_CRITIC, ZT_GAN_CRITIC_PENALISED } zt_gan_side;

/** How critics see clips: real or made ones. Nodes are inputs; NULL where nothing asks for them. */
typedef struct zt_gan_sight {
    zt_node *pick;                  /* [B] i32: the frame shown to critics of images */
    zt_node *augment;               /* [B,ZT_AUGMENT_NUMBERS] */
    zt_node *noise;                 /* [B,T,H,W,3] N(0,1) */
} zt_gan_sight;

typedef struct zt_gan_graph {
    zt_gan_side side;
    zt_graph *g;
    zt_plan *plan;
    int n_z;
    zt_gan_latent latent[ZT_GAN_LATENTS];
    zt_node *z[ZT_GAN_LATENTS];
    zt_node *real;                  /* [B,frames,H,W,3] in -1..1; NULL: the loss does not look at real clips */
    zt_node *label;                 /* [B] i32: category of each real clip, or NULL */
    zt_gan_sight of_real, of_made;
    zt_gan_size size;               /* of the clips of a step: of all frames, or of some, whose times [B,frames] are an input */
    zt_node *sigma;                 /* scalar: of the noise, or NULL */
    zt_node *mix;                   /* [B] in 0..1: where between real and made the penalty looks, or NULL */
    zt_optimise opt;
    zt_node *loss, *above_real, *above_made, *penalty, *category;     /* outputs; NULL where there is no such thing */
    int64_t flops;
} zt_gan_graph;

/** Options of one side's optimiser: c->train, for critics with what c->gan says of them. */
zt_steps_cfg zt_gan_steps(const zt_train_cfg *c, zt_gan_side side);
/** Build and plan for c->train.batch clips; as zt_step_graph_create. */
zt_err zt_gan_graph_create(zt_gan_graph *s, zt_gan_side side, const zt_train_cfg *c, zt_tset *params, zt_tset *states, bool dry);
void zt_gan_graph_finish(zt_gan_graph *s);
int64_t zt_gan_graph_bytes(const zt_gan_graph *s);
/** Whether the generator's step takes a batch of real clips too: for its loss, or for the frames that its clips begin with. */
bool zt_gan_generator_looks(const zt_train_cfg *c);
/** The batch of real clips rgb [B,T,H,W,3], of which the frames at the times drawn last, into `real`; and their first frames
 *  into the latent that wants them; where there are such. */
void zt_gan_graph_show(zt_gan_graph *s, const zt_train_cfg *c, const uint8_t *rgb);
/** All inputs but real, first frames, label and the optimiser's, as a pure function of (seed, number): latent codes, views,
 *  noise of `sigma`. */
void zt_gan_graph_draw(zt_gan_graph *s, const zt_train_cfg *c, uint64_t number, double sigma);
#endif
