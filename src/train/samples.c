/* samples.c - sample grids of a run. */
#include "train/samples.h"
#include <stdio.h>
#include "base/file.h"
#include "base/str.h"
#include "media/image.h"
#include "media/writer.h"
#include "pipeline/sampling.h"

enum { CLIPS = ZT_SAMPLE_CLIPS };

static zt_err choose_prompts(const zt_dataset *ds, const char *prompt[CLIPS], zt_str *list) {
    const char *split = zt_dataset_count(ds, "val") > 0 ? "val" : "train";
    const int64_t n = zt_dataset_count(ds, split);
    for (int k = 0; k < CLIPS; k++) {
        zt_clip_view clip;
        const zt_err e = zt_dataset_clip(ds, split, k * n / CLIPS, &clip);
        if (e != ZT_OK) return e;
        prompt[k] = clip.caption;
        zt_str_addf(list, "%s\n", clip.caption);
    }
    return list->failed ? ZT_NOMEM : ZT_OK;
}

zt_err zt_run_samples_write(const float *x, const zt_net *net, const char *out, int64_t step) {
    const int64_t clip_n = net->frames * net->height * net->width * ZT_RGB;
    char dir[ZT_PATH_MAX], path[ZT_PATH_MAX];
    zt_frames clips[CLIPS] = {{0}}, strip = {0}, sheet = {0};
    zt_err e;
    ZT_TRY(e = zt_path_join(dir, out, "samples"), done);
    ZT_TRY(e = zt_dir_make(dir), done);
    for (int k = 0; k < CLIPS; k++) {
        ZT_TRY(e = zt_frames_create(&clips[k], (int)net->frames, (int)net->height, (int)net->width, net->fps), done);
        zt_floats_to_rgb(x + k * clip_n, clips[k].rgb, clip_n);
    }
    ZT_TRY(e = zt_film_strip(clips, CLIPS, 8, 1, &strip), done);
    ZT_TRY(e = zt_format(path, sizeof path, "%s/step-%08lld.png", dir, (long long)step), done);
    ZT_TRY(e = zt_video_write(path, &strip, NULL), done);
    ZT_TRY(e = zt_contact_sheet(clips, CLIPS, 4, 1, &sheet), done);
    ZT_TRY(e = zt_format(path, sizeof path, "%s/step-%08lld.mp4", dir, (long long)step), done);
    e = zt_video_write(path, &sheet, NULL);
done:
    for (int k = 0; k < CLIPS; k++) zt_frames_finish(&clips[k]);
    zt_frames_finish(&strip);
    zt_frames_finish(&sheet);
    return e;
}

zt_err zt_run_samples(const zt_train_cfg *c, const zt_dataset *ds, zt_tset *ema, const zt_bpe *tok, const char *out,
                      int64_t step) {
    const zt_net *net = &c->net;
    const int64_t clip_n = net->frames * net->height * net->width * ZT_RGB;
    const bool guided = c->train.sample_cfg_scale != 1;
    const char *prompt[CLIPS];
    char dir[ZT_PATH_MAX], list_path[ZT_PATH_MAX];
    zt_sampling *s = NULL;
    zt_str list = {0};
    float *x = zt_alloc_array((size_t)(clip_n * CLIPS), sizeof *x);
    zt_err e = x ? zt_path_join(dir, out, "samples") : ZT_NOMEM;
    ZT_TRY(e, done);
    ZT_TRY(e = zt_dir_make(dir), done);
    ZT_TRY(e = choose_prompts(ds, prompt, &list), done);
    ZT_TRY(e = zt_path_join(list_path, dir, "prompts.txt"), done);
    if (!zt_file_exists(list_path)) ZT_TRY(e = zt_file_write(list_path, list.buf, list.len), done);
    ZT_TRY(e = zt_sampling_create(&s, net, ema, tok, &c->diffusion, CLIPS / 2, guided, zt_precision_multiply(c->run.precision)),
           done);
    const zt_sampling_request request = {.n = CLIPS, .prompt = prompt, .steps = (int)c->train.sample_steps,
                                         .cfg_scale = c->train.sample_cfg_scale, .sampler = ZT_SAMPLER_DDIM, .seed = 1};
    ZT_TRY(e = zt_sampling_run(s, &request, x), done);
    e = zt_run_samples_write(x, net, out, step);
done:
    zt_sampling_destroy(&s);
    zt_str_finish(&list);
    zt_free(x);
    return e;
}
