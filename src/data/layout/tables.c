/* tables.c - layouts that are a table with a row per video: CSV of Kinetics, WebVid-10M, Open-Sora and DiffSynth-Studio; JSON
 * lines;
 * FastVideo's videos2caption.json. Tested by tests/data/test_data_layout.c. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "data/csv.h"
#include "data/jsonl.h"
#include "data/layout/layout_impl.h"

enum { JSON_MAX = 1 << 30 }; /* bytes of a videos2caption.json */

/* Names of the columns (or keys) that say where a video is and what is in it. */
static const char PATH_KEYS[] = "path|video_path|video|file_name|file|image_path|image";
static const char CAPTION_KEYS[] = "caption|text|prompt|cap";

/* ---- which table is it ---- */

/* Whether the first CSV of SRC has all these columns (separated by spaces). */
static bool csv_has(const char *src, const char *columns) {
    char path[ZT_PATH_MAX], name[64];
    zt_csv *c = NULL;
    if (!zt_layout_first(src, ".csv", path)) return false;
    bool has = zt_csv_open(&c, path, ',') == ZT_OK;
    for (const char *p = columns; has && *p;) {
        const size_t n = strcspn(p, " ");
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        has = zt_csv_column(c, name) >= 0;
        p += n + (p[n] == ' ');
    }
    zt_csv_close(&c);
    return has;
}

bool zt_layout_kinetics_matches(const char *src) { return csv_has(src, "youtube_id time_start time_end"); }
bool zt_layout_webvid_matches(const char *src) { return csv_has(src, "videoid name"); }
bool zt_layout_opensora_matches(const char *src) { return csv_has(src, "path text"); }
bool zt_layout_diffsynth_matches(const char *src) { return csv_has(src, "video|file_name prompt|text|caption"); }

/* ---- CSV ---- */

/* A table being read into a list. */
typedef struct table {
    zt_layout_list *l;
    zt_csv *csv;
    char dir[ZT_PATH_MAX];      /* the table's folder */
    const zt_file_index *files; /* videos below it; NULL for tables that name paths */
    const char *split;          /* that the table's own name says */
} table;

/* A word of the table's name: kinetics_train.csv, something-val.csv. */
static const char *split_in_name(const char *path) {
    const char *base = zt_path_base(path), *found = NULL;
    for (const char *p = base; *p && !found;) {
        char word[32];
        const size_t n = strcspn(p, "-_. ");
        snprintf(word, sizeof word, "%.*s", n < sizeof word ? (int)n : 0, p);
        found = zt_layout_split(word);
        p += n + (p[n] != '\0');
    }
    return found;
}

static zt_err each_row(table *t, const char *path, zt_err (*row)(table *t)) {
    zt_err e;
    bool end;
    ZT_TRY(e = zt_layout_dir_of(t->dir, path), done);
    ZT_TRY(e = zt_csv_open(&t->csv, path, ','), done);
    t->split = split_in_name(path);
    while ((e = zt_csv_next(t->csv, &end)) == ZT_OK && !end) ZT_TRY(e = row(t), done);
done:
    zt_csv_close(&t->csv);
    return e;
}

/* Column `names` of the row; NULL when it is not there or empty. */
static const char *get(const table *t, const char *names) {
    const char *v = zt_csv_field(t->csv, zt_csv_column(t->csv, names));
    return v[0] ? v : NULL;
}

static zt_err number(const table *t, const char *column, double *v) {
    const char *text = get(t, column);
    if (text && zt_parse_real(text, v)) return ZT_OK;
    return zt_fail(ZT_FORMAT, "line %lld: '%.60s' in column %s is no number of seconds", (long long)zt_csv_line(t->csv),
                   text ? text : "", column);
}

/* Kinetics: videos are called ID (whole, to be trimmed) or ID_SSSSSS_EEEEEE (trimmed already), in any folder. */
static zt_err kinetics_row(table *t) {
    const char *id = get(t, "youtube_id"), *label = get(t, "label"), *split = zt_layout_split(get(t, "split"));
    char stem[300], origin[300];
    double start, end;
    zt_err e;
    if (!id) return zt_fail(ZT_FORMAT, "line %lld: youtube_id is empty", (long long)zt_csv_line(t->csv));
    ZT_TRY(e = number(t, "time_start", &start), done);
    ZT_TRY(e = number(t, "time_end", &end), done);
    ZT_TRY(e = zt_format(stem, sizeof stem, "%.200s_%06.0f_%06.0f", id, start, end), done);
    ZT_TRY(e = zt_format(origin, sizeof origin, "https://www.youtube.com/watch?v=%.200s", id), done);
    zt_ingest_item k = {.path = zt_file_index_find(t->files, stem),
                        .caption = label ? label : "",
                        .origin = origin,
                        .split = split ? split : t->split};
    if (!k.path) {
        k.path = zt_file_index_find(t->files, id);
        k.start_s = start;
        k.end_s = end;
    }
    if (label) ZT_TRY(e = zt_layout_labels(t->l, json_pack("{s:s}", "class", label), &k.labels), done);
    if (k.path)
        e = zt_layout_add(t->l, &k);
    else
        zt_layout_missing(t->l, stem);
done:
    return e;
}

/* WebVid: page_dir/videoid.mp4 below the table's folder, or videoid in any folder. Its clips carry a stock agency's mark. */
static zt_err webvid_row(table *t) {
    const char *id = get(t, "videoid"), *caption = get(t, "name"), *url = get(t, "contentUrl");
    zt_err e;
    if (!id) return zt_fail(ZT_FORMAT, "line %lld: videoid is empty", (long long)zt_csv_line(t->csv));
    zt_ingest_item k = {.path = zt_file_index_find(t->files, id),
                        .caption = caption ? caption : "",
                        .origin = url,
                        .split = t->split};
    ZT_TRY(e = zt_layout_labels(t->l, json_pack("{s:b, s:s}", "watermark", 1, "videoid", id), &k.labels), done);
    if (k.path)
        e = zt_layout_add(t->l, &k);
    else
        zt_layout_missing(t->l, id);
done:
    return e;
}

static zt_err path_row(table *t) {
    const char *path = get(t, PATH_KEYS), *caption = get(t, CAPTION_KEYS), *split = zt_layout_split(get(t, "split"));
    char full[ZT_PATH_MAX];
    zt_err e;
    if (!path) return zt_fail(ZT_FORMAT, "line %lld: the path is empty", (long long)zt_csv_line(t->csv));
    ZT_TRY(e = zt_layout_resolve(full, t->dir, path), done);
    const zt_ingest_item k = {.path = full,
                              .caption = caption ? caption : "",
                              .split = split ? split : t->split,
                              .licence = get(t, "licence|license"),
                              .origin = get(t, "origin|url|contentUrl")};
    e = zt_layout_add_file(t->l, &k);
done:
    return e;
}

/* A table, and what is done with its rows. */
typedef struct reading {
    table t;
    zt_err (*row)(table *t);
} reading;

static zt_err read_csv(void *ctx, const char *path) {
    reading *r = ctx;
    const zt_err e = each_row(&r->t, path, r->row);
    return e == ZT_FORMAT && strncmp(zt_err_text(), "line ", 5) == 0 ? zt_fail_context(e, "%s", path) : e;
}

/* All CSV files of SRC. `found`: rows name videos, which lie anywhere below. */
static zt_err list_csv(zt_layout_list *l, const char *src, zt_err (*row)(table *t), bool found) {
    reading r = {.t = {.l = l}, .row = row};
    zt_file_index *files = NULL;
    char dir[ZT_PATH_MAX];
    int n;
    zt_err e = zt_is_dir(src) ? zt_format(dir, sizeof dir, "%s", src) : zt_layout_dir_of(dir, src);
    if (e == ZT_OK && found) e = zt_file_index_create(&files, dir);
    r.t.files = files;
    if (e == ZT_OK) e = zt_layout_files(src, ".csv", read_csv, &r, &n);
    if (e == ZT_OK && n == 0) e = zt_fail(ZT_NOTFOUND, "%s: there is no .csv file in it", src);
    zt_file_index_destroy(&files);
    return e;
}

zt_err zt_layout_kinetics_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    (void)cfg;
    return list_csv(l, src, kinetics_row, true);
}
zt_err zt_layout_webvid_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    (void)cfg;
    return list_csv(l, src, webvid_row, true);
}
zt_err zt_layout_opensora_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    (void)cfg;
    return list_csv(l, src, path_row, false);
}
zt_err zt_layout_diffsynth_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    (void)cfg;
    return list_csv(l, src, path_row, false);
}

/* ---- JSON ---- */

/* The string under the first of the keys "a|b" that has one; of a list its first. NULL: none. */
static const char *text_of(const json_t *o, const char *keys) {
    for (const char *p = keys; *p;) {
        char key[64];
        const size_t n = strcspn(p, "|");
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        const json_t *v = json_object_get(o, key);
        if (json_is_array(v)) v = json_array_get(v, 0);
        if (json_is_string(v)) return json_string_value(v);
        p += n + (p[n] == '|');
    }
    return NULL;
}

/* One object of a list; videos lie in `dir`, or in dir/videos. */
static zt_err json_row(zt_layout_list *l, const char *dir, const json_t *o, const char *split) {
    const char *path = text_of(o, PATH_KEYS), *caption = text_of(o, CAPTION_KEYS), *said = zt_layout_split(text_of(o, "split"));
    json_t *labels = json_object_get(o, "labels");
    char full[ZT_PATH_MAX], videos[ZT_PATH_MAX];
    zt_err e;
    if (!path || !path[0]) return zt_fail(ZT_FORMAT, "an object has no path (wanted: %s)", PATH_KEYS);
    ZT_TRY(e = zt_layout_resolve(full, dir, path), done);
    if (!zt_file_exists(full)) {
        ZT_TRY(e = zt_path_join(videos, dir, "videos"), done);
        ZT_TRY(e = zt_layout_resolve(full, videos, path), done);
    }
    zt_ingest_item k = {.path = full,
                        .caption = caption ? caption : "",
                        .split = said ? said : split,
                        .licence = text_of(o, "licence|license"),
                        .origin = text_of(o, "origin|url")};
    if (json_is_object(labels)) ZT_TRY(e = zt_layout_labels(l, json_incref(labels), &k.labels), done);
    e = zt_layout_add_file(l, &k);
done:
    return e;
}

zt_err zt_layout_read_jsonl(zt_layout_list *l, const char *path, const char *dir) {
    zt_jsonl *r = NULL;
    const json_t *row;
    zt_err e;
    ZT_TRY(e = zt_jsonl_open(&r, path), done);
    while ((e = zt_jsonl_next(r, &row)) == ZT_OK && row) {
        e = json_row(l, dir, row, split_in_name(path));
        if (e != ZT_OK) {
            e = zt_fail_context(e, "%s:%lld", path, (long long)zt_jsonl_line(r));
            break;
        }
    }
done:
    zt_jsonl_close(&r);
    return e;
}

static zt_err read_jsonl(void *ctx, const char *path) {
    char dir[ZT_PATH_MAX];
    const zt_err e = zt_layout_dir_of(dir, path);
    return e != ZT_OK ? e : zt_layout_read_jsonl(ctx, path, dir);
}

bool zt_layout_jsonl_matches(const char *src) {
    return zt_is_dir(src) ? zt_layout_has(src, "metadata.jsonl", NULL) : zt_ends_with(src, ".jsonl");
}

zt_err zt_layout_jsonl_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    int n;
    (void)cfg;
    const zt_err e = zt_layout_files(src, ".jsonl", read_jsonl, l, &n);
    return e == ZT_OK && n == 0 ? zt_fail(ZT_NOTFOUND, "%s: there is no .jsonl file in it", src) : e;
}

static const char V2C[] = "videos2caption.json";

bool zt_layout_videos2caption_matches(const char *src) {
    return zt_is_dir(src) ? zt_layout_has(src, V2C, NULL) : strcmp(zt_path_base(src), V2C) == 0;
}

zt_err zt_layout_videos2caption_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    char path[ZT_PATH_MAX], dir[ZT_PATH_MAX];
    json_t *all = NULL, *o;
    size_t i;
    zt_err e;
    (void)cfg;
    ZT_TRY(e = zt_is_dir(src) ? zt_path_join(path, src, V2C) : zt_format(path, sizeof path, "%s", src), done);
    ZT_TRY(e = zt_layout_dir_of(dir, path), done);
    ZT_TRY(e = zt_json_load(path, JSON_MAX, &all), done);
    if (!json_is_array(all)) {
        e = zt_fail(ZT_FORMAT, "%s: wanted a list [{\"path\": ..., \"cap\": [...]}, ...]", path);
        goto done;
    }
    json_array_foreach(all, i, o) if ((e = json_row(l, dir, o, NULL)) != ZT_OK) {
        e = zt_fail_context(e, "%s: entry %zu", path, i + 1);
        break;
    }
done:
    json_decref(all);
    return e;
}
