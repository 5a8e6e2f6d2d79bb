/* checkpoint.c - atomic checkpoints: a hidden folder is filled, synced and renamed. Killed at any instant, a run finds either the
 * whole checkpoint or none. Tested with kill -9 by tests/cli/test_kill_resume.sh. */
#include "train/checkpoint.h"
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/str.h"
#include "nn/safetensors.h"

static const char hidden[] = ".writing-";

/* The tensor files of a checkpoint as sets that share storage with the run's. */
enum { FILES = 4 };
static const char *const file_name[FILES] = {"model.safetensors", "ema.safetensors", "optimizer.safetensors",
                                             "layers.safetensors"};
typedef struct parts { zt_tset ema, opt, layers; zt_tset *of[FILES]; } parts;
static zt_err parts_share(parts *p, zt_tset *params, const zt_tset *states) {
    static const char *const prefix[] = {"ema.", "opt."};
    *p = (parts){.of = {params, &p->ema, &p->opt, &p->layers}};
    zt_err e = zt_tset_share(&p->ema, states, prefix[0]);
    if (e == ZT_OK) e = zt_tset_share(&p->opt, states, prefix[1]);
    return e == ZT_OK ? zt_tset_share_rest(&p->layers, states, 2, prefix) : e;
}
static void parts_finish(parts *p) {
    zt_tset_finish(&p->ema);
    zt_tset_finish(&p->opt);
    zt_tset_finish(&p->layers);
}
/* Only a model whose layers remember something has the last file. */
static bool has_file(const parts *p, int k) {
    return k + 1 < FILES || p->layers.n > 0;
}

static zt_err save_state(const char *dir, const zt_run_state *s) {
    char path[ZT_PATH_MAX];
    zt_err e = zt_path_join(path, dir, "state.json");
    if (e != ZT_OK) return e;
    json_t *j = json_pack("{s:I, s:f, s:I, s:I}", "step", (json_int_t)s->step, "best_val_loss", s->best, "best_step",
                          (json_int_t)s->best_step, "validations_since_best", (json_int_t)s->waited);
    if (!j) return zt_fail(ZT_NOMEM, "%s: no memory", path);
    e = zt_json_save(path, j);
    json_decref(j);
    return e;
}

zt_err zt_checkpoint_save(const char *root, const char *name, const zt_run_state *s, zt_tset *params, const zt_tset *states) {
    char tmp[ZT_PATH_MAX], final[ZT_PATH_MAX], path[ZT_PATH_MAX];
    parts p = {0};
    zt_err e;
    if ((e = zt_format(tmp, sizeof tmp, "%s/%s%s", root, hidden, name)) != ZT_OK) return e;
    ZT_TRY(e = zt_dir_make(root), done);
    ZT_TRY(e = zt_path_join(final, root, name), done);
    ZT_TRY(e = parts_share(&p, params, states), done);
    ZT_TRY(e = zt_dir_remove(tmp), done);
    ZT_TRY(e = zt_dir_make(tmp), done);
    for (int k = 0; k < FILES; k++) {
        if (!has_file(&p, k)) continue;
        ZT_TRY(e = zt_path_join(path, tmp, file_name[k]), done);
        ZT_TRY(e = zt_safetensors_save(path, p.of[k], NULL), done);
    }
    ZT_TRY(e = save_state(tmp, s), done);
    ZT_TRY(e = zt_dir_sync(tmp), done);
    e = zt_dir_swap(tmp, final);
done:
    if (e != ZT_OK) {
        char why[900];
        snprintf(why, sizeof why, "%s", zt_err_text());
        zt_dir_remove(tmp);                               /* a full disk gets its space back */
        zt_fail(e, "checkpoint %s: %s", name, why);
    }
    parts_finish(&p);
    return e;
}

zt_err zt_checkpoint_load(const char *dir, zt_run_state *s, zt_tset *params, zt_tset *states) {
    char path[ZT_PATH_MAX];
    parts p = {0};
    json_t *j = NULL;
    zt_err e;
    ZT_TRY(e = zt_path_join(path, dir, "state.json"), done);
    ZT_TRY(e = zt_json_load(path, 1 << 16, &j), done);
    json_int_t step = -1, best_step = 0, waited = 0;
    if (json_unpack(j, "{s:I, s:F, s:I, s:I}", "step", &step, "best_val_loss", &s->best, "best_step", &best_step,
                    "validations_since_best", &waited) != 0 || step < 0) {
        e = zt_fail(
            ZT_FORMAT,
            "%s: want step, best_val_loss, best_step, validations_since_best; remove %s to resume from an older checkpoint", path,
            dir);
        goto done;
    }
    s->step = step;
    s->best_step = best_step;
    s->waited = waited;
    ZT_TRY(e = parts_share(&p, params, states), done);
    for (int k = 0; k < FILES; k++) {
        if (!has_file(&p, k)) continue;
        ZT_TRY(e = zt_path_join(path, dir, file_name[k]), done);
        ZT_TRY(e = zt_safetensors_load_into(path, p.of[k]), done);
    }
done:
    json_decref(j);
    parts_finish(&p);
    return e;
}

static bool is_step(const char *name) {
    return strncmp(name, "step-", 5) == 0 && strlen(name) == 13 && strspn(name + 5, "0123456789") == 8;
}

zt_err zt_checkpoint_newest(const char *root, char *path, bool *found) {
    char **names = NULL;
    int n = 0;
    *found = false;
    if (!zt_is_dir(root)) return ZT_OK;
    zt_err e = zt_dir_list(root, &names, &n);
    for (int k = n - 1; e == ZT_OK && k >= 0 && !*found; k--) {
        if (!is_step(names[k])) continue;
        e = zt_path_join(path, root, names[k]);
        *found = true;
    }
    zt_names_free(names, n);
    return e;
}

/* First out of sight by one rename, then file by file: a kill in between leaves no half checkpoint. */
static zt_err remove_whole(const char *root, const char *name) {
    char path[ZT_PATH_MAX], gone[ZT_PATH_MAX];
    zt_err e = zt_path_join(path, root, name);
    if (e == ZT_OK && is_step(name)) {
        e = zt_format(gone, sizeof gone, "%s/%sold-%s", root, hidden, name);
        if (e == ZT_OK) e = zt_dir_swap(path, gone);
        return e == ZT_OK ? zt_dir_remove(gone) : e;
    }
    return e == ZT_OK ? zt_dir_remove(path) : e;
}

zt_err zt_checkpoint_prune(const char *root, int64_t keep) {
    char **names = NULL;
    int n = 0;
    zt_err e = zt_dir_list(root, &names, &n);
    for (int k = n - 1; e == ZT_OK && k >= 0; k--) {
        const bool leftover = strncmp(names[k], hidden, sizeof hidden - 1) == 0;
        if (!leftover && (!is_step(names[k]) || keep-- > 0)) continue;
        e = remove_whole(root, names[k]);
    }
    zt_names_free(names, n);
    return e;
}
