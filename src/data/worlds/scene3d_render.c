/* scene3d_render.c - draws the world "scene3d": Lambert's diffuse and Blinn's specular light, shadows from a shadow map (Williams
 * 1978), floor and sky by rays, several samples a pixel. Tested by tests/data/test_data_worlds.c. */
#include <string.h>

#include "base/mem.h"
#include "data/worlds/noise.h"
#include "data/worlds/scene3d.h"

enum { CELLS = 16 };

/* A frame's geometry: the meshes in place, what each sample shows. */
typedef struct stage {
    zt_view view; /* in samples, not pixels */
    zt_vec3 *place, *normal;
    zt_raster raster;
} stage;

typedef struct studio {
    const zt_scene3d *s;
    zt_clip_size size;
    int sub; /* samples per pixel and side; odd: one is the pixel's middle */
    zt_mesh mesh;
    stage now, next;
    zt_raster shadow;
    zt_view sun;
    double grain[CELLS * CELLS];
} studio;

static void finish(studio *k) {
    stage *both[2] = {&k->now, &k->next};
    for (int i = 0; i < 2; i++) {
        zt_free(both[i]->place);
        zt_free(both[i]->normal);
        zt_raster_finish(&both[i]->raster);
    }
    zt_raster_finish(&k->shadow);
    zt_mesh_finish(&k->mesh);
}

static zt_err init(studio *k) {
    zt_err e;
    const int side = k->size.H < k->size.W ? k->size.H : k->size.W, map = side < 64 ? 128 : side > 256 ? 512 : 2 * side;
    stage *both[2] = {&k->now, &k->next};
    k->sub = side <= 32 ? 5 : 3;
    ZT_TRY(e = zt_scene3d_mesh(k->s, &k->mesh), done);
    for (int i = 0; i < 2; i++) {
        both[i]->place = zt_alloc_array((size_t)k->mesh.room, sizeof *both[i]->place);
        both[i]->normal = zt_alloc_array((size_t)k->mesh.room, sizeof *both[i]->normal);
        if (!both[i]->place || !both[i]->normal) return ZT_NOMEM;
        ZT_TRY(e = zt_raster_init(&both[i]->raster, k->size.W * k->sub, k->size.H * k->sub, k->mesh.room), done);
    }
    ZT_TRY(e = zt_raster_init(&k->shadow, map, map, k->mesh.room), done);
    /* The light's view: everything within 2.4 units of the middle. */
    k->sun = zt_view_look(zt_scale3(k->s->light, 10), zt_v(0, 0, 0), map / 4.8, map, map);
    k->sun.parallel = true;
    zt_rng r = zt_rng_init(k->s->grain, zt_hash_name("scene3d/grain"));
    for (int i = 0; i < CELLS * CELLS; i++) k->grain[i] = zt_rng_uniform(&r);
done:
    return e;
}

static void set_stage(studio *k, stage *g, int t) {
    const double u = k->size.T > 1 ? (double)t / (k->size.T - 1) : 0;
    g->view = zt_scene3d_camera(k->s, u, k->size.W * k->sub, k->size.H * k->sub);
    zt_scene3d_pose(k->s, &k->mesh, u, g->place, g->normal);
    zt_raster_draw(&g->raster, &k->mesh, g->place, &g->view);
}

/* ---- light ---- */

/* Part of the light that reaches a place a little off its surface: the four nearest entries of the map, blended. */
static double lit(const studio *k, zt_vec3 p) {
    const zt_vec3 q = zt_view_project(&k->sun, p);
    const double x = q.x - 0.5, y = q.y - 0.5, near = -q.z + 0.035;
    const int i = (int)floor(x), j = (int)floor(y), W = k->shadow.W;
    if (i < 0 || j < 0 || i + 1 >= W || j + 1 >= k->shadow.H) return 1;
    const float *m = k->shadow.near + (size_t)j * (size_t)W + (size_t)i;
    const double fx = x - i, fy = y - j;
    return ((m[0] <= near) * (1 - fx) + (m[1] <= near) * fx) * (1 - fy) +
           ((m[W] <= near) * (1 - fx) + (m[W + 1] <= near) * fx) * fy;
}

/* Colour of a lit surface; shiny: how strong its highlight is. */
static zt_vec3 shade(const studio *k, zt_vec3 p, zt_vec3 normal, const double paint[3], double shiny, zt_vec3 eye) {
    const zt_vec3 light = k->s->light;
    const double facing = zt_dot3(normal, light), sun = facing > 0 ? lit(k, zt_add3(p, zt_scale3(normal, 0.05))) : 0;
    const double diffuse = 0.36 + 0.1 * normal.y + 0.6 * (facing > 0 ? facing * sun : 0);
    double glint = 0;
    if (sun > 0 && shiny > 0) {
        const zt_vec3 half = zt_unit3(zt_add3(light, zt_unit3(zt_sub3(eye, p))));
        double h = zt_dot3(normal, half);
        h = h > 0 ? h * h : 0;
        h *= h;
        h *= h;
        h *= h;
        glint = 255 * shiny * sun * h * h; /* power 32 */
    }
    return zt_v(paint[0] * diffuse + glint, paint[1] * diffuse + glint, paint[2] * diffuse + glint);
}

/* Brightness of the floor's pattern. */
static double pattern(const studio *k, double x, double z) {
    const int kind = k->s->base.value[ZT_SCENE3D_FLOOR];
    if (kind == ZT_FLOOR_CHECKERED) return ((int)floor(x * 1.25) + (int)floor(z * 1.25)) & 1 ? 1.16 : 0.78;
    if (kind == ZT_FLOOR_SPECKLED) {
        const double u = (x + 512) * 2.1, v = (z + 512) * 2.1;
        return 0.7 + 0.6 * (0.6 * zt_noise(k->grain, CELLS, u, v) + 0.4 * zt_noise(k->grain, CELLS, u * 2.3, v * 2.3));
    }
    return 1;
}

static zt_vec3 floor_or_sky(const studio *k, zt_vec3 eye, zt_vec3 ray) {
    const double *sky = k->s->sky;
    const double high = zt_clamp(ray.y * 1.2, 0, 1);
    const zt_vec3 air =
        zt_v(zt_mix(sky[0], 0.6 * sky[0], high), zt_mix(sky[1], 0.7 * sky[1], high), zt_mix(sky[2], 0.9 * sky[2], high));
    if (ray.y > -1e-6) return air;
    const double far = -eye.y / ray.y, haze = zt_smooth(6, 16, far);
    if (haze >= 1) return air;
    const zt_vec3 p = zt_add3(eye, zt_scale3(ray, far));
    const double tone = zt_mix(pattern(k, p.x, p.z), 1, zt_smooth(5, 11, far));
    const double paint[3] = {k->s->floor[0] * tone, k->s->floor[1] * tone, k->s->floor[2] * tone};
    const zt_vec3 near = shade(k, p, zt_v(0, 1, 0), paint, 0, eye);
    return zt_add3(zt_scale3(near, 1 - haze), zt_scale3(air, haze));
}

static zt_vec3 sample_colour(const studio *k, const stage *g, int x, int y) {
    const int32_t tri = g->raster.tri[(size_t)y * (size_t)g->raster.W + (size_t)x];
    double w[3];
    if (tri < 0) return floor_or_sky(k, g->view.eye, zt_view_ray(&g->view, x + 0.5, y + 0.5));
    zt_raster_weights(&g->raster, &k->mesh, x, y, false, w);
    const zt_vec3 p = zt_blend3(g->place, k->mesh.tri[tri], w), n = zt_unit3(zt_blend3(g->normal, k->mesh.tri[tri], w));
    return shade(k, p, n, k->s->paint[k->mesh.part[k->mesh.tri[tri][0]] - 1], 0.35, g->view.eye);
}

/* ---- a frame ---- */

/* Whether the corners of a pixel of the floor show one square of the pattern (others than squares change slowly). */
static bool same_square(const studio *k, const stage *g, int px, int py) {
    const int n = k->sub;
    double first = 0;
    for (int i = 0; i < 4 && k->s->base.value[ZT_SCENE3D_FLOOR] == ZT_FLOOR_CHECKERED; i++) {
        const zt_vec3 ray = zt_view_ray(&g->view, px * n + (i & 1) * n, py * n + (i >> 1) * n);
        if (ray.y > -1e-6) continue;
        const double far = -g->view.eye.y / ray.y, tone = pattern(k, g->view.eye.x + far * ray.x, g->view.eye.z + far * ray.z);
        if (first != 0 && tone != first) return false;
        first = tone;
    }
    return true;
}

/* One sample does for a pixel that shows one smooth thing. *solids counts the samples that show no floor or sky. */
static bool is_even(const studio *k, const stage *g, int px, int py, int *solids) {
    const int n = k->sub;
    int least = 255, most = 0;
    *solids = 0;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            const int32_t t = g->raster.tri[(size_t)(py * n + j) * (size_t)g->raster.W + (size_t)(px * n + i)];
            const int part = t < 0 ? 0 : k->mesh.part[k->mesh.tri[t][0]];
            least = part < least ? part : least;
            most = part > most ? part : most;
            *solids += part > 0;
        }
    return least == most && (most > 0 || same_square(k, g, px, py));
}

static void draw_frame(const studio *k, const stage *g, uint8_t *rgb, uint8_t *mask) {
    const int n = k->sub, W = k->size.W;
    for (int py = 0; py < k->size.H; py++)
        for (int px = 0; px < W; px++) {
            int solids;
            zt_vec3 sum = {0, 0, 0};
            const bool even = is_even(k, g, px, py, &solids);
            const int from = even ? n / 2 : 0, to = even ? n / 2 + 1 : n;
            for (int j = from; j < to; j++)
                for (int i = from; i < to; i++) sum = zt_add3(sum, sample_colour(k, g, px * n + i, py * n + j));
            sum = zt_scale3(sum, 1.0 / ((to - from) * (to - from)));
            uint8_t *p = rgb + ((size_t)py * (size_t)W + (size_t)px) * 3;
            p[0] = (uint8_t)(zt_clamp(sum.x, 0, 255) + 0.5);
            p[1] = (uint8_t)(zt_clamp(sum.y, 0, 255) + 0.5);
            p[2] = (uint8_t)(zt_clamp(sum.z, 0, 255) + 0.5);
            if (mask) mask[(size_t)py * (size_t)W + (size_t)px] = (uint8_t)((255 * solids + n * n / 2) / (n * n));
        }
}

/* ---- truth ---- */

/* What the middle of a pixel shows: its place now and one frame later, 0 (floor, sky) or the solid. depth 0: sky, and `place`
 * is a direction. */
typedef struct seen {
    zt_vec3 place, later;
    int part;
    double depth;
} seen;

static seen look(const studio *k, int px, int py) {
    const stage *g = &k->now;
    const int x = px * k->sub + k->sub / 2, y = py * k->sub + k->sub / 2;
    const int32_t tri = g->raster.tri[(size_t)y * (size_t)g->raster.W + (size_t)x];
    if (tri >= 0) {
        double w[3];
        zt_raster_weights(&g->raster, &k->mesh, x, y, false, w);
        const int32_t *t = k->mesh.tri[tri];
        const zt_vec3 p = zt_blend3(g->place, t, w);
        return (seen){p, zt_blend3(k->next.place, t, w), k->mesh.part[t[0]], zt_view_project(&g->view, p).z};
    }
    const zt_vec3 ray = zt_view_ray(&g->view, x + 0.5, y + 0.5);
    if (ray.y > -1e-6) return (seen){ray, ray, 0, 0};
    const zt_vec3 p = zt_add3(g->view.eye, zt_scale3(ray, -g->view.eye.y / ray.y));
    return (seen){p, p, 0, -g->view.eye.y / ray.y};
}

/* Whether something nearer hides sample (x,y) of the next frame at depth z, or it is out of view. */
static bool hidden(const stage *g, zt_vec3 q) {
    if (!(q.z > 0 && q.x >= 0 && q.y >= 0 && q.x < g->raster.W && q.y < g->raster.H)) return true;
    return g->raster.near[(size_t)q.y * (size_t)g->raster.W + (size_t)q.x] > 1.015 / q.z;
}

typedef struct truths {
    float *flow, *depth, *camera;
    uint8_t *occluded, *objects;
} truths;

static void tell_pixels(const studio *k, const truths *to) {
    for (int py = 0; py < k->size.H; py++)
        for (int px = 0; px < k->size.W; px++) {
            const size_t at = (size_t)py * (size_t)k->size.W + (size_t)px;
            const seen v = look(k, px, py);
            zt_vec3 target = v.later;
            if (v.depth == 0) target = zt_add3(k->next.view.eye, v.later); /* at infinity: only turning counts */
            const zt_vec3 q = zt_view_project(&k->next.view, target);
            if (to->flow && q.z > 0) {
                to->flow[at * 2] = (float)(q.x / k->sub - (px + 0.5));
                to->flow[at * 2 + 1] = (float)(q.y / k->sub - (py + 0.5));
            }
            if (to->depth) to->depth[at] = (float)v.depth;
            if (to->objects) to->objects[at] = (uint8_t)v.part;
            if (to->occluded) to->occluded[at] = hidden(&k->next, v.depth == 0 ? zt_v(q.x, q.y, 1e6) : q) ? 255 : 0;
        }
}

static void tell_camera(const studio *k, float *to) {
    const zt_view *v = &k->now.view;
    const double f = v->focal / k->sub;
    const double row[16] = {f,
                            f,
                            v->cx / k->sub,
                            v->cy / k->sub,
                            v->axes.row[0].x,
                            v->axes.row[0].y,
                            v->axes.row[0].z,
                            v->axes.row[1].x,
                            v->axes.row[1].y,
                            v->axes.row[1].z,
                            v->axes.row[2].x,
                            v->axes.row[2].y,
                            v->axes.row[2].z,
                            v->eye.x,
                            v->eye.y,
                            v->eye.z};
    for (int i = 0; i < 16; i++) to[i] = (float)row[i];
}

static bool wants_truth(void *const truth[ZT_TRUTHS]) { return truth[1] || truth[2] || truth[3] || truth[4]; }

zt_err zt_scene3d_render(const zt_scene *scene, const zt_clip_size *size, uint8_t *rgb, void *const truth[ZT_TRUTHS]) {
    studio k = {.s = (const zt_scene3d *)scene, .size = *size};
    zt_err e;
    const bool tells = wants_truth(truth);
    const size_t pixels = (size_t)size->H * (size_t)size->W;
    ZT_TRY(e = init(&k), done);
    for (int t = 0; t < size->T; t++) {
        const size_t at = (size_t)t * pixels;
        if (t && tells) {
            const stage swap = k.now;
            k.now = k.next;
            k.next = swap;
        } else
            set_stage(&k, &k.now, t);
        if (tells) set_stage(&k, &k.next, t + 1);
        zt_raster_draw(&k.shadow, &k.mesh, k.now.place, &k.sun);
        draw_frame(&k, &k.now, rgb + at * 3, truth[0] ? (uint8_t *)truth[0] + at : NULL);
        const truths to = {truth[1] ? (float *)truth[1] + at * 2 : NULL, truth[2] ? (float *)truth[2] + at : NULL, NULL,
                           truth[3] ? (uint8_t *)truth[3] + at : NULL, truth[4] ? (uint8_t *)truth[4] + at : NULL};
        if (tells) tell_pixels(&k, &to);
        if (truth[5]) tell_camera(&k, (float *)truth[5] + t * 16);
    }
done:
    finish(&k);
    return e;
}
