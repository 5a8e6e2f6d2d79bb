/* classify_graph.c - see classify_graph.h. Everything random is an input, so a step is a pure function of its inputs. */
#include "train/classify_graph.h"
#include <string.h>
#include "init.h"

static void make_inputs(zt_classify_graph *s, const zt_train_cfg *c) {
    static const char *const name[ZT_HEADS_MAX] = {"target0", "target1", "target2", "target3",
                                                   "target4", "target5", "target6", "target7"};
    const zt_net *net = &c->net;
    const int64_t B = c->train.batch;
    const zt_shape clips = zt_sh(B, net->frames, net->height, net->width, ZT_RGB);
    s->clips = zt_input(s->g, "clips", ZT_F32, clips);
    s->noise = zt_input(s->g, "noise", ZT_F32, clips);
    s->sigma = zt_input(s->g, "sigma", ZT_F32, zt_sh(B));
    s->blur = zt_input(s->g, "blur", ZT_F32, zt_sh(B));
    for (int k = 0; k < net->n_heads; k++) s->target[k] = zt_input(s->g, name[k], ZT_I32, zt_sh(B));
}

static zt_node *per_clip(zt_node *x) {                                        /* [B] -> [B,1,1,1,1] */
    return zt_reshape(x, zt_sh(x->sh.d[0], 1, 1, 1, 1));
}

/* The clips as the network sees them: some of them blurred and noisy. */
static zt_node *spoil(const zt_classify_graph *s) {
    const zt_conv_cfg around = {.stride = {1, 1, 1}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}};
    zt_node *blurred = zt_avg_pool_windows(s->clips, (const int[]){1, 3, 3}, &around, false);
    zt_node *x = zt_add(s->clips, zt_mul(zt_sub(blurred, s->clips), per_clip(s->blur)));
    return zt_add(x, zt_mul(s->noise, per_clip(s->sigma)));
}

static void build_loss(zt_classify_graph *s, zt_nn *nn, const zt_train_cfg *c) {
    const zt_net *net = &c->net;
    make_inputs(s, c);
    const zt_classified out = net->classifier->build(nn, spoil(s), net->cfg, net->n_heads, net->head);
    for (int k = 0; k < net->n_heads; k++) {
        zt_node *one = zt_cross_entropy(zt_log_softmax(out.logits[k]), s->target[k], c->classify.label_smoothing);
        s->loss = k ? zt_add(s->loss, one) : one;
    }
    s->loss = zt_affine(s->loss, 1.0 / net->n_heads, 0);
}

/* Gradients, optimiser and average of every parameter; out[2 n] gets the nodes to be run. */
static zt_err build_update(zt_classify_graph *s, const zt_train_cfg *c, zt_tset *states, zt_node **out, int *n_out) {
    const int n = zt_list_params(s->g, "", NULL);
    zt_node **param = zt_graph_alloc(s->g, (size_t)(2 * n + 1) * sizeof *param), **grad = param + n;
    zt_err e = zt_graph_error(s->g);
    if (e != ZT_OK) return e;
    zt_list_params(s->g, "", param);
    if ((e = zt_grad(s->loss, n, param, grad)) != ZT_OK) return e;
    const int first = zt_graph_size(s->g);
    e = zt_optimise_build(&s->opt, s->g, states, &c->train, true, n, param, grad, out);
    *n_out = 2 * n;
    s->flops = -zt_flops_from(s->g, first);
    return e != ZT_OK ? e : zt_graph_error(s->g);
}

zt_err zt_classify_graph_create(zt_classify_graph *s, const zt_train_cfg *c, zt_tset *params, zt_tset *states, bool dry) {
    *s = (zt_classify_graph){0};
    int n_out = 0;
    zt_node **out = NULL;
    zt_err e;
    ZT_TRY(e = zt_graph_create(&s->g), done);
    zt_graph_set_multiply(s->g, zt_precision_multiply(c->run.precision));
    zt_nn nn = {.g = s->g, .params = params, .seed = (uint64_t)c->run.seed};
    build_loss(s, &nn, c);
    ZT_TRY(e = zt_graph_error(s->g), done);
    out = zt_alloc_array((size_t)zt_graph_size(s->g) + 2, sizeof *out);       /* two for each parameter, and two figures */
    e = out ? build_update(s, c, states, out, &n_out) : ZT_NOMEM;
    ZT_TRY(e, done);
    out[n_out++] = s->opt.norm;
    out[n_out++] = s->loss;
    const char *missing = zt_graph_keep_f32(s->g, c->run.f32_scopes);
    if (missing) {
        e = zt_fail(ZT_CONFIG, "f32_scopes: this model has no part '%.*s'", (int)strcspn(missing, ","), missing);
        goto done;
    }
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params, .states = states, .dry = dry,
                             .choices = c->choices, .pool = c->pool};
    ZT_TRY(e = zt_plan_create(&s->plan, s->g, n_out, out, &cfg), done);
    s->flops += zt_plan_get_info(s->plan)->flops;
done:
    zt_free(out);
    if (e != ZT_OK) zt_classify_graph_finish(s);
    return e;
}

void zt_classify_graph_finish(zt_classify_graph *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->g);
    *s = (zt_classify_graph){0};
}

void zt_classify_graph_draw(zt_classify_graph *s, const zt_train_cfg *c, int64_t step) {
    enum { STREAMS = 2 };
    const uint64_t seed = (uint64_t)c->run.seed, stream = zt_hash_name("classify") + (uint64_t)step * STREAMS;
    const zt_classify_cfg *k = &c->classify;
    zt_rng r = zt_rng_init(seed, stream);
    float *sigma = s->sigma->x, *blur = s->blur->x;
    for (int64_t b = 0; b < c->train.batch; b++) {
        const bool spoilt = zt_rng_uniform(&r) < k->spoilt;
        sigma[b] = (float)(zt_rng_range(&r, 0, k->noise) * spoilt);
        blur[b] = (float)(zt_rng_range(&r, 0, k->blur) * spoilt);
    }
    zt_fill_normal(seed, stream + 1, s->noise->x, zt_numel(&s->noise->sh));
}
