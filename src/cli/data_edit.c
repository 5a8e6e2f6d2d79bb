/* data_edit.c - what the parts of `zoe data` that change clips share: walk over a query inside one change of the history. */
#include <stdio.h>
#include <string.h>

#include "cli/data.h"
#include "data/import.h"
#include "data/query.h"

void zt_data_what(char what[ZT_WHAT_MAX], int argc, char **argv) {
    size_t n = 0;
    what[0] = '\0';
    for (int i = 0; i < argc && n + 2 < ZT_WHAT_MAX; i++) {
        const int k = snprintf(what + n, ZT_WHAT_MAX - n, "%s%s", i ? " " : "", argv[i]);
        n += k > 0 ? (size_t)k : 0;
    }
    for (char *p = what; *p; p++)
        if ((unsigned char)*p < ' ') *p = ' ';
}

/* fn with all that it needs. */
typedef struct walk { const zt_data_edit *d; zt_catalog *c; zt_edit *e; int64_t seen; } walk;

static zt_err visit(void *ctx, const zt_catalog_clip *k) {
    walk *w = ctx;
    w->seen++;
    return w->d->fn(w->d->ctx, w->c, w->e, k);
}

static zt_err change(const zt_data_edit *d, walk *w, int64_t *changed) {
    zt_query *q = NULL;
    zt_err e;
    ZT_TRY(e = zt_query_parse(&q, d->where), done);
    if (d->status) ZT_TRY(e = zt_query_also(q, "status", d->status), done);
    ZT_TRY(e = zt_catalog_open_writing(&w->c, d->dir), done);
    ZT_TRY(e = zt_edit_begin(&w->e, w->c, d->what, d->by), done);
    ZT_TRY(e = zt_catalog_select(w->c, q, 0, 0, visit, w), done);
    ZT_TRY(e = zt_edit_clips(w->e, changed), done);
    if (!d->dry_run) e = zt_edit_commit(&w->e);
done:
    zt_edit_cancel(&w->e);
    zt_catalog_close(&w->c);
    zt_query_destroy(&q);
    return e;
}

int zt_data_change(const char *command, const zt_data_edit *d) {
    int64_t changed = 0;
    walk w = {.d = d};
    const zt_err e = change(d, &w, &changed);
    if (e != ZT_OK) return zt_cli_result(command, e);
    printf("%lld of %lld clips %s\n", (long long)changed, (long long)w.seen, d->dry_run ? "would be changed" : "changed");
    return ZT_EXIT_OK;
}

int zt_data_import(const char *command, const char *dir, const char *what, const char *path, const char *column,
                   const char *field, int dry_run) {
    zt_catalog *c = NULL;
    zt_edit *e = NULL;
    zt_import_report r;
    int64_t changed = 0;
    zt_err err;
    ZT_TRY(err = zt_catalog_open_writing(&c, dir), done);
    ZT_TRY(err = zt_edit_begin(&e, c, what, "user"), done);
    ZT_TRY(err = zt_import_texts(c, e, path, column, field, &r), done);
    ZT_TRY(err = zt_edit_clips(e, &changed), done);
    if (!dry_run) ZT_TRY(err = zt_edit_commit(&e), done);
    printf("%lld rows, %lld of them name clips; %lld clips %s\n", (long long)r.rows, (long long)r.matched, (long long)changed,
           dry_run ? "would be changed" : "changed");
done:
    zt_edit_cancel(&e);
    zt_catalog_close(&c);
    return zt_cli_result(command, err);
}
