/* gan_bound.c - see gan_bound.h. Tested by tests/train/test_gan_bound.c. */
#include "train/gan_bound.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/eigen.h"
#include "base/mem.h"
#include "base/str.h"

static bool begins(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

void zt_clip_weights(zt_tset *params, const char *prefix, double to) {
    for (int k = 0; k < params->n; k++) {
        const zt_tensor *p = &params->t[k];
        float *x = p->data;
        for (int64_t i = 0; begins(p->name, prefix) && i < zt_numel(&p->sh); i++) x[i] = (float)fmin(to, fmax(-to, x[i]));
    }
}

/* Products of the rows (of_rows) or columns of w [rows,out] with each other. */
static void gram(const float *w, int64_t rows, int64_t out, bool of_rows, double *g) {
    const int64_t n = of_rows ? rows : out, m = of_rows ? out : rows, step = of_rows ? out : 1, along = of_rows ? 1 : out;
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < m; k++) sum += (double)w[i * step + k * along] * w[j * step + k * along];
            g[i * n + j] = g[j * n + i] = sum;
        }
}

/* Along the unit vector v of the small side, w is shortened by the factor 1/value. */
static void shorten(float *w, int64_t rows, int64_t out, bool of_rows, const double *v, double value, double *work) {
    const int64_t n = of_rows ? rows : out, m = of_rows ? out : rows, step = of_rows ? out : 1, along = of_rows ? 1 : out;
    for (int64_t k = 0; k < m; k++) {
        work[k] = 0;
        for (int64_t i = 0; i < n; i++) work[k] += v[i] * w[i * step + k * along];
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < m; k++) w[i * step + k * along] -= (float)((1 - 1 / value) * v[i] * work[k]);
}

static zt_err clip_matrix(const zt_tensor *p) {
    const int64_t rows = zt_rows(&p->sh), out = zt_last(&p->sh);
    const bool of_rows = rows < out;
    const size_t n = (size_t)(of_rows ? rows : out), m = (size_t)(of_rows ? out : rows);
    double *g = zt_alloc_array(2 * n * n + n + m, sizeof *g);
    if (!g) return ZT_NOMEM;
    double *vector = g + n * n, *value = vector + n * n, *work = value + n;
    gram(p->data, rows, out, of_rows, g);
    zt_eigen_symmetric(g, (int)n, value, vector);
    for (size_t k = 0; k < n; k++)
        if (value[k] > 1) shorten(p->data, rows, out, of_rows, vector + k * n, sqrt(value[k]), work);
    zt_free(g);
    return ZT_OK;
}

static void clip_gain(const zt_tensor *p, const zt_tensor *var) {
    float *x = p->data;
    for (int64_t k = 0; k < zt_numel(&p->sh); k++) {
        const double s = sqrt(fmax(0, ((const float *)var->data)[k]));
        x[k] = (float)fmin(s, fmax(0.01 * s, x[k]));
    }
}

zt_err zt_clip_singular_values(zt_tset *params, const zt_tset *states, const char *prefix) {
    zt_err e = ZT_OK;
    for (int k = 0; e == ZT_OK && k < params->n; k++) {
        const zt_tensor *p = &params->t[k];
        char name[600];
        if (!begins(p->name, prefix) || !zt_ends_with(p->name, "weight")) continue;
        if (p->sh.n > 1) {
            e = clip_matrix(p);
            continue;
        }
        snprintf(name, sizeof name, "%.*svar", (int)(strlen(p->name) - strlen("weight")), p->name);
        const zt_tensor *var = zt_tset_find(states, name);
        if (var) clip_gain(p, var);
    }
    return e;
}
