/* run_log.c - the log of a run, kept consistent with the checkpoint it resumes from. */
#include "train/run_log.h"
#include <errno.h>
#include <string.h>
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum { MAX_LOG = 1 << 30 };

/* Keep the lines of steps up to `step`; a half-written last line goes too. */
static zt_err cut_after(const char *path, int64_t step) {
    char *text = NULL;
    size_t len = 0;
    zt_str kept = {0};
    if (!zt_file_exists(path)) return ZT_OK;
    zt_err e = zt_file_read(path, MAX_LOG, &text, &len);
    if (e != ZT_OK) return e;
    for (char *line = text, *end; (end = memchr(line, '\n', len - (size_t)(line - text))); line = end + 1) {
        json_t *j = json_loadb(line, (size_t)(end - line), 0, NULL);
        const json_t *s = json_object_get(j, "step");
        if (json_is_integer(s) && json_integer_value(s) <= step) zt_str_addn(&kept, line, (size_t)(end + 1 - line));
        json_decref(j);
    }
    e = kept.failed ? ZT_NOMEM : zt_file_write(path, kept.buf ? kept.buf : "", kept.len);
    zt_str_finish(&kept);
    zt_free(text);
    return e;
}

zt_err zt_run_log_open(zt_run_log *l, const char *run_dir, int64_t step) {
    char path[ZT_PATH_MAX];
    *l = (zt_run_log){0};
    zt_err e;
    ZT_TRY(e = zt_path_join(path, run_dir, "log.jsonl"), done);
    ZT_TRY(e = cut_after(path, step), done);
    l->jsonl = fopen(path, "a");
    if (!l->jsonl) {
        e = zt_fail(ZT_IO, "%s: %s", path, strerror(errno));
        goto done;
    }
    e = zt_tfevents_create(&l->events, run_dir);
done:
    if (e != ZT_OK) zt_run_log_close(l);
    return e;
}

zt_err zt_run_log_scalars(zt_run_log *l, int64_t step, int n, const char *const *name, const double *value) {
    zt_str line = {0};
    char tag[96];
    zt_str_addf(&line, "{\"step\":%lld", (long long)step);
    for (int k = 0; k < n; k++) zt_str_addf(&line, ",\"%s\":%.9g", name[k], value[k]);
    zt_str_add(&line, "}\n");
    zt_err e = line.failed ? ZT_NOMEM : ZT_OK;
    if (e == ZT_OK && (fwrite(line.buf, 1, line.len, l->jsonl) != line.len || fflush(l->jsonl) != 0))
        e = zt_fail(ZT_IO, "log.jsonl: %s; is the disk full?", strerror(errno));
    zt_str_finish(&line);
    for (int k = 0; e == ZT_OK && k < n; k++) {
        snprintf(tag, sizeof tag, "train/%.64s", name[k]);
        e = zt_tfevents_scalar(l->events, tag, step, value[k]);
    }
    return e;
}

void zt_run_log_close(zt_run_log *l) {
    if (l->jsonl) fclose(l->jsonl);
    zt_tfevents_destroy(&l->events);
    l->jsonl = NULL;
}
