/* step_graph.c - loss, gradients and optimiser as one graph. The loss is the weighted squared error of the network's answer
 * against the diffusion target; everything random is an input, so a step is a pure function of its inputs. */
#include "train/step_graph.h"
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "train/muon.h"

static zt_node *per_clip(zt_step_graph *s, int column) {                     /* coef[:,column] as [B,1,1,1,1] */
    return zt_reshape(zt_slice(s->coef, 1, column, 1), zt_sh(s->batch, 1, 1, 1, 1));
}

static void build_loss(zt_step_graph *s, zt_nn *nn, const zt_net *net) {
    zt_graph *g = s->g;
    const int64_t b = s->batch;
    const zt_shape clip = zt_sh(b, net->frames, net->height, net->width, ZT_RGB);
    s->x0 = zt_input(g, "x0", ZT_F32, clip);
    s->eps = zt_input(g, "eps", ZT_F32, clip);
    s->coef = zt_input(g, "coef", ZT_F32, zt_sh(b, 5));
    s->weight = zt_input(g, "weight", ZT_F32, zt_sh(b, net->frames));
    zt_node *noisy = zt_add(zt_mul(s->x0, per_clip(s, 0)), zt_mul(s->eps, per_clip(s, 1)));
    zt_node *target = zt_add(zt_mul(s->x0, per_clip(s, 2)), zt_mul(s->eps, per_clip(s, 3)));
    s->in = (zt_net_in){.noisy = noisy,
                        .known = s->x0,
                        .t01 = zt_input(g, "t01", ZT_F32, zt_sh(b)),
                        .ids = zt_input(g, "ids", ZT_I32, zt_sh(b, net->text.length)),
                        .len = zt_input(g, "len", ZT_I32, zt_sh(b))};
    zt_net_mask_inputs(&s->in, g, net, b);
    zt_node *answer = zt_add(zt_net_build(nn, net, &s->in), zt_mul(noisy, per_clip(s, 4)));
    zt_node *error = zt_square(zt_sub(answer, target));
    s->loss = zt_sum(zt_mul(error, zt_reshape(s->weight, zt_sh(b, net->frames, 1, 1, 1))));
}

static zt_node *state(zt_step_graph *s, zt_tset *states, const char *prefix, const zt_node *p) {
    char name[600];
    snprintf(name, sizeof name, "%s%.500s", prefix, p->name);
    if (!zt_tset_find(states, name)) {
        const zt_err e = zt_tset_add(states, name, ZT_F32, p->sh, NULL);
        if (e != ZT_OK) return zt_graph_fail(s->g, e);
    }
    return zt_state(s->g, name, p->sh);
}

/* The node that updates p. */
static zt_node *update(zt_step_graph *s, zt_tset *states, zt_node *p, zt_node *grad, const zt_steps_cfg *k) {
    const bool decay = p->sh.n > 1;                           /* gains, biases and tables of modulation stay free */
    zt_node *m = state(s, states, "opt.m.", p);
    if (k->optimiser == ZT_MUON && zt_muon_takes(p)) return zt_muon(p, m, grad, s->hyper, s->norm, k->momentum, decay);
    return zt_adamw(p, m, state(s, states, "opt.v.", p), grad, s->hyper, s->norm, decay);
}

/* FLOPs of the nodes from number `first` on. */
static int64_t flops_from(const zt_graph *g, int first) {
    int64_t sum = 0;
    for (int id = first; id < zt_graph_size(g); id++) {
        const zt_node *n = zt_graph_node(g, id);
        if (n->op->flops) sum += n->op->flops(n);
    }
    return sum;
}

/* Gradients, clipping, optimiser and EMA of every parameter; outputs are appended to out[]. */
static zt_err build_update(zt_step_graph *s, zt_tset *states, const zt_steps_cfg *k, int n, zt_node **param, zt_node **grad,
                           zt_node **out) {
    zt_graph *g = s->g;
    const zt_err e = zt_grad(s->loss, n, param, grad);
    if (e != ZT_OK) return e;
    const int first = zt_graph_size(g);
    zt_push(g, "optimiser");
    s->hyper = zt_input(g, "hyper", ZT_F32, zt_sh(8));
    s->ema_decay = zt_input(g, "ema_decay", ZT_F32, zt_shape_of(0, NULL));
    s->norm = zt_global_norm(n, grad);
    for (int j = 0; j < n; j++) {
        out[j] = update(s, states, param[j], grad[j], k);
        out[n + j] = zt_ema(state(s, states, "ema.", param[j]), param[j], s->ema_decay, s->norm, out[j]);
    }
    zt_pop(g);
    s->flops = -flops_from(g, first);
    return zt_graph_error(g);
}

static int list_params(const zt_graph *g, zt_node **param) {
    int n = 0;
    for (int id = 0; id < zt_graph_size(g); id++) {
        zt_node *x = zt_graph_node(g, id);
        if (x->role != ZT_PARAM) continue;
        if (param) param[n] = x;
        n++;
    }
    return n;
}

zt_err zt_step_graph_create(zt_step_graph *s, const zt_train_cfg *c, int64_t batch, zt_tset *params, zt_tset *states, bool dry) {
    *s = (zt_step_graph){.batch = batch};
    zt_node **list = NULL;
    zt_err e;
    ZT_TRY(e = zt_graph_create(&s->g), done);
    zt_graph_set_multiply(s->g, zt_precision_multiply(c->run.precision));
    zt_nn nn = {.g = s->g, .params = params, .seed = (uint64_t)c->run.seed};
    build_loss(s, &nn, &c->net);
    ZT_TRY(e = zt_graph_error(s->g), done);
    const int n = list_params(s->g, NULL);
    list = zt_alloc_array((size_t)(4 * n + 2), sizeof *list);
    if (!list) {
        e = ZT_NOMEM;
        goto done;
    }
    zt_node **param = list, **grad = list + n, **out = list + 2 * n;
    list_params(s->g, param);
    int n_out = 0;
    if (states) {
        ZT_TRY(e = build_update(s, states, &c->train, n, param, grad, out), done);
        n_out = 2 * n;
        out[n_out++] = s->norm;
    }
    out[n_out++] = s->loss;
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params, .states = states, .dry = dry};
    ZT_TRY(e = zt_plan_create(&s->plan, s->g, n_out, out, &cfg), done);
    s->flops += zt_plan_get_info(s->plan)->flops;
done:
    zt_free(list);
    if (e != ZT_OK) zt_step_graph_finish(s);
    return e;
}

void zt_step_graph_finish(zt_step_graph *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->g);
    *s = (zt_step_graph){0};
}

int64_t zt_step_graph_bytes(const zt_step_graph *s) {
    const zt_plan_info *i = zt_plan_get_info(s->plan);
    return i->arena_bytes + i->input_bytes + i->scratch_bytes;
}
