/* bench_nets.h - networks that only `zoe bench` has, and a pair of src/models. */
#ifndef ZT_CLI_BENCH_NETS_H
#define ZT_CLI_BENCH_NETS_H
#include "nn/nn.h"
#include "tensor/plan.h"

/** A loss and the parameters that follow it: those whose names begin with `prefix`. */
typedef struct zt_bench_loss { zt_node *loss; const char *prefix; } zt_bench_loss;
enum { ZT_BENCH_LOSSES = 2 };

/** A network: its losses (returns how many) in the order in which their parameters are updated, so that none comes before a loss
 *  whose gradient passes through them; and what runs when it generates. */
typedef struct zt_bench_net {
    int (*losses)(zt_nn *nn, int64_t clips, zt_bench_loss out[ZT_BENCH_LOSSES]);
    zt_node *(*sample)(zt_nn *nn, int64_t clips);
} zt_bench_net;
/** MoCoGAN's sizes (Tulyakov et al. 2018, arXiv:1707.04993; repository sergeytulyakov/mocogan): frames by the 2-D transposed
 *  convolutions of its image generator, clips of 16 x 64 x 64 judged by its 3-D video critic, hinge losses. Sampling: the
 *  generator. */
extern const zt_bench_net zt_bench_gan;
/** TGAN as published (src/models/tgan.c) on clips of 16 x 64 x 64, Wasserstein losses. Sampling: the generator. */
extern const zt_bench_net zt_bench_tgan;
/** A causal 3-D convolutional VAE on clips of 16 x 128 x 128: 3x3x3 residual blocks, frames quartered, height and width eighthed;
 *  squared error plus a little Kullback-Leibler divergence. Sampling: the decoder. */
extern const zt_bench_net zt_bench_vae;
/** A denoising U-Net of convolutions alone on clips of 16 x 64 x 64: 64, 128, 256 channels, 1x3x3 and 3x1x1, 11.3 million
 *  parameters. With no attention, text or time in it, it is what the convolutions of the engine are measured by. */
extern const zt_bench_net zt_bench_pilot;

/** A planned step with inputs filled; zero-initialise, zt_bench_step_finish frees. */
typedef struct zt_bench_step {
    zt_graph *g;
    zt_plan *plan;
    zt_tset params, states;
    zt_choices choices;                  /* set its `tune` before planning to time the kernels first */
    int64_t flops;                       /* of the model */
    int64_t traffic;                     /* of one operation (bench_ops.h): bytes it reads and writes; else 0 */
} zt_bench_step;
/** Sampling, or with `train` the gradients of every loss and AdamW on its parameters; products in `multiply`. */
zt_err zt_bench_step_create(zt_bench_step *s, const zt_bench_net *net, int64_t clips, bool train, zt_dtype multiply);
/** Plan out[n_out] of a graph in s->g and fill its inputs: noise; small numbers in i32 inputs; constants of an optimiser in
 *  "hyper". */
zt_err zt_bench_step_plan(zt_bench_step *s, int n_out, zt_node *const *out);
void zt_bench_step_finish(zt_bench_step *s);
#endif
