/* classifying.c - see classifying.h. Tested by tests/pipeline/test_judge_net.c. */
#include "pipeline/classifying.h"
#include <string.h>
#include "init.h"
#include "pipeline/sampling.h"

struct zt_classifying {
    int batch, n_heads;
    zt_graph *g;
    zt_plan *plan;
    zt_node *video;
    zt_classified out;
};

zt_err zt_classifying_create(zt_classifying **out, const zt_net *net, zt_tset *params, int batch, zt_dtype multiply, bool dry) {
    *out = NULL;
    zt_classifying *s = zt_alloc(sizeof *s);
    if (!s) return ZT_NOMEM;
    s->batch = batch;
    s->n_heads = net->n_heads;
    zt_node *outputs[ZT_HEADS_MAX + 1];
    zt_err e;
    ZT_TRY(e = zt_net_check(net), done);
    ZT_TRY(e = zt_graph_create(&s->g), done);
    zt_graph_set_multiply(s->g, multiply);
    zt_nn nn = {.g = s->g, .params = params};
    s->video = zt_input(s->g, "video", ZT_F32, zt_sh(batch, net->frames, net->height, net->width, ZT_RGB));
    s->out = net->classifier->build(&nn, s->video, net->cfg, net->n_heads, net->head);
    ZT_TRY(e = zt_graph_error(s->g), done);
    zt_graph_keep_f32(s->g, net->f32_scopes);
    memcpy(outputs, s->out.logits, sizeof s->out.logits);
    outputs[net->n_heads] = s->out.features;
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params, .dry = dry};
    e = zt_plan_create(&s->plan, s->g, net->n_heads + 1, outputs, &cfg);
done:
    if (e != ZT_OK) zt_classifying_destroy(&s);
    *out = s;
    return e;
}

void zt_classifying_destroy(zt_classifying **s) {
    if (!s || !*s) return;
    zt_plan_destroy(&(*s)->plan);
    zt_graph_destroy(&(*s)->g);
    zt_free(*s);
    *s = NULL;
}

int64_t zt_classifying_bytes(const zt_classifying *s) {
    return zt_plan_bytes(s->plan);
}

int64_t zt_classifying_features(const zt_classifying *s) {
    return zt_last(&s->out.features->sh);
}

int64_t zt_classifying_logits(const zt_classifying *s) {
    int64_t sum = 0;
    for (int k = 0; k < s->n_heads; k++) sum += zt_last(&s->out.logits[k]->sh);
    return sum;
}

static void gather_logits(const zt_classifying *s, int64_t row, float *to) {
    for (int k = 0; k < s->n_heads; k++) {
        const int64_t n = zt_last(&s->out.logits[k]->sh);
        memcpy(to, (const float *)s->out.logits[k]->x + row * n, (size_t)n * sizeof *to);
        to += n;
    }
}

zt_err zt_classifying_run(zt_classifying *s, const uint8_t *rgb, int64_t n, float *features, float *logits) {
    const int64_t clip = zt_numel(&s->video->sh) / s->batch, F = zt_classifying_features(s), L = zt_classifying_logits(s);
    for (int64_t done = 0; done < n; done += s->batch) {
        const int64_t rows = n - done < s->batch ? n - done : s->batch;
        float *x = s->video->x;
        zt_rgb_to_floats(rgb + done * clip, x, rows * clip);
        memset(x + rows * clip, 0, (size_t)((s->batch - rows) * clip) * sizeof *x);
        const zt_err e = zt_plan_run(s->plan);
        if (e != ZT_OK) return e;
        if (features) memcpy(features + done * F, s->out.features->x, (size_t)(rows * F) * sizeof *features);
        for (int64_t k = 0; logits && k < rows; k++) gather_logits(s, k, logits + (done + k) * L);
    }
    return ZT_OK;
}

void zt_classes_of(const zt_net *net, const float *logits, int *class) {
    for (int i = 0; i < net->n_heads; i++) {
        class[i] = 0;
        for (int k = 1; k < net->head[i].classes; k++)
            if (logits[k] > logits[class[i]]) class[i] = k;
        logits += net->head[i].classes;
    }
}

int zt_head_find(const zt_net *net, const char *label) {
    for (int k = 0; k < net->n_heads; k++)
        if (strcmp(net->head[k].label, label) == 0) return k;
    return -1;
}

int zt_head_class(const zt_head *head, const char *name) {
    for (int k = 0; k < head->classes; k++)
        if (strcmp(head->class_name[k], name) == 0) return k;
    return -1;
}
