/* test_optimisers.c - every choice of train.optimiser, read from a config, trains: on one batch of a tiny network its loss falls;
 * a step whose gradients are not finite leaves weights and states alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "train/step_graph.h"

enum { STEPS = 40, BATCH = 2 };
static const char config[] = "data: {path: none}\n"
                             "model: {name: vdit, dim: 32, depth: 1, heads: 2, mlp: 2, patch: [1, 4, 4]}\n"
                             "text: {dim: 16, depth: 1, heads: 2, length: 4}\n"
                             "train: {momentum: 0.9}\n";
typedef struct choice { const char *name; double lr; bool nesterov; } choice;

static void load(zt_train_cfg *c, const choice *o) {
    char path[] = "/tmp/zt_optimisers_XXXXXX", name[64], nesterov[64];
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, config, sizeof config - 1) == (ssize_t)sizeof config - 1);
    close(fd);
    snprintf(name, sizeof name, "train.optimiser=%s", o->name);
    snprintf(nesterov, sizeof nesterov, "train.nesterov=%s", o->nesterov ? "true" : "false");
    if (zt_train_cfg_load(c, path, 2, (char *const[]){name, nesterov}) != ZT_OK) fail_msg("%s", zt_err_text());
    unlink(path);
    c->net.vocab = 300;
    c->net.frames = 2;
    c->net.height = c->net.width = 8;
}

/* Noisy clips of a still gradient, and the clean ones as the target. */
static void fill(const zt_step_graph *s) {
    const int64_t n = zt_numel(&s->x0->sh);
    for (int64_t k = 0; k < n; k++) ((float *)s->x0->x)[k] = (float)(k % 192) / 96 - 1;
    zt_fill_normal(1, 2, s->eps->x, n);
    for (int b = 0; b < BATCH; b++) {
        memcpy((float *)s->coef->x + 5 * b, (float[]){0.7f, 0.7f, 1, 0, 0}, 5 * sizeof(float));
        ((float *)s->in.t01->x)[b] = 0.5f;
        ((int32_t *)s->in.len->x)[b] = 1;
    }
    for (int64_t k = 0; k < zt_numel(&s->weight->sh); k++) ((float *)s->weight->x)[k] = 1 / (float)n;
    memset(s->in.ids->x, 0, (size_t)zt_numel(&s->in.ids->sh) * sizeof(int32_t));
    memset(s->in.mask->x, 0, (size_t)zt_numel(&s->in.mask->sh) * sizeof(float));
    zt_net_show(&s->in);
    *(float *)s->opt.ema_decay->x = 0.9f;
}

/* Step number t, from 1; the loss before it. */
static double step(const zt_step_graph *s, const zt_steps_cfg *k, double lr, int t) {
    const double hyper[8] = {lr, k->beta1, k->beta2, k->eps, k->weight_decay, 1 - pow(k->beta1, t), 1 - pow(k->beta2, t),
                             k->clip};
    for (int j = 0; j < 8; j++) ((float *)s->opt.hyper->x)[j] = (float)hyper[j];
    assert_int_equal(zt_plan_run(s->plan), ZT_OK);
    return *(const float *)s->loss->x;
}

static double sum(const zt_tset *t) {
    double total = 0;
    for (int k = 0; k < t->n; k++)
        for (int64_t j = 0; j < zt_numel(&t->t[k].sh); j++) total += ((const float *)t->t[k].data)[j] * (double)(j % 7 + 1);
    return total;
}

static void check(const choice *o) {
    zt_train_cfg c;
    zt_step_graph s;
    zt_tset params = {0}, states = {0};
    load(&c, o);
    if (zt_step_graph_create(&s, &c, BATCH, &params, &states, false) != ZT_OK) fail_msg("%s", zt_err_text());
    fill(&s);
    double first = 0, last = 0;
    for (int t = 1; t <= STEPS; t++) {
        last = step(&s, &c.train, o->lr, t);
        if (t == 1) first = last;
    }
    print_message("%-8s loss %.4f -> %.4f\n", o->name, first, last);
    assert_true(last < 0.5 * first);
    const double weights = sum(&params), moments = sum(&states);
    ((float *)s.eps->x)[5] = NAN;
    assert_true(isnan(step(&s, &c.train, o->lr, STEPS + 1)));
    assert_true(sum(&params) == weights && sum(&states) == moments);
    zt_step_graph_finish(&s);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    zt_train_cfg_finish(&c);
}

static void each_lowers_the_loss(void **state) {
    (void)state;
    static const choice choices[] = {{"adamw", 3e-3, false}, {"muon", 3e-3, false}, {"adam", 3e-3, false}, {"sgd", 0.05, false},
                                     {"sgd", 0.05, true}, {"rmsprop", 1e-3, false}, {"lion", 1e-3, false}};
    for (size_t k = 0; k < sizeof choices / sizeof *choices; k++) check(&choices[k]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_lowers_the_loss)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
