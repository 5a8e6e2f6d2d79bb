/* data_ls.c - `zoe data ls`: the clips of a data set, or the files that were looked at. Straight from the catalogue: a page of
 * ten million clips takes no longer than one of ten. */
#include <stdio.h>
#include <string.h>

#include "cli/data.h"
#include "data/catalog.h"
#include "data/query.h"

typedef struct ls_args {
    char split[16], where[ZT_WHERE_MAX];
    int64_t num, after;
    int sources, dropped, json;
} ls_args;

static const zt_opt OPTIONS[] = {
    {"split", ZT_OPT_STR, ZT_OPT_AT(ls_args, split), NULL, 0, 0, NULL, 0, "train, val or test only"},
    {"where", ZT_OPT_STR, ZT_OPT_AT(ls_args, where), NULL, 0, 0, NULL, 'w', ZT_WHERE_DOC},
    {"num", ZT_OPT_INT, ZT_OPT_AT(ls_args, num), "1000", 0, 1e15, NULL, 'n', "how many clips of a split; 0: all"},
    {"after", ZT_OPT_INT, ZT_OPT_AT(ls_args, after), "0", 0, 1e15, NULL, 0, "only clips with a higher id: the next page"},
    {"dropped", ZT_OPT_BOOL, ZT_OPT_AT(ls_args, dropped), "false", 0, 0, NULL, 0, "the clips that are not used, with reasons"},
    {"sources", ZT_OPT_BOOL, ZT_OPT_AT(ls_args, sources), "false", 0, 0, NULL, 0, "the files looked at, with reasons"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(ls_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

/* Text of an outside file as a JSON string: names of files need not be UTF-8. */
static json_t *text(const char *s) {
    json_t *j = json_string(s);
    return j ? j : json_string("(not UTF-8)");
}

static json_t *object(const char *s, const char *where) {
    json_t *j = NULL;
    return zt_json_parse(s, strlen(s), where, &j) == ZT_OK ? j : json_object();
}

typedef struct listing {
    json_t *rows;
    int64_t n, limit, last;
} listing;

static zt_err add_clip(void *ctx, const zt_catalog_clip *k) {
    listing *l = ctx;
    if (l->limit && l->n++ == l->limit) {
        fprintf(stderr, "there are more clips in %s; --num 0 lists all, --after %lld goes on\n", k->split, (long long)l->last);
        return ZT_OK;
    }
    l->last = k->id;
    if (l->rows)
        json_array_append_new(l->rows, json_pack("{s:I, s:o, s:o, s:i, s:i, s:i, s:f, s:o, s:o, s:o}", "id", (json_int_t)k->id,
                                                 "key", text(k->key), "split", text(k->split), "frames", k->frames, "height",
                                                 k->height, "width", k->width, "fps", k->fps, "caption", text(k->caption),
                                                 "labels", object(k->labels, k->key), "reason", text(k->reason)));
    else
        printf("%8lld  %-5s  %dx%dx%d  %g fps  %s  %s%s%s\n", (long long)k->id, k->split, k->frames, k->width, k->height, k->fps,
               k->key, k->caption, k->reason[0] ? ": " : "", k->reason);
    return ZT_OK;
}

static zt_err list_split(zt_catalog *c, const char *split, const ls_args *a, json_t *rows) {
    zt_query *q = NULL;
    listing l = {.rows = rows, .limit = a->num};
    zt_err e;
    ZT_TRY(e = zt_query_parse(&q, a->where), done);
    ZT_TRY(e = zt_query_also(q, "status", a->dropped ? "dropped" : "ok"), done);
    ZT_TRY(e = zt_query_also(q, "split", split), done);
    e = zt_catalog_select(c, q, a->after, a->num ? a->num + 1 : 0, add_clip, &l);
done:
    zt_query_destroy(&q);
    return e;
}

static zt_err list_clips(zt_catalog *c, const ls_args *a, json_t *rows) {
    static const char *const SPLIT[] = {"train", "val", "test"};
    zt_err e = ZT_OK;
    for (int i = 0; i < 3 && e == ZT_OK; i++)
        if (!a->split[0] || strcmp(a->split, SPLIT[i]) == 0) e = list_split(c, SPLIT[i], a, rows);
    return e;
}

static zt_err add_source(void *ctx, const zt_catalog_source *s) {
    if (ctx)
        json_array_append_new(ctx, json_pack("{s:o, s:o, s:o, s:o, s:o}", "path", text(s->path), "hash", text(s->hash), "status",
                                             text(s->status), "reason", text(s->reason), "info", object(s->info, s->path)));
    else
        printf("%-7s  %s%s%s\n", s->status, s->path, s->reason[0] ? ": " : "", s->reason);
    return ZT_OK;
}

int zt_data_ls(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data ls DIR [options]",
        .about = "Prints one line per clip of a data set, or with --sources per file that was looked at.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    ls_args a;
    char *dir[1];
    int status;
    zt_catalog *c = NULL;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!zt_data_split_ok("data ls", a.split, &status)) return status;
    json_t *rows = a.json ? json_array() : NULL;
    zt_err e = zt_catalog_open(&c, dir[0]);
    if (e == ZT_OK) e = a.sources ? zt_catalog_sources(c, add_source, rows) : list_clips(c, &a, rows);
    zt_catalog_close(&c);
    if (e != ZT_OK) json_decref(rows);
    if (e != ZT_OK || !rows) return zt_cli_result("data ls", e);
    return zt_cli_print_json("data ls", json_pack("{s:o}", a.sources ? "sources" : "clips", rows));
}
