/* shots.h - videos with known shots: textured backgrounds that pan, shapes that move, noise, drifting light and flashes; between
 * the shots cuts, dissolves and fades whose frames are known. */
#ifndef ZT_TESTS_SHOTS_H
#define ZT_TESTS_SHOTS_H
#include "base/rng.h"
#include "media_test.h"

enum { SHOTS_W = 96, SHOTS_H = 64, SHOTS_FPS = 25, SHOTS_MAX = 16, SHOT_SHAPES = 3, SHOT_WAVES = 5, SHOTS_ROUND = SHOTS_W + 40 };

/* A transition: frames from..to-1 are neither shot; from == to is a cut before that frame. */
typedef struct turn { zt_boundary_kind kind; int from, to; } turn;

typedef struct shot_shape { double x, y, dx, dy, r, colour[3]; } shot_shape;
typedef struct shot {
    double level[3], wave[SHOT_WAVES][3], amount[SHOT_WAVES][3], dx, dy, drift, noise;
    shot_shape shape[SHOT_SHAPES];
    int flash;                    /* frame of a flash, -1: none */
} shot;

static inline shot shot_draw(zt_rng *r) {
    shot s = {.flash = zt_rng_int(r, 0, 3) == 0 ? (int)zt_rng_int(r, 8, 16) : -1};
    const double bright = 40 + 150 * zt_rng_uniform(r), contrast = 12 + 35 * zt_rng_uniform(r);
    for (int k = 0; k < 3; k++) s.level[k] = bright + 40 * (zt_rng_uniform(r) - 0.5);
    for (int w = 0; w < SHOT_WAVES; w++) {
        for (int k = 0; k < 3; k++) s.amount[w][k] = contrast * (0.6 + 0.4 * zt_rng_uniform(r)) / (1 + 0.5 * w);
        s.wave[w][0] = (0.02 + 0.06 * w) * (zt_rng_uniform(r) - 0.5) * 4;
        s.wave[w][1] = (0.02 + 0.06 * w) * (zt_rng_uniform(r) - 0.5) * 4;
        s.wave[w][2] = 6.28 * zt_rng_uniform(r);
    }
    const double speed = zt_rng_int(r, 0, 2) ? 0.6 : 2.5;      /* one of three pans fast */
    s.dx = speed * (zt_rng_uniform(r) - 0.5);
    s.dy = speed * (zt_rng_uniform(r) - 0.5);
    s.drift = 0.4 * (zt_rng_uniform(r) - 0.5);
    s.noise = 1 + 4 * zt_rng_uniform(r);
    for (int i = 0; i < SHOT_SHAPES; i++) {
        shot_shape *p = &s.shape[i];
        *p = (shot_shape){SHOTS_W * zt_rng_uniform(r), SHOTS_H * zt_rng_uniform(r), 3 * (zt_rng_uniform(r) - 0.5),
                          3 * (zt_rng_uniform(r) - 0.5), 6 + 10 * zt_rng_uniform(r), {0}};
        for (int k = 0; k < 3; k++) p->colour[k] = 255 * zt_rng_uniform(r);
    }
    return s;
}

/* Sine and cosine of a shot's waves along an axis in frame t; with those of both axes go the sums of their angles. */
static inline void shot_waves(const shot *s, int axis, int size, double shift, double to[SHOT_WAVES][SHOTS_W][2]) {
    for (int w = 0; w < SHOT_WAVES; w++)
        for (int i = 0; i < size; i++) {
            const double angle = s->wave[w][axis] * (i + shift) + (axis ? s->wave[w][2] : 0);
            to[w][i][0] = sin(angle);
            to[w][i][1] = cos(angle);
        }
}

/* Pixel values 0..255, not yet rounded, of the shot's frame t into px [H,W,3]. */
static inline void shot_render(const shot *s, int t, zt_rng *r, float *px) {
    double along[SHOT_WAVES][SHOTS_W][2], down[SHOT_WAVES][SHOTS_W][2], centre[SHOT_SHAPES][2];
    shot_waves(s, 0, SHOTS_W, s->dx * t, along);
    shot_waves(s, 1, SHOTS_H, s->dy * t, down);
    for (int i = 0; i < SHOT_SHAPES; i++) {
        centre[i][0] = fmod(s->shape[i].x + s->shape[i].dx * t + 10 * SHOTS_ROUND, SHOTS_ROUND) - 20;
        centre[i][1] = fmod(s->shape[i].y + s->shape[i].dy * t + 10 * SHOTS_ROUND, SHOTS_ROUND) - 20;
    }
    for (int y = 0; y < SHOTS_H; y++)
        for (int x = 0; x < SHOTS_W; x++, px += 3) {
            double v[3];
            for (int k = 0; k < 3; k++) v[k] = s->level[k] + s->drift * t;
            for (int w = 0; w < SHOT_WAVES; w++) {
                const double wave = along[w][x][0] * down[w][y][1] + along[w][x][1] * down[w][y][0];
                for (int k = 0; k < 3; k++) v[k] += s->amount[w][k] * wave;
            }
            for (int i = 0; i < SHOT_SHAPES; i++) {
                const shot_shape *p = &s->shape[i];
                const double dx = x - centre[i][0], dy = y - centre[i][1];
                if (dx * dx + dy * dy < p->r * p->r)
                    for (int k = 0; k < 3; k++) v[k] = p->colour[k];
            }
            const double noise = s->noise * (zt_rng_uniform(r) - 0.5) * 2;
            for (int k = 0; k < 3; k++)
                px[k] = (float)fmin(fmax(v[k] + noise + (s->flash >= 0 && (t == s->flash || t == s->flash + 1)) * 110, 0), 255);
        }
}

/* Where one shot goes over into the next, and how, in frames. */
static inline turn turn_draw(zt_rng *r, int at) {
    const int what = (int)zt_rng_int(r, 0, 3);
    turn t = {what == 0 ? ZT_BOUNDARY_DISSOLVE : what == 1 ? ZT_BOUNDARY_FADE : ZT_BOUNDARY_CUT, at, at};
    if (what == 0) t.to += (int)zt_rng_int(r, 8, 36);
    if (what == 1) t.to += 2 * (int)zt_rng_int(r, 6, 14) + 4;
    return t;
}

/* How much of the old and of the new shot frame i of a transition shows. */
static inline void turn_mix(const turn *t, int i, double *old, double *new_) {
    const double n = t->to - t->from + 1, at = (i - t->from + 1) / n;
    *new_ = at;
    *old = 1 - at;
    if (t->kind != ZT_BOUNDARY_FADE) return;
    const double ramp = ((t->to - t->from - 4) / 2 + 1) / n;       /* four black frames in between */
    *old = fmax(1 - at / ramp, 0);
    *new_ = fmax(1 - (1 - at) / ramp, 0);
}

/* A video of 8 to 12 shots. Free with zt_frames_finish. Returns the number of transitions. */
static inline int shots_make(uint64_t seed, zt_frames *f, turn turns[SHOTS_MAX]) {
    zt_rng r = zt_rng_init(seed, 0);
    shot shots[SHOTS_MAX + 1];
    const int n = (int)zt_rng_int(&r, 7, 11);
    int at = 0, first[SHOTS_MAX + 1] = {0};
    shots[0] = shot_draw(&r);
    for (int i = 0; i < n; i++) {
        turns[i] = turn_draw(&r, at + (int)zt_rng_int(&r, 25, 70));
        shots[i + 1] = shot_draw(&r);
        first[i + 1] = turns[i].from;
        at = turns[i].to;
    }
    OK(zt_frames_create(f, at + 40, SHOTS_H, SHOTS_W, SHOTS_FPS));
    float *a = zt_alloc(zt_frame_bytes(f) * sizeof *a), *b = zt_alloc(zt_frame_bytes(f) * sizeof *b);
    assert_true(a && b);
    for (int t = 0, i = 0; t < f->frames; t++) {
        uint8_t *out = zt_frame_at(f, t);
        while (i < n && t >= turns[i].to) i++;
        shot_render(&shots[i], t - first[i], &r, a);
        const bool mixed = i < n && t >= turns[i].from;
        double old = 1, new_ = 0;
        if (mixed) {
            turn_mix(&turns[i], t, &old, &new_);
            shot_render(&shots[i + 1], t - first[i + 1], &r, b);
        }
        for (size_t k = 0; k < zt_frame_bytes(f); k++) out[k] = (uint8_t)(old * a[k] + new_ * b[k] + 0.5);
    }
    zt_free(a);
    zt_free(b);
    return n;
}
#endif
