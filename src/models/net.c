/* net.c - building a complete network: encoded text, known frames beside the noise, the model. The folder is in model_dir.c. */
#include "models/net.h"
#include <string.h>

zt_err zt_net_init(zt_net *net, const char *name) {
    *net = (zt_net){.gan = zt_gan_find(name), .scale = 1};
    if (!net->gan) net->classifier = zt_classifier_find(name);
    if (!net->gan && !net->classifier) net->model = zt_model_find(name);
    if (!net->gan && !net->classifier && !net->model) return ZT_CONFIG;
    net->cfg = zt_alloc(net->gan ? net->gan->cfg_size : net->classifier ? net->classifier->cfg_size : net->model->cfg_size);
    if (!net->cfg) return ZT_NOMEM;
    zt_opt_defaults(zt_net_opts(net), net->cfg);
    zt_opt_defaults(zt_text_opts, &net->text);
    return ZT_OK;
}

const char *zt_net_name(const zt_net *net) {
    return net->gan ? net->gan->name : net->classifier ? net->classifier->name : net->model->name;
}
zt_opts zt_net_opts(const zt_net *net) {
    return net->gan ? net->gan->opts : net->classifier ? net->classifier->opts : net->model->opts;
}
zt_gan_size zt_net_gan_size(const zt_net *net) {
    return (zt_gan_size){.frames = net->frames, .height = net->height, .width = net->width, .classes = net->classes};
}

bool zt_net_from_frame(const zt_net *net) {
    const zt_gan_size size = zt_net_gan_size(net);
    zt_gan_latent z[ZT_GAN_LATENTS];
    const int n = net->gan ? net->gan->latents(net->cfg, &size, 1, z) : 0;
    for (int k = 0; k < n; k++)
        if (z[k].draw == ZT_GAN_FRAME) return true;
    return false;
}

bool zt_net_has_styles(const zt_net *net) {
    return net->gan && net->gan->styles;
}

bool zt_net_any_length(const zt_net *net) {
    zt_gan_size size = zt_net_gan_size(net);
    zt_gan_latent z[ZT_GAN_LATENTS], longer[ZT_GAN_LATENTS];
    const int n = net->gan ? net->gan->latents(net->cfg, &size, 1, z) : 0;
    size.frames *= 4;
    if (net->gan) net->gan->latents(net->cfg, &size, 1, longer);
    for (int k = 0; k < n; k++)
        if (zt_numel(&longer[k].sh) > zt_numel(&z[k].sh)) return true;
    return false;
}

void zt_net_finish(zt_net *net) {
    zt_free(net->cfg);
    *net = (zt_net){0};
}

zt_err zt_net_check(const zt_net *net) {
    if (net->frames < 1 || net->height < 1 || net->width < 1 || net->frames > 1024 || net->height > 4096 || net->width > 4096)
        return zt_fail(ZT_CONFIG, "clips of %lldx%lldx%lld (frames x height x width); want 1..1024 frames and sides of 1..4096",
                       (long long)net->frames, (long long)net->height, (long long)net->width);
    const zt_gan_size size = zt_net_gan_size(net);
    if (net->gan) return net->gan->check(net->cfg, &size);
    if (net->classifier) return net->classifier->check(net->cfg, net->frames, net->height, net->width);
    if (net->text.dim % net->text.heads)
        return zt_fail(ZT_CONFIG, "text.heads=%lld does not divide text.dim=%lld", (long long)net->text.heads,
                       (long long)net->text.dim);
    return net->model->check(net->cfg, net->frames, net->height, net->width);
}

zt_net zt_net_at(const zt_net *net, zt_size size) {
    zt_net out = *net;
    out.frames = size.frames;
    out.height = size.height;
    out.width = size.width;
    return out;
}

void zt_net_mask_inputs(zt_net_in *in, zt_graph *g, const zt_net *net, int64_t b) {
    const zt_shape sh = zt_sh(b, net->frames);
    in->mask = zt_input(g, "mask", zt_graph_real(g), sh);
    in->last = zt_input(g, "last", ZT_I32, sh);
    in->before = zt_input(g, "before", ZT_I32, sh);
    in->age = zt_input(g, "age", zt_graph_real(g), sh);
    in->span = zt_input(g, "span", zt_graph_real(g), sh);
}

zt_net_in zt_net_inputs(zt_graph *g, const zt_net *net, int64_t b) {
    const zt_shape clip = zt_sh(b, net->frames, net->height, net->width, ZT_RGB);
    const zt_dtype real = zt_graph_real(g);
    zt_net_in in = {.noisy = zt_input(g, "noisy", real, clip),
                    .known = zt_input(g, "known", real, clip),
                    .t01 = zt_input(g, "t01", real, zt_sh(b)),
                    .ids = zt_input(g, "ids", ZT_I32, zt_sh(b, net->text.length)),
                    .len = zt_input(g, "len", ZT_I32, zt_sh(b))};
    zt_net_mask_inputs(&in, g, net, b);
    return in;
}

void zt_net_show(const zt_net_in *in) {
    enum { SPAN_MAX = 3 }; /* frames: long enough for slow motion, short enough to be straight */
    const int64_t B = in->mask->sh.d[0], T = in->mask->sh.d[1];
    const float *mask = in->mask->x;
    float *age = in->age->x, *span = in->span->x;
    int32_t *last = in->last->x, *before = in->before->x;
    for (int64_t b = 0; b < B; b++)
        for (int64_t t = 0, seen = -1, first = -1; t < T; t++) {
            const int64_t at = b * T + t;
            if (mask[at] != 0) {
                if (seen < 0 || seen != at - 1) first = at;   /* a run of known frames begins */
                seen = at;
                if (seen - first > SPAN_MAX) first = seen - SPAN_MAX;
            }
            last[at] = (int32_t)seen;
            before[at] = (int32_t)first;
            age[at] = (float)(seen < 0 ? 0 : at - seen) / (float)T;
            span[at] = (float)(seen - first) / (float)T;
        }
}

static zt_node *plane(zt_node *per_frame, const zt_shape *s) {           /* [B,T] -> [B,T,H,W,1] */
    return zt_broadcast_to(zt_reshape(per_frame, zt_sh(s->d[0], s->d[1], 1, 1, 1)), zt_sh(s->d[0], s->d[1], s->d[2], s->d[3], 1));
}

/* The known frames that `rows` [B,T] says; zeros for -1. */
static zt_node *known_frames(const zt_net_in *in, zt_node *rows) {
    const zt_shape s = in->noisy->sh;
    zt_node *frames = zt_reshape(in->known, zt_sh(in->known->sh.d[0] * s.d[1], s.d[2] * s.d[3] * s.d[4]));
    return zt_reshape(zt_embedding(rows, frames), s);
}

/* Noise where a frame is unknown; the two known frames it is shown; which frames are known, how old the last one is, how far
 * apart the two are: 3 + 3 + 3 + 1 + 1 + 1 channels. */
static zt_node *with_known_frames(const zt_net_in *in) {
    const zt_shape s = in->noisy->sh;
    zt_node *unknown = zt_affine(zt_reshape(in->mask, zt_sh(s.d[0], s.d[1], 1, 1, 1)), -1, 1);
    zt_node *const parts[] = {zt_mul(in->noisy, unknown), known_frames(in, in->last), known_frames(in, in->before),
                              plane(in->mask, &s), plane(in->age, &s), plane(in->span, &s)};
    return zt_concat(4, 6, parts);
}

zt_node *zt_net_build(zt_nn *nn, const zt_net *net, const zt_net_in *in) {
    const zt_model_in m = {.x = with_known_frames(in),
                           .t01 = in->t01,
                           .text = zt_text_encode(nn, in->ids, in->len, net->vocab, &net->text),
                           .text_len = in->len,
                           .out_channels = ZT_RGB};
    return net->model->build(nn, &m, net->cfg);
}

int zt_net_tokens(const zt_net *net, const zt_bpe *tok, const char *prompt, int32_t *ids, bool *truncated) {
    const int max = (int)net->text.length;
    memset(ids, 0, (size_t)max * sizeof *ids);
    return zt_bpe_encode(tok, prompt, ids, max - 1, truncated) + 1;           /* the end mark counts: len >= 1 */
}
