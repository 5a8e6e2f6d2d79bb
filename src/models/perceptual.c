/* perceptual.c - see perceptual.h. */
#include "models/perceptual.h"
#include <string.h>
#include "base/str.h"

/* ---- the network -------------------------------------------------------------------------------------------------- */
/* dst gets copies of all tensors, their names under the scope. */
static zt_err copy_weights(zt_tset *dst, const zt_tset *src) {
    for (int k = 0; k < src->n; k++) {
        const zt_tensor *t = &src->t[k];
        zt_tensor *copy;
        char name[600];
        zt_err e = zt_format(name, sizeof name, ZT_PERCEPTUAL_SCOPE ".%s", t->name);
        if (e == ZT_OK) e = zt_tset_add(dst, name, t->dtype, t->sh, &copy);
        if (e != ZT_OK) return e;
        memcpy(copy->data, t->data, (size_t)zt_numel(&t->sh) * zt_dtype_bytes(t->dtype));
    }
    return ZT_OK;
}

zt_err zt_perceptual_load(zt_perceptual *p, const char *dir) {
    zt_model_dir m;
    *p = (zt_perceptual){0};
    zt_err e = zt_model_dir_load(&m, dir);
    if (e == ZT_OK && !m.net.classifier)
        e = zt_fail(ZT_CONFIG, "%s: %s makes clips; features to compare clips by are those of a classifier: give the RUN/model "
                               "of zoe train configs/judge-move-32.yaml", dir, zt_net_name(&m.net));
    if (e == ZT_OK) e = copy_weights(&p->params, &m.params);
    if (e == ZT_OK) {
        memcpy(p->hash, m.hash, sizeof p->hash);
        p->net = m.net;
        m.net = (zt_net){0};
    }
    zt_model_dir_finish(&m);
    if (e != ZT_OK) zt_perceptual_finish(p);
    return e;
}

void zt_perceptual_finish(zt_perceptual *p) {
    zt_net_finish(&p->net);
    zt_tset_finish(&p->params);
    *p = (zt_perceptual){0};
}

zt_err zt_perceptual_check(const zt_perceptual *p, int64_t frames, int64_t height, int64_t width) {
    return p->net.classifier->check(p->net.cfg, frames, height, width);
}

/* ---- the distance ------------------------------------------------------------------------------------------------- */
static zt_classified look(zt_perceptual *p, zt_node *video) {
    zt_nn nn = {.g = video->g, .params = &p->params, .frozen = true};
    zt_push(nn.g, ZT_PERCEPTUAL_SCOPE);
    const zt_classified out = p->net.classifier->build(&nn, video, p->net.cfg, p->net.n_heads, p->net.head);
    zt_pop(nn.g);
    return out;
}

/* [..,C] -> vectors whose C squares have mean 1, so that a mean over channels is the sum that unit vectors would have. */
static zt_node *normalised(zt_node *x) {
    return zt_rms_norm(x, NULL, zt_last(&x->sh), 1e-6);
}

static zt_node *layer_distance(zt_node *a, zt_node *b) {             /* [B,T,H,W,C] both -> [B] */
    const int64_t B = a->sh.d[0];
    return zt_reshape(zt_mean_to(zt_square(zt_sub(normalised(a), normalised(b))), zt_sh(B, 1, 1, 1, 1)), zt_sh(B));
}

zt_node *zt_perceptual_distance(zt_perceptual *p, zt_node *a, zt_node *b) {
    zt_err e = zt_graph_error(a->g);
    if (e == ZT_OK && (a->sh.n != 5 || zt_last(&a->sh) != ZT_RGB || !zt_same_shape(&a->sh, &b->sh)))
        e = zt_fail(ZT_SHAPE, "perceptual distance: both clips must be [B,T,H,W,3]; they are %s and %s", zt_shape_text(&a->sh),
                    zt_shape_text(&b->sh));
    if (e == ZT_OK) e = zt_perceptual_check(p, a->sh.d[1], a->sh.d[2], a->sh.d[3]);
    if (e != ZT_OK) return zt_graph_fail(a->g, e);
    const zt_classified of_a = look(p, a), of_b = look(p, b);
    if ((e = zt_graph_error(a->g)) != ZT_OK) return zt_graph_fail(a->g, e);
    zt_push(a->g, ZT_PERCEPTUAL_SCOPE);
    zt_node *sum = layer_distance(of_a.layer[0], of_b.layer[0]);
    for (int k = 1; k < of_a.n_layers; k++) sum = zt_add(sum, layer_distance(of_a.layer[k], of_b.layer[k]));
    sum = zt_affine(sum, 1.0 / of_a.n_layers, 0);
    zt_pop(a->g);
    return sum;
}
