/* test_sampling_precision.c - clips sampled in bf16 are close to those in f32, the same for the same seed, and really multiplied
 * in bf16 where the processor does that. Random weights: what a trained model makes of it is judged by `zoe eval`. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "eval/metrics.h"
#include "init.h"
#include "pipeline/sampling.h"

enum { CLIPS = 3, FRAMES = 4, SIDE = 32, FLOATS = CLIPS * FRAMES * SIDE * SIDE * ZT_RGB };
static const double CLOSE = 40;                         /* dB; random weights amplify rounding more than trained ones */

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

typedef struct model { zt_net net; zt_tset params; zt_bpe tok; zt_diffusion_cfg diffusion; } model;

/* The model's default options but for `options` (name, value, ..., NULL); no weight is zero. */
static void make(model *m, const char *name, const char *const *options) {
    zt_graph *g = NULL;
    *m = (model){0};
    must(zt_net_init(&m->net, name));
    for (; options[0]; options += 2) must(zt_opt_set(m->net.model->opts, m->net.cfg, "test", options[0], options[1]));
    m->net.frames = FRAMES;
    m->net.height = m->net.width = SIDE;
    m->net.fps = 8;
    must(zt_bpe_train(&m->tok, (const char *const[]){"a red square"}, 1, ZT_BPE_MERGE));
    m->net.vocab = m->tok.vocab_size;
    zt_opt_defaults(zt_diffusion_opts, &m->diffusion);
    must(zt_graph_create(&g));
    const zt_net_in in = zt_net_inputs(g, &m->net, 1);
    zt_net_build(&(zt_nn){.g = g, .params = &m->params, .seed = 3}, &m->net, &in);
    must(zt_graph_error(g));
    zt_graph_destroy(&g);
    for (int k = 0; k < m->params.n; k++) {
        const zt_tensor *t = &m->params.t[k];
        float *w = t->data;
        for (int64_t j = 0; j < zt_numel(&t->sh); j++)
            if (w[j] == 0) w[j] = 0.02f * (float)(j * 7 % 11 - 5);
    }
}
static void finish(model *m) {
    zt_net_finish(&m->net);
    zt_tset_finish(&m->params);
    zt_bpe_finish(&m->tok);
}

static void sample(model *m, zt_dtype multiply, uint8_t *rgb) {
    static const char *const prompt[CLIPS] = {"a red square", "a red square", ""};
    static float x[FLOATS];
    zt_sampling *s = NULL;
    must(zt_sampling_create(&s, &m->net, &m->params, &m->tok, &m->diffusion, 2, true, multiply));
    const zt_sampling_request r = {.n = CLIPS, .prompt = prompt, .steps = 6, .cfg_scale = 2, .sampler = ZT_SAMPLER_DDIM,
                                   .seed = 7};
    must(zt_sampling_run(s, &r, x));
    zt_sampling_destroy(&s);
    zt_floats_to_rgb(x, rgb, FLOATS);
}

static void close_to_f32(const char *name, const char *const *options, const char *parts) {
    static uint8_t f32[FLOATS], bf16[FLOATS], again[FLOATS];
    zt_backend_facts facts;
    model m;
    zt_backend_cpu_facts(&facts);
    make(&m, name, options);
    sample(&m, ZT_F32, f32);
    sample(&m, ZT_BF16, bf16);
    sample(&m, ZT_BF16, again);
    const double psnr = zt_psnr(zt_mse(f32, bf16, FLOATS));
    print_message("%s: bf16 is %.1f dB from f32\n", name, psnr);
    assert_true(psnr >= CLOSE);
    assert_memory_equal(bf16, again, FLOATS);
    assert_int_equal(memcmp(f32, bf16, FLOATS) != 0, facts.bf16);
    strcpy(m.net.f32_scopes, parts);                    /* every part stays f32, and one that is not there */
    sample(&m, ZT_BF16, again);
    assert_memory_equal(f32, again, FLOATS);
    finish(&m);
}

static void unet3d(void **state) {
    (void)state;
    close_to_f32("unet3d", (const char *const[]){"widths", "32,64", "blocks", "1", "attn_space", "0,1", "attn_time", "0,1",
                                                 "time_down", "0,0", "head_dim", "16", NULL},
                 "text,time,pool,stem,down,mid,up,head,no_such_part");
}
static void vdit(void **state) {
    (void)state;
    close_to_f32("vdit", (const char *const[]){"dim", "96", "depth", "2", "heads", "4", NULL},
                 "text,time,time_proj,patch,blocks,head,no_such_part");
}

static void choices(void **state) {
    (void)state;
    zt_backend_facts facts;
    zt_dtype t = ZT_I32;
    zt_backend_cpu_facts(&facts);
    assert_int_equal(zt_sampling_precision("f32", &t), ZT_OK);
    assert_int_equal(t, ZT_F32);
    assert_int_equal(zt_sampling_precision("auto", &t), ZT_OK);
    assert_int_equal(t, facts.bf16 ? ZT_BF16 : ZT_F32);
    assert_int_equal(zt_sampling_precision("bf16", &t), facts.bf16 ? ZT_OK : ZT_ARG);
    assert_int_equal(t, facts.bf16 ? ZT_BF16 : ZT_F32);
    assert_int_equal(zt_sampling_precision("f16", &t), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "f16"));
    assert_int_equal(zt_sampling_precision(NULL, &t), ZT_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(unet3d), cmocka_unit_test(vdit), cmocka_unit_test(choices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
