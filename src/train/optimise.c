/* optimise.c - see optimise.h. Tested by tests/train/test_optimisers.c and test_step_graph.c. */
#include "train/optimise.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/str.h"

int zt_list_params(const zt_graph *g, const char *prefix, zt_node **param) {
    int n = 0;
    for (int id = 0; id < zt_graph_size(g); id++) {
        zt_node *x = zt_graph_node(g, id);
        if (x->role != ZT_PARAM || strncmp(x->name, prefix, strlen(prefix)) != 0) continue;
        if (param) param[n] = x;
        n++;
    }
    return n;
}

zt_node *zt_optimise_state(zt_graph *g, zt_tset *states, const char *prefix, const zt_node *p) {
    char name[600];
    snprintf(name, sizeof name, "%s%.500s", prefix, p->name);
    if (!zt_tset_find(states, name)) {
        const zt_err e = zt_tset_add(states, name, ZT_F32, p->sh, NULL);
        if (e != ZT_OK) return zt_graph_fail(g, e);
    }
    return zt_state(g, name, p->sh);
}

bool zt_muon_takes(const zt_node *p) {
    return p->sh.n > 1 && zt_ends_with(p->name, ".weight") && !zt_ends_with(p->name, "out.weight");
}

/* One node that updates all weights Muon takes; NULL: there are none. */
static zt_node *update_matrices(const zt_optimise *o, zt_graph *g, zt_tset *states, const zt_steps_cfg *k, int count,
                                zt_node *const *param, zt_node *const *grad) {
    zt_node **all = zt_graph_alloc(g, (size_t)(3 * count + 1) * sizeof(zt_node *)), **p = all, **m = p + count, **d = m + count;
    int n = 0;
    for (int j = 0; all && j < count; j++) {
        if (!zt_muon_takes(param[j])) continue;
        p[n] = param[j];
        m[n] = zt_optimise_state(g, states, "opt.m.", param[j]);
        d[n++] = grad[j];
    }
    return n ? zt_muon(n, p, m, d, o->hyper, o->norm, k->momentum) : NULL;
}

/* The node that updates p. */
static zt_node *update(const zt_optimise *o, zt_graph *g, zt_tset *states, zt_node *p, zt_node *grad, const zt_steps_cfg *k) {
    const bool decay = p->sh.n > 1;                           /* gains, biases and tables of modulation stay free */
    if (k->optimiser == ZT_RMSPROP)
        return zt_rmsprop(p, zt_optimise_state(g, states, "opt.v.", p), grad, o->hyper, o->norm, decay);
    zt_node *m = zt_optimise_state(g, states, "opt.m.", p);
    if (k->optimiser == ZT_SGD) return zt_sgd(p, m, grad, o->hyper, o->norm, k->momentum, k->nesterov, decay);
    if (k->optimiser == ZT_LION) return zt_lion(p, m, grad, o->hyper, o->norm, decay);
    zt_node *v = zt_optimise_state(g, states, "opt.v.", p);
    return (k->optimiser == ZT_ADAM ? zt_adam : zt_adamw)(p, m, v, grad, o->hyper, o->norm, decay);
}

zt_err zt_optimise_build(zt_optimise *o, zt_graph *g, zt_tset *states, const zt_steps_cfg *k, bool average, int n,
                         zt_node *const *param, zt_node *const *grad, zt_node **out) {
    zt_push(g, "optimiser");
    o->hyper = zt_input(g, "hyper", ZT_F32, zt_sh(8));
    o->ema_decay = average ? zt_input(g, "ema_decay", ZT_F32, zt_shape_of(0, NULL)) : NULL;
    o->norm = zt_global_norm(n, grad);
    zt_node *muon = k->optimiser == ZT_MUON ? update_matrices(o, g, states, k, n, param, grad) : NULL;
    for (int j = 0; j < n; j++) {
        out[j] = muon && zt_muon_takes(param[j]) ? muon : update(o, g, states, param[j], grad[j], k);
        if (!average) continue;
        out[n + j] = zt_ema(zt_optimise_state(g, states, "ema.", param[j]), param[j], o->ema_decay, o->norm, out[j]);
    }
    zt_pop(g);
    return zt_graph_error(g);
}

double zt_learning_rate(const zt_steps_cfg *k, int64_t step) {
    if (step < k->warmup) return k->lr * (double)(step + 1) / (double)k->warmup;
    const double done = (double)(step - k->warmup) / (double)(k->steps > k->warmup ? k->steps - k->warmup : 1);
    return k->min_lr + 0.5 * (k->lr - k->min_lr) * (1 + cos(3.14159265358979323846 * done));
}

void zt_optimise_set(const zt_optimise *o, const zt_steps_cfg *k, int64_t step, int64_t update_number) {
    const double t = (double)update_number;
    float *h = o->hyper->x;
    h[0] = (float)zt_learning_rate(k, step);
    h[1] = (float)k->beta1;
    h[2] = (float)k->beta2;
    h[3] = (float)k->eps;
    h[4] = (float)k->weight_decay;
    h[5] = (float)(1 - pow(k->beta1, t));
    h[6] = (float)(1 - pow(k->beta2, t));
    h[7] = (float)k->clip;
    const double ramp = (1 + t) / (10 + t);                                   /* a young average follows faster */
    if (o->ema_decay) *(float *)o->ema_decay->x = (float)(k->ema < ramp ? k->ema : ramp);
}

int64_t zt_flops_from(const zt_graph *g, int first) {
    int64_t sum = 0;
    for (int id = first; id < zt_graph_size(g); id++) {
        const zt_node *n = zt_graph_node(g, id);
        if (n->op->flops) sum += n->op->flops(n);
    }
    return sum;
}
