/* gan_generate.c - see gan_generate.h. Tested by tests/cli/test_gan.sh. */
#include "pipeline/gan_generate.h"
#include <stdio.h>
#include <string.h>
#include "base/str.h"


/* Where the first frame is given and all else follows from it. */
static zt_err check_from_frame(const zt_generate_cfg *c, const zt_net *net) {
    const char *name = zt_net_name(net);
    const char *drawn = c->interpolate_to >= 0 ? "interpolate"
                        : c->content_seed >= 0 ? "content_seed"
                        : c->motion_seed >= 0  ? "motion_seed"
                                               : NULL;
    if (drawn)
        return zt_fail(ZT_ARG, "%s: this %s draws no codes: its clip follows from the first frame; leave this out", drawn, name);
    if (c->num > 1)
        return zt_fail(ZT_ARG, "num=%d: all clips would be the same: those of this %s follow from the first frame; leave it out",
                       c->num, name);
    if (c->context_frames == 0)
        return zt_fail(ZT_ARG, "image: this %s makes a clip that begins with a given frame; give one (--image FILE)", name);
    if (c->context_frames > 1)
        return zt_fail(ZT_ARG, "context: %d frames; a clip of this %s begins with one; give 1, or an image", c->context_frames,
                       name);
    return ZT_OK;
}

static bool wants_styles(const zt_generate_cfg *c) {
    return c->truncation != 1 || c->style_seed >= 0;
}

zt_err zt_generate_check_kind(const zt_generate_cfg *c, const zt_net *net) {
    const bool from_frame = zt_net_from_frame(net);
    const struct { bool set; const char *name;
    } of_denoisers[] = {
        {c->prompt && *c->prompt, "prompt"}, {c->negative, "negative"}, {c->steps != 0, "steps"},
        {c->cfg_scale >= 0, "cfg_scale"},    {c->sampler, "sampler"},
        {c->context_frames && !from_frame, "context (image, video)"}};
    const struct { bool set; const char *name; } of_gans[] = {
        {c->content_seed >= 0, "content_seed"}, {c->motion_seed >= 0, "motion_seed"}, {c->interpolate_to >= 0, "interpolate"},
        {c->category, "category"}, {c->truncation != 1, "truncation"}, {c->style_seed >= 0, "style_seed"}};
    for (size_t k = 0; net->gan && k < sizeof of_denoisers / sizeof *of_denoisers; k++)
        if (of_denoisers[k].set)
            return zt_fail(ZT_ARG,
                           "%s: %s is an adversarial model: it makes clips in one pass, of %s%s; leave this out",
                           of_denoisers[k].name, net->gan->name,
                           from_frame ? "a first frame" : "codes drawn by seed, content_seed and motion_seed",
                           net->classes ? ", and of a category" : "");
    for (size_t k = 0; !net->gan && k < sizeof of_gans / sizeof *of_gans; k++)
        if (of_gans[k].set)
            return zt_fail(
                ZT_ARG,
                "%s: %s is a denoiser, which has no codes of its own: it starts from noise drawn by seed and follows a "
                "prompt; leave this out",
                of_gans[k].name, zt_net_name(net));
    if (!net->gan) return ZT_OK;
    if (!(c->truncation >= 0 && c->truncation <= 1)) return zt_fail(ZT_ARG, "truncation=%g; want 0 to 1", c->truncation);
    if (!zt_net_has_styles(net) && wants_styles(c))
        return zt_fail(ZT_ARG, "%s: layers of %s have no styles, as those of stylegan-v have; leave this out",
                       c->style_seed >= 0 ? "style_seed" : "truncation", net->gan->name);
    if (c->style_seed >= 0 && !(c->style_from >= 0 && c->style_from < c->style_to))
        return zt_fail(ZT_ARG, "style_seed: layers %d to %d take its style; want the first below the last", c->style_from,
                       c->style_to);
    if (from_frame) return check_from_frame(c, net);
    if (c->interpolate_to >= 0 && (c->content_seed < 0 || c->num < 2))
        return zt_fail(ZT_ARG, "interpolate: want content_seed (the first clip's) and 2 clips or more");
    if (c->content_seed >= 0 && c->motion_seed >= 0 && c->interpolate_to < 0 && c->num > 1)
        return zt_fail(ZT_ARG,
                       "content_seed and motion_seed are both given: all %d clips would be the same; leave one out, or num",
                       c->num);
    return ZT_OK;
}

static zt_err find_category(const char *name, const zt_net *net, int *category) {
    int64_t k = -1;
    *category = -1;
    if (!name) return ZT_OK;
    for (int64_t j = 0; j < net->classes; j++)
        if (strcmp(net->class_name[j], name) == 0) k = j;
    if (k < 0 && (!zt_parse_int(name, &k) || k < 0 || k >= net->classes)) {
        zt_str list = {0};
        for (int64_t j = 0; j < net->classes; j++)
            zt_str_addf(&list, "%s%s", j ? ", " : "", *net->class_name[j] ? net->class_name[j] : "a number");
        const zt_err e = net->classes == 0
                             ? zt_fail(ZT_ARG, "category %.40s: this model was trained without categories", name)
                             : zt_fail(ZT_ARG, "category %.40s: want 0..%lld%s%s", name, (long long)net->classes - 1,
                                       *net->class_name[0] ? " or " : "", *net->class_name[0] && list.buf ? list.buf : "");
        zt_str_finish(&list);
        return e;
    }
    *category = (int)k;
    return ZT_OK;
}

zt_err zt_generate_codes(const zt_generate_cfg *c, const zt_net *net, int k, zt_gan_codes *codes) {
    const bool mixing = c->interpolate_to >= 0;
    const uint64_t own = c->seed + (mixing ? 0 : (uint64_t)k);
    *codes = (zt_gan_codes){.content = c->content_seed >= 0 ? (uint64_t)c->content_seed : own,
                            .motion = c->motion_seed >= 0 ? (uint64_t)c->motion_seed : own};
    if (c->style_seed >= 0) {
        codes->style = (uint64_t)c->style_seed;
        codes->style_from = c->style_from;
        codes->style_to = c->style_to;
    }
    codes->to_mean = 1 - c->truncation;
    if (mixing) {
        codes->content_to = (uint64_t)c->interpolate_to;
        codes->mix = (double)k / (c->num - 1);
    }
    return find_category(c->category, net, &codes->category);
}

zt_generate_cfg zt_generate_of_clip(const zt_generate_cfg *c, const zt_net *net, int k, char text[16]) {
    zt_generate_cfg out = *c;
    zt_gan_codes codes;
    if (zt_generate_codes(c, net, k, &codes) != ZT_OK) return out;            /* checked before */
    const int category = zt_gan_category_of(net, &codes);
    out.content_seed = (int64_t)codes.content;
    out.motion_seed = (int64_t)codes.motion;
    snprintf(text, 16, "%d", category);
    out.category = category < 0 ? NULL : *net->class_name[category] ? net->class_name[category] : text;
    return out;
}

zt_err zt_gan_generate(const zt_generate_cfg *c, zt_model_dir *m, const zt_net *net, zt_dtype multiply, const float *frame,
                       float *x) {
    if (net->frames > m->net.frames && !zt_net_any_length(net))
        return zt_fail(ZT_CONFIG, "clips of %lld frames: this %s makes %lld, as it was trained to; want that or fewer",
                       (long long)net->frames, net->gan->name, (long long)m->net.frames);
    zt_net whole = *net;                                  /* fewer frames than trained: the beginning of a clip of that length */
    if (whole.frames < m->net.frames) whole.frames = m->net.frames;
    const int64_t values = net->height * net->width * ZT_RGB, kept = net->frames * values, made = whole.frames * values;
    const int pass = zt_gan_pass(&whole), batch = c->num < pass ? c->num : pass;
    zt_gan_codes codes[ZT_GAN_PASS];
    zt_gan_sampling *s = NULL;
    float *clips = zt_alloc_array((size_t)(made * batch), sizeof *clips);
    const int with = wants_styles(c) ? ZT_GAN_STYLED : 0;
    zt_err e = clips ? zt_gan_sampling_create(&s, &whole, &m->params, &m->states, batch, multiply, with) : ZT_NOMEM;
    if (e == ZT_OK && c->style_seed >= 0 && c->style_to > zt_gan_sampling_layers(s))
        e = zt_fail(ZT_ARG, "style_to=%d: this model has %d layers", c->style_to, zt_gan_sampling_layers(s));
    for (int done = 0; e == ZT_OK && done < c->num; done += batch) {
        const int n = c->num - done < batch ? c->num - done : batch;
        for (int k = 0; e == ZT_OK && k < n; k++) {
            e = zt_generate_codes(c, net, done + k, &codes[k]);
            codes[k].frame = frame;
        }
        if (e == ZT_OK) e = zt_gan_sampling_run(s, n, codes, clips, NULL, NULL);
        for (int k = 0; e == ZT_OK && k < n; k++) memcpy(x + (done + k) * kept, clips + k * made, (size_t)kept * sizeof *x);
        if (e == ZT_OK && c->on_step && !c->on_step(c->user, done + n, c->num)) e = zt_fail(ZT_CANCELLED, "stopped");
    }
    zt_gan_sampling_destroy(&s);
    zt_free(clips);
    return e;
}
