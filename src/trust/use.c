/* use.c - see policy.h: what a run writes down about the clips it used, and finding the runs that used a clip. Tested by
 * tests/trust/test_trust_consent.c and tests/cli/test_rights.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/rights.h"
#include "trust/policy.h"

enum { FILE_MAX = 64 << 20 };

/* ---- ids as text ---- */

static zt_err ranges(const int64_t *id, int64_t n, zt_str *out) {
    for (int64_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && id[j] == id[j - 1] + 1; j++) continue;
        zt_str_addf(out, "%s%lld", i ? "," : "", (long long)id[i]);
        if (j - i > 1) zt_str_addf(out, "-%lld", (long long)id[j - 1]);
    }
    zt_str_add(out, "");
    return out->failed ? ZT_NOMEM : ZT_OK;
}

/* Whether one of ids[n], ascending, is in low..high. */
static bool meets(int64_t low, int64_t high, const int64_t *ids, int64_t n) {
    int64_t a = 0, b = n;
    while (a < b) {
        const int64_t mid = a + (b - a) / 2;
        if (ids[mid] < low) a = mid + 1;
        else b = mid;
    }
    return a < n && ids[a] <= high;
}

bool zt_ranges_meet(const char *p, const int64_t *ids, int64_t n) {
    while (*p) {
        char *end;
        const int64_t low = strtoll(p, &end, 10);
        if (end == p) return false;
        int64_t high = low;
        if (*end == '-') {
            p = end + 1;
            high = strtoll(p, &end, 10);
            if (end == p) return false;
        }
        if (meets(low, high, ids, n)) return true;
        if (*end && *end != ',') return false;
        p = *end ? end + 1 : end;
    }
    return false;
}

/* ---- RUN/data_used.json ---- */

static zt_err used_path(char path[ZT_PATH_MAX], const char *run) { return zt_path_join(path, run, "data_used.json"); }

/* The sessions a run wrote down before, or none. */
static zt_err earlier(const char *path, json_t **sessions) {
    json_t *j = NULL;
    zt_err e = zt_file_exists(path) ? zt_json_load(path, FILE_MAX, &j) : ZT_OK;
    if (e != ZT_OK) return e;
    *sessions = j ? json_incref(json_object_get(j, "sessions")) : json_array();
    json_decref(j);
    return json_is_array(*sessions) ? ZT_OK
                                    : zt_fail(ZT_FORMAT, "%s: has no list of sessions; it is not what zoe train wrote", path);
}

/* Whether the newest session used the very same clips. */
static bool same_as_last(const json_t *sessions, const zt_admission *a) {
    const size_t n = json_array_size(sessions);
    const char *last = n ? json_string_value(json_object_get(json_array_get(sessions, n - 1), "clip_set")) : NULL;
    return last && strcmp(last, a->clip_set) == 0;
}

static zt_err write_used(const zt_admission *a, const zt_run_row *row, const char *dir, const char *policy, const char *run,
                         bool *added) {
    char path[ZT_PATH_MAX];
    json_t *sessions = NULL, *j = NULL;
    zt_err e;
    *added = false;
    ZT_TRY(e = used_path(path, run), done);
    ZT_TRY(e = earlier(path, &sessions), done);
    if (same_as_last(sessions, a)) goto done;
    if (json_array_size(sessions) > 0) zt_log("the clips that may be used are not those this run began with");
    json_t *s = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:O}", "started", row->started, "dataset", a->dataset, "path",
                          dir, "policy", policy, "clip_set", a->clip_set, "clips", (json_int_t)a->n, "ids", row->clips,
                          "left_out", (json_int_t)a->refused, "credits", a->credits);
    if (!s || json_array_append_new(sessions, s) != 0 || !(j = json_pack("{s:O}", "sessions", sessions))) {
        e = zt_fail(ZT_ARG, "%s: the name of the data set or policy is not UTF-8", path);
        goto done;
    }
    e = zt_json_save(path, j);
    *added = e == ZT_OK;
done:
    json_decref(j);
    json_decref(sessions);
    return e;
}

/* The row in the catalogue; *dataset gets its id. */
static zt_err register_run(const char *dir, const zt_run_row *row, char dataset[33]) {
    zt_catalog *c = NULL;
    zt_err e;
    ZT_TRY(e = zt_catalog_create(&c, dir), done);
    ZT_TRY(e = zt_catalog_begin(c), done);
    ZT_TRY(e = zt_rights_dataset_id(c, dataset), done);
    if (row) ZT_TRY(e = zt_rights_add_run(c, row), done);
    e = zt_catalog_commit(c);
done:
    zt_catalog_close(&c);
    return e;
}

/* The folder without links, so that it is the same from wherever it is named. */
static zt_err whole_path(const char *dir, char path[ZT_PATH_MAX]) {
    char *real = realpath(dir, NULL);
    const zt_err e = zt_format(path, ZT_PATH_MAX, "%s", real ? real : dir);
    free(real);   /* the C library's own allocation */
    return e;
}

zt_err zt_use_record(const zt_admission *admission, const char *dir, const char *policy, const char *run) {
    zt_admission a = *admission;          /* borrowed, but for the data set's id */
    char started[24], folder[ZT_PATH_MAX], set[ZT_PATH_MAX];
    zt_str ids = {0};
    bool added = false;
    zt_err e;
    const time_t now = time(NULL);
    struct tm tm;
    if (!gmtime_r(&now, &tm) || !strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &tm)) started[0] = '\0';
    ZT_TRY(e = whole_path(run, folder), done);
    ZT_TRY(e = whole_path(dir, set), done);
    ZT_TRY(e = ranges(a.id, a.n, &ids), done);
    const zt_run_row row = {.path = folder, .started = started, .clip_set = a.clip_set, .clips = ids.buf};
    if (!a.dataset[0] && register_run(dir, NULL, a.dataset) != ZT_OK) a.dataset[0] = '\0';
    ZT_TRY(e = write_used(&a, &row, set, policy, run, &added), done);
    if (added && register_run(dir, &row, a.dataset) != ZT_OK)
        zt_warn("%s cannot be written, so it does not list this run; `zoe data consent revoke --runs` finds it by its folder",
                dir);
done:
    zt_str_finish(&ids);
    return e;
}

zt_err zt_use_find(const char *run, const char *dataset, const char *dir, const int64_t *ids, int64_t n, bool *found) {
    char path[ZT_PATH_MAX], set[ZT_PATH_MAX];
    json_t *sessions = NULL, *s;
    size_t i;
    zt_err e;
    *found = false;
    ZT_TRY(e = whole_path(dir, set), done);
    ZT_TRY(e = used_path(path, run), done);
    ZT_TRY(e = earlier(path, &sessions), done);
    json_array_foreach(sessions, i, s) {
        const char *of = json_string_value(json_object_get(s, "dataset")), *list = json_string_value(json_object_get(s, "ids"));
        const char *where = json_string_value(json_object_get(s, "path"));
        const bool same = of && (of[0] ? strcmp(of, dataset) == 0 : where && strcmp(where, set) == 0);
        if (same && list && zt_ranges_meet(list, ids, n)) *found = true;
    }
done:
    json_decref(sessions);
    return e;
}
