/* test_gan_golden.c - adversarial pairs against PyTorch (tests/golden, made by tests/reference/gan.py): made clips with the
 * batch's and with the running statistics, the critics' scores and categories, gradients of every weight, states after a run.
 * With the plain references and with the CPU backend. And what sizes a pair refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "models/gan.h"
#include "nn/safetensors.h"

enum { PARAMS_MAX = 64, OUTPUTS_MAX = 96 };
static const double OUT_TOLERANCE = 1e-5, GRAD_TOLERANCE = 3e-5;              /* of the largest value */

typedef struct golden {
    const zt_gan_def *def;
    void *cfg;
    zt_gan_size size;
    zt_tset file, params, states;
    json_t *meta;
    zt_graph *g;
    zt_plan *plan;
    struct { const char *name; zt_node *x; } out[OUTPUTS_MAX];                /* what is compared with out/NAME */
    int n_out, n_params;
    zt_node *param[PARAMS_MAX], *grad[PARAMS_MAX];
} golden;

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

static const zt_tensor *want(const golden *m, const char *kind, const char *name) {
    char full[256];
    snprintf(full, sizeof full, "%s/%s", kind, name);
    const zt_tensor *t = zt_tset_find(&m->file, full);
    if (!t) fail_msg("the golden file has no %s", full);
    return t;
}

static json_t *meta_json(const golden *m, const char *key) {
    const char *text = json_string_value(json_object_get(m->meta, key));
    json_t *j = NULL;
    assert_non_null(text);
    must(zt_json_parse(text, strlen(text), key, &j));
    return j;
}

static void open_file(golden *m, const char *name) {
    char path[128];
    *m = (golden){.def = zt_gan_find(name)};
    assert_non_null(m->def);
    snprintf(path, sizeof path, "tests/golden/%s.safetensors", name);
    must(zt_safetensors_load(path, &m->file, &m->meta));
    must(zt_tset_share(&m->params, &m->file, "param/"));
    must(zt_tset_share(&m->states, &m->file, "state/"));
    m->cfg = zt_alloc(m->def->cfg_size);
    json_t *config = meta_json(m, "config"), *size = meta_json(m, "size");
    zt_opt_defaults(m->def->opts, m->cfg);
    must(zt_opt_from_json(m->def->opts, m->cfg, "model", config));
    m->size = (zt_gan_size){.frames = json_integer_value(json_object_get(size, "frames")),
                            .height = json_integer_value(json_object_get(size, "height")),
                            .width = json_integer_value(json_object_get(size, "width")),
                            .classes = json_integer_value(json_object_get(size, "classes"))};
    must(m->def->check(m->cfg, &m->size));
    json_decref(config);
    json_decref(size);
}

static zt_node *feed_later(golden *m, const char *kind, const char *name, const char *input) {
    const zt_tensor *t = want(m, kind, name);
    return zt_input(m->g, input, t->dtype, t->sh);
}

static void compared(golden *m, const char *name, zt_node *x) {
    if (!x) return;
    assert_true(m->n_out < OUTPUTS_MAX);
    m->out[m->n_out].name = name;
    m->out[m->n_out++].x = x;
}

/* The sum of all outputs so far times their probes. */
static zt_node *probed(golden *m) {
    zt_node *sum = NULL;
    for (int k = 0; k < m->n_out; k++) {
        char name[64];
        snprintf(name, sizeof name, "probe_%s", m->out[k].name);
        zt_node *part = zt_sum(zt_mul(m->out[k].x, feed_later(m, "probe", m->out[k].name, name)));
        sum = sum ? zt_add(sum, part) : part;
    }
    return sum;
}

static void fill_inputs(golden *m) {
    for (int id = 0; id < zt_graph_size(m->g); id++) {
        zt_node *x = zt_graph_node(m->g, id);
        if (x->role != ZT_INPUT || !x->x) continue;
        const bool probe = strncmp(x->name, "probe_", 6) == 0;
        const zt_tensor *t = want(m, probe ? "probe" : "in", probe ? x->name + 6 : x->name);
        assert_true(zt_same_shape(&t->sh, &x->sh));
        memcpy(x->x, t->data, (size_t)zt_numel(&t->sh) * zt_dtype_bytes(t->dtype));
    }
}

static zt_gan_made make(golden *m, zt_nn *nn, bool training) {
    zt_gan_latent latent[ZT_GAN_LATENTS];
    zt_node *z[ZT_GAN_LATENTS];
    const int n = m->def->latents(m->cfg, &m->size, want(m, "in", "clip")->sh.d[0], latent);
    for (int k = 0; k < n; k++) {
        z[k] = zt_input(m->g, latent[k].name, ZT_F32, latent[k].sh);
        assert_int_equal(latent[k].sh.d[0], want(m, "in", latent[k].name)->sh.d[0]);
    }
    return m->def->generate(nn, m->cfg, &m->size, z, training);
}

/* training: everything; else only what is made with the running statistics. */
static void run(golden *m, const zt_backend *backend, bool training) {
    zt_node *outputs[OUTPUTS_MAX + PARAMS_MAX + 1];
    int n = 0;
    must(zt_graph_create(&m->g));
    const int known = m->params.n;
    zt_nn nn = {.g = m->g, .params = &m->params, .states = &m->states};
    const zt_gan_made made = make(m, &nn, training);
    compared(m, training ? "made" : "made_fixed", made.video);
    if (training) {
        static const char *const score[] = {"score0", "score1"}, *const category[] = {"category0", "category1"};
        zt_gan_verdict v[ZT_GAN_CRITICS] = {{0}};
        zt_node *clip = feed_later(m, "in", "clip", "clip"), *pick = feed_later(m, "in", "pick", "pick");
        const int critics = m->def->judge(&nn, m->cfg, &m->size, clip, pick, true, v);
        for (int k = 0; k < critics; k++) {
            compared(m, score[k], v[k].score);
            compared(m, category[k], v[k].category);
        }
        zt_node *loss = probed(m);
        for (int k = 0; k < known; k++) m->param[k] = zt_param(m->g, m->params.t[k].name, m->params.t[k].sh);
        m->n_params = known;
        must(zt_graph_error(m->g));
        must(zt_grad(loss, known, m->param, m->grad));
        for (int k = 0; k < known; k++) outputs[n++] = m->grad[k];
        if (nn.update) outputs[n++] = nn.update;
    }
    must(zt_graph_error(m->g));
    assert_int_equal(m->params.n, known);                                     /* no weight beyond those PyTorch used */
    for (int k = 0; k < m->n_out; k++) outputs[n++] = m->out[k].x;
    const zt_plan_cfg cfg = {.backend = backend, .strict = backend != NULL, .params = &m->params, .states = &m->states};
    must(zt_plan_create(&m->plan, m->g, n, outputs, &cfg));
    fill_inputs(m);
    must(zt_plan_run(m->plan));
}

static void close_golden(golden *m) {
    zt_plan_destroy(&m->plan);
    zt_graph_destroy(&m->g);
    zt_tset_finish(&m->params);
    zt_tset_finish(&m->states);
    zt_tset_finish(&m->file);
    json_decref(m->meta);
    zt_free(m->cfg);
}

/* Largest difference over largest value; infinite when anything is not finite. */
static double error_of(const float *x, const zt_shape *sh, const zt_tensor *expected) {
    const float *y = expected->data;
    double worst = 0, size = 0;
    assert_true(zt_same_shape(sh, &expected->sh));
    for (int64_t k = 0; k < zt_numel(sh); k++) {
        if (!isfinite(x[k])) return INFINITY;
        worst = fmax(worst, fabs((double)x[k] - (double)y[k]));
        size = fmax(size, fabs((double)y[k]));
    }
    return worst / size;
}

static void check(const char *what, const char *name, double error, double tolerance) {
    if (!(error <= tolerance)) fail_msg("%s/%s: error %.2e, allowed %.0e", what, name, error, tolerance);
}

static void compare(const char *name, const zt_backend *backend) {
    for (int training = 0; training < 2; training++) {
        golden m;
        open_file(&m, name);
        run(&m, backend, training);
        for (int k = 0; k < m.n_out; k++)
            check("out", m.out[k].name, error_of(m.out[k].x->x, &m.out[k].x->sh, want(&m, "out", m.out[k].name)), OUT_TOLERANCE);
        assert_true(m.n_out == (training ? 4 : 1));
        for (int k = 0; k < m.n_params; k++)
            check("grad", m.param[k]->name, error_of(m.grad[k]->x, &m.grad[k]->sh, want(&m, "grad", m.param[k]->name)),
                  GRAD_TOLERANCE);
        for (int k = 0; training && k < m.states.n; k++) {
            const zt_tensor *s = &m.states.t[k];
            check("after", s->name, error_of(s->data, &s->sh, want(&m, "after", s->name)), OUT_TOLERANCE);
        }
        close_golden(&m);
    }
}

static void mocogan_references(void **state) {
    (void)state;
    compare("mocogan", NULL);
}
static void mocogan_cpu(void **state) {
    (void)state;
    compare("mocogan", zt_backend_cpu());
}

/* Add sign * (an uneven pattern of +-0.5) to a weight tensor. */
static void shake(zt_tensor *p, float sign) {
    for (int64_t i = 0; i < zt_numel(&p->sh); i++) ((float *)p->data)[i] += sign * ((float)(i * 5 % 13) / 12 - 0.5F);
}

/* A change of any weight is seen in what the pair makes or says. */
static void wrong_weights_are_seen(void **state) {
    (void)state;
    golden m;
    open_file(&m, "mocogan");
    run(&m, zt_backend_cpu(), true);
    for (int k = 0; k < m.params.n; k++) {
        bool seen = false;
        shake(&m.params.t[k], 1);
        must(zt_plan_run(m.plan));
        for (int j = 0; j < m.n_out; j++)
            seen = seen || error_of(m.out[j].x->x, &m.out[j].x->sh, want(&m, "out", m.out[j].name)) > OUT_TOLERANCE;
        if (!seen) fail_msg("a wrong %s goes unseen", m.params.t[k].name);
        shake(&m.params.t[k], -1);
    }
    close_golden(&m);
}

static void refused(const zt_gan_def *def, zt_gan_size size, const char *text) {
    void *cfg = zt_alloc(def->cfg_size);
    zt_opt_defaults(def->opts, cfg);
    assert_int_equal(def->check(cfg, &size), ZT_CONFIG);
    if (!strstr(zt_err_text(), text)) fail_msg("'%s' does not say '%s'", zt_err_text(), text);
    zt_free(cfg);
}

static void sizes_that_cannot_be_made(void **state) {
    (void)state;
    const zt_gan_def *def = zt_gan_find("mocogan");
    refused(def, (zt_gan_size){.frames = 16, .height = 48, .width = 48}, "square clips of 16, 32");
    refused(def, (zt_gan_size){.frames = 16, .height = 32, .width = 64}, "64x32 was asked for");
    refused(def, (zt_gan_size){.frames = 8, .height = 32, .width = 32}, "clips of 13 frames or more, these have 8");
    assert_null(zt_gan_find("no such pair"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mocogan_references), cmocka_unit_test(mocogan_cpu), cmocka_unit_test(wrong_weights_are_seen),
        cmocka_unit_test(sizes_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
