/* data_caption.c - `zoe data caption`: captions by hand, by template, by find and replace, from a table. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/data.h"
#include "data/import.h"
#include "data/template.h"

typedef struct caption_args {
    char set[2048], template[2048], find[512], replace[512], import[4096], column[64], where[ZT_WHERE_MAX];
    int dry_run;
} caption_args;

static const zt_opt OPTIONS[] = {
    {"set", ZT_OPT_STR, ZT_OPT_AT(caption_args, set), NULL, 0, 0, NULL, 0, "this text"},
    {"template", ZT_OPT_STR, ZT_OPT_AT(caption_args, template), NULL, 0, 0, NULL, 0,
     "a pattern: \"{tag.lighting} video of {caption}\"; also {key} {source} {split} {licence} {frames} {fps} ..."},
    {"find", ZT_OPT_STR, ZT_OPT_AT(caption_args, find), NULL, 0, 0, NULL, 0, "text to replace, wherever it stands"},
    {"replace", ZT_OPT_STR, ZT_OPT_AT(caption_args, replace), NULL, 0, 0, NULL, 0, "what comes in its place"},
    {"import", ZT_OPT_STR, ZT_OPT_AT(caption_args, import), NULL, 0, 0, NULL, 0,
     "a .jsonl, .csv or .tsv file with a column key or file"},
    {"column", ZT_OPT_STR, ZT_OPT_AT(caption_args, column), "caption", 0, 0, NULL, 0, "its column with the captions"},
    {"where", ZT_OPT_STR, ZT_OPT_AT(caption_args, where), NULL, 0, 0, NULL, 'w', ZT_WHERE_DOC},
    {"dry-run", ZT_OPT_BOOL, ZT_OPT_AT(caption_args, dry_run), "false", 0, 0, NULL, 0, "say how many, and change none"},
};

static void replace_all(zt_str *out, const char *text, const char *find, const char *by) {
    for (const char *at; (at = strstr(text, find)); text = at + strlen(find)) {
        zt_str_addn(out, text, (size_t)(at - text));
        zt_str_add(out, by);
    }
    zt_str_add(out, text);
}

static zt_err rewrite(void *ctx, zt_catalog *c, zt_edit *e, const zt_catalog_clip *k) {
    const caption_args *a = ctx;
    zt_str text = {0};
    zt_err err = ZT_OK;
    if (a->template[0]) err = zt_template_expand(c, k, a->template, &text);
    else if (a->find[0]) replace_all(&text, k->caption, a->find, a->replace);
    else zt_str_add(&text, a->set);
    if (err == ZT_OK && text.failed) err = ZT_NOMEM;
    if (err == ZT_OK) err = zt_edit_set(e, k->id, "caption", text.buf ? text.buf : "");
    if (err == ZT_ARG) zt_fail_context(err, "clip %lld", (long long)k->id);
    zt_str_finish(&text);
    return err;
}

int zt_data_caption(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage =
            "zoe data caption DIR --set TEXT | --template PATTERN | --find A --replace B | --import FILE [--where CONDITION]",
        .about = "Writes the captions that training reads. The old ones stay in the history (`zoe data history --undo`) and in "
                 "the shards.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    caption_args a;
    char *dir[1], what[ZT_WHAT_MAX];
    int status;
    zt_data_what(what, argc, argv);
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!!a.set[0] + !!a.template[0] + !!a.find[0] + !!a.import[0] != 1)
        return zt_cli_usage_error("data caption", "one of --set, --template, --find and --import is wanted");
    if (a.import[0]) return zt_data_import("data caption", dir[0], what, a.import, a.column, "caption", a.dry_run);
    const zt_data_edit d = {dir[0], a.where, what, "user", NULL, a.dry_run, rewrite, &a};
    return zt_data_change("data caption", &d);
}
