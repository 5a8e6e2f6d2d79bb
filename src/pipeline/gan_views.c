/* gan_views.c - see gan_views.h. Tested by tests/pipeline/test_gan_views.c. */
#include "pipeline/gan_views.h"
#include <math.h>
#include "base/log.h"
#include "eval/judge.h"
#include "eval/steadiness.h"
#include "pipeline/sampling.h"

typedef struct job {
    zt_gan_sampling *s;
    const zt_net *net;
    float *clips;                        /* of all passes */
    uint8_t *rgb, *object;               /* of one clip */
    zt_view_scores *r;
    zt_err err;
} job;

/* Views of one clip; NULL where the generator has none. */
typedef struct views { const float *mask, *background, *flow; } views;

static const float *view_of(const job *j, const char *name, int row) {
    zt_shape sh;
    const float *x = zt_gan_sampling_view(j->s, name, &sh);
    return x ? x + row * (zt_numel(&sh) / sh.d[0]) : NULL;
}

static void score_mask(const job *j, const float *mask, int64_t n) {
    int64_t both = 0, either = 0, claimed = 0;
    for (int64_t p = 0; p < n; p++) {
        const bool m = mask[p] >= 0.5F, o = j->object[p];
        both += m && o;
        either += m || o;
        claimed += m;
    }
    j->r->mask_iou += either ? (double)both / (double)either : 0;
    j->r->mask_part += (double)claimed / (double)n;
}

/* Mean distance of the frames of x [T,H,W,3] (-1..1) from the ones before, these moved by flow [T-1,H,W,2] or not (NULL). */
static double change(const job *j, const float *x, const float *flow) {
    const int64_t T = j->net->frames, H = j->net->height, W = j->net->width, frame = H * W * ZT_RGB;
    double sum = 0;
    for (int64_t t = 1; t < T; t++)
        for (int64_t p = 0; p < H * W; p++) {
            const float *d = flow ? flow + ((t - 1) * H * W + p) * 2 : (const float[]){0, 0};
            const zt_between from = zt_between_pixels((double)(p % W) + d[0], (double)(p / W) + d[1], (int)H, (int)W);
            for (int c = 0; c < ZT_RGB; c++) {
                double moved = 0;
                for (int k = 0; k < 4; k++) moved += from.part[k] * x[(t - 1) * frame + from.at[k] * ZT_RGB + c];
                sum += fabs(x[t * frame + p * ZT_RGB + c] - moved);
            }
        }
    return 127.5 * sum / (double)((T - 1) * frame);
}

/* The flow says where a pixel of frame t comes from: inside the object, from against its motion. */
static void score_flow(const job *j, const float *flow, const zt_verdict *v) {
    const int64_t T = j->net->frames, N = j->net->height * j->net->width;
    double sum = 0, n = 0;
    for (int64_t k = 0; k < (T - 1) * N; k++) {
        if (!j->object[N + k]) continue;
        sum += hypot(flow[2 * k] + v->dx, flow[2 * k + 1] + v->dy);
        n++;
    }
    j->r->flow_error += n > 0 ? sum / n : 0;
    j->r->flow_error_of_none += hypot(v->dx, v->dy);
}

static zt_err score(const job *j, const float *clip, const views *of) {
    const zt_net *net = j->net;
    const int64_t n = net->frames * net->height * net->width;
    zt_verdict v;
    zt_floats_to_rgb(clip, j->rgb, n * ZT_RGB);
    const zt_err e = zt_judge_segment(j->rgb, (int)net->frames, (int)net->height, (int)net->width, &v, j->object);
    if (e != ZT_OK) return e;
    j->r->clips++;
    if (of->background) j->r->background_change += change(j, of->background, NULL);
    if (of->flow) {
        j->r->own_warp_error += change(j, clip, of->flow);
        j->r->still_error += change(j, clip, NULL);
    }
    if (!v.valid) return ZT_OK;
    j->r->valid++;
    if (of->mask && of->background) score_mask(j, of->mask, n);
    if (of->flow) score_flow(j, of->flow, &v);
    return ZT_OK;
}

/* After each pass: `done` clips of `total` are there, those of this pass with their views. */
static bool look(void *user, int done, int total) {
    job *j = user;
    const int64_t clip = j->net->frames * j->net->height * j->net->width * ZT_RGB;
    const int pass = zt_gan_pass(j->net), first = (done - 1) / pass * pass;
    (void)total;
    for (int k = first; k < done && j->err == ZT_OK; k++) {
        const int row = k - first;
        const views of = {view_of(j, "mask", row), view_of(j, "background", row), view_of(j, "flow", row)};
        j->err = score(j, j->clips + k * clip, &of);
    }
    return j->err == ZT_OK && !zt_cancelled();
}

static void divide(zt_view_scores *r) {
    double *const of_valid[] = {&r->mask_iou, &r->mask_part, &r->flow_error, &r->flow_error_of_none};
    double *const of_all[] = {&r->background_change, &r->own_warp_error, &r->still_error};
    for (int k = 0; k < 4; k++) *of_valid[k] /= r->valid ? (double)r->valid : 1;
    for (int k = 0; k < 3; k++) *of_all[k] /= r->clips ? (double)r->clips : 1;
}

zt_err zt_gan_views_score(zt_view_scores *r, zt_model_dir *m, int n, const zt_gan_codes *codes, zt_dtype multiply) {
    const int64_t pixels = m->net.frames * m->net.height * m->net.width;
    job j = {.net = &m->net, .r = r};
    zt_shape sh;
    *r = (zt_view_scores){0};
    zt_err e = zt_gan_sampling_create(&j.s, &m->net, &m->params, &m->states, zt_gan_pass(&m->net), multiply,
                                      ZT_GAN_VIEWS_TOO);
    if (e != ZT_OK) return e;
    r->has_background = zt_gan_sampling_view(j.s, "background", &sh);
    r->has_mask = r->has_background && zt_gan_sampling_view(j.s, "mask", &sh);
    r->has_flow = zt_gan_sampling_view(j.s, "flow", &sh);
    if (r->has_background || r->has_flow) {
        j.clips = zt_alloc_array((size_t)(n * pixels * ZT_RGB), sizeof *j.clips);
        j.rgb = zt_alloc((size_t)(pixels * ZT_RGB));
        j.object = zt_alloc((size_t)pixels);
        e = j.clips && j.rgb && j.object ? zt_gan_sampling_run(j.s, n, codes, j.clips, look, &j) : ZT_NOMEM;
        if (j.err != ZT_OK) e = j.err;
        divide(r);
    }
    zt_gan_sampling_destroy(&j.s);
    zt_free(j.clips);
    zt_free(j.rgb);
    zt_free(j.object);
    return e;
}
