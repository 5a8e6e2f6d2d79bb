/* raster.c - views and the z-buffer of raster.h. */
#include "data/worlds/raster.h"

#include "base/mem.h"

zt_view zt_view_look(zt_vec3 eye, zt_vec3 target, double focal, double w, double h) {
    const zt_vec3 forward = zt_unit3(zt_sub3(target, eye)), right = zt_unit3(zt_cross3(forward, zt_v(0, 1, 0)));
    return (zt_view){eye, {{right, zt_cross3(forward, right), forward}}, focal, w / 2, h / 2, false};
}

zt_vec3 zt_view_project(const zt_view *v, zt_vec3 p) {
    const zt_vec3 q = zt_apply3(&v->axes, zt_sub3(p, v->eye));
    const double k = v->parallel ? v->focal : v->focal / q.z;
    return zt_v(v->cx + k * q.x, v->cy + k * q.y, q.z);
}

zt_vec3 zt_view_ray(const zt_view *v, double x, double y) {
    const double a = (x - v->cx) / v->focal, b = (y - v->cy) / v->focal;
    return zt_add3(v->axes.row[2], zt_add3(zt_scale3(v->axes.row[0], a), zt_scale3(v->axes.row[1], b)));
}

zt_err zt_raster_init(zt_raster *r, int W, int H, int room) {
    *r = (zt_raster){.W = W, .H = H};
    r->near = zt_alloc_array((size_t)W * (size_t)H, sizeof *r->near);
    r->tri = zt_alloc_array((size_t)W * (size_t)H, sizeof *r->tri);
    r->screen = zt_alloc_array((size_t)room, sizeof *r->screen);
    return r->near && r->tri && r->screen ? ZT_OK : ZT_NOMEM;
}

void zt_raster_finish(zt_raster *r) {
    zt_free(r->near);
    zt_free(r->tri);
    zt_free(r->screen);
    *r = (zt_raster){0};
}

#define EDGE 1e-9 /* weights below zero that are taken as zero: no gap where two triangles meet */

/* Twice the area to the left of a -> b, of the triangle with (x,y). */
static double side(zt_vec3 a, zt_vec3 b, double x, double y) { return (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x); }

static void fill(zt_raster *r, int32_t index, zt_vec3 a, zt_vec3 b, zt_vec3 c) {
    const double area = side(a, c, b.x, b.y); /* > 0: counter-clockwise with y upwards, here y goes down */
    const double left = fmin(a.x, fmin(b.x, c.x)), right = fmax(a.x, fmax(b.x, c.x));
    const double top = fmin(a.y, fmin(b.y, c.y)), bottom = fmax(a.y, fmax(b.y, c.y));
    if (!(area > 0) || !(right > 0 && left < r->W && bottom > 0 && top < r->H)) return;
    /* Samples whose middle lies in the box. */
    const int x0 = left > 0 ? (int)(left + 0.5) : 0, y0 = top > 0 ? (int)(top + 0.5) : 0;
    const int x1 = right < r->W ? (int)(right + 0.5) : r->W, y1 = bottom < r->H ? (int)(bottom + 0.5) : r->H;
    const double k = 1 / area;
    const double dxa = (c.y - b.y) * k, dxb = (a.y - c.y) * k, dxc = (b.y - a.y) * k; /* of the weights, per sample in x */
    const double dn = dxa * a.z + dxb * b.z + dxc * c.z;
    for (int y = y0; y < y1; y++) {
        double wa = side(c, b, x0 + 0.5, y + 0.5) * k, wb = side(a, c, x0 + 0.5, y + 0.5) * k,
               wc = side(b, a, x0 + 0.5, y + 0.5) * k;
        double near = wa * a.z + wb * b.z + wc * c.z;
        float *n = r->near + (size_t)y * (size_t)r->W;
        int32_t *t = r->tri + (size_t)y * (size_t)r->W;
        for (int x = x0; x < x1; x++, wa += dxa, wb += dxb, wc += dxc, near += dn)
            if (wa >= -EDGE && wb >= -EDGE && wc >= -EDGE && (float)near > n[x]) {
                n[x] = (float)near;
                t[x] = index;
            }
    }
}

void zt_raster_draw(zt_raster *r, const zt_mesh *m, const zt_vec3 *pos, const zt_view *v) {
    const size_t samples = (size_t)r->W * (size_t)r->H;
    for (size_t i = 0; i < samples; i++) {
        r->near[i] = ZT_NOTHING;
        r->tri[i] = -1;
    }
    for (int i = 0; i < m->n; i++) {
        const zt_vec3 p = zt_view_project(v, pos[i]);
        r->screen[i] = zt_v(p.x, p.y, v->parallel ? -p.z : 1 / p.z);
    }
    for (int i = 0; i < m->n_tri; i++) {
        const zt_vec3 a = r->screen[m->tri[i][0]], b = r->screen[m->tri[i][1]], c = r->screen[m->tri[i][2]];
        if (v->parallel || (a.z > 0 && b.z > 0 && c.z > 0)) fill(r, i, a, b, c);
    }
}

void zt_raster_weights(const zt_raster *r, const zt_mesh *m, int x, int y, bool parallel, double weight[3]) {
    const int32_t *t = m->tri[r->tri[(size_t)y * (size_t)r->W + (size_t)x]];
    const zt_vec3 a = r->screen[t[0]], b = r->screen[t[1]], c = r->screen[t[2]];
    double w[3] = {side(c, b, x + 0.5, y + 0.5), side(a, c, x + 0.5, y + 0.5), side(b, a, x + 0.5, y + 0.5)}, sum = 0;
    if (!parallel) { /* weights over depth are what is linear on the screen */
        w[0] *= a.z;
        w[1] *= b.z;
        w[2] *= c.z;
    }
    for (int k = 0; k < 3; k++) sum += w[k];
    for (int k = 0; k < 3; k++) weight[k] = w[k] / sum;
}
