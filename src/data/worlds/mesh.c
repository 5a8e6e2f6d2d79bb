/* mesh.c - the meshes of raster.h: solids from formulas. */
#include "base/mem.h"
#include "data/worlds/raster.h"

zt_err zt_mesh_init(zt_mesh *m, int n, int n_tri) {
    *m = (zt_mesh){.room = n, .room_tri = n_tri};
    m->rest = zt_alloc_array((size_t)n, sizeof *m->rest);
    m->normal = zt_alloc_array((size_t)n, sizeof *m->normal);
    m->part = zt_alloc_array((size_t)n, sizeof *m->part);
    m->tri = zt_alloc_array((size_t)n_tri, sizeof *m->tri);
    return m->rest && m->normal && m->part && m->tri ? ZT_OK : ZT_NOMEM;
}

void zt_mesh_finish(zt_mesh *m) {
    zt_free(m->rest);
    zt_free(m->normal);
    zt_free(m->part);
    zt_free(m->tri);
    *m = (zt_mesh){0};
}

int zt_mesh_vertex(zt_mesh *m, int part, zt_vec3 rest, zt_vec3 normal) {
    m->rest[m->n] = rest;
    m->normal[m->n] = normal;
    m->part[m->n] = (uint8_t)part;
    return m->n++;
}

void zt_mesh_triangle(zt_mesh *m, int a, int b, int c) {
    m->tri[m->n_tri][0] = a;
    m->tri[m->n_tri][1] = b;
    m->tri[m->n_tri][2] = c;
    m->n_tri++;
}

/* Two triangles for each cell of a grid of vertices [rows,columns] that starts at `first`. */
static void join(zt_mesh *m, int first, int rows, int columns) {
    for (int i = 0; i + 1 < rows; i++)
        for (int j = 0; j + 1 < columns; j++) {
            const int a = first + i * columns + j, b = a + 1, c = a + columns, d = c + 1;
            zt_mesh_triangle(m, a, b, d);
            zt_mesh_triangle(m, a, d, c);
        }
}

void zt_mesh_lathe(zt_mesh *m, int part, const zt_profile *p, int n) {
    const int first = m->n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= ZT_LATHE_SEGMENTS; j++) {
            const double a = 2 * ZT_PI * j / ZT_LATHE_SEGMENTS, s = zt_sin(a), c = zt_cos(a);
            zt_mesh_vertex(m, part, zt_v(p[i].r * s, p[i].y, p[i].r * c), zt_unit3(zt_v(p[i].nr * s, p[i].ny, p[i].nr * c)));
        }
    join(m, first, n, ZT_LATHE_SEGMENTS + 1);
}

void zt_mesh_sphere(zt_mesh *m, int part, zt_vec3 centre, zt_vec3 radius) {
    enum { RINGS = 21 };
    zt_profile p[RINGS];
    const int first = m->n;
    for (int i = 0; i < RINGS; i++) {
        const double a = ZT_PI * i / (RINGS - 1);
        p[i] = (zt_profile){zt_sin(a), -zt_cos(a), zt_sin(a), -zt_cos(a)};
    }
    p[0].r = p[RINGS - 1].r = 0;
    zt_mesh_lathe(m, part, p, RINGS);
    for (int i = first; i < m->n; i++) {
        const zt_vec3 v = m->rest[i], k = m->normal[i];
        m->rest[i] = zt_add3(centre, zt_v(v.x * radius.x, v.y * radius.y, v.z * radius.z));
        m->normal[i] = zt_unit3(zt_v(k.x / radius.x, k.y / radius.y, k.z / radius.z));
    }
}

void zt_mesh_box(zt_mesh *m, int part, zt_vec3 centre, zt_vec3 half) {
    static const int SIDE[6][3][3] = {/* normal, then the two axes of the face: their product is the normal */
                                      {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {{-1, 0, 0}, {0, 0, 1}, {0, 1, 0}},
                                      {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}, {{0, -1, 0}, {1, 0, 0}, {0, 0, 1}},
                                      {{0, 0, 1}, {1, 0, 0}, {0, 1, 0}}, {{0, 0, -1}, {0, 1, 0}, {1, 0, 0}}};
    static const int CORNER[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
    for (int s = 0; s < 6; s++) {
        const int first = m->n, *n = SIDE[s][0], *u = SIDE[s][1], *v = SIDE[s][2];
        for (int k = 0; k < 4; k++) {
            const int a = CORNER[k][0], b = CORNER[k][1];
            const zt_vec3 at = zt_v((n[0] + a * u[0] + b * v[0]) * half.x, (n[1] + a * u[1] + b * v[1]) * half.y,
                                    (n[2] + a * u[2] + b * v[2]) * half.z);
            zt_mesh_vertex(m, part, zt_add3(centre, at), zt_v(n[0], n[1], n[2]));
        }
        zt_mesh_triangle(m, first, first + 1, first + 2);
        zt_mesh_triangle(m, first, first + 2, first + 3);
    }
}

void zt_mesh_torus(zt_mesh *m, int part, zt_vec3 centre, double ring, double tube) {
    enum { AROUND = 15 };
    const int first = m->n;
    for (int i = 0; i <= AROUND; i++)
        for (int j = 0; j <= ZT_LATHE_SEGMENTS; j++) {
            const double a = 2 * ZT_PI * j / ZT_LATHE_SEGMENTS, b = 2 * ZT_PI * i / AROUND;
            const zt_vec3 out = zt_v(zt_cos(a), zt_sin(a), 0), n = zt_add3(zt_scale3(out, zt_cos(b)), zt_v(0, 0, zt_sin(b)));
            zt_mesh_vertex(m, part, zt_add3(centre, zt_add3(zt_scale3(out, ring), zt_scale3(n, tube))), n);
        }
    join(m, first, AROUND + 1, ZT_LATHE_SEGMENTS + 1);
}
