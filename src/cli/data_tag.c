/* data_tag.c - `zoe data tag`: tags of clips, by hand, by query, by rules, from a table. */
#include <stdio.h>
#include <string.h>

#include "cli/data.h"
#include "data/import.h"
#include "data/tagger.h"

typedef struct tag_args { char set[256], remove[64], import[4096], where[ZT_WHERE_MAX]; int rules, list, dry_run; } tag_args;

static const zt_opt OPTIONS[] = {
    {"set", ZT_OPT_STR, ZT_OPT_AT(tag_args, set), NULL, 0, 0, NULL, 0, "NAME=VALUE for every clip that is meant"},
    {"remove", ZT_OPT_STR, ZT_OPT_AT(tag_args, remove), NULL, 0, 0, NULL, 0, "take tag NAME off"},
    {"rules", ZT_OPT_BOOL, ZT_OPT_AT(tag_args, rules), "false", 0, 0, NULL, 0,
     "lighting, tone, colour, pace, camera, scene, genre from the scores; what a user said stays"},
    {"import", ZT_OPT_STR, ZT_OPT_AT(tag_args, import), NULL, 0, 0, NULL, 0,
     "NAME=FILE: column NAME of a .jsonl, .csv or .tsv file with a column key or file"},
    {"list", ZT_OPT_BOOL, ZT_OPT_AT(tag_args, list), "false", 0, 0, NULL, 0, "print the tags and how many clips have them"},
    {"where", ZT_OPT_STR, ZT_OPT_AT(tag_args, where), NULL, 0, 0, NULL, 'w', ZT_WHERE_DOC},
    {"dry-run", ZT_OPT_BOOL, ZT_OPT_AT(tag_args, dry_run), "false", 0, 0, NULL, 0, "say how many, and change none"},
};

/* "tag.NAME", and the text after the '=' or NULL. */
typedef struct named { char field[80]; const char *text; } named;

static bool split_named(const char *s, named *out) {
    const char *equals = strchr(s, '=');
    if (!equals || equals == s || equals - s > ZT_CLIP_TAG_NAME_MAX) return false;
    snprintf(out->field, sizeof out->field, "tag.%.*s", (int)(equals - s), s);
    out->text = equals + 1;
    return true;
}

static zt_err set(void *ctx, zt_catalog *c, zt_edit *e, const zt_catalog_clip *k) {
    const named *n = ctx;
    (void)c;
    return zt_edit_set(e, k->id, n->field, n->text);
}

static zt_err by_rules(void *ctx, zt_catalog *c, zt_edit *e, const zt_catalog_clip *k) {
    int64_t *unscored = ctx;
    zt_scores s;
    bool found;
    zt_tag_list tags = {.n = 0};
    char field[80];
    zt_err err = zt_catalog_get_scores(c, k->id, &s, &found);
    if (err != ZT_OK || !found) {
        *unscored += !found;
        return err;
    }
    const zt_clip_view view = {.frames = k->frames, .height = k->height, .width = k->width, .fps = k->fps, .key = k->key,
                               .caption = k->caption, .labels = k->labels, .id = k->id};
    err = zt_tagger_rules.look(&zt_tagger_rules, &view, &s, &tags);
    for (int i = 0; i < tags.n && err == ZT_OK; i++) {
        snprintf(field, sizeof field, "tag.%s", tags.tag[i].name);
        err = zt_edit_set(e, k->id, field, tags.tag[i].value);
    }
    return err;
}

static zt_err print_tag(void *ctx, const char *name, const char *value, int64_t n) {
    (void)ctx;
    printf("%8lld  %s = %s\n", (long long)n, name, value);
    return ZT_OK;
}

static int list(const char *dir) {
    zt_catalog *c = NULL;
    zt_err e = zt_catalog_open(&c, dir);
    if (e == ZT_OK) e = zt_catalog_tags(c, print_tag, NULL);
    zt_catalog_close(&c);
    return zt_cli_result("data tag", e);
}

int zt_data_tag(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data tag DIR --set NAME=VALUE | --remove NAME | --rules | --import NAME=FILE | --list [--where CONDITION]",
        .about = "Tags clips. Tags are for queries (--where tag.NAME = VALUE), captions by template, `zoe data balance` and "
                 "`audit`.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    tag_args a;
    named n = {"", NULL};
    char *dir[1], what[ZT_WHAT_MAX];
    int status;
    int64_t unscored = 0;
    zt_data_what(what, argc, argv);
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!!a.set[0] + !!a.remove[0] + a.rules + !!a.import[0] + a.list != 1)
        return zt_cli_usage_error("data tag", "one of --set, --remove, --rules, --import and --list is wanted");
    if (a.list) return list(dir[0]);
    if ((a.set[0] && !split_named(a.set, &n)) || (a.import[0] && !split_named(a.import, &n)))
        return zt_cli_usage_error("data tag", "--set NAME=VALUE and --import NAME=FILE: a tag's name and what it gets");
    if (a.import[0]) return zt_data_import("data tag", dir[0], what, n.text, n.field + 4, n.field, a.dry_run);
    if (a.remove[0]) snprintf(n.field, sizeof n.field, "tag.%.63s", a.remove);
    const zt_data_edit d = {dir[0], a.where, what, a.rules ? zt_tagger_rules.name : "user", a.rules ? "ok" : NULL, a.dry_run,
                            a.rules ? by_rules : set, a.rules ? (void *)&unscored : (void *)&n};
    status = zt_data_change("data tag", &d);
    if (unscored) fprintf(stderr, "%lld clips have no scores yet: run `zoe data score %s`\n", (long long)unscored, dir[0]);
    return status;
}
