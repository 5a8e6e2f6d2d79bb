/* generate.c - the public interface: load a model folder, generate, save labelled files. */
#include "zt/generate.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/str.h"
#include "media/image.h"
#include "media/writer.h"
#include "pipeline/gan_generate.h"
#include "trust/label.h"
#include "pipeline/sampling.h"
#include "text/prompt.h"

enum { MAX_CLIPS = 4096, MAX_STEPS = 1000, PASS_BYTES = 1 << 30 };

struct zt_model {
    zt_model_dir dir;
    zt_diffusion_cfg diffusion;
};

struct zt_clip {
    int n;
    zt_frames *frames;                   /* [n] */
    zt_media_tags *tags;                 /* [n] */
};

const char *zt_version(void) {
    return ZT_VERSION;
}

/* ---- model ----------------------------------------------------------------------------------------------------- */
zt_err zt_model_load(zt_model **out, const char *dir) {
    *out = NULL;
    zt_model *m = zt_alloc(sizeof *m);
    if (!m) return ZT_NOMEM;
    zt_err e;
    ZT_TRY(e = zt_model_dir_load(&m->dir, dir), done);
    if (!m->dir.net.model) goto done;
    zt_opt_defaults(zt_diffusion_opts, &m->diffusion);
    ZT_TRY(e = zt_opt_from_json(zt_diffusion_opts, &m->diffusion, "config.json: diffusion.", m->dir.diffusion), done);
    e = zt_diffusion_check(&m->diffusion);
done:
    if (e != ZT_OK) zt_model_free(&m);
    *out = m;
    return e;
}

void zt_model_free(zt_model **m) {
    if (!m || !*m) return;
    zt_model_dir_finish(&(*m)->dir);
    zt_free(*m);
    *m = NULL;
}

zt_model_info zt_model_get_info(const zt_model *m) {
    const zt_net *net = &m->dir.net;
    return (zt_model_info){zt_net_name(net), (int)net->frames, (int)net->height, (int)net->width, net->fps,
                           zt_tset_numel(&m->dir.params), m->dir.hash, net->gan != NULL, (int)net->classes,
                           zt_net_from_frame(net), net->classifier != NULL};
}

const char *zt_model_category(const zt_model *m, int k) {
    static const char *const number[ZT_CLASSES_MAX] = {
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
        "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
        "32", "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46", "47",
        "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63",
    };
    const zt_net *net = &m->dir.net;
    if (k < 0 || k >= net->classes) return NULL;
    return *net->class_name[k] ? net->class_name[k] : number[k];
}

bool zt_model_size(const zt_model *m, int k, int *frames, int *height, int *width) {
    const zt_net *net = &m->dir.net;
    const zt_size main = {(int)net->frames, (int)net->height, (int)net->width};
    if (k < 0 || k >= (net->sizes.n ? net->sizes.n : 1)) return false;
    const zt_size s = net->sizes.n ? net->sizes.v[k] : main;
    *frames = s.frames;
    *height = s.height;
    *width = s.width;
    return true;
}

/* ---- request --------------------------------------------------------------------------------------------------- */
zt_generate_cfg zt_generate_defaults(void) {
    return (zt_generate_cfg){.num = 1, .cfg_scale = -1, .seed = 1, .precision = "auto", .content_seed = -1, .motion_seed = -1,
                             .interpolate_to = -1, .truncation = 1, .style_seed = -1};
}

static zt_err sampler_of(const char *name, zt_sampler *s) {
    static const char *const names[] = {"ddpm", "ddim", "euler", "heun", "dpm++2m"};
    for (int k = 0; k < 5; k++)
        if (name && strcmp(names[k], name) == 0) {
            *s = (zt_sampler)k;
            return ZT_OK;
        }
    return zt_fail(ZT_ARG, "sampler %.40s: want %s", name ? name : "(null)", ZT_SAMPLER_CHOICES);
}

/* What a denoiser's request leaves open. */
static void settle(zt_generate_cfg *c) {
    if (c->steps == 0) c->steps = 32;
    if (c->cfg_scale < 0) c->cfg_scale = 2;
    if (!c->sampler) c->sampler = "ddim";
}

static zt_err check(const zt_generate_cfg *c, const zt_net *net) {
    if (c->num < 1 || c->num > MAX_CLIPS) return zt_fail(ZT_ARG, "num=%d: want 1..%d clips", c->num, MAX_CLIPS);
    if (!net->gan && (c->steps < 1 || c->steps > MAX_STEPS)) return zt_fail(ZT_ARG, "steps=%d: want 1..%d", c->steps, MAX_STEPS);
    if (!net->gan && !(c->cfg_scale >= 0 && c->cfg_scale <= 100))
        return zt_fail(ZT_ARG, "cfg_scale=%g: want 0..100", c->cfg_scale);
    if (!(c->fps >= 0 && c->fps <= 1000)) return zt_fail(ZT_ARG, "fps=%g: want 0 (the model's) or up to 1000", c->fps);
    if (c->video_frames < 0 || c->video_frames > 1024) return zt_fail(ZT_ARG, "video_frames=%d: want 1..1024", c->video_frames);
    if (c->context_frames < 0 || c->context_frames >= net->frames)
        return zt_fail(ZT_ARG, "%d known frames: want fewer than the %lld frames of the clip", c->context_frames,
                       (long long)net->frames);
    if (c->context_frames && (!c->context || c->context_height < 1 || c->context_width < 1))
        return zt_fail(ZT_ARG, "%d known frames without pixels", c->context_frames);
    zt_err e = c->prompt ? zt_prompt_check(c->prompt, strlen(c->prompt)) : ZT_OK;
    if (e == ZT_OK && c->negative) e = zt_prompt_check(c->negative, strlen(c->negative));
    zt_gan_codes codes;
    if (e == ZT_OK && net->gan) return zt_generate_codes(c, net, 0, &codes);
    return e != ZT_OK ? e : zt_net_check(net);
}

/* The size that is asked for: the first of the model's that has the height and width, and the frames if one has. */
zt_err zt_generate_size(const zt_model *m, const zt_generate_cfg *c, int *frames, int *height, int *width) {
    zt_size s, best = {0, 0, 0};
    zt_str list = {0};
    *frames = *height = *width = 0;
    if (m->dir.net.classifier)
        return zt_fail(ZT_CONFIG, "%s is a classifier, which looks at clips and makes none; see zoe eval --judge-net",
                       zt_net_name(&m->dir.net));
    for (int k = 0; zt_model_size(m, k, &s.frames, &s.height, &s.width); k++) {
        const bool fits = (!c->height || c->height == s.height) && (!c->width || c->width == s.width);
        if (fits && (!best.frames || (c->video_frames == s.frames && c->video_frames != best.frames))) best = s;
        zt_str_addf(&list, "%s%dx%d (%d frames)", k ? ", " : "", s.width, s.height, s.frames);
    }
    zt_err e = ZT_OK;
    if (!best.frames)
        e = zt_fail(ZT_CONFIG, "width %d, height %d: this model makes clips of %.400s", c->width, c->height,
                    list.buf ? list.buf : "");
    zt_str_finish(&list);
    *frames = c->video_frames > 0 ? c->video_frames : best.frames;
    *height = best.height;
    *width = best.width;
    return e;
}

/* The known frames at the model's size, the same for each of n clips. */
static zt_err known_frames(const zt_generate_cfg *c, const zt_net *net, int n, float **known, uint8_t **mask) {
    const int64_t frame = net->height * net->width * ZT_RGB, clip = net->frames * frame;
    uint8_t *rgb = zt_alloc((size_t)frame);
    *known = zt_alloc_array((size_t)(clip * n), sizeof **known);
    *mask = zt_alloc_array((size_t)(net->frames * n), 1);
    zt_err e = rgb && *known && *mask ? ZT_OK : ZT_NOMEM;
    for (int t = 0; e == ZT_OK && t < c->context_frames; t++) {
        const uint8_t *src = c->context + (size_t)t * (size_t)c->context_height * (size_t)c->context_width * 3;
        e = zt_image_fit(src, c->context_width, c->context_height, rgb, (int)net->width, (int)net->height);
        for (int k = 0; e == ZT_OK && k < n; k++) {
            zt_rgb_to_floats(rgb, *known + k * clip + t * frame, frame);
            (*mask)[k * net->frames + t] = 1;
        }
    }
    zt_free(rgb);
    return e;
}

/* Clips per pass: as many as fit a gigabyte of activations by a rough measure, at most 16. */
static int pass_size(const zt_net *net, int n) {
    const int64_t clip = net->frames * net->height * net->width * (int64_t)sizeof(float) * 64;
    const int64_t fit = PASS_BYTES / clip;
    return (int)(fit < 1 ? 1 : fit > 16 ? (n < 16 ? n : 16) : fit < n ? fit : n);
}

static zt_err sample(zt_model *m, const zt_generate_cfg *c, const zt_net *net, zt_dtype multiply, float *x) {
    const char **prompt = zt_alloc_array((size_t)c->num, sizeof *prompt);
    zt_sampling *s = NULL;
    float *known = NULL;
    uint8_t *mask = NULL;
    zt_sampler sampler = ZT_SAMPLER_DDIM;
    zt_err e = prompt ? sampler_of(c->sampler, &sampler) : ZT_NOMEM;
    if (e == ZT_OK && c->context_frames) e = known_frames(c, net, c->num, &known, &mask);
    ZT_TRY(e, done);
    for (int k = 0; k < c->num; k++) prompt[k] = c->prompt ? c->prompt : "";
    ZT_TRY(e = zt_sampling_create(&s, net, &m->dir.params, &m->dir.tok, &m->diffusion, pass_size(net, c->num), c->cfg_scale != 1,
                                  multiply),
           done);
    const zt_sampling_request r = {.n = c->num, .prompt = prompt, .negative = c->negative, .known = known, .mask = mask,
                                   .steps = c->steps, .cfg_scale = c->cfg_scale, .sampler = sampler, .seed = c->seed,
                                   .on_step = c->on_step, .user = c->user};
    e = zt_sampling_run(s, &r, x);
done:
    zt_sampling_destroy(&s);
    zt_free(known);
    zt_free(mask);
    zt_free(prompt);
    return e;
}

static zt_err make(zt_model *m, const zt_generate_cfg *c, const zt_net *net, zt_dtype multiply, float *x) {
    float *known = NULL;
    uint8_t *mask = NULL;
    if (!net->gan) return sample(m, c, net, multiply, x);
    zt_err e = c->context_frames ? known_frames(c, net, 1, &known, &mask) : ZT_OK;       /* of one frame, checked before */
    if (e == ZT_OK) e = zt_gan_generate(c, &m->dir, net, multiply, known, x);
    zt_free(known);
    zt_free(mask);
    return e;
}

/* ---- result ---------------------------------------------------------------------------------------------------- */
static zt_err make_clip(zt_clip **out, const zt_model *m, const zt_generate_cfg *c, const zt_net *net, const float *x) {
    const int64_t n = net->frames * net->height * net->width * ZT_RGB;
    zt_model_info info = zt_model_get_info(m);
    info.frames = (int)net->frames;
    info.height = (int)net->height;
    info.width = (int)net->width;
    zt_clip *clip = zt_alloc(sizeof *clip);
    zt_err e = clip ? ZT_OK : ZT_NOMEM;
    if (clip) {
        clip->n = c->num;
        clip->frames = zt_alloc_array((size_t)c->num, sizeof *clip->frames);
        clip->tags = zt_alloc_array((size_t)c->num, sizeof *clip->tags);
        if (!clip->frames || !clip->tags) e = ZT_NOMEM;
    }
    for (int k = 0; e == ZT_OK && k < c->num; k++) {
        e = zt_frames_create(&clip->frames[k], (int)net->frames, (int)net->height, (int)net->width,
                             c->fps > 0 ? c->fps : net->fps);
        if (e == ZT_OK) zt_floats_to_rgb(x + k * n, clip->frames[k].rgb, n);
        char number[16];
        const zt_generate_cfg own = net->gan ? zt_generate_of_clip(c, net, k, number) : *c;
        if (e == ZT_OK) e = zt_label_tags(&clip->tags[k], &own, &info, k);
    }
    if (e != ZT_OK) zt_clip_free(&clip);
    *out = clip;
    return e;
}

zt_err zt_generate(zt_model *m, const zt_generate_cfg *asked, zt_clip **out) {
    zt_size size;
    zt_generate_cfg c = *asked;                      /* with the precision that is used, for the label */
    zt_dtype multiply = ZT_F32;
    *out = NULL;
    zt_err e = zt_generate_size(m, &c, &size.frames, &size.height, &size.width);
    const zt_net net = zt_net_at(&m->dir.net, size);
    if (e == ZT_OK) e = zt_generate_check_kind(&c, &net);
    if (!net.gan) settle(&c);
    if (e == ZT_OK) e = check(&c, &net);
    if (e == ZT_OK) e = zt_sampling_precision(c.precision, &multiply);
    if (e != ZT_OK) return e;
    c.precision = zt_dtype_name(multiply);
    float *x = zt_alloc_array((size_t)(c.num * net.frames * net.height * net.width * ZT_RGB), sizeof *x);
    e = x ? make(m, &c, &net, multiply, x) : ZT_NOMEM;
    if (e == ZT_OK) e = make_clip(out, m, &c, &net, x);
    zt_free(x);
    return e;
}

void zt_clip_free(zt_clip **clip) {
    if (!clip || !*clip) return;
    for (int k = 0; k < (*clip)->n; k++) {
        if ((*clip)->frames) zt_frames_finish(&(*clip)->frames[k]);
        if ((*clip)->tags) zt_media_tags_finish(&(*clip)->tags[k]);
    }
    zt_free((*clip)->frames);
    zt_free((*clip)->tags);
    zt_free(*clip);
    *clip = NULL;
}

int zt_clip_count(const zt_clip *clip) {
    return clip->n;
}

const uint8_t *zt_clip_pixels(const zt_clip *clip, int k, int *frames, int *height, int *width) {
    if (k < 0 || k >= clip->n) return NULL;
    const zt_frames *f = &clip->frames[k];
    if (frames) *frames = f->frames;
    if (height) *height = f->height;
    if (width) *width = f->width;
    return f->rgb;
}

/* out.mp4 -> out-3.mp4; out_%04d.png -> out-3_%04d.png: the number goes before the pattern or the suffix. */
static zt_err numbered(char *dst, size_t cap, const char *path, int k) {
    const char *dot = strrchr(path, '.'), *percent = strrchr(path, '%'), *cut = percent ? percent : dot;
    if (percent && percent > path && percent[-1] == '_') cut = percent - 1;
    if (!cut) return zt_fail(ZT_ARG, "%s: the name needs a suffix: .mp4, .gif, .webp or _%%04d.png", path);
    return zt_format(dst, cap, "%.*s-%d%s", (int)(cut - path), path, k, cut);
}

/* One after another, as one clip: what a pipe takes. */
static zt_err save_joined(const zt_clip *clip, const char *path) {
    const zt_frames *first = &clip->frames[0];
    const size_t bytes = zt_frame_bytes(first) * (size_t)first->frames;
    zt_frames all = {0};
    zt_err e = zt_frames_create(&all, first->frames * clip->n, first->height, first->width, first->fps);
    for (int k = 0; e == ZT_OK && k < clip->n; k++) memcpy(all.rgb + (size_t)k * bytes, clip->frames[k].rgb, bytes);
    if (e == ZT_OK) e = zt_video_write(path, &all, &clip->tags[0]);
    zt_frames_finish(&all);
    return e;
}

/* The first clip's label, with the settings of all. */
static zt_err grid_tags(const zt_clip *clip, zt_media_tags *tags) {
    zt_str all = {0};
    zt_err e = ZT_OK;
    for (int k = 0; e == ZT_OK && k < clip->tags[0].n; k++)
        e = zt_media_tags_set(tags, clip->tags[0].tag[k].key, clip->tags[0].tag[k].value);
    for (int k = 0; k < clip->n; k++)
        zt_str_addf(&all, "%sseed=%s %s", k ? "\n" : "", zt_media_tags_get(&clip->tags[k], "seed"),
                    zt_media_tags_get(&clip->tags[k], "settings"));
    if (e == ZT_OK) e = all.failed ? ZT_NOMEM : zt_media_tags_set(tags, "grid", all.buf);
    zt_str_finish(&all);
    return e;
}

zt_err zt_clip_save_grid(const zt_clip *clip, int columns, const char *path) {
    zt_frames sheet = {0};
    zt_media_tags tags = {0};
    zt_err e = zt_contact_sheet(clip->frames, clip->n, columns, 1, &sheet);
    if (e == ZT_OK) e = grid_tags(clip, &tags);
    if (e == ZT_OK) e = zt_video_write(path, &sheet, &tags);
    zt_media_tags_finish(&tags);
    zt_frames_finish(&sheet);
    return e;
}

zt_err zt_clip_save(const zt_clip *clip, const char *path) {
    char name[4096];
    if (clip->n > 1 && strcmp(path, "-") == 0) return save_joined(clip, path);
    zt_err e = ZT_OK;
    for (int k = 0; e == ZT_OK && k < clip->n; k++) {
        if (clip->n > 1) e = numbered(name, sizeof name, path, k + 1);
        if (e == ZT_OK) e = zt_video_write(clip->n > 1 ? name : path, &clip->frames[k], &clip->tags[k]);
    }
    return e;
}
