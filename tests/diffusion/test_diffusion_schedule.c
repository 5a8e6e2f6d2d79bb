/* test_diffusion_schedule.c - processes against their formulas, identities between targets, times, weights, guidance. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "diffusion/guidance.h"
#include "diffusion/schedule.h"

static const zt_process processes[] = { { ZT_PROCESS_COSINE, 0.008 }, { ZT_PROCESS_COSINE, 0.01 }, { ZT_PROCESS_COSINE, 0 },
                                        { ZT_PROCESS_FLOW, 0 } };
enum { PROCESSES = sizeof processes / sizeof *processes, N = 37 };

static void near(double got, double want, double tol) {
    if (!(fabs(got - want) <= tol * fmax(1, fabs(want))))
        fail_msg("got %.12g, wanted %.12g within %g", got, want, tol);
}

static void cosine_matches_formula(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) {
        const zt_process p = processes[k];
        assert_int_equal(zt_process_check(&p), ZT_OK);
        const double f0 = pow(cos(p.s / (1 + p.s) * M_PI / 2), 2);
        for (double t = 0.001; t < 0.999; t += 0.0137) {
            const zt_level l = zt_process_at(&p, t);
            const double bar = pow(cos((t + p.s) / (1 + p.s) * M_PI / 2), 2) / f0;
            near(l.alpha * l.alpha, bar, 1e-12);
            near(l.alpha * l.alpha + l.sigma * l.sigma, 1, 1e-12);
        }
    }
    /* written down by hand: alpha_bar(0.5) for s = 0.008 is cos^2(0.508/1.008 pi/2)/cos^2(0.008/1.008 pi/2) */
    near(pow(zt_process_at(&processes[0], 0.5).alpha, 2), 0.4938434, 1e-6);
}

static void ends_are_safe(void **state) {
    (void)state;
    for (int k = 0; k < PROCESSES; k++) {
        const zt_level one = zt_process_at(&processes[k], 1), zero = zt_process_at(&processes[k], 0);
        near(zt_log_snr(one), -20, 1e-9);
        near(zt_log_snr(zero), 20, 1e-9);
        assert_true(one.alpha > 0 && one.sigma < 1.0001 && zero.sigma > 0);
        double last = INFINITY;
        for (int i = 0; i <= 1000; i++) {
            const double l = zt_log_snr(zt_process_at(&processes[k], i / 1000.0));
            assert_true(isfinite(l) && l <= last && fabs(l) <= 20 + 1e-9);
            last = l;
        }
    }
}

static void time_inverts_log_snr(void **state) {
    (void)state;
    for (int k = 0; k < PROCESSES; k++)
        for (double t = 0.01; t < 0.995; t += 0.01)
            near(zt_process_time(&processes[k], zt_log_snr(zt_process_at(&processes[k], t))), t, 1e-9);
}

static void bad_settings_are_refused(void **state) {
    (void)state;
    const zt_process bad[] = { { ZT_PROCESS_COSINE, -0.1 }, { ZT_PROCESS_COSINE, 0.6 }, { ZT_PROCESS_COSINE, NAN },
                               { (zt_process_kind)7, 0 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(zt_process_check(&bad[i]), ZT_CONFIG);
    const zt_time_cfg times[] = { { ZT_TIME_LOGIT_NORMAL, 0, 0, 1 }, { ZT_TIME_LOGIT_NORMAL, NAN, 1, 1 },
                                  { ZT_TIME_UNIFORM, 0, 0, -1 }, { (zt_time_kind)9, 0, 1, 1 } };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        assert_int_equal(zt_time_check(&times[i]), ZT_CONFIG);
}

/* Every target of (x0, eps) at a random t leads back to (x0, eps), also in place. */
static void targets_invert(void **state) {
    (void)state;
    zt_rng r = zt_rng_init(11, 0);
    float x0[N], eps[N], x[N], y[N], back[N];
    for (int trial = 0; trial < 400; trial++) {
        const zt_process *p = &processes[trial % PROCESSES];
        const zt_level l = zt_process_at(p, zt_rng_range(&r, 0.02, 0.98));
        const int n = (int)zt_rng_int(&r, 1, N);
        for (int i = 0; i < n; i++) {
            x0[i] = (float)zt_rng_range(&r, -1, 1);
            eps[i] = (float)zt_rng_normal(&r);
        }
        zt_add_noise(l, x0, eps, x, n);
        for (int i = 0; i < n; i++)
            near(x[i], l.alpha * x0[i] + l.sigma * eps[i], 1e-6);
        for (int k = 0; k < 4; k++) {
            zt_target_make((zt_target)k, l, x0, eps, y, n);
            for (int i = 0; i < n; i++) {
                const double want[] = { eps[i], x0[i], l.alpha * eps[i] - l.sigma * x0[i], eps[i] - x0[i] };
                near(y[i], want[k], 1e-6);
            }
            const double tol = 2e-6 * fmax(1 / l.alpha, 1 / l.sigma);
            zt_target_to_eps((zt_target)k, l, x, y, back, n);
            for (int i = 0; i < n; i++)
                near(back[i], eps[i], tol);
            zt_target_to_x0((zt_target)k, l, x, y, y, n);
            for (int i = 0; i < n; i++)
                near(y[i], x0[i], tol);
            zt_eps_from_x0(l, x, y, back, n);
            for (int i = 0; i < n; i++)
                near(back[i], eps[i], 2 * tol / l.sigma);
        }
    }
}

static void times_have_their_distribution(void **state) {
    (void)state;
    const zt_time_cfg uniform = { ZT_TIME_UNIFORM, 0, 1, 1 }, normal = { ZT_TIME_LOGIT_NORMAL, -0.4, 0.8, 0 },
                      shifted = { ZT_TIME_UNIFORM, 0, 1, 3 };
    const int n = 40000;
    double mean = 0, sq = 0, m = 0, v = 0, below = 0;
    for (int i = 0; i < n; i++) {
        const double part = (i + 0.5) / n, t = zt_time_quantile(&uniform, part), u = zt_time_quantile(&normal, part),
                     w = zt_time_quantile(&shifted, part);
        assert_true(t >= 0 && t < 1 && u > 0 && u < 1 && w >= 0 && w <= 1);
        mean += t / n, sq += t * t / n;
        const double logit = log(u / (1 - u));
        m += logit / n, v += logit * logit / n;
        below += (w < 0.75) / (double)n;
    }
    near(mean, 0.5, 0.01);
    near(sq, 1.0 / 3, 0.01);
    near(m, -0.4, 0.02);
    near(sqrt(v - m * m), 0.8, 0.02);
    near(below, 0.5, 0.02);             /* shift 3 moves t = 1/2 to 3/4 */
    near(zt_time_shift(0.5, 3), 0.75, 1e-15);
    near(zt_time_shift(0.3, 1), 0.3, 1e-15);
    near(zt_time_shift(1, 7), 1, 1e-15);
}

/* min-SNR: known forms for eps, x0, v on a variance-preserving process (Hang et al. 2023, section 3.4). */
static void weights_match_the_paper(void **state) {
    (void)state;
    for (double t = 0.05; t < 1; t += 0.05) {
        const zt_level l = zt_process_at(&processes[0], t), f = zt_process_at(&processes[3], t);
        const double snr = exp(zt_log_snr(l)), g = 5;
        const zt_weight_cfg none = {ZT_WEIGHT_NONE, 0, 0}, min_snr = {ZT_WEIGHT_MIN_SNR, 0, g},
                            soft = {ZT_WEIGHT_SOFT_SNR, 1, 1e9};
        near(zt_loss_weight(&min_snr, ZT_TARGET_EPS, l), fmin(snr, g) / snr, 1e-9);
        near(zt_loss_weight(&min_snr, ZT_TARGET_X0, l), fmin(snr, g), 1e-9);
        near(zt_loss_weight(&min_snr, ZT_TARGET_V, l), fmin(snr, g) / (snr + 1), 1e-9);
        near(zt_loss_weight(&min_snr, ZT_TARGET_FLOW, f), fmin(exp(zt_log_snr(f)), g) * f.sigma * f.sigma, 1e-9);
        near(zt_loss_weight(&none, ZT_TARGET_V, l), 1, 0);
        near(zt_loss_weight(&soft, ZT_TARGET_V, l), 1, 1e-9);               /* gain 1 on x0 is the plain v loss */
        near(zt_loss_weight(&(zt_weight_cfg){ZT_WEIGHT_SOFT_SNR, 3, 7}, ZT_TARGET_X0, l), fmin(1 + 3 * snr, 7), 1e-9);
    }
}

static void guidance_and_known_frames(void **state) {
    (void)state;
    float c[N], u[N], out[N];
    for (int i = 0; i < N; i++)
        c[i] = (float)i, u[i] = 2 - (float)i;
    zt_guide(3, c, u, out, N);
    for (int i = 0; i < N; i++)
        near(out[i], u[i] + 3 * (c[i] - u[i]), 1e-6);
    zt_guide(0, c, u, c, N);                                       /* in place */
    assert_memory_equal(c, u, sizeof c);

    float x[12], known[12];
    for (int i = 0; i < 12; i++)
        x[i] = (float)i, known[i] = (float)(100 + i);
    const uint8_t mask[4] = { 1, 0, 0, 1 };
    zt_known_frames(x, known, mask, 4, 3);
    for (int i = 0; i < 12; i++)
        near(x[i], i < 3 || i >= 9 ? 100 + i : i, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosine_matches_formula), cmocka_unit_test(ends_are_safe), cmocka_unit_test(time_inverts_log_snr),
        cmocka_unit_test(bad_settings_are_refused), cmocka_unit_test(targets_invert),
        cmocka_unit_test(times_have_their_distribution), cmocka_unit_test(weights_match_the_paper),
        cmocka_unit_test(guidance_and_known_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
