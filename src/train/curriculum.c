/* curriculum.c - see curriculum.h. Tested by tests/train/test_run_data.c and tests/cli/test_train_generate.sh. */
#include "train/curriculum.h"
#include <math.h>

int zt_curriculum_stages(const zt_train_cfg *c) {
    const int frames = c->data.curriculum_frames.n, sides = c->data.curriculum_sides.n;
    return frames > sides ? frames : sides;
}

zt_stage zt_curriculum_stage_at(const zt_train_cfg *c, int k) {
    const int n = zt_curriculum_stages(c);
    const zt_ints *f = &c->data.curriculum_frames, *s = &c->data.curriculum_sides;
    zt_stage out = {c->net.frames, c->net.height, c->net.width};
    if (f->n) out.frames = f->v[k * f->n / n];
    if (s->n) {
        out.height = s->v[k * s->n / n];
        out.width = (int64_t)floor((double)out.height * (double)c->net.width / (double)c->net.height + 0.5);
    }
    return out;
}

zt_stage zt_curriculum_stage(const zt_train_cfg *c, int64_t step) {
    const int n = zt_curriculum_stages(c);
    const double at = (double)step / ((double)c->train.steps * c->data.curriculum_part) * n;
    if (n == 0 || !(at < n)) return (zt_stage){c->net.frames, c->net.height, c->net.width};
    return zt_curriculum_stage_at(c, (int)at);
}

zt_train_cfg zt_curriculum_cfg(const zt_train_cfg *c, zt_stage s) {
    zt_train_cfg out = *c;
    if (s.height < c->net.height || s.width < c->net.width) out.data.resize = 1; /* the whole picture, not a part of it */
    out.net.frames = s.frames;
    out.net.height = s.height;
    out.net.width = s.width;
    return out;
}

zt_err zt_curriculum_check(const zt_train_cfg *c) {
    for (int k = 0; k < zt_curriculum_stages(c); k++) {
        const zt_stage s = zt_curriculum_stage_at(c, k);
        if (s.frames > c->net.frames || s.height > c->net.height || s.width > c->net.width)
            return zt_fail(ZT_CONFIG,
                           "data.curriculum_frames, curriculum_sides: a stage of %lld frames of %lldx%lld is larger than the "
                           "clips of the run, %lld of %lldx%lld",
                           (long long)s.frames, (long long)s.width, (long long)s.height, (long long)c->net.frames,
                           (long long)c->net.width, (long long)c->net.height);
        const zt_train_cfg stage = zt_curriculum_cfg(c, s);
        const zt_err e = zt_net_check(&stage.net);
        if (e != ZT_OK) return zt_fail_context(e, "data.curriculum_frames, curriculum_sides");
    }
    return ZT_OK;
}
