/* model_dir.c - a model folder on disk: config.json, model.safetensors, tokenizer.json. */
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/hash.h"
#include "models/net.h"
#include "nn/safetensors.h"

enum { MAX_CONFIG = 1 << 20 };

typedef struct video_cfg { int64_t frames, height, width; double fps, mean, scale; char sizes[ZT_SIZES_TEXT]; } video_cfg;
static const zt_opt video_options[] = {
    {"frames", ZT_OPT_INT, ZT_OPT_AT(video_cfg, frames), "16", 1, 1024, NULL, 0, "frames of a clip"},
    {"height", ZT_OPT_INT, ZT_OPT_AT(video_cfg, height), "32", 1, 4096, NULL, 0, "pixels"},
    {"width", ZT_OPT_INT, ZT_OPT_AT(video_cfg, width), "32", 1, 4096, NULL, 0, "pixels"},
    {"fps", ZT_OPT_REAL, ZT_OPT_AT(video_cfg, fps), "8", 0.01, 1000, NULL, 0, "frames per second"},
    {"mean", ZT_OPT_REAL, ZT_OPT_AT(video_cfg, mean), "0", -1, 1, NULL, 0, "mean of the training pixels in [-1,1]: subtracted"},
    {"scale", ZT_OPT_REAL, ZT_OPT_AT(video_cfg, scale), "1", 1e-3, 100, NULL, 0, "then divided by this"},
    {"sizes", ZT_OPT_STR, ZT_OPT_AT(video_cfg, sizes), "", 0, 0, NULL, 0,
     "all sizes it was trained at, frames x height x width; empty: the one above"},
};
static const zt_opts video_opts = {video_options, sizeof video_options / sizeof *video_options};

/* ---- reading --------------------------------------------------------------------------------------------------- */
static zt_err section(const json_t *config, const char *name, const char *where, json_t **out) {
    *out = json_object_get(config, name);
    return json_is_object(*out)
               ? ZT_OK
               : zt_fail(ZT_FORMAT, "%s: section \"%s\" is missing; this is not a whole model folder", where, name);
}

/* Section gan: {"classes": 4, "class_names": ["left", ..]}; of categories found in training the names are "". */
static zt_err read_classes(zt_net *net, const json_t *config, const char *where) {
    json_t *gan;
    const zt_err e = section(config, "gan", where, &gan);
    if (e != ZT_OK) return e;
    const json_t *names = json_object_get(gan, "class_names"), *count = json_object_get(gan, "classes");
    const json_int_t n = json_integer_value(count);
    bool good = json_is_integer(count) && n >= 0 && n <= ZT_CLASSES_MAX && json_array_size(names) == (size_t)n;
    for (json_int_t k = 0; good && k < n; k++) {
        const char *name = json_string_value(json_array_get(names, (size_t)k));
        good = name && strlen(name) < ZT_CLASS_NAME_MAX;
        if (good) snprintf(net->class_name[k], ZT_CLASS_NAME_MAX, "%s", name);
    }
    net->classes = good ? n : 0;
    return good ? ZT_OK
                : zt_fail(ZT_FORMAT, "%s: section \"gan\": want classes (0..%d) and class_names, a list of as many short names",
                          where, ZT_CLASSES_MAX);
}

/* Section classify: {"heads": [{"label": "colour", "classes": ["blue", ..]}, ..]}. */
static bool read_head(zt_head *h, const json_t *from) {
    const char *label = json_string_value(json_object_get(from, "label"));
    const json_t *names = json_object_get(from, "classes");
    const size_t n = json_array_size(names);
    bool good = label && *label && strlen(label) < sizeof h->label && n > 1 && n <= ZT_CLASSES_MAX;
    if (good) snprintf(h->label, sizeof h->label, "%s", label);
    for (size_t k = 0; good && k < n; k++) {
        const char *name = json_string_value(json_array_get(names, k));
        good = name && *name && strlen(name) < ZT_CLASS_NAME_MAX;
        if (good) snprintf(h->class_name[k], ZT_CLASS_NAME_MAX, "%s", name);
    }
    h->classes = good ? (int64_t)n : 0;
    return good;
}

static zt_err read_heads(zt_net *net, const json_t *config, const char *where) {
    json_t *classify;
    const zt_err e = section(config, "classify", where, &classify);
    if (e != ZT_OK) return e;
    const json_t *heads = json_object_get(classify, "heads");
    const size_t n = json_array_size(heads);
    bool good = n > 0 && n <= ZT_HEADS_MAX;
    for (size_t k = 0; good && k < n; k++) good = read_head(&net->head[k], json_array_get(heads, k));
    net->n_heads = good ? (int)n : 0;
    return good ? ZT_OK
                : zt_fail(ZT_FORMAT,
                          "%s: section \"classify\": want heads, a list of 1..%d, each with a short label and classes, a "
                          "list of 2..%d short names",
                          where, ZT_HEADS_MAX, ZT_CLASSES_MAX);
}

static zt_err read_net(zt_net *net, const json_t *config, const char *where) {
    json_t *model, *text, *video;
    zt_err e;
    ZT_TRY(e = section(config, "model", where, &model), done);
    ZT_TRY(e = section(config, "video", where, &video), done);
    const char *name = json_string_value(json_object_get(model, "name"));
    if (!name) return zt_fail(ZT_FORMAT, "%s: model.name is missing", where);
    ZT_TRY(e = zt_net_init(net, name), done);
    json_t *options = json_copy(model);
    json_object_del(options, "name");
    e = zt_opt_from_json(zt_net_opts(net), net->cfg, "config.json: model.", options);
    json_decref(options);
    ZT_TRY(e, done);
    if (net->model) {
        ZT_TRY(e = section(config, "text", where, &text), done);
        ZT_TRY(e = zt_opt_from_json(zt_text_opts, &net->text, "config.json: text.", text), done);
    } else if (net->gan) ZT_TRY(e = read_classes(net, config, where), done);
    else ZT_TRY(e = read_heads(net, config, where), done);
    video_cfg v;
    zt_opt_defaults(video_opts, &v);
    ZT_TRY(e = zt_opt_from_json(video_opts, &v, "config.json: video.", video), done);
    net->frames = v.frames;
    net->height = v.height;
    net->width = v.width;
    net->fps = v.fps;
    net->mean = v.mean;
    net->scale = v.scale;
    ZT_TRY(e = zt_sizes_parse(&net->sizes, v.sizes, "config.json: video.sizes"), done);
    for (int k = 0; k < net->sizes.n; k++) {
        const zt_net other = zt_net_at(net, net->sizes.v[k]);
        ZT_TRY(e = zt_net_check(&other), done);
    }
    const char *scopes = json_string_value(json_object_get(config, "f32_scopes"));
    if (scopes) ZT_TRY(e = zt_format(net->f32_scopes, sizeof net->f32_scopes, "%s", scopes), done);
    e = zt_net_check(net);
done:
    return e;
}

/* Build the graph once, so that the sets hold every name and shape the file must have. */
static zt_err expected(zt_model_dir *m) {
    zt_graph *g;
    zt_err e = zt_graph_create(&g);
    if (e != ZT_OK) return e;
    zt_nn nn = {.g = g, .params = &m->params, .states = &m->states};
    if (m->net.gan) {
        const zt_gan_size size = zt_net_gan_size(&m->net);
        zt_gan_latent z[ZT_GAN_LATENTS];
        zt_node *leaf[ZT_GAN_LATENTS];
        const int n = m->net.gan->latents(m->net.cfg, &size, 1, z);
        for (int k = 0; k < n; k++) leaf[k] = zt_input(g, z[k].name, ZT_F32, z[k].sh);
        m->net.gan->generate(&nn, m->net.cfg, &size, leaf, false);
    } else if (m->net.classifier) {
        zt_node *video = zt_input(g, "video", ZT_F32, zt_sh(1, m->net.frames, m->net.height, m->net.width, ZT_RGB));
        m->net.classifier->build(&nn, video, m->net.cfg, m->net.n_heads, m->net.head);
    } else {
        const zt_net_in in = zt_net_inputs(g, &m->net, 1);
        zt_net_build(&nn, &m->net, &in);
    }
    e = zt_graph_error(g);
    zt_graph_destroy(&g);
    return e;
}

static zt_err load_weights(zt_model_dir *m, const char *path) {
    zt_tset all = {0};
    zt_err e;
    ZT_TRY(e = expected(m), done);
    ZT_TRY(e = zt_tset_share(&all, &m->params, ""), done);
    ZT_TRY(e = zt_tset_share(&all, &m->states, ""), done);
    e = zt_safetensors_load_into(path, &all);
done:
    zt_tset_finish(&all);
    return e;
}

/* What only a denoiser's folder has. */
static zt_err load_denoiser(zt_model_dir *m, const char *dir, const json_t *config, const char *where) {
    char path[ZT_PATH_MAX];
    json_t *diffusion;
    zt_err e;
    ZT_TRY(e = section(config, "diffusion", where, &diffusion), done);
    m->diffusion = json_incref(diffusion);
    ZT_TRY(e = zt_path_join(path, dir, "tokenizer.json"), done);
    ZT_TRY(e = zt_bpe_load(&m->tok, path), done);
    m->net.vocab = m->tok.vocab_size;
done:
    return e;
}

zt_err zt_model_dir_load(zt_model_dir *m, const char *dir) {
    char path[ZT_PATH_MAX];
    json_t *config = NULL;
    zt_err e;
    *m = (zt_model_dir){0};
    if (!zt_is_dir(dir))
        return zt_fail(ZT_NOTFOUND, "%s: no such model folder; give the folder that holds config.json (RUN/model)", dir);
    ZT_TRY(e = zt_path_join(path, dir, "config.json"), done);
    ZT_TRY(e = zt_json_load(path, MAX_CONFIG, &config), done);
    const char *format = json_string_value(json_object_get(config, "format"));
    if (!format || strcmp(format, "zoetrope-model") != 0) {
        e = zt_fail(ZT_FORMAT, "%s: \"format\" is %.40s; want \"zoetrope-model\"", path, format ? format : "missing");
        goto done;
    }
    ZT_TRY(e = read_net(&m->net, config, path), done);
    if (m->net.model) ZT_TRY(e = load_denoiser(m, dir, config, path), done);
    ZT_TRY(e = zt_path_join(path, dir, "model.safetensors"), done);
    ZT_TRY(e = load_weights(m, path), done);
    e = zt_sha256_file(path, m->hash);
done:
    json_decref(config);
    if (e != ZT_OK) zt_model_dir_finish(m);
    return e;
}

void zt_model_dir_finish(zt_model_dir *m) {
    zt_net_finish(&m->net);
    zt_tset_finish(&m->params);
    zt_tset_finish(&m->states);
    zt_bpe_finish(&m->tok);
    json_decref(m->diffusion);
    *m = (zt_model_dir){0};
}

/* ---- writing --------------------------------------------------------------------------------------------------- */
/* "model" and "video", which every folder's config has. */
static json_t *describe(const zt_net *net) {
    video_cfg v = {.frames = net->frames, .height = net->height, .width = net->width, .fps = net->fps, .mean = net->mean,
                   .scale = net->scale};
    zt_sizes_text(&net->sizes, v.sizes);
    json_t *video = zt_opt_to_json(video_opts, &v);
    if (video && net->sizes.n == 0) json_object_del(video, "sizes");
    json_t *model = json_pack("{s:s}", "name", zt_net_name(net)), *options = zt_opt_to_json(zt_net_opts(net), net->cfg);
    if (model && options) json_object_update(model, options);
    json_decref(options);
    return json_pack("{s:s, s:i, s:s, s:s, s:o, s:o}", "format", "zoetrope-model", "version", 1, "zoe", ZT_VERSION, "f32_scopes",
                     net->f32_scopes, "model", model, "video", video);
}

static json_t *describe_classes(const zt_net *net) {
    json_t *names = json_array();
    for (int64_t k = 0; k < net->classes; k++) json_array_append_new(names, json_string(net->class_name[k]));
    return json_pack("{s:I, s:o}", "classes", (json_int_t)net->classes, "class_names", names);
}

static zt_err write_files(const char *dir, const zt_net *net, const zt_tset *params, const zt_bpe *tok, const json_t *config) {
    char path[ZT_PATH_MAX];
    zt_err e;
    ZT_TRY(e = zt_dir_make(dir), done);
    ZT_TRY(e = zt_path_join(path, dir, "model.safetensors"), done);
    json_t *meta = json_pack("{s:s, s:s}", "format", "zoetrope", "model", zt_net_name(net));
    e = zt_safetensors_save(path, params, meta);
    json_decref(meta);
    ZT_TRY(e, done);
    if (tok) {
        ZT_TRY(e = zt_path_join(path, dir, "tokenizer.json"), done);
        ZT_TRY(e = zt_bpe_save(tok, path), done);
    }
    ZT_TRY(e = zt_path_join(path, dir, "config.json"), done);
    ZT_TRY(e = zt_json_save(path, config), done);
    e = zt_dir_sync(dir);
done:
    return e;
}

/* Takes over `config` (NULL: no memory for it). */
static zt_err save(const char *dir, const zt_net *net, const zt_tset *params, const zt_bpe *tok, json_t *config) {
    char fresh[ZT_PATH_MAX];
    zt_err e;
    if (!config) return zt_fail(ZT_NOMEM, "%s: no memory to describe the model", dir);
    ZT_TRY(e = zt_format(fresh, sizeof fresh, "%s.new", dir), done);
    ZT_TRY(e = zt_dir_remove(fresh), done);
    ZT_TRY(e = write_files(fresh, net, params, tok, config), done);
    e = zt_dir_swap(fresh, dir);
done:
    json_decref(config);
    return e;
}

zt_err zt_model_dir_save(const char *dir, const zt_net *net, const zt_tset *params, const zt_bpe *tok, const json_t *diffusion) {
    json_t *config = describe(net);
    json_object_set_new(config, "text", zt_opt_to_json(zt_text_opts, &net->text));
    json_object_set(config, "diffusion", (json_t *)diffusion);
    return save(dir, net, params, tok, config);
}

zt_err zt_model_dir_save_gan(const char *dir, const zt_net *net, const zt_tset *weights) {
    json_t *config = describe(net);
    json_object_set_new(config, "gan", describe_classes(net));
    return save(dir, net, weights, NULL, config);
}

static json_t *describe_heads(const zt_net *net) {
    json_t *heads = json_array();
    for (int i = 0; i < net->n_heads; i++) {
        json_t *names = json_array();
        for (int64_t k = 0; k < net->head[i].classes; k++) json_array_append_new(names, json_string(net->head[i].class_name[k]));
        json_array_append_new(heads, json_pack("{s:s, s:o}", "label", net->head[i].label, "classes", names));
    }
    return json_pack("{s:o}", "heads", heads);
}

zt_err zt_model_dir_save_classifier(const char *dir, const zt_net *net, const zt_tset *params) {
    json_t *config = describe(net);
    json_object_set_new(config, "classify", describe_heads(net));
    return save(dir, net, params, NULL, config);
}
