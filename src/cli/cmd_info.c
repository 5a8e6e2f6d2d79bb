/* cmd_info.c - `zoe info`: what this build and this machine can do. It measures nothing (that is bench). */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "init.h"
#include "media/build.h"
#include "zt/generate.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

typedef struct info_args { int json; } info_args;

static const zt_opt OPTIONS[] = {
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(info_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

/* What can be written, and the FFmpeg encoder each needs (NULL: none). */
static const struct { const char *kind, *encoder; } OUTPUTS[] = {
    {"mp4", "libx264"}, {"gif", "gif"}, {"webp", "libwebp_anim"}, {"png", "png"}, {"y4m", NULL},
};
enum { N_OUTPUTS = sizeof OUTPUTS / sizeof OUTPUTS[0] };
static bool can_write(int i) {
    return !OUTPUTS[i].encoder || zt_media_has_encoder(OUTPUTS[i].encoder);
}

/* The processor's own name, from Linux' /proc/cpuinfo; "unknown" elsewhere. */
static void cpu_name(char *out, size_t cap) {
    char line[256];
    snprintf(out, cap, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f) return;
    while (fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(out, cap, "%s", colon + (colon[1] == ' ' ? 2 : 1));
        break;
    }
    fclose(f);
}

static int64_t memory_mb(void) {
    return zt_machine_memory_bytes() / (1 << 20);
}

static int print_json(const zt_backend_facts *b, const char *cpu) {
    json_t *out = json_object();
    for (int i = 0; i < N_OUTPUTS; i++)
        json_object_set_new(out, OUTPUTS[i].kind, json_boolean(can_write(i)));
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:I, s:s, s:s, s:o}", "version", ZT_VERSION, "compiler", COMPILER,
                          "cpu", cpu, "cpu_level", b->level, "bf16", b->bf16, "threads", b->threads, "memory_mb",
                          (json_int_t)memory_mb(), "onednn", b->onednn, "ffmpeg", zt_media_version(), "outputs", out);
    return zt_cli_print_json("info", j);
}

static void print_text(const zt_backend_facts *b, const char *cpu) {
    printf("zoe       %s, built with %s\n", ZT_VERSION, COMPILER);
    printf("processor %s\n", cpu);
    printf("kernels   %s, %d OpenMP threads, oneDNN %s\n", b->level, b->threads, b->onednn);
    printf("memory    %lld MB\n", (long long)memory_mb());
    printf("media     FFmpeg %s\n", zt_media_version());
    printf("writes   ");
    for (int i = 0; i < N_OUTPUTS; i++)
        if (can_write(i)) printf(" %s", OUTPUTS[i].kind);
    printf("\n");
    for (int i = 0; i < N_OUTPUTS; i++)
        if (!can_write(i))
            printf("          no %s: this FFmpeg lacks the encoder %s\n", OUTPUTS[i].kind, OUTPUTS[i].encoder);
}

/* What a model folder makes. */
static int about_model(const char *dir, int json) {
    zt_model *m;
    const zt_err e = zt_model_load(&m, dir);
    if (e != ZT_OK) return zt_cli_result("info", e);
    const zt_model_info i = zt_model_get_info(m);
    json_t *names = json_array();
    for (int k = 0; k < i.categories; k++) json_array_append_new(names, json_string(zt_model_category(m, k)));
    if (!json) {
        printf("model     %s, %s, %.2f M parameters\n", i.name,
               i.from_frame    ? "adversarial: first frame to clip"
               : i.adversarial ? "adversarial: codes to clips"
               : i.classifier  ? "classifier: clip to labels"
                               : "denoiser: prompt to clip",
               (double)i.params * 1e-6);
        printf("clips     %d frames of %dx%d at %g fps\n", i.frames, i.width, i.height, i.fps);
        printf("weights   SHA-256 %s\n", i.hash);
        for (int k = 0; k < i.categories; k++) printf("%s%s", k ? ", " : "category  ", zt_model_category(m, k));
        if (i.categories) printf("\n");
    }
    json_t *j = json_pack("{s:s, s:b, s:b, s:b, s:I, s:i, s:i, s:i, s:f, s:s, s:o}", "model", i.name, "adversarial",
                          i.adversarial, "from_frame", i.from_frame, "classifier", i.classifier, "params", (json_int_t)i.params,
                          "frames", i.frames, "height", i.height, "width", i.width, "fps", i.fps, "hash", i.hash, "categories",
                          names);
    zt_model_free(&m);
    if (json) return zt_cli_print_json("info", j);
    json_decref(j);
    return ZT_EXIT_OK;
}

int zt_cmd_info(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe info [MODEL] [--json]",
        .about =
            "Shows version, processor level, threads, and the libraries this program runs with; with a model folder, what it\n"
            "makes and of what.\n"
            "The environment variables ZT_CPU=base|v3|v4|bf16|amx, OMP_NUM_THREADS and ZT_ONEDNN=off lower what is used.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .max_pos = 1,
    };
    info_args args;
    int status;
    char cpu[256];
    zt_backend_facts facts;
    char *dir = NULL;
    int n = 0;
    if (!zt_cli_parse(&SPEC, &args, argc, argv, &dir, &n, &status)) return status;
    if (n) return about_model(dir, args.json);
    zt_backend_cpu_facts(&facts);
    cpu_name(cpu, sizeof cpu);
    if (args.json) return print_json(&facts, cpu);
    print_text(&facts, cpu);
    return ZT_EXIT_OK;
}
