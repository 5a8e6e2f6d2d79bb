/* bench_nets.h - networks that only `zoe bench` has: the shapes of families that src/models does not train yet. */
#ifndef ZT_CLI_BENCH_NETS_H
#define ZT_CLI_BENCH_NETS_H
#include "nn/nn.h"
#include "tensor/plan.h"

/** A loss and the parameters that follow it: those whose names begin with `prefix`. */
typedef struct zt_bench_loss { zt_node *loss; const char *prefix; } zt_bench_loss;
enum { ZT_BENCH_LOSSES = 2 };

/** MoCoGAN's sizes (Tulyakov et al. 2018, arXiv:1707.04993; repository sergeytulyakov/mocogan): frames by the 2-D transposed
 *  convolutions of its image generator, clips of 16 x 64 x 64 judged by its 3-D video critic, hinge losses. Returns how many
 *  losses there are. */
int zt_bench_gan(zt_nn *nn, int64_t clips, zt_bench_loss out[ZT_BENCH_LOSSES]);
/** A causal 3-D convolutional VAE on clips of 16 x 128 x 128: 3x3x3 residual blocks, frames quartered, height and width eighthed;
 *  squared error plus a little Kullback-Leibler divergence. */
int zt_bench_vae(zt_nn *nn, int64_t clips, zt_bench_loss out[ZT_BENCH_LOSSES]);

typedef int zt_bench_net(zt_nn *nn, int64_t clips, zt_bench_loss out[ZT_BENCH_LOSSES]);
/** A planned step with inputs filled; zero-initialise, zt_bench_step_finish frees. flops: of the model. */
typedef struct zt_bench_step {
    zt_graph *g;
    zt_plan *plan;
    zt_tset params, states;
    int64_t flops;
} zt_bench_step;
/** Forward pass, or with `train` the gradients of every loss and AdamW on its parameters; products in `multiply`, on the
 *  kernels of `choices` (NULL: the usual ones), which must outlive it. */
zt_err zt_bench_step_create(zt_bench_step *s, zt_bench_net *net, int64_t clips, bool train, zt_dtype multiply,
                            zt_choices *choices);
void zt_bench_step_finish(zt_bench_step *s);
#endif
