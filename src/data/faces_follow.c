/* faces_follow.c - tracks go on where a face is no longer, or not yet, detected (faces.h): the picture in the box is looked for
 * in the next frame, forwards from where the face was last seen and backwards from where it was first seen, as long as it is
 * found well (normalised cross-correlation; Lewis 1995, "Fast template matching"). Tested by tests/data/test_data_faces.c. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/faces_impl.h"

/* FOLLOW_S: seconds a track is followed at most. FOUND: correlation of a patch that was found. */
static const double FOLLOW_S = 4, FOUND = 0.7;
enum { SIDE = 32, REACH = 8, WIDE = SIDE + 2 * REACH };      /* samples of a patch; how far it may have moved, in samples */

/* n x n luma samples around the middle (cx,cy), `step` pixels apart, from frame [H,W,3]; beyond its edge the edge goes on. */
static void sample(const uint8_t *frame, int H, int W, double cx, double cy, const double step[2], int n, float *out) {
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            const int x = (int)lrint(fmin(fmax(cx + (k - 0.5 * (n - 1)) * step[0], 0), W - 1));
            const int y = (int)lrint(fmin(fmax(cy + (i - 0.5 * (n - 1)) * step[1], 0), H - 1));
            const uint8_t *p = frame + ((size_t)y * (size_t)W + (size_t)x) * 3;
            *out++ = 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
        }
}

/* Of the patch [SIDE,SIDE], whose mean is 0 and whose sum of squares is `energy`, and the one at (x,y) in wide [WIDE,WIDE]. */
static double correlation(const float *patch, double energy, const float *wide, int x, int y) {
    float dot = 0, sum = 0, square = 0;
    for (int i = 0; i < SIDE; i++) {
        const float *w = wide + (y + i) * WIDE + x, *p = patch + i * SIDE;
        for (int k = 0; k < SIDE; k++) {
            dot += p[k] * w[k];
            sum += w[k];
            square += w[k] * w[k];
        }
    }
    const double other = square - (double)sum * sum / (SIDE * SIDE);
    return other > 1 ? dot / sqrt(energy * other) : 0;
}

/* Where what is in the box of one frame is in another. False: not found. */
static bool find_again(const uint8_t *from, const uint8_t *in, int H, int W, zt_box *b) {
    float patch[SIDE * SIDE], wide[WIDE * WIDE];
    const double step[2] = {(double)b->w / SIDE, (double)b->h / SIDE}, cx = b->x + 0.5 * b->w, cy = b->y + 0.5 * b->h;
    double mean = 0, energy = 0, best = -1;
    int dx = 0, dy = 0;
    if (b->w < 4 || b->h < 4) return false;
    sample(from, H, W, cx, cy, step, SIDE, patch);
    sample(in, H, W, cx, cy, step, WIDE, wide);
    for (int i = 0; i < SIDE * SIDE; i++) mean += patch[i] / (SIDE * SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        patch[i] -= (float)mean;
        energy += patch[i] * patch[i];
    }
    if (energy < SIDE * SIDE) return false;                  /* one even colour is everywhere */
    for (int y = 0; y <= 2 * REACH; y++)
        for (int x = 0; x <= 2 * REACH; x++) {
            const double c = correlation(patch, energy, wide, x, y);
            if (c > best) best = c, dx = x - REACH, dy = y - REACH;
        }
    if (best < FOUND) return false;
    b->x += (int)lrint(dx * step[0]);
    b->y += (int)lrint(dy * step[1]);
    return b->x + b->w > 0 && b->y + b->h > 0 && b->x < W && b->y < H;
}

/* From frame `at`, where the box is b, in direction dir (1, -1): boxes into path[0..], how many. */
static int follow(const uint8_t *rgb, int T, int H, int W, int at, int dir, int most, zt_box b, zt_box *path) {
    const size_t bytes = (size_t)H * (size_t)W * 3;
    int n = 0;
    for (int f = at + dir; f >= 0 && f < T && n < most; f += dir) {
        if (!find_again(rgb + (size_t)(f - dir) * bytes, rgb + (size_t)f * bytes, H, W, &b)) break;
        path[n++] = b;
    }
    return n;
}

/* One track: what was prolonged without looking is replaced by what was followed, and stays as long again behind it. */
static zt_err prolong(zt_track *k, const uint8_t *rgb, int T, int H, int W, int most, int extend) {
    const int seen = k->to - k->from + 1;
    zt_err e = ZT_NOMEM;
    zt_box *path = zt_alloc_array(2 * (size_t)most, sizeof *path), *box = NULL;
    if (!path) goto done;
    const zt_box *old = k->box + (k->from - k->first);
    const int back = follow(rgb, T, H, W, k->from, -1, most, old[0], path);
    const int on = follow(rgb, T, H, W, k->to, 1, most, old[seen - 1], path + most);
    int first = k->from - back - extend, end = k->to + on + extend + 1;
    first = first < 0 ? 0 : first;
    end = end > T ? T : end;
    box = zt_alloc_array((size_t)(end - first), sizeof *box);
    if (!box) goto done;
    for (int f = first; f < end; f++) {
        const int before = k->from - f, after = f - k->to;
        zt_box b = before > 0 ? old[0] : after > 0 ? old[seen - 1] : old[f - k->from];
        if (before > 0 && back > 0) b = path[(before < back ? before : back) - 1];
        if (after > 0 && on > 0) b = path[most + (after < on ? after : on) - 1];
        box[f - first] = zt_box_clip(b, H, W);
    }
    zt_free(k->box);
    k->box = box;
    k->first = first;
    k->n = end - first;
    e = ZT_OK;
done:
    zt_free(path);
    return e;
}

zt_err zt_tracks_follow(zt_tracks *t, const uint8_t *rgb, int T, int H, int W, double fps, int extend) {
    zt_err e = ZT_OK;
    const int most = (int)fmin(ceil(FOLLOW_S * fps), T);
    for (int i = 0; i < t->n && e == ZT_OK; i++)
        if (!t->track[i].text) e = prolong(&t->track[i], rgb, T, H, W, most, extend);
    return e;
}
