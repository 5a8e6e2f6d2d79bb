/* step_graph.c - loss, gradients and optimiser as one graph. The loss is the weighted squared error of the network's answer
 * against the diffusion target; everything random is an input, so a step is a pure function of its inputs. */
#include "train/step_graph.h"
#include <string.h>
#include "base/str.h"
#include "init.h"
#include "nn/temporal.h"

/* Inputs of the whole batch. */
static void make_inputs(zt_step_graph *s, const zt_net *net) {
    zt_graph *g = s->g;
    const int64_t b = s->batch;
    const zt_shape clip = zt_sh(b, net->frames, net->height, net->width, ZT_RGB);
    s->x0 = zt_input(g, "x0", ZT_F32, clip);
    s->eps = zt_input(g, "eps", ZT_F32, clip);
    s->coef = zt_input(g, "coef", ZT_F32, zt_sh(b, 5));
    s->weight = zt_input(g, "weight", ZT_F32, zt_sh(b, net->frames));
    s->in = (zt_net_in){.known = s->x0,
                        .t01 = zt_input(g, "t01", ZT_F32, zt_sh(b)),
                        .ids = zt_input(g, "ids", ZT_I32, zt_sh(b, net->text.length)),
                        .len = zt_input(g, "len", ZT_I32, zt_sh(b))};
    zt_net_mask_inputs(&s->in, g, net, b);
}

static zt_node *per_clip(zt_node *coef, int column) {                     /* coef[:,column] as [B,1,1,1,1] */
    return zt_reshape(zt_slice(coef, 1, column, 1), zt_sh(coef->sh.d[0], 1, 1, 1, 1));
}

static void make_temporal_inputs(zt_step_graph *s, const zt_net *net) {
    const zt_shape flow = zt_sh(s->batch, net->frames - 1, net->height, net->width, 2);
    s->flow = zt_input(s->g, "flow", ZT_F32, flow);
    s->back = zt_input(s->g, "back", ZT_F32, flow);
}

/* Clips start .. start+n-1 that the answers mean; frames that were given are as they are. */
static zt_node *predicted(const zt_step_graph *s, const zt_net *net, zt_node *noisy, zt_node *answer, int64_t start) {
    const int64_t n = noisy->sh.d[0];
    zt_node *x0 = zt_rows_view(s->x0, start, n), *coef = zt_rows_view(s->x0_coef, start, n);
    zt_node *given = zt_reshape(zt_rows_view(s->in.mask, start, n), zt_sh(n, net->frames, 1, 1, 1));
    zt_node *made = zt_add(zt_mul(noisy, per_clip(coef, 0)), zt_mul(answer, per_clip(coef, 1)));
    return zt_add(made, zt_mul(zt_sub(x0, made), given));
}

/* Sum of the losses [n] of clips start .. start+n-1, each with its weight. */
static zt_node *weighted(const zt_step_graph *s, zt_node *loss, int64_t start) {
    const int64_t n = loss->sh.d[0];
    return zt_sum(zt_mul(loss, zt_reshape(zt_slice(zt_rows_view(s->x0_coef, start, n), 1, 2, 1), zt_sh(n))));
}

/* They are as steady as the clean ones. */
static zt_node *temporal_loss(const zt_step_graph *s, const zt_net *net, zt_node *video, int64_t start) {
    const int64_t n = video->sh.d[0];
    zt_node *x0 = zt_rows_view(s->x0, start, n);
    zt_node *flow = zt_rows_view(s->flow, start, n), *back = zt_rows_view(s->back, start, n);
    const double sharpness = 50 * net->scale * net->scale / 4;                /* 50 for pixels of 0..1 */
    zt_node *mask = zt_mul(zt_flow_visible(flow, back), zt_flow_explains(x0, flow, sharpness));
    return weighted(s, zt_temporal_loss(ZT_TEMPORAL_SQUARE, video, flow, mask), start);
}

/* They look as the clean ones to a network that sees pixels. */
static zt_node *perceptual_loss(const zt_step_graph *s, const zt_train_cfg *c, zt_node *video, int64_t start) {
    const zt_net *net = &c->net;
    zt_node *clean = zt_affine(zt_rows_view(s->x0, start, video->sh.d[0]), net->scale, net->mean);
    return weighted(s, zt_perceptual_distance(c->perceptual, zt_affine(video, net->scale, net->mean), clean), start);
}

/* Losses of a part of the batch; the last two NULL where there are none. */
typedef struct losses { zt_node *error, *temporal, *perceptual; } losses;
static losses part_loss(const zt_step_graph *s, zt_nn *nn, const zt_train_cfg *c, int64_t start, int64_t n) {
    const zt_net *net = &c->net;
    losses l = {0};
#define PART(x) zt_rows_view(x, start, n)
    zt_node *x0 = PART(s->x0), *eps = PART(s->eps), *coef = PART(s->coef);
    zt_node *noisy = zt_add(zt_mul(x0, per_clip(coef, 0)), zt_mul(eps, per_clip(coef, 1)));
    zt_node *target = zt_add(zt_mul(x0, per_clip(coef, 2)), zt_mul(eps, per_clip(coef, 3)));
    const zt_net_in in = {.noisy = noisy, .known = s->in.known, .mask = PART(s->in.mask), .last = PART(s->in.last),
                          .before = PART(s->in.before), .age = PART(s->in.age), .span = PART(s->in.span), .t01 = PART(s->in.t01),
                          .ids = PART(s->in.ids), .len = PART(s->in.len)};
    zt_node *answer = zt_add(zt_net_build(nn, net, &in), zt_mul(noisy, per_clip(coef, 4)));
    zt_node *error = zt_square(zt_sub(answer, target));
    l.error = zt_sum(zt_mul(error, zt_reshape(PART(s->weight), zt_sh(n, net->frames, 1, 1, 1))));
    if (!s->x0_coef) return l;
    zt_node *video = predicted(s, net, noisy, answer, start);
    if (s->flow) l.temporal = temporal_loss(s, net, video, start);
    if (c->perceptual) l.perceptual = perceptual_loss(s, c, video, start);
    return l;
#undef PART
}

/* What is differentiated: all of them, by their weights. */
static zt_node *paid(const losses *l, const zt_steps_cfg *k) {
    zt_node *sum = l->error;
    if (l->temporal) sum = zt_add(sum, zt_affine(l->temporal, k->temporal_weight, 0));
    if (l->perceptual) sum = zt_add(sum, zt_affine(l->perceptual, k->perceptual_weight, 0));
    return sum;
}

static zt_node *plus(zt_node *sum, zt_node *x) {
    return sum ? zt_add(sum, x) : x;
}

/* Parameters, their gradients, and the nodes to be run. */
typedef struct lists { int n; zt_node **param, **grad, **part, **out; } lists;
static zt_err make_lists(lists *l, const zt_graph *g) {
    l->n = zt_list_params(g, "", NULL);
    l->param = zt_alloc_array((size_t)(5 * l->n + 4), sizeof *l->param);
    if (!l->param) return ZT_NOMEM;
    l->grad = l->param + l->n;
    l->part = l->grad + l->n;
    l->out = l->part + l->n;
    zt_list_params(g, "", l->param);
    return ZT_OK;
}

/* Loss and gradients, the batch in `parts` one after another: nodes run in the order they are made, so a part's memory is free
 * for the next. */
static zt_err build_loss(zt_step_graph *s, zt_nn *nn, const zt_train_cfg *c, bool train, lists *l) {
    const int64_t parts = c->train.accumulate < 1 ? 1 : c->train.accumulate, n = s->batch / parts;
    if (s->batch % parts)
        return zt_fail(ZT_CONFIG, "train.accumulate=%lld does not divide train.batch=%lld into equal parts", (long long)parts,
                       (long long)s->batch);
    make_inputs(s, &c->net);
    const bool temporal = train && c->train.temporal_weight > 0 && c->net.frames > 1;
    if (temporal) make_temporal_inputs(s, &c->net);
    if (temporal || (train && c->perceptual)) s->x0_coef = zt_input(s->g, "x0_coef", ZT_F32, zt_sh(s->batch, 3));
    zt_err e = ZT_OK;
    for (int64_t k = 0; e == ZT_OK && k < parts; k++) {
        const losses part = part_loss(s, nn, c, k * n, n);
        zt_node *y = paid(&part, &c->train);
        e = zt_graph_error(s->g);
        if (e == ZT_OK && k == 0) e = make_lists(l, s->g);
        if (e == ZT_OK && train) e = zt_grad(y, l->n, l->param, l->part);
        for (int j = 0; e == ZT_OK && train && j < l->n; j++) l->grad[j] = plus(k ? l->grad[j] : NULL, l->part[j]);
        s->loss = plus(s->loss, part.error);
        if (part.temporal) s->temporal = plus(s->temporal, part.temporal);
        if (part.perceptual) s->perceptual = plus(s->perceptual, part.perceptual);
    }
    return e != ZT_OK ? e : zt_graph_error(s->g);
}

/* Clipping, optimiser and EMA of every parameter; the nodes are put in out[]. */
static zt_err build_update(zt_step_graph *s, zt_tset *states, const zt_steps_cfg *k, lists *l) {
    const int first = zt_graph_size(s->g);
    const zt_err e = zt_optimise_build(&s->opt, s->g, states, k, true, l->n, l->param, l->grad, l->out);
    s->flops = -zt_flops_from(s->g, first);
    return e;
}

static zt_err keep_f32(zt_graph *g, const char *scopes) {
    const char *missing = zt_graph_keep_f32(g, scopes);
    return missing ? zt_fail(ZT_CONFIG, "f32_scopes: this model has no part '%.*s'", (int)strcspn(missing, ","), missing) : ZT_OK;
}

zt_err zt_step_graph_create(zt_step_graph *s, const zt_train_cfg *c, int64_t batch, zt_tset *params, zt_tset *states, bool dry) {
    *s = (zt_step_graph){.batch = batch};
    lists l = {0};
    int n_out = 0;
    zt_err e;
    ZT_TRY(e = zt_graph_create(&s->g), done);
    zt_graph_set_multiply(s->g, zt_precision_multiply(c->run.precision));
    zt_nn nn = {.g = s->g, .params = params, .seed = (uint64_t)c->run.seed, .recompute = c->train.recompute};
    ZT_TRY(e = build_loss(s, &nn, c, states != NULL, &l), done);
    if (states) {
        ZT_TRY(e = build_update(s, states, &c->train, &l), done);
        n_out = 2 * l.n;
        l.out[n_out++] = s->opt.norm;
    }
    ZT_TRY(e = keep_f32(s->g, c->run.f32_scopes), done);
    l.out[n_out++] = s->loss;
    if (s->temporal) l.out[n_out++] = s->temporal;
    if (s->perceptual) l.out[n_out++] = s->perceptual;
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params, .states = states, .dry = dry,
                             .choices = c->choices, .pool = c->pool};
    ZT_TRY(e = zt_plan_create(&s->plan, s->g, n_out, l.out, &cfg), done);
    s->flops += zt_plan_get_info(s->plan)->flops;
done:
    zt_free(l.param);
    if (e != ZT_OK) zt_step_graph_finish(s);
    return e;
}

void zt_step_graph_finish(zt_step_graph *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->g);
    *s = (zt_step_graph){0};
}

int64_t zt_step_graph_bytes(const zt_step_graph *s) {
    return zt_plan_bytes(s->plan);
}

void zt_step_graph_fill(zt_step_graph *s) {
    for (int id = 0; id < zt_graph_size(s->g); id++) {
        zt_node *n = zt_graph_node(s->g, id);
        if (n->role != ZT_INPUT || !n->x) continue;
        if (n->dtype == ZT_F32) zt_fill_normal(1, (uint64_t)id, n->x, zt_numel(&n->sh));
        for (int64_t k = 0; n->dtype == ZT_I32 && k < zt_numel(&n->sh); k++) ((int32_t *)n->x)[k] = 5;
    }
    for (int k = 0; s->opt.hyper && k < 8; k++)
        ((float *)s->opt.hyper->x)[k] = (const float[]){1e-5f, 0.9f, 0.99f, 1e-8f, 0, 1, 1, 1}[k];
    for (int64_t k = 0; k < zt_numel(&s->weight->sh); k++) ((float *)s->weight->x)[k] = 1e-6f;
}
