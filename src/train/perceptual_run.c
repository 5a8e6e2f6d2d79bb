/* perceptual_run.c - see perceptual_run.h. Tested by tests/cli/test_perceptual.sh. */
#include "train/perceptual_run.h"
#include <string.h>
#include "base/mem.h"
#include "train/buckets.h"
#include "train/curriculum.h"

static zt_err no_folder(const zt_steps_cfg *k) {
    return zt_fail(
        ZT_CONFIG,
        "train.perceptual_weight=%g compares clips as a network sees them, and train.perceptual_net does not say which: "
        "give the model folder of a classifier. One for the synthetic world is made in minutes: \"zoe synth --out "
        "judged --clips 6000 --hold-out 0 --test 0 --seed 700001\", then \"zoe train configs/judge-move-32.yaml --out "
        "judge data.path=judged\"; then train.perceptual_net=judge/model",
        k->perceptual_weight);
}

static zt_err check_hash(const zt_steps_cfg *k, const zt_perceptual *p) {
    if (!*k->perceptual_sha256 || strcmp(k->perceptual_sha256, p->hash) == 0) return ZT_OK;
    return zt_fail(
        ZT_CONFIG,
        "train.perceptual_net=%s: this is another network than the run's: SHA-256 %s, and train.perceptual_sha256=%s; give "
        "the folder of that one, or start a new run with train.perceptual_sha256 left out",
        k->perceptual_net, p->hash, k->perceptual_sha256);
}

static zt_err check_size(const zt_train_cfg *c, int64_t frames, int64_t height, int64_t width) {
    const zt_err e = zt_perceptual_check(c->perceptual, frames, height, width);
    return e == ZT_OK ? e : zt_fail_context(e, "train.perceptual_net=%s", c->train.perceptual_net);
}

/* It looks at clips of every bucket and stage. */
static zt_err check_sizes(const zt_train_cfg *c) {
    zt_err e = ZT_OK;
    for (int k = 0; e == ZT_OK && k < zt_bucket_count(c); k++) {
        const zt_train_cfg one = zt_bucket_cfg(c, k);
        e = check_size(c, one.net.frames, one.net.height, one.net.width);
    }
    for (int k = 0; e == ZT_OK && k < zt_curriculum_stages(c); k++) {
        const zt_stage s = zt_curriculum_stage_at(c, k);
        e = check_size(c, s.frames, s.height, s.width);
    }
    return e;
}

static zt_err load(zt_train_cfg *c) {
    zt_err e = zt_perceptual_load(c->perceptual, c->train.perceptual_net);
    if (e != ZT_OK) return zt_fail_context(e, "train.perceptual_net");
    if ((e = check_hash(&c->train, c->perceptual)) != ZT_OK) return e;
    return check_sizes(c);
}

zt_err zt_perceptual_run_open(zt_train_cfg *c) {
    zt_steps_cfg *k = &c->train;
    if (k->perceptual_weight <= 0 || c->perceptual) return ZT_OK;
    if (!*k->perceptual_net) return no_folder(k);
    c->perceptual = zt_alloc(sizeof *c->perceptual);
    if (!c->perceptual) return ZT_NOMEM;
    const zt_err e = load(c);
    if (e != ZT_OK) {
        zt_perceptual_finish(c->perceptual);
        zt_free(c->perceptual);
        c->perceptual = NULL;
        return e;
    }
    memcpy(k->perceptual_sha256, c->perceptual->hash, sizeof k->perceptual_sha256);
    return ZT_OK;
}
