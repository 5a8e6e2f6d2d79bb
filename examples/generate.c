/* generate.c - a whole C program that makes a labelled clip: cc generate.c $(pkg-config --cflags --libs zt)
 * Usage: generate MODEL_DIR PROMPT OUT.mp4 */
#include <stdio.h>
#include <zt/generate.h>

static bool progress(void *user, int done, int total) {
    (void)user;
    fprintf(stderr, "\rstep %d of %d", done, total);
    return true; /* false would stop */
}

int main(int argc, char **argv) {
    zt_model *model = NULL;
    zt_clip *clip = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: generate MODEL_DIR PROMPT OUT.mp4\n");
        return 2;
    }
    zt_generate_cfg cfg = zt_generate_defaults();
    cfg.prompt = argv[2];
    cfg.steps = 16;
    cfg.on_step = progress;
    zt_err e = zt_model_load(&model, argv[1]);
    if (e == ZT_OK) e = zt_generate(model, &cfg, &clip);
    if (e == ZT_OK) e = zt_clip_save(clip, argv[3]);
    fprintf(stderr, "\n%s\n", e == ZT_OK ? "done" : zt_err_text());
    zt_clip_free(&clip);
    zt_model_free(&model);
    return e == ZT_OK ? 0 : 1;
}
