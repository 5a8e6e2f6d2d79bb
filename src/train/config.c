/* config.c - option tables of the training sections, and reading and writing a whole config. */
#include "train/config.h"
#include <string.h>
#include "base/file.h"
#include "base/str.h"
#include "data/loader.h"

static const zt_opt run_options[] = {
    {"seed", ZT_OPT_INT, ZT_OPT_AT(zt_run_cfg, seed), "1", 0, 9007199254740991.0, NULL, 0,
     "seed of weights, data order, times and noise"},
    {"precision", ZT_OPT_ENUM, ZT_OPT_AT(zt_run_cfg, precision), "f32", 0, 0, ZT_PRECISION_CHOICES, 0,
     "f32; bf16: matmuls, convolutions and attention round their factors to bf16 (sums, weights and all else stay f32)"},
    {"f32_scopes", ZT_OPT_STR, ZT_OPT_AT(zt_run_cfg, f32_scopes), "", 0, 0, NULL, 0,
     "with bf16: parts that stay f32, such as text,head or blocks.0 (the names in front of the parameters')"},
    {"tune", ZT_OPT_BOOL, ZT_OPT_AT(zt_run_cfg, tune), "false", 0, 0, NULL, 0,
     "when a run starts, time the kernels that can do each product and keep the fastest (RUN/kernels.json, which a resumed run "
     "reads); two runs may then differ in the last bits, unless the second takes the first one's kernels"},
    {"kernels", ZT_OPT_STR, ZT_OPT_AT(zt_run_cfg, kernels), "", 0, 0, NULL, 0,
     "kernels.json of a run tuned on such a machine, to be used again"},
};
static const zt_opt data_options[] = {
    {"path", ZT_OPT_STR, ZT_OPT_AT(zt_data_cfg, path), NULL, 0, 0, NULL, 0, "data set folder (made by zoe synth or zoe ingest)"},
    {"policy", ZT_OPT_STR, ZT_OPT_AT(zt_data_cfg, policy), "", 0, 0, NULL, 0,
     "file of rules for what may be trained on (licences, people, consent; zoe data rights --help lists them); empty: none"},
    {"frames", ZT_OPT_INT, ZT_OPT_AT(zt_data_cfg, frames), "0", 0, 1024, NULL, 0, "frames per clip; 0: the data set's"},
    {"height", ZT_OPT_INT, ZT_OPT_AT(zt_data_cfg, height), "0", 0, 4096, NULL, 0, "pixels; 0: the data set's"},
    {"width", ZT_OPT_INT, ZT_OPT_AT(zt_data_cfg, width), "0", 0, 4096, NULL, 0, "pixels; 0: the data set's"},
    {"buckets", ZT_OPT_STR, ZT_OPT_AT(zt_data_cfg, buckets), "", 0, 0, NULL, 0,
     "train on clips of several sizes, each batch of one: auto, every size that has a batch of clips; or a list of frames x "
     "height x width such as 16x64x96,32x64x64. Clips of other sizes are cut (with resize scaled) to the nearest; empty: one "
     "size"},
    {"bucket_batch", ZT_OPT_ENUM, ZT_OPT_AT(zt_data_cfg, bucket_batch), "same", 0, 0, ZT_BUCKET_BATCH_CHOICES, 0,
     "same: train.batch clips of every bucket; pixels: train.batch of the one with the most clips, of others so many that a "
     "batch has about as many pixels"},
    {"flip", ZT_OPT_BOOL, ZT_OPT_AT(zt_data_cfg, flip), "false", 0, 0, NULL, 0,
     "mirror half of the clips; left and right swap in captions (not where labels say no_flip)"},
    {"crop", ZT_OPT_BOOL, ZT_OPT_AT(zt_data_cfg, crop), "true", 0, 0, NULL, 0,
     "random place of a smaller crop (else the centre)"},
    {"jitter", ZT_OPT_BOOL, ZT_OPT_AT(zt_data_cfg, jitter), "true", 0, 0, NULL, 0,
     "random start in longer clips (else the middle)"},
    {"resize", ZT_OPT_BOOL, ZT_OPT_AT(zt_data_cfg, resize), "false", 0, 0, NULL, 0,
     "scale clips of other sizes until they just cover height x width (else they are only cropped)"},
    {"stretch", ZT_OPT_REAL, ZT_OPT_AT(zt_data_cfg, stretch), "1", 1, ZT_LOADER_STRETCH_MAX, NULL, 0,
     "play clips faster or slower, up to this factor either way"},
    {"rotate", ZT_OPT_REAL, ZT_OPT_AT(zt_data_cfg, rotate), "0", 0, ZT_LOADER_ROTATE_MAX, NULL, 0,
     "turn by up to so many degrees either way"},
    {"brightness", ZT_OPT_REAL, ZT_OPT_AT(zt_data_cfg, brightness), "0", 0, 1, NULL, 0, "times 1-x .. 1+x"},
    {"contrast", ZT_OPT_REAL, ZT_OPT_AT(zt_data_cfg, contrast), "0", 0, 1, NULL, 0, "times 1-x .. 1+x"},
    {"saturation", ZT_OPT_REAL, ZT_OPT_AT(zt_data_cfg, saturation), "0", 0, 1, NULL, 0, "times 1-x .. 1+x"},
    {"hue", ZT_OPT_REAL, ZT_OPT_AT(zt_data_cfg, hue), "0", 0, 180, NULL, 0, "turned by up to so many degrees either way"},
    {"curriculum_frames", ZT_OPT_INTS, ZT_OPT_AT(zt_data_cfg, curriculum_frames), NULL, 1, 1024, NULL, 0,
     "short clips first: frames of the stages before the full length, such as 4,8; none: no stages"},
    {"curriculum_sides", ZT_OPT_INTS, ZT_OPT_AT(zt_data_cfg, curriculum_sides), NULL, 1, 4096, NULL, 0,
     "small clips first: heights in pixels of those stages (the width follows), clips resized"},
    {"curriculum_part", ZT_OPT_REAL, ZT_OPT_AT(zt_data_cfg, curriculum_part), "0.5", 0.001, 1, NULL, 0,
     "part of the steps that the stages share equally"},
    {"pixels", ZT_OPT_ENUM, ZT_OPT_AT(zt_data_cfg, pixels), "standard", 0, 0, ZT_PIXELS_CHOICES, 0,
     "what a denoiser sees: standard: mean 0, standard deviation 0.5 (of the training clips); signed: -1..1, as adversarial "
     "models "
     "always do; unit: 0..1"},
};
#define AT(field) ZT_OPT_AT(zt_steps_cfg, field)
static const zt_opt train_options[] = {
    {"steps", ZT_OPT_INT, AT(steps), "10000", 1, 1e9, NULL, 0, "optimiser steps"},
    {"batch", ZT_OPT_INT, AT(batch), "16", 1, 4096, NULL, 0, "clips per step"},
    {"optimiser", ZT_OPT_ENUM, AT(optimiser), "adamw", 0, 0, ZT_OPTIMISER_CHOICES, 0,
     "adamw; muon: the same for vectors, tables and the last layer, Muon for the matrices between; adam: weight decay is part of "
     "the gradient; sgd: with momentum; rmsprop; lion: wants a third to a tenth of AdamW's lr"},
    {"lr", ZT_OPT_REAL, AT(lr), "2e-4", 0, 1, NULL, 0, "highest learning rate"},
    {"min_lr", ZT_OPT_REAL, AT(min_lr), "0", 0, 1, NULL, 0, "learning rate at the end of the cosine"},
    {"warmup", ZT_OPT_INT, AT(warmup), "100", 0, 1e9, NULL, 0, "steps of linear warm-up"},
    {"weight_decay", ZT_OPT_REAL, AT(weight_decay), "0.01", 0, 10, NULL, 0, "decay of matrices and kernels"},
    {"beta1", ZT_OPT_REAL, AT(beta1), "0.9", 0, 0.9999, NULL, 0, "AdamW, Adam, Lion"},
    {"beta2", ZT_OPT_REAL, AT(beta2), "0.99", 0, 0.99999, NULL, 0, "AdamW, Adam, RMSProp, Lion"},
    {"eps", ZT_OPT_REAL, AT(eps), "1e-8", 1e-12, 1, NULL, 0, "AdamW, Adam, RMSProp"},
    {"momentum", ZT_OPT_REAL, AT(momentum), "0.95", 0, 0.9999, NULL, 0, "Muon and SGD"},
    {"nesterov", ZT_OPT_BOOL, AT(nesterov), "false", 0, 0, NULL, 0, "SGD steps ahead along its momentum (Muon always does)"},
    {"clip", ZT_OPT_REAL, AT(clip), "1", 0, 1e6, NULL, 0, "largest global gradient norm; 0: no clipping"},
    {"ema", ZT_OPT_REAL, AT(ema), "0.999", 0, 0.999999, NULL, 0, "decay of the averaged weights per step"},
    {"checkpoint_every", ZT_OPT_INT, AT(checkpoint_every), "1000", 1, 1e9, NULL, 0, "steps between checkpoints"},
    {"keep", ZT_OPT_INT, AT(keep), "2", 1, 1000, NULL, 0, "checkpoints kept"},
    {"val_every", ZT_OPT_INT, AT(val_every), "500", 1, 1e9, NULL, 0, "steps between validation losses"},
    {"patience", ZT_OPT_INT, AT(patience), "0", 0, 1000000, NULL, 0,
     "stop after this many validations without a better one; 0: never"},
    /* from here on not of classifiers */
    {"recompute", ZT_OPT_BOOL, AT(recompute), "false", 0, 0, NULL, 0,
     "keep only what enters each block, and compute its inside again for the gradient: a third more work, far less memory"},
    {"sample_every", ZT_OPT_INT, AT(sample_every), "1000", 1, 1e9, NULL, 0, "steps between sample grids"},
    /* from here on of denoisers only */
    {"accumulate", ZT_OPT_INT, AT(accumulate), "1", 1, 4096, NULL, 0,
     "parts the batch is computed in, one after another, their gradients added: memory of a part, the step of the whole"},
    {"temporal_weight", ZT_OPT_REAL, AT(temporal_weight), "0", 0, 1000, NULL, 0,
     "weight of the temporal loss (arXiv:1808.00449): squared difference between frames of the predicted clip and the next ones, "
     "warped by the flow that is found in the real clip, but for what is hidden there; the noisier the clip, the less it counts; "
     "0: none"},
    {"perceptual_weight", ZT_OPT_REAL, AT(perceptual_weight), "0", 0, 1000, NULL, 0,
     "weight of the perceptual loss (arXiv:1801.03924): squared distance between what the layers of a frozen classifier make of "
     "the predicted clip and of the real one; the noisier the clip, the less it counts; 0: none"},
    {"perceptual_net", ZT_OPT_STR, AT(perceptual_net), "", 0, 0, NULL, 0,
     "model folder of that classifier, such as RUN/model of zoe train configs/judge-move-32.yaml"},
    {"perceptual_sha256", ZT_OPT_STR, AT(perceptual_sha256), "", 0, 0, NULL, 0,
     "SHA-256 of its model.safetensors: another network is refused; empty: any (the run's own config.yaml then has that of the "
     "one used, so that a run goes on with the same)"},
    {"text_drop", ZT_OPT_REAL, AT(text_drop), "0.1", 0, 1, NULL, 0, "part of the clips trained without caption (for guidance)"},
    {"image_prob", ZT_OPT_REAL, AT(image_prob), "0.2", 0, 1, NULL, 0, "part of the clips trained with the first frame given"},
    {"prefix_prob", ZT_OPT_REAL, AT(prefix_prob), "0.2", 0, 1, NULL, 0,
     "part of the clips trained with 2..prefix_max frames given"},
    {"prefix_text_drop", ZT_OPT_REAL, AT(prefix_text_drop), "0.5", 0, 1, NULL, 0,
     "part of the clips with 2 or more frames given that are trained without caption (for prediction)"},
    {"known_weight", ZT_OPT_REAL, AT(known_weight), "1", 0, 100, NULL, 0,
     "weight of the clips with frames given: their error is small, for little is left to chance"},
    {"prefix_max", ZT_OPT_INT, AT(prefix_max), "4", 2, 512, NULL, 0, "most frames given in training for prediction"},
    {"val_batches", ZT_OPT_INT, AT(val_batches), "4", 1, 10000, NULL, 0,
     "batches of the validation loss (same clips and noise every time)"},
    {"sample_steps", ZT_OPT_INT, AT(sample_steps), "16", 1, 1000, NULL, 0, "sampling steps of the grids"},
    {"sample_cfg_scale", ZT_OPT_REAL, AT(sample_cfg_scale), "2", 0, 100, NULL, 0, "guidance of the grids"},
};
enum { DENOISER_OPTIONS = 14, MAKER_OPTIONS = DENOISER_OPTIONS + 2 };
#undef AT
static const zt_opts run_opts = {run_options, sizeof run_options / sizeof *run_options};
static const zt_opts data_opts = {data_options, sizeof data_options / sizeof *data_options};
static const zt_opts train_opts = {train_options, sizeof train_options / sizeof *train_options};
static const zt_opts gan_train_opts = {train_options, sizeof train_options / sizeof *train_options - DENOISER_OPTIONS};
static const zt_opts classify_train_opts = {train_options, sizeof train_options / sizeof *train_options - MAKER_OPTIONS};

typedef struct section { const char *name; zt_opts opts; void *cfg; } section;
enum { N_SECTIONS = 5 };

/* The sections this model's config has; returns their number. */
static int sections(zt_train_cfg *c, section s[N_SECTIONS]) {
    const bool gan = c->net.gan, classifier = c->net.classifier;
    int n = 0;
    s[n++] = (section){"data", data_opts, &c->data};
    s[n++] = (section){"model", zt_net_opts(&c->net), c->net.cfg};
    if (gan) {
        s[n++] = (section){"gan", zt_gan_opts, &c->gan};
    } else if (classifier) {
        s[n++] = (section){"classify", zt_classify_opts, &c->classify};
    } else {
        s[n++] = (section){"text", zt_text_opts, &c->net.text};
        s[n++] = (section){"diffusion", zt_diffusion_opts, &c->diffusion};
    }
    s[n++] = (section){"train", gan ? gan_train_opts : classifier ? classify_train_opts : train_opts, &c->train};
    return n;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */
/* model.name decides which options exist, so it is looked up first: in the overrides, then in the file. */
static zt_err choose_model(zt_train_cfg *c, const char *path, json_t *root, int n, char *const *overrides) {
    json_t *model = json_object_get(root, "model");
    const char *name = json_is_object(model) ? json_string_value(json_object_get(model, "name")) : NULL;
    for (int k = 0; k < n; k++)
        if (strncmp(overrides[k], "model.name=", 11) == 0) name = overrides[k] + 11;
    if (!name)
        return zt_fail(ZT_CONFIG, "%s: model.name is missing; write \"model:\" and under it \"name: unet3d\", vdit or mocogan",
                       path);
    const zt_err e = zt_net_init(&c->net, name);
    if (e == ZT_OK && json_is_object(model)) json_object_del(model, "name");
    return e;
}

static zt_err unknown_key(const zt_train_cfg *c, const char *where, const char *key, int n_sections, const section *s) {
    const char *names[N_SECTIONS + 8];
    int n = 0;
    for (int k = 0; k < n_sections; k++) names[n++] = s[k].name;
    for (int k = 0; k < run_opts.n; k++) names[n++] = run_opts.opt[k].name;
    const char *near = zt_nearest_name(key, names, n);
    return zt_fail(ZT_CONFIG, "%s: %.64s is not a section or option of %s%s%s%s", where, key, zt_net_name(&c->net),
                   near ? "; did you mean " : "", near ? near : "",
                   near             ? "?"
                   : c->net.gan ? "; sections are data, model, gan, train"
                   : c->net.classifier ? "; sections are data, model, classify, train"
                                       : "; sections are data, model, text, diffusion, train");
}

/* Options of section train that this kind of model does without: said so, for they are no misspellings. */
static zt_err check_kind(const zt_train_cfg *c, const section *s, const char *where, const char *key) {
    if (strcmp(s->name, "train") != 0) return ZT_OK;
    for (int k = s->opts.n; k < train_opts.n; k++)
        if (strcmp(train_opts.opt[k].name, key) == 0)
            return zt_fail(ZT_CONFIG, "%strain.%s is not an option of %s, which is %s: only %s have it; leave it out", where, key,
                           zt_net_name(&c->net), c->net.gan ? "adversarial" : "a classifier",
                           k < gan_train_opts.n ? "models that make clips" : "denoisers (unet3d, vdit)");
    return ZT_OK;
}

static zt_err read_section(zt_train_cfg *c, const section *s, const char *path, const json_t *options) {
    char where[1200], file[1100];
    const char *key;
    json_t *value;
    zt_err e;
    if (!json_is_object(options)) return zt_fail(ZT_CONFIG, "%s: %s: want a mapping of options under it", path, s->name);
    ZT_TRY(e = zt_format(where, sizeof where, "%.1000s: %s.", path, s->name), done);
    ZT_TRY(e = zt_format(file, sizeof file, "%.1000s: ", path), done);
    json_object_foreach((json_t *)(uintptr_t)options, key, value) ZT_TRY(e = check_kind(c, s, file, key), done);
    e = zt_opt_from_json(s->opts, s->cfg, where, options);
done:
    return e;
}

static zt_err read_sections(zt_train_cfg *c, const char *path, json_t *root) {
    section s[N_SECTIONS];
    const int n = sections(c, s);
    json_t *top = json_object();
    char where[1200];
    zt_err e = ZT_OK;
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        int k = 0;
        while (k < n && strcmp(s[k].name, key) != 0) k++;
        if (k < n) {
            ZT_TRY(e = read_section(c, &s[k], path, value), done);
        } else if (json_is_object(value)) {
            e = unknown_key(c, path, key, n, s);
            goto done;
        } else {
            json_object_set(top, key, value);
        }
    }
    ZT_TRY(e = zt_format(where, sizeof where, "%.1000s: ", path), done);
    e = zt_opt_from_json(run_opts, &c->run, where, top);
done:
    json_decref(top);
    return e;
}

static zt_err apply_override(zt_train_cfg *c, const char *text) {
    section s[N_SECTIONS];
    const int n = sections(c, s);
    const char *eq = strchr(text, '='), *dot = strchr(text, '.');
    if (!eq) return zt_fail(ZT_CONFIG, "%.200s: want key=value, such as train.lr=1e-3", text);
    char key[128];
    const zt_err e = zt_format(key, sizeof key, "%.*s", (int)(eq - text < 127 ? eq - text : 127), text);
    if (e != ZT_OK) return e;
    if (strcmp(key, "model.name") == 0) return ZT_OK;
    if (!dot || dot > eq) {
        for (int k = 0; k < run_opts.n; k++)
            if (strcmp(run_opts.opt[k].name, key) == 0) return zt_opt_set(run_opts, &c->run, "command line: ", key, eq + 1);
        return unknown_key(c, "command line", key, n, s);
    }
    for (int k = 0; k < n; k++) {
        const size_t len = strlen(s[k].name);
        if ((size_t)(dot - text) != len || strncmp(s[k].name, text, len) != 0) continue;
        char where[160];
        const zt_err of_kind = check_kind(c, &s[k], "command line: ", key + len + 1);
        if (of_kind != ZT_OK) return of_kind;
        snprintf(where, sizeof where, "command line: %s.", s[k].name);
        return zt_opt_set(s[k].opts, s[k].cfg, where, key + len + 1, eq + 1);
    }
    key[dot - text < 127 ? dot - text : 127] = 0;
    return unknown_key(c, "command line", key, n, s);
}

static zt_err check(const zt_train_cfg *c) {
    if (!*c->data.path)
        return zt_fail(ZT_CONFIG, "data.path is not set; make a data set with zoe synth or zoe ingest and name its folder");
    if (c->net.gan) return zt_gan_cfg_check(&c->gan);
    if (c->net.classifier) {
        zt_head head[ZT_HEADS_MAX];
        int heads;
        return zt_classify_labels(&c->classify, head, &heads);
    }
    if (c->train.image_prob + c->train.prefix_prob > 1)
        return zt_fail(ZT_CONFIG, "train.image_prob=%g and train.prefix_prob=%g add up to more than 1", c->train.image_prob,
                       c->train.prefix_prob);
    return zt_diffusion_check(&c->diffusion);
}

zt_err zt_train_cfg_load(zt_train_cfg *c, const char *path, int n, char *const *overrides) {
    json_t *root = NULL;
    zt_err e;
    *c = (zt_train_cfg){0};
    ZT_TRY(e = zt_yaml_load(path, &root), done);
    if (!json_is_object(root)) {
        e = zt_fail(ZT_CONFIG, "%s: want a mapping of sections (data, model, train, ..)", path);
        goto done;
    }
    ZT_TRY(e = choose_model(c, path, root, n, overrides), done);
    zt_opt_defaults(run_opts, &c->run);
    section s[N_SECTIONS];
    const int n_sections = sections(c, s);
    for (int k = 0; k < n_sections; k++) zt_opt_defaults(s[k].opts, s[k].cfg);
    ZT_TRY(e = read_sections(c, path, root), done);
    for (int k = 0; k < n; k++) ZT_TRY(e = apply_override(c, overrides[k]), done);
    memcpy(c->net.f32_scopes, c->run.f32_scopes, sizeof c->net.f32_scopes);
    e = check(c);
done:
    json_decref(root);
    if (e != ZT_OK) zt_train_cfg_finish(c);
    return e;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */
json_t *zt_train_cfg_json(const zt_train_cfg *c) {
    section s[N_SECTIONS];
    const int n = sections((zt_train_cfg *)c, s);               /* only read here */
    json_t *root = zt_opt_to_json(run_opts, &c->run);
    for (int k = 0; root && k < n; k++) {
        json_t *part = zt_opt_to_json(s[k].opts, s[k].cfg);
        if (part && strcmp(s[k].name, "model") == 0) {
            json_t *named = json_pack("{s:s}", "name", zt_net_name(&c->net));
            json_object_update(named, part);
            json_decref(part);
            part = named;
        }
        if (json_object_set_new(root, s[k].name, part) != 0) {
            json_decref(root);
            return NULL;
        }
    }
    return root;
}

void zt_train_cfg_finish(zt_train_cfg *c) {
    zt_net_finish(&c->net);
    if (c->perceptual) zt_perceptual_finish(c->perceptual);
    zt_free(c->perceptual);
    c->perceptual = NULL;
}

void zt_train_cfg_help(FILE *f) {
    fprintf(f, "(top level)\n");
    zt_opt_help(run_opts, f);
    fprintf(f, "\ndata:\n");
    zt_opt_help(data_opts, f);
    for (int k = 0; k < zt_model_count(); k++) {
        const zt_model_def *m = zt_model_at(k);
        fprintf(f, "\nmodel: (name: %s) %s\n", m->name, m->doc);
        zt_opt_help(m->opts, f);
    }
    for (int k = 0; k < zt_gan_count(); k++) {
        fprintf(f, "\nmodel: (name: %s, adversarial) %s\n", zt_gan_at(k)->name, zt_gan_at(k)->doc);
        zt_opt_help(zt_gan_at(k)->opts, f);
    }
    for (int k = 0; k < zt_classifier_count(); k++) {
        fprintf(f, "\nmodel: (name: %s, classifier) %s\n", zt_classifier_at(k)->name, zt_classifier_at(k)->doc);
        zt_opt_help(zt_classifier_at(k)->opts, f);
    }
    fprintf(f, "\ntext: (of denoisers only)\n");
    zt_opt_help(zt_text_opts, f);
    fprintf(f, "\ndiffusion: (of denoisers only)\n");
    zt_opt_help(zt_diffusion_opts, f);
    fprintf(f, "\ngan: (of adversarial models only)\n");
    zt_opt_help(zt_gan_opts, f);
    fprintf(f, "\nclassify: (of classifiers only)\n");
    zt_opt_help(zt_classify_opts, f);
    fprintf(f, "\ntrain:\n");
    zt_opt_help(classify_train_opts, f);
    fprintf(f, "\ntrain: (not of classifiers)\n");
    zt_opt_help((zt_opts){train_options + classify_train_opts.n, MAKER_OPTIONS - DENOISER_OPTIONS}, f);
    fprintf(f, "\ntrain: (of denoisers only)\n");
    zt_opt_help((zt_opts){train_options + gan_train_opts.n, DENOISER_OPTIONS}, f);
}
