/* data_consent.c - `zoe data consent`: consent records of the people in the clips: key, add, list, revoke. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/data.h"
#include "data/shard_edit.h"
#include "trust/consent.h"
#include "trust/policy.h"
#include "trust/sign.h"

enum { MAX_RUNS = 64 };

/* Open an existing data set for writing, inside a transaction. */
static zt_err open_to_write(zt_catalog **c, const char *dir) {
    const zt_err e = zt_catalog_open_writing(c, dir);
    return e == ZT_OK ? zt_catalog_begin(*c) : e;
}

/* ---- key ---- */

static int key(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data consent key FILE",
        .about = "Makes a key pair (Ed25519): FILE signs consent records and is to be kept secret, FILE.pub checks them.\n",
        .min_pos = 1,
        .max_pos = 1,
    };
    char *file[1], hex[ZT_SIGN_KEY_HEX + 1], unused;
    int status;
    if (!zt_cli_parse(&SPEC, &unused, argc, argv, file, NULL, &status)) return status;
    zt_err e = zt_key_make(file[0]);
    if (e == ZT_OK) e = zt_key_read(file[0], hex);
    if (e == ZT_OK) printf("%s signs, %s.pub checks; the key's name is %s\n", file[0], file[0], hex);
    return zt_cli_result("data consent", e);
}

/* ---- add ---- */

typedef struct add_args {
    char subject[256], scope[128], date[16], expires[16], evidence[4096], sign[4096], clip_key[128], source[4096];
    int by_clip, all;
} add_args;
#define AT(field) ZT_OPT_AT(add_args, field)
static const zt_opt ADD_OPTIONS[] = {
    {"subject", ZT_OPT_STR, AT(subject), NULL, 0, 0, NULL, 0, "who agrees: a name, or a code for one"},
    {"scope", ZT_OPT_STR, AT(scope), "training", 0, 0, NULL, 0,
     "to what: a list of training, commercial, likeness, redistribution"},
    {"date", ZT_OPT_STR, AT(date), NULL, 0, 0, NULL, 0, "when, as 2026-01-31; left out: today (UTC)"},
    {"expires", ZT_OPT_STR, AT(expires), NULL, 0, 0, NULL, 0, "last day it holds; left out: it does not end"},
    {"evidence", ZT_OPT_STR, AT(evidence), NULL, 0, 0, NULL, 0,
     "the signed release form; its name and hash are kept, not the file"},
    {"sign", ZT_OPT_STR, AT(sign), NULL, 0, 0, NULL, 0, "private key file that signs the record (zoe data consent key)"},
    {"source", ZT_OPT_STR, AT(source), NULL, 0, 0, NULL, 0,
     "covers what was cut from files whose path matches, such as '*/anna/*'"},
    {"key", ZT_OPT_STR, AT(clip_key), NULL, 0, 0, NULL, 0, "covers clips whose key matches"},
    {"by-clip", ZT_OPT_BOOL, AT(by_clip), "false", 0, 0, NULL, 0, "cover just these clips, not all that their source files hold"},
    {"all", ZT_OPT_BOOL, AT(all), "false", 0, 0, NULL, 0, "covers every clip of the data set"},
};
#undef AT

static int add(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data consent add DIR --subject WHO --sign KEY (--source GLOB | --key GLOB | --all) [options]",
        .about = "Records that a person agreed to the use of clips, and signs the record.\n",
        .opts = {ADD_OPTIONS, sizeof ADD_OPTIONS / sizeof ADD_OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    add_args a;
    char *dir[1], id[65], today[11];
    int status;
    zt_catalog *c = NULL;
    zt_err e;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!a.sign[0])
        return zt_cli_usage_error("data consent", "--sign is missing: the key that signs (zoe data consent key FILE)");
    if (!a.all && !a.source[0] && !a.clip_key[0])
        return zt_cli_usage_error("data consent", "say what it covers: --source, --key, or --all");
    zt_today(today);
    zt_consent_new k = {.subject = a.subject, .date = a.date[0] ? a.date : today, .expires = a.expires,
                        .evidence = a.evidence[0] ? a.evidence : NULL, .clips = {.key = a.clip_key, .source = a.source},
                        .by_source = !a.by_clip};
    ZT_TRY(e = zt_scope_parse(a.scope, &k.scope), done);
    ZT_TRY(e = open_to_write(&c, dir[0]), done);
    ZT_TRY(e = zt_consent_add(c, &k, a.sign, id), done);
    ZT_TRY(e = zt_catalog_commit(c), done);
    printf("%s\n", id);
done:
    zt_catalog_close(&c);
    return zt_cli_result("data consent", e);
}

/* ---- list ---- */

typedef struct list_args { char trust[4096]; int json; } list_args;
static const zt_opt LIST_OPTIONS[] = {
    {"trust", ZT_OPT_STR, ZT_OPT_AT(list_args, trust), NULL, 0, 0, NULL, 0, "key file that must have signed; left out: any key"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(list_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

static const char *scope_text(unsigned scope, char text[64]) {
    static const char *const NAME[] = {"training", "commercial", "likeness", "redistribution"};
    text[0] = '\0';
    for (int i = 0; i < 4; i++)
        if (scope & (1u << i)) snprintf(text + strlen(text), 64 - strlen(text), "%s%s", text[0] ? "," : "", NAME[i]);
    return text;
}

static int print_consents(const zt_consents *s, bool json) {
    json_t *rows = json ? json_array() : NULL;
    for (int i = 0; i < s->n; i++) {
        const zt_consent *k = &s->consent[i];
        char scope[64];
        scope_text(k->scope, scope);
        if (json)
            json_array_append_new(rows,
                                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "id", k->id, "state",
                                            zt_consent_state_name(k->state), "subject", k->subject, "scope", scope, "date",
                                            k->date, "expires", k->expires, "evidence", k->evidence, "clips", k->clips, "sources",
                                            k->sources, "revoked", k->revoked, "reason", k->reason, "signed_by", k->public_key));
        else
            printf("%.12s  %-9s  %s: %s, %s to %s, %d source%s and %d clip%s, signed by %.12s%s%s%s%s\n", k->id,
                   zt_consent_state_name(k->state), k->subject, scope, k->date, k->expires[0] ? k->expires : "ever", k->sources,
                   k->sources == 1 ? "" : "s", k->clips, k->clips == 1 ? "" : "s", k->public_key,
                   k->revoked[0] ? "; revoked on " : "", k->revoked, k->reason[0] ? ": " : "", k->reason);
    }
    return json ? zt_cli_print_json("data consent", json_pack("{s:o}", "consents", rows)) : ZT_EXIT_OK;
}

static int list(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data consent list DIR [options]",
        .about =
            "Prints every consent record, whether its signature holds, and whether it is valid today. Exit status 1: one was "
            "tampered\nwith, or one was taken away after which another was signed.\n",
        .opts = {LIST_OPTIONS, sizeof LIST_OPTIONS / sizeof LIST_OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    list_args a;
    char *dir[1], trusted[ZT_SIGN_KEY_HEX + 1], today[11];
    int status;
    zt_catalog *c = NULL;
    zt_consents s = {0};
    zt_err e = ZT_OK;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    zt_today(today);
    if (a.trust[0]) ZT_TRY(e = zt_key_read(a.trust, trusted), done);
    ZT_TRY(e = zt_catalog_open(&c, dir[0]), done);
    ZT_TRY(e = zt_consents_load(&s, c, a.trust[0] ? trusted : NULL, today), done);
    status = print_consents(&s, a.json);
    int bad = 0;
    for (int i = 0; i < s.n; i++) bad += s.consent[i].state == ZT_CONSENT_TAMPERED;
    if (bad) e = zt_fail(ZT_FORMAT, "%s: %d consent record%s not what was signed and cover%s nothing", dir[0], bad,
                         bad == 1 ? " is" : "s are", bad == 1 ? "s" : "");
    else if (s.missing)
        e = zt_fail(ZT_FORMAT,
                    "%s: %d consent record%s gone that later ones were signed after (%.12s); take the catalogue from a "
                    "backup that has %s",
                    dir[0], s.missing, s.missing == 1 ? " is" : "s are", s.first_missing, s.missing == 1 ? "it" : "them");
done:
    zt_consents_finish(&s);
    zt_catalog_close(&c);
    return e == ZT_OK ? status : zt_cli_result("data consent", e);
}

/* ---- revoke ---- */

typedef struct revoke_args { char reason[512]; int erase, json; } revoke_args;
static const zt_opt REVOKE_OPTIONS[] = {
    {"reason", ZT_OPT_STR, ZT_OPT_AT(revoke_args, reason), "", 0, 0, NULL, 0, "why, for the record"},
    {"erase", ZT_OPT_BOOL, ZT_OPT_AT(revoke_args, erase), "false", 0, 0, NULL, 0,
     "also remove the pixels of dropped clips from the shards, for good"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(revoke_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

typedef struct finding { const int64_t *ids; int64_t n; const char *dataset, *dir; json_t *runs; } finding;

static zt_err note_run(finding *f, const char *path) {
    for (size_t i = 0; i < json_array_size(f->runs); i++)
        if (strcmp(json_string_value(json_array_get(f->runs, i)), path) == 0) return ZT_OK;
    return json_array_append_new(f->runs, json_string(path)) == 0 ? ZT_OK
                                                                  : zt_fail(ZT_FORMAT, "a run's folder is not UTF-8 text");
}

static zt_err listed_run(void *ctx, const zt_run_row *run) {
    finding *f = ctx;
    return zt_ranges_meet(run->clips, f->ids, f->n) ? note_run(f, run->path) : ZT_OK;
}

static zt_err try_run(finding *f, const char *run) {
    bool found;
    zt_err e = zt_use_find(run, f->dataset, f->dir, f->ids, f->n, &found);
    if (e != ZT_OK || !found) return e;
    char *absolute = realpath(run, NULL);           /* as the catalogue names it */
    e = note_run(f, absolute ? absolute : run);
    free(absolute);                                 /* the C library's own allocation */
    return e;
}

/* `folder` and what is in it: each may be a run. */
static zt_err search_runs(finding *f, const char *folder) {
    char **names = NULL, path[ZT_PATH_MAX];
    int n = 0;
    zt_err e;
    ZT_TRY(e = try_run(f, folder), done);
    ZT_TRY(e = zt_dir_list(folder, &names, &n), done);
    for (int i = 0; i < n; i++) {
        ZT_TRY(e = zt_path_join(path, folder, names[i]), done);
        if (zt_is_dir(path)) ZT_TRY(e = try_run(f, path), done);
    }
done:
    zt_names_free(names, n);
    return e;
}

/* Revoke, and find the runs; *dropped and f are set. */
static zt_err revoke_one(zt_catalog *c, const char *prefix, const char *reason, finding *f, int64_t **ids, int64_t *dropped) {
    zt_consents s = {0};
    const zt_consent *k;
    char today[11], id[65] = "";
    zt_err e;
    zt_today(today);
    ZT_TRY(e = zt_consents_load(&s, c, NULL, today), done);
    ZT_TRY(e = zt_consents_find(&s, prefix, &k), done);
    ZT_TRY(e = zt_format(id, sizeof id, "%s", k->id), done);
    ZT_TRY(e = zt_consent_revoke(c, id, reason, today, dropped, ids, &f->n), done);
    f->ids = *ids;
    e = zt_rights_runs(c, listed_run, f);
done:
    zt_consents_finish(&s);
    return e;
}

static int print_revoked(const finding *f, int64_t dropped, bool json) {
    if (json)
        return zt_cli_print_json("data consent", json_pack("{s:I, s:I, s:O}", "clips", (json_int_t)f->n, "dropped",
                                                           (json_int_t)dropped, "runs", f->runs));
    printf("revoked: it covered %lld clip%s, %lld dropped from later training\n", (long long)f->n, f->n == 1 ? "" : "s",
           (long long)dropped);
    for (size_t i = 0; i < json_array_size(f->runs); i++) printf("used by  %s\n", json_string_value(json_array_get(f->runs, i)));
    if (json_array_size(f->runs) == 0) printf("no run is known that used them\n");
    return ZT_EXIT_OK;
}

static int revoke(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data consent revoke DIR ID [RUNS ...] [options]",
        .about =
            "Takes a consent back: what it covers is dropped from later training, and the runs that used it are listed: those "
            "the "
            "data set\nknows of, and those in the folders RUNS (a run, or a folder of runs). To revoke again changes nothing "
            "and searches again.\n",
        .opts = {REVOKE_OPTIONS, sizeof REVOKE_OPTIONS / sizeof REVOKE_OPTIONS[0]},
        .min_pos = 2,
        .max_pos = 2 + MAX_RUNS,
    };
    revoke_args a;
    char *pos[2 + MAX_RUNS], dataset[33];
    int status, n;
    zt_catalog *c = NULL;
    int64_t dropped = 0, *ids = NULL;
    finding f = {.runs = json_array(), .dataset = dataset};
    zt_err e;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, pos, &n, &status)) {
        json_decref(f.runs);
        return status;
    }
    f.dir = pos[0];
    ZT_TRY(e = open_to_write(&c, pos[0]), done);
    ZT_TRY(e = zt_rights_dataset_id(c, dataset), done);
    ZT_TRY(e = revoke_one(c, pos[1], a.reason, &f, &ids, &dropped), done);
    ZT_TRY(e = zt_catalog_commit(c), done);
    zt_catalog_close(&c);
    for (int i = 2; i < n; i++) ZT_TRY(e = search_runs(&f, pos[i]), done);
    if (a.erase) ZT_TRY(e = zt_shards_edit(pos[0], &(zt_shard_edit){.erase_dropped = true}), done);
    status = print_revoked(&f, dropped, a.json);
done:
    zt_catalog_close(&c);
    json_decref(f.runs);
    zt_free(ids);
    return e == ZT_OK ? status : zt_cli_result("data consent", e);
}

int zt_data_consent(int argc, char **argv) {
    static const struct { const char *name; int (*run)(int argc, char **argv); } ACTION[] = {
        {"key", key}, {"add", add}, {"list", list}, {"revoke", revoke}};
    static const char *const names[] = {"key", "add", "list", "revoke"};
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0) {
        printf("usage: zoe data consent ACTION ...\n\nKeeps signed records of who agreed to the use of which clips.\n\n"
               "  key FILE       make the key pair that signs records\n"
               "  add DIR        record a consent\n"
               "  list DIR       show the records, and whether they hold\n"
               "  revoke DIR ID  take one back: drops its clips, lists the runs that used them\n"
               "\n  zoe data consent ACTION --help   the options of an action\n");
        return ZT_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof ACTION / sizeof ACTION[0]; i++) {
        if (strcmp(ACTION[i].name, word) != 0) continue;
        argv[1] = argv[0];
        return ACTION[i].run(argc - 1, argv + 1);
    }
    const char *near = zt_nearest_name(word, names, 4);
    return zt_cli_usage_error("data consent", "'%.40s' is no action: key, add, list, revoke%s%s", word,
                              near ? "; did you mean " : "", near ? near : "");
}
