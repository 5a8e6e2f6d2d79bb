/* test_diffusion_samplers.c - every sampler on Gaussian data, where everything is known in closed form.
 *
 * Data N(mu, s^2):  best denoiser  x0(x,t) = mu + alpha s^2/(alpha^2 s^2 + sigma^2) (x - alpha mu)
 * Probability-flow map             x(0) = mu + s (x(1) - alpha(1) mu)/sqrt(alpha(1)^2 s^2 + sigma(1)^2) */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "diffusion/sampler.h"

typedef struct gauss { zt_process p; double mu, s; int calls; double first, last; int fail_at, nan_at; } gauss;

static const zt_process processes[] = { { ZT_PROCESS_COSINE, 0.008 }, { ZT_PROCESS_FLOW, 0 } };

static zt_err denoise(void *user, const float *x, double t, float *x0, int64_t n) {
    gauss *g = user;
    const zt_level l = zt_process_at(&g->p, t);
    const double k = l.alpha * g->s * g->s / (l.alpha * l.alpha * g->s * g->s + l.sigma * l.sigma);
    if (g->calls == 0)
        g->first = t;
    g->last = t;
    g->calls++;
    if (g->fail_at == g->calls)
        return zt_fail(ZT_IO, "planted");
    for (int64_t i = 0; i < n; i++)
        x0[i] = (float)(g->mu + k * (x[i] - l.alpha * g->mu));
    if (g->nan_at == g->calls)
        x0[n - 1] = NAN;
    return ZT_OK;
}

static zt_sample_cfg config(zt_sampler s, zt_process p, int steps) {
    return (zt_sample_cfg){ .sampler = s, .process = p, .steps = steps, .seed = 3 };
}

/* Largest deviation from the exact map over starting points -3 .. 3. */
static double map_error(zt_sample_cfg c, double mu, double s) {
    enum { N = 61 };
    float x[N], start[N];
    const zt_level one = zt_process_at(&c.process, 1);
    for (int i = 0; i < N; i++)
        x[i] = start[i] = (float)(one.sigma * (i - 30) / 10.0);
    gauss g = { .p = c.process, .mu = mu, .s = s };
    assert_int_equal(zt_sample(&c, denoise, &g, x, N), ZT_OK);
    assert_int_equal(g.calls, c.sampler == ZT_SAMPLER_HEUN ? 2 * c.steps - 1 : c.steps);
    assert_true(g.first == 1);
    double worst = 0;
    for (int i = 0; i < N; i++) {
        const double want = mu + s * (start[i] - one.alpha * mu) / sqrt(one.alpha * one.alpha * s * s + one.sigma * one.sigma);
        worst = fmax(worst, fabs(x[i] - want));
    }
    return worst;
}

/* The error falls by 2^order when the steps double. With offset s > 0 and times uniform in t the last time before 0 has
 * sigma^2 ~ s/steps, and the last step, which is of order 1 for every sampler, then limits the order: such a run is only held to
 * falling and a bound. 2M expands in log-SNR, whose steps near the ends do not shrink when t is spaced evenly: its error is
 * steps^-2 log(steps) there. So the clean order is seen with log-SNR spacing, and for Heun also with s = 0 or flow. */
static void deterministic_samplers_have_their_order(void **state) {
    (void)state;
    const struct { zt_sampler s; int order; } list[] = { { ZT_SAMPLER_EULER, 1 }, { ZT_SAMPLER_DDIM, 1 },
                                                         { ZT_SAMPLER_HEUN, 2 }, { ZT_SAMPLER_DPMPP2M, 2 } };
    const zt_process process[] = { { ZT_PROCESS_COSINE, 0 }, { ZT_PROCESS_COSINE, 0.008 }, { ZT_PROCESS_FLOW, 0 } };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        for (int p = 0; p < 3; p++)
            for (int spacing = 0; spacing < 2; spacing++) {
                zt_sample_cfg c = config(list[k].s, process[p], 64);
                c.spacing = (zt_spacing)spacing;
                const double e1 = map_error(c, 0.3, 0.5);
                c.steps = 128;
                const double e2 = map_error(c, 0.3, 0.5), order = log2(e1 / e2);
                print_message("sampler %d process %d spacing %d: error %.2e at 64 steps, %.2e at 128, order %.2f\n", list[k].s, p,
                              spacing, e1, e2, order);
                const bool even = spacing == ZT_SPACING_TIME && list[k].order == 2, limited = even && p == 1;
                const double least = limited ? 1 : even && list[k].s == ZT_SAMPLER_DPMPP2M ? 1.4 : list[k].order - 0.25;
                assert_true(order > least && order < list[k].order + 0.5);
                assert_true(e1 < (list[k].order == 1 ? 0.08 : 0.01));
            }
}

static void shift_still_converges(void **state) {
    (void)state;
    zt_sample_cfg c = config(ZT_SAMPLER_HEUN, processes[1], 64);
    c.shift = 3;
    assert_true(map_error(c, 0.3, 0.5) < 0.01);
    c.shift = 100;              /* first levels coincide at the clamp: no division by a zero step */
    for (int s = 0; s < 5; s++) {
        c.sampler = (zt_sampler)s;
        c.steps = 2000;
        float x[4] = { 1, -1, 0.5f, 2 };
        gauss g = { .p = c.process, .mu = 0.3, .s = 0.5 };
        assert_int_equal(zt_sample(&c, denoise, &g, x, 4), ZT_OK);
        for (int i = 0; i < 4; i++)
            assert_true(fabsf(x[i]) < 3.5f);
    }
}

static void euler_is_ddim_without_noise(void **state) {
    (void)state;
    float a[50], b[50];
    for (int p = 0; p < 2; p++) {
        zt_sample_cfg c = config(ZT_SAMPLER_EULER, processes[p], 17);
        zt_sample_noise(&c, a, 50);
        memcpy(b, a, sizeof a);
        gauss g = { .p = c.process, .mu = -0.2, .s = 0.7 };
        assert_int_equal(zt_sample(&c, denoise, &g, a, 50), ZT_OK);
        c.sampler = ZT_SAMPLER_DDIM;
        assert_int_equal(zt_sample(&c, denoise, &g, b, 50), ZT_OK);
        for (int i = 0; i < 50; i++)
            assert_true(fabsf(a[i] - b[i]) < 1e-5f);
    }
}

/* Data that is one point: every sampler lands on it in any number of steps, 1 included. */
static void a_single_point_is_exact(void **state) {
    (void)state;
    for (int s = 0; s < 5; s++)
        for (int p = 0; p < 2; p++)
            for (int steps = 1; steps < 12; steps += 5) {
                zt_sample_cfg c = config((zt_sampler)s, processes[p], steps);
                float x[33];
                zt_sample_noise(&c, x, 33);
                gauss g = { .p = c.process, .mu = 0.625, .s = 0 };
                assert_int_equal(zt_sample(&c, denoise, &g, x, 33), ZT_OK);
                for (int i = 0; i < 33; i++)
                    assert_true(fabsf(x[i] - 0.625f) < 1e-5f);
            }
}

/* The mean and variance that the discrete random process has exactly: x stays Gaussian, so both follow a linear recursion. */
static void expected_moments(const zt_sample_cfg *c, double mu, double s, double *mean, double *std) {
    double t[257], m = 0, v = pow(zt_process_at(&c->process, 1).sigma, 2);
    zt_sample_times(c, t);
    for (int i = 0; i < c->steps; i++) {
        const zt_level a = zt_process_at(&c->process, t[i]);
        const zt_level b = i + 1 == c->steps ? (zt_level){ 1, 0 } : zt_process_at(&c->process, t[i + 1]);
        const double gain = a.alpha * s * s / (a.alpha * a.alpha * s * s + a.sigma * a.sigma), off = mu - gain * a.alpha * mu;
        /* Posterior of x' given x and x0, by multiplying the Gaussians x' ~ (alpha' x0, sigma'^2) and x | x' ~ (r x', q). */
        const double r = a.alpha / b.alpha, q = a.sigma * a.sigma - r * r * b.sigma * b.sigma;
        const double prec = b.sigma > 0 ? 1 / (b.sigma * b.sigma) + r * r / q : INFINITY;
        double cx = b.sigma > 0 ? r / q / prec : 0, c0 = b.sigma > 0 ? b.alpha / (b.sigma * b.sigma) / prec : 1;
        double noise = 1 / prec;
        if (c->sampler == ZT_SAMPLER_DDPM) {
            noise = b.sigma > 0 ? exp((1 - c->gamma) * log(noise) + c->gamma * log(q)) : 0;
        } else {
            noise *= c->eta * c->eta;
            cx = sqrt(b.sigma * b.sigma - noise) / a.sigma;
            c0 = b.alpha - cx * a.alpha;
        }
        m = cx * m + c0 * (gain * m + off);
        v = pow(cx + c0 * gain, 2) * v + noise;
    }
    *mean = m;
    *std = sqrt(v);
}

static void random_samplers_have_the_right_moments(void **state) {
    (void)state;
    enum { N = 100000 };
    const double mu = 0.3, s = 0.5;
    const struct { zt_sampler s; double eta, gamma; } list[] = { { ZT_SAMPLER_DDPM, 0, 0 }, { ZT_SAMPLER_DDPM, 0, 0.3 },
                                                                 { ZT_SAMPLER_DDPM, 0, 1 }, { ZT_SAMPLER_DDIM, 0.5, 0 },
                                                                 { ZT_SAMPLER_DDIM, 1, 0 } };
    float *x = zt_alloc_array(N, sizeof *x);
    assert_non_null(x);
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        for (int p = 0; p < 2; p++) {
            double before = 0;
            for (int steps = 16; steps <= 64; steps *= 4) {
                zt_sample_cfg c = config(list[k].s, processes[p], steps);
                c.eta = list[k].eta;
                c.gamma = list[k].gamma;
                gauss g = { .p = c.process, .mu = mu, .s = s };
                zt_sample_noise(&c, x, N);
                assert_int_equal(zt_sample(&c, denoise, &g, x, N), ZT_OK);
                double mean = 0, sq = 0, want_mean, want_std;
                for (int i = 0; i < N; i++)
                    mean += x[i] / (double)N, sq += (double)x[i] * x[i] / N;
                const double std = sqrt(sq - mean * mean);
                expected_moments(&c, mu, s, &want_mean, &want_std);
                print_message("sampler %d eta %.1f gamma %.1f process %d steps %3d: mean %.4f std %.4f (exact for these steps: "
                              "%.4f %.4f)\n", list[k].s, c.eta, c.gamma, p, steps, mean, std, want_mean, want_std);
                assert_true(fabs(mean - want_mean) < 0.006 && fabs(std - want_std) < 0.005);   /* 4 standard errors */
                assert_true(fabs(want_mean - mu) < 0.01);
                const double miss = fabs(want_std - s);
                if (steps == 64) /* and the data's own spread is approached as steps grow */
                    assert_true(miss < 0.05 && miss < before / 2.5);
                before = miss;
            }
        }
    zt_free(x);
}

/* Same seed, same result; a sample does not depend on the batch it is in; another stream is another sample. */
static void samples_are_reproducible(void **state) {
    (void)state;
    float batch[40], alone[20], again[40], other[40];
    zt_sample_cfg c = config(ZT_SAMPLER_DDPM, processes[0], 10);
    c.sample_n = 20;
    gauss g = { .p = c.process, .mu = 0.1, .s = 0.4 };
    zt_sample_noise(&c, batch, 40);
    assert_int_equal(zt_sample(&c, denoise, &g, batch, 40), ZT_OK);
    zt_sample_noise(&c, again, 40);
    assert_int_equal(zt_sample(&c, denoise, &g, again, 40), ZT_OK);
    assert_memory_equal(batch, again, sizeof batch);
    c.seed += 1;                                       /* the second sample of the batch */
    zt_sample_noise(&c, alone, 20);
    assert_int_equal(zt_sample(&c, denoise, &g, alone, 20), ZT_OK);
    assert_memory_equal(batch + 20, alone, sizeof alone);
    c.seed -= 1;
    c.stream = 9;
    zt_sample_noise(&c, other, 40);
    assert_int_equal(zt_sample(&c, denoise, &g, other, 40), ZT_OK);
    assert_memory_not_equal(batch, other, sizeof batch);
}

static zt_err ramp(void *user, const float *x, double t, float *x0, int64_t n) {
    (void)x, (void)t;
    const float top = *(const float *)user;
    for (int64_t i = 0; i < n; i++)
        x0[i] = top * (float)(2 * i - (n - 1)) / (float)(n - 1);   /* -top .. top */
    return ZT_OK;
}

static void x0_is_clamped(void **state) {
    (void)state;
    float x[101] = { 0 }, top = 4;
    zt_sample_cfg c = config(ZT_SAMPLER_DDIM, processes[0], 1);
    assert_int_equal(zt_sample(&c, ramp, &top, x, 101), ZT_OK);
    assert_true(x[0] == -4 && x[100] == 4);
    c.clamp = ZT_CLAMP_UNIT;
    assert_int_equal(zt_sample(&c, ramp, &top, x, 101), ZT_OK);
    assert_true(x[0] == -1 && x[20] == -1 && x[100] == 1 && fabsf(x[60] - 0.8f) < 1e-6f);
    c.clamp = ZT_CLAMP_DYNAMIC;
    c.quantile = 0.5;                                  /* median of |x0| is 2: clamp to [-2,2], divide by 2 */
    assert_int_equal(zt_sample(&c, ramp, &top, x, 101), ZT_OK);
    assert_true(fabsf(x[0] + 1) < 1e-6f && fabsf(x[60] - 0.4f) < 0.01f);
    top = 0.5f;                                        /* inside [-1,1] nothing changes */
    assert_int_equal(zt_sample(&c, ramp, &top, x, 101), ZT_OK);
    assert_true(x[0] == -0.5f && x[100] == 0.5f);
}

static bool stop_at_3(void *user, int step, int steps, const float *x) {
    (void)steps, (void)x;
    *(int *)user = step;
    return step < 3;
}

static void failures_reach_the_caller(void **state) {
    (void)state;
    float x[8] = { 0 };
    for (int s = 0; s < 5; s++) {
        zt_sample_cfg c = config((zt_sampler)s, processes[0], 8);
        gauss g = { .p = c.process, .s = 1, .fail_at = 4 };
        assert_int_equal(zt_sample(&c, denoise, &g, x, 8), ZT_IO);
        g = (gauss){ .p = c.process, .s = 1, .nan_at = 2 };
        c.clamp = ZT_CLAMP_UNIT;                       /* a clamp must not hide a NaN */
        assert_int_equal(zt_sample(&c, denoise, &g, x, 8), ZT_NONFINITE);
        int step = 0;
        c.on_step = stop_at_3;
        c.on_step_user = &step;
        g = (gauss){ .p = c.process, .s = 1 };
        memset(x, 0, sizeof x);
        assert_int_equal(zt_sample(&c, denoise, &g, x, 8), ZT_CANCELLED);
        assert_int_equal(step, 3);
    }
}

static void bad_settings_are_refused(void **state) {
    (void)state;
    float x[8] = { 0 };
    const zt_sample_cfg ok = config(ZT_SAMPLER_DDIM, processes[0], 8);
    zt_sample_cfg bad[12];
    for (int i = 0; i < 12; i++)
        bad[i] = ok;
    bad[0].steps = 0, bad[1].steps = ZT_SAMPLE_MAX_STEPS + 1, bad[2].eta = 1.5, bad[3].eta = NAN, bad[4].gamma = -1;
    bad[5].sampler = (zt_sampler)5, bad[6].spacing = (zt_spacing)2, bad[7].clamp = (zt_x0_clamp)3, bad[8].quantile = 2;
    bad[9].shift = -1, bad[10].process.s = 3, bad[11].sampler = (zt_sampler)-1;
    gauss g = { .p = ok.process, .s = 1 };
    for (int i = 0; i < 12; i++)
        assert_int_equal(zt_sample(&bad[i], denoise, &g, x, 8), ZT_CONFIG);
    zt_sample_cfg split = ok;
    split.sample_n = 3;
    assert_int_equal(zt_sample(&split, denoise, &g, x, 8), ZT_SHAPE);
    assert_int_equal(g.calls, 0);
}

static void times_fall_from_one_to_zero(void **state) {
    (void)state;
    double t[1001];
    const int counts[] = { 1, 2, 7, 1000 };
    for (int p = 0; p < 2; p++)
        for (int spacing = 0; spacing < 2; spacing++)
            for (int k = 0; k < 4; k++) {
                zt_sample_cfg c = config(ZT_SAMPLER_EULER, processes[p], counts[k]);
                c.spacing = (zt_spacing)spacing;
                c.shift = k == 2 ? 3 : 0;
                zt_sample_times(&c, t);
                assert_true(t[0] == 1 && t[c.steps] == 0);
                for (int i = 0; i < c.steps; i++)
                    assert_true(t[i] > t[i + 1]);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deterministic_samplers_have_their_order), cmocka_unit_test(shift_still_converges),
        cmocka_unit_test(euler_is_ddim_without_noise), cmocka_unit_test(a_single_point_is_exact),
        cmocka_unit_test(random_samplers_have_the_right_moments), cmocka_unit_test(samples_are_reproducible),
        cmocka_unit_test(x0_is_clamped), cmocka_unit_test(failures_reach_the_caller),
        cmocka_unit_test(bad_settings_are_refused), cmocka_unit_test(times_fall_from_one_to_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
