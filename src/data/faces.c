/* faces.c - faces in single frames (faces.h); from frames to tracks is faces_track.c, text faces_text.c. Tested by
 * tests/data/test_data_faces.c; recall on real and rendered faces: docs/results/data.md. */
#include "data/faces.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/faces_impl.h"

/* VERSION: raise it when what is found changes, and the number behind "text" below. SMALL, LARGE: the shorter side of the
 * picture that is searched. A face in it has at least FACE_MIN pixels, and FACE_VOTES windows agree on it. */
enum { VERSION = 2, SMALL = 240, LARGE = 480, GROW_MAX = 4, FACE_MIN = 20, FACE_VOTES = 3, EVERY_MAX = 100, SIDE_MAX = 16384 };
static const double SCALE_STEP = 1.1;

/* What looks at every frame: a cascade over the picture, turned by some degrees or mirrored. */
static const char *const CASCADE[] = {"haarcascades/haarcascade_frontalface_alt2.xml",
                                      "lbpcascades/lbpcascade_frontalface_improved.xml",
                                      "haarcascades/haarcascade_profileface.xml"};
enum { FRONTAL, FRONTAL_LBP, PROFILE, CASCADES };
static const struct { int cascade, degrees; bool mirror; } PASS[] = {
    {FRONTAL, 0, false},     {FRONTAL, -20, false},     {FRONTAL, 20, false}, {FRONTAL_LBP, 0, false},
    {FRONTAL_LBP, -20, false}, {FRONTAL_LBP, 20, false}, {PROFILE, 0, false},   {PROFILE, 0, true},
};

struct zt_finder {
    zt_cascade *cascade[CASCADES];
    int every;
    bool text;
    char name[64];
};

/* ---- loading ---- */

static zt_err find_folder(const char *given, char folder[ZT_PATH_MAX]) {
    static const char *const PLACE[] = {"/usr/share/opencv4", "/usr/local/share/opencv4", "/usr/share/opencv"};
    char path[ZT_PATH_MAX];
    zt_err e;
    if (given && given[0]) return zt_format(folder, ZT_PATH_MAX, "%s", given);
    for (size_t i = 0; i < sizeof PLACE / sizeof *PLACE; i++) {
        ZT_TRY(e = zt_path_join(path, PLACE[i], CASCADE[FRONTAL]), done);
        if (zt_file_exists(path)) return zt_format(folder, ZT_PATH_MAX, "%s", PLACE[i]);
    }
    e = zt_fail(ZT_NOTFOUND,
                "no face cascades in %s; install the package opencv-data (apt-get install opencv-data), or name the folder "
                "that has haarcascades/ and lbpcascades/",
                PLACE[0]);
done:
    return e;
}

zt_err zt_finder_create(zt_finder **out, const zt_finder_cfg *cfg) {
    char folder[ZT_PATH_MAX], path[ZT_PATH_MAX];
    zt_err e;
    *out = NULL;
    if (cfg->every < 1 || cfg->every > EVERY_MAX)
        return zt_fail(ZT_ARG, "looking at every %d. frame; wanted is 1..%d", cfg->every, EVERY_MAX);
    zt_finder *f = zt_alloc(sizeof *f);
    if (!f) return ZT_NOMEM;
    f->every = cfg->every;
    f->text = cfg->text;
    snprintf(f->name, sizeof f->name, "cascades %d, every %d%s", VERSION, cfg->every, cfg->text ? ", text 2" : "");
    ZT_TRY(e = find_folder(cfg->cascades, folder), done);
    for (int i = 0; i < CASCADES; i++) {
        ZT_TRY(e = zt_path_join(path, folder, CASCADE[i]), done);
        ZT_TRY(e = zt_cascade_load(&f->cascade[i], path), done);
    }
    *out = f;
    f = NULL;
done:
    zt_finder_destroy(&f);
    return e;
}

void zt_finder_destroy(zt_finder **pf) {
    if (!pf || !*pf) return;
    for (int i = 0; i < CASCADES; i++) zt_cascade_destroy(&(*pf)->cascade[i]);
    zt_free(*pf);
    *pf = NULL;
}

const char *zt_finder_name(const zt_finder *f) { return f->name; }

/* ---- one frame ---- */

/* The picture that is searched, [H,W], `scale` times the size of the frame, and room to turn it. */
typedef struct picture { int W, H; double scale; uint8_t *grey, *turned; } picture;

/* Mirror left and right, or not, and then turn about the middle, counter-clockwise; black comes in from outside. */
static void turn(const picture *p, int degrees, bool mirrored) {
    const double a = degrees * 3.14159265358979323846 / 180, co = cos(a), si = sin(a), cx = p->W / 2.0, cy = p->H / 2.0;
    for (int y = 0; y < p->H; y++)
        for (int x = 0; x < p->W; x++) {
            const double at = co * (x - cx) - si * (y - cy) + cx, u = mirrored ? p->W - 1 - at : at;
            const double v = si * (x - cx) + co * (y - cy) + cy;
            const int i = (int)floor(u), k = (int)floor(v), fu = (int)((u - i) * 256), fv = (int)((v - k) * 256);
            uint8_t *to = &p->turned[(size_t)y * (size_t)p->W + (size_t)x];
            *to = 0;
            if (i < 0 || k < 0 || i + 1 >= p->W || k + 1 >= p->H) continue;
            const uint8_t *s = p->grey + (size_t)k * (size_t)p->W + (size_t)i;
            *to =
                (uint8_t)(((s[0] * (256 - fu) + s[1] * fu) * (256 - fv) + (s[p->W] * (256 - fu) + s[p->W + 1] * fu) * fv) >> 16);
        }
}

/* A box of the turned or mirrored picture as one of the frame. */
static zt_box back(const picture *p, zt_box b, int degrees, bool mirrored) {
    const double a = degrees * 3.14159265358979323846 / 180, co = cos(a), si = sin(a), cx = p->W / 2.0, cy = p->H / 2.0;
    const double x = b.x + b.w / 2.0 - cx, y = b.y + b.h / 2.0 - cy;
    const double v = si * x + co * y + cy, at = co * x - si * y + cx, u = mirrored ? p->W - at : at;
    return (zt_box){(int)lrint((u - b.w / 2.0) / p->scale), (int)lrint((v - b.h / 2.0) / p->scale), (int)lrint(b.w / p->scale),
                    (int)lrint(b.h / p->scale), b.votes};
}

static int mean_of(int a, int votes_a, int b, int votes_b) {
    return (int)lrint(((double)a * votes_a + (double)b * votes_b) / (votes_a + votes_b));
}

/* Add to the frame's boxes; one that nearly coincides with another only draws it nearer, by its votes, and makes it surer. */
static zt_err merge(zt_boxes *all, zt_box b) {
    for (int i = 0; i < all->n; i++) {
        zt_box *a = &all->box[i];
        if (zt_box_iou(a, &b) < 0.3 && zt_box_inside(a, &b) < 0.7) continue;
        *a = (zt_box){mean_of(a->x, a->votes, b.x, b.votes), mean_of(a->y, a->votes, b.y, b.votes),
                      mean_of(a->w, a->votes, b.w, b.votes), mean_of(a->h, a->votes, b.h, b.votes), a->votes + b.votes};
        return ZT_OK;
    }
    return zt_boxes_add(all, b);
}

static zt_err run_cascade(const zt_cascade *c, const uint8_t *grey, const picture *p, int degrees, bool mirrored, zt_boxes *all) {
    zt_boxes found = {0};
    zt_err e;
    ZT_TRY(e = zt_cascade_detect(c, grey, p->H, p->W, SCALE_STEP, FACE_MIN, 0, &found), done);
    ZT_TRY(e = zt_boxes_group(&found, FACE_VOTES), done);
    for (int i = 0; i < found.n && e == ZT_OK; i++) e = merge(all, back(p, found.box[i], degrees, mirrored));
done:
    zt_boxes_finish(&found);
    return e;
}

static zt_err find_faces(const zt_finder *f, const picture *p, zt_boxes *faces) {
    zt_err e = ZT_OK;
    for (size_t i = 0; i < sizeof PASS / sizeof *PASS && e == ZT_OK; i++) {
        const bool plain = !PASS[i].mirror && !PASS[i].degrees;
        if (!plain) turn(p, PASS[i].degrees, PASS[i].mirror);
        e = run_cascade(f->cascade[PASS[i].cascade], plain ? p->grey : p->turned, p, PASS[i].degrees, PASS[i].mirror, faces);
    }
    return e;
}

static zt_err find_texts(const picture *p, zt_boxes *texts) {
    zt_boxes found = {0};
    zt_err e = zt_find_text(p->grey, p->H, p->W, &found);
    for (int i = 0; i < found.n && e == ZT_OK; i++) e = zt_boxes_add(texts, back(p, found.box[i], 0, false));
    zt_boxes_finish(&found);
    return e;
}

/* Small frames are enlarged, so that small faces fill the cascade's window; large ones reduced, to save time. */
static double search_scale(int H, int W) {
    const int side = H < W ? H : W;
    if (side < SMALL) return fmin(GROW_MAX, ceil((double)SMALL / side));
    return side > LARGE ? (double)LARGE / side : 1;
}

static zt_err look_at(const zt_finder *f, const uint8_t *rgb, int H, int W, zt_boxes *faces, zt_boxes *texts) {
    picture p = {.scale = search_scale(H, W)};
    p.W = (int)lrint(W * p.scale);
    p.H = (int)lrint(H * p.scale);
    const size_t n = (size_t)p.W * (size_t)p.H;
    uint8_t *grey = zt_alloc((size_t)H * (size_t)W);
    p.grey = zt_alloc(n);
    p.turned = zt_alloc(n);
    zt_err e = grey && p.grey && p.turned ? ZT_OK : ZT_NOMEM;
    if (e == ZT_OK) {
        zt_grey(rgb, (int64_t)H * W, grey);
        e = zt_grey_resize(grey, H, W, p.grey, p.H, p.W);
    }
    if (e == ZT_OK) e = find_faces(f, &p, faces);
    if (e == ZT_OK && f->text) e = find_texts(&p, texts);
    zt_free(grey);
    zt_free(p.grey);
    zt_free(p.turned);
    return e;
}

/* ---- a clip ---- */

zt_err zt_finder_find(zt_finder *f, const uint8_t *rgb, int T, int H, int W, double fps, zt_tracks *out) {
    if (T < 1 || H < 1 || W < 1 || H > SIDE_MAX || W > SIDE_MAX || !(fps > 0))
        return zt_fail(ZT_ARG, "looking for faces in %d frames of %dx%d at %g fps", T, W, H, fps);
    const int n = (T + f->every - 1) / f->every;
    zt_boxes *faces = zt_alloc_array((size_t)n, sizeof *faces), *texts = zt_alloc_array((size_t)n, sizeof *texts);
    zt_err e = faces && texts ? ZT_OK : ZT_NOMEM;
    if (e == ZT_OK) {
        int failed = 0;
#pragma omp parallel for schedule(dynamic) reduction(| : failed)
        for (int i = 0; i < n; i++)
            failed |= look_at(f, rgb + (size_t)(i * f->every) * (size_t)H * (size_t)W * 3, H, W, &faces[i], &texts[i]) != ZT_OK;
        if (failed) e = zt_fail(ZT_NOMEM, "out of memory while looking for faces in frames of %dx%d", W, H);
    }
    if (e == ZT_OK) e = zt_tracks_join(out, faces, n, f->every, T, H, W, fps, false);
    if (e == ZT_OK) e = zt_tracks_follow(out, rgb, T, H, W, fps, zt_tracks_extend(f->every, fps));
    if (e == ZT_OK && f->text) e = zt_tracks_join(out, texts, n, f->every, T, H, W, fps, true);
    for (int i = 0; faces && texts && i < n; i++) {
        zt_boxes_finish(&faces[i]);
        zt_boxes_finish(&texts[i]);
    }
    zt_free(faces);
    zt_free(texts);
    return e;
}
