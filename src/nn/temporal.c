/* temporal.c - see temporal.h. */
#include "nn/temporal.h"

/* That x is [B,T-1,H,W,last] of video [B,T,H,W,C]. */
static zt_err check(const zt_node *video, const zt_node *x, int64_t last, const char *name) {
    const int64_t *d = video->sh.d;
    const zt_err e = zt_graph_error(video->g);
    if (e != ZT_OK) return e;
    const zt_shape want = zt_sh(d[0], d[1] - 1, d[2], d[3], last);
    if (video->sh.n == 5 && d[1] > 1 && zt_same_shape(&x->sh, &want)) return ZT_OK;
    return zt_fail(ZT_SHAPE, "temporal loss: video must be [B,T,H,W,C] with T > 1 and %s [B,T-1,H,W,%lld]; they are %s and %s",
                   name, (long long)last, zt_shape_text(&video->sh), zt_shape_text(&x->sh));
}

static zt_node *over_channels(zt_node *x) {                    /* [..,C] -> sums [..,1] */
    zt_shape one = x->sh;
    one.d[one.n - 1] = 1;
    return zt_sum_to(x, one);
}

zt_node *zt_temporal_difference(zt_node *video, zt_node *flow) {
    const zt_err e = check(video, flow, 2, "flow");
    if (e != ZT_OK) return zt_graph_fail(video->g, e);
    const int64_t pairs = flow->sh.d[1];
    return zt_sub(zt_slice(video, 1, 0, pairs), zt_warp(zt_slice(video, 1, 1, pairs), flow, true));
}

zt_node *zt_flow_visible(zt_node *flow, zt_node *back) {
    zt_err e = zt_graph_error(flow->g);
    if (e == ZT_OK && (flow->sh.n != 5 || zt_last(&flow->sh) != 2 || !zt_same_shape(&flow->sh, &back->sh)))
        e = zt_fail(ZT_SHAPE, "flow_visible: flow and back must both be [B,T-1,H,W,2]; they are %s and %s",
                    zt_shape_text(&flow->sh), zt_shape_text(&back->sh));
    if (e != ZT_OK) return zt_graph_fail(flow->g, e);
    zt_node *f = zt_stop_gradient(flow), *b = zt_warp(zt_stop_gradient(back), f, true);
    zt_node *allowed = zt_affine(over_channels(zt_add(zt_square(f), zt_square(b))), 0.01, 0.5);
    zt_node *returns = zt_affine(zt_greater(over_channels(zt_square(zt_add(f, b))), allowed), -1, 1);
    /* What leaves the frame reads zeros instead of ones. */
    zt_node *inside = zt_warp(zt_affine(zt_slice(f, -1, 0, 1), 0, 1), f, false);
    return zt_mul(returns, zt_greater(inside, zt_broadcast_to(zt_scalar(f->g, 0.999), inside->sh)));
}

zt_node *zt_flow_explains(zt_node *video, zt_node *flow, double sharpness) {
    zt_node *d = zt_temporal_difference(zt_stop_gradient(video), zt_stop_gradient(flow));
    return zt_exp(zt_affine(over_channels(zt_square(d)), -sharpness, 0));
}

zt_node *zt_temporal_loss(zt_temporal_form form, zt_node *video, zt_node *flow, zt_node *mask) {
    const zt_err e = check(video, mask, 1, "mask");
    if (e != ZT_OK) return zt_graph_fail(video->g, e);
    const zt_shape clips = zt_sh(video->sh.d[0], 1, 1, 1, 1);
    zt_node *seen = zt_stop_gradient(mask), *d = zt_temporal_difference(video, zt_stop_gradient(flow));
    d = form == ZT_TEMPORAL_SQUARE ? zt_square(d) : zt_abs(d);
    zt_node *sum = zt_sum_to(zt_mul(over_channels(d), seen), clips);
    zt_node *count = zt_sum_to(seen, clips);                   /* of a clip hidden as a whole: 0, as its sum */
    count = zt_maximum(count, zt_broadcast_to(zt_scalar(video->g, 1e-6), clips));
    return zt_reshape(zt_affine(zt_div(sum, count), 1.0 / (double)zt_last(&video->sh), 0), zt_sh(video->sh.d[0]));
}
