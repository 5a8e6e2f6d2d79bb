/* data_rights.c - `zoe data rights`: licence, origin, rights holder and people of the clips; and what a policy would say of
 * them. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/data.h"
#include "data/licence.h"
#include "data/query.h"
#include "data/rights.h"
#include "trust/policy.h"

enum { MAX_SETTINGS = 8 };

typedef struct rights_args {
    char key[128], source[4096], split[16], where[1024], policy[1024];
    int set, all, clips, json;
} rights_args;

#define AT(field) ZT_OPT_AT(rights_args, field)
static const zt_opt OPTIONS[] = {
    {"key", ZT_OPT_STR, AT(key), NULL, 0, 0, NULL, 0, "only clips whose key matches, such as '0000*'"},
    {"source", ZT_OPT_STR, AT(source), NULL, 0, 0, NULL, 0, "only clips cut from files whose path matches, such as '*/nasa/*'"},
    {"where", ZT_OPT_STR, AT(where), NULL, 0, 0, NULL, 0, "with --set: only clips that fulfil a query, as in zoe data ls"},
    {"split", ZT_OPT_STR, AT(split), NULL, 0, 0, NULL, 0, "train, val or test only"},
    {"set", ZT_OPT_BOOL, AT(set), "false", 0, 0, NULL, 0, "write what NAME=VALUE says to the clips chosen"},
    {"all", ZT_OPT_BOOL, AT(all), "false", 0, 0, NULL, 0, "with --set: all clips are meant"},
    {"clips", ZT_OPT_BOOL, AT(clips), "false", 0, 0, NULL, 0, "a line per clip"},
    {"policy", ZT_OPT_STR, AT(policy), NULL, 0, 0, NULL, 0,
     "only say what this policy file would refuse; exit status 0: nothing"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print one JSON object"},
};
#undef AT

/* ---- setting ---- */

static int read_settings(int n, char **text, zt_rights *r) {
    const struct { const char *name; const char **to; } FIELD[] = {
        {"licence", &r->licence}, {"terms", &r->terms}, {"origin", &r->origin}, {"holder", &r->holder}, {"people", &r->people}};
    const char *names[] = {"licence", "terms", "origin", "holder", "people"};
    for (int i = 0; i < n; i++) {
        const char *eq = strchr(text[i], '=');
        char name[32] = "";
        size_t k = 0;
        if (eq && (size_t)(eq - text[i]) < sizeof name) memcpy(name, text[i], (size_t)(eq - text[i]));
        while (k < 5 && strcmp(FIELD[k].name, name) != 0) k++;
        if (k == 5) {
            const char *near = zt_nearest_name(name, names, 5);
            return zt_cli_usage_error("data rights",
                                      "'%.100s' sets nothing; write licence=, terms=, origin=, holder= or people=%s%s", text[i],
                                      near ? "; did you mean " : "", near ? near : "");
        }
        *FIELD[k].to = eq + 1;
    }
    return ZT_EXIT_OK;
}

typedef struct setting { zt_catalog *c; zt_clip_choice which; const zt_rights *rights; int64_t changed; } setting;

static zt_err set_clip(void *ctx, const zt_catalog_clip *clip) {
    setting *s = ctx;
    int64_t n;
    s->which.id = clip->id;
    const zt_err e = zt_rights_set(s->c, &s->which, s->rights, &n);
    if (e == ZT_OK) s->changed += n;
    return e;
}

static zt_err set_where(zt_catalog *c, const char *where, const zt_clip_choice *which, const zt_rights *r, int64_t *changed) {
    setting s = {c, *which, r, 0};
    zt_query *q = NULL;
    zt_err e = zt_query_parse(&q, where);
    if (e == ZT_OK) e = zt_catalog_select(c, q, 0, 0, set_clip, &s);
    zt_query_destroy(&q);
    *changed = s.changed;
    return e;
}

static int set(const char *dir, const rights_args *a, const zt_clip_choice *which, int n, char **text) {
    zt_catalog *c = NULL;
    zt_rights r = {0};
    int64_t changed = 0;
    zt_err e;
    const int status = read_settings(n, text, &r);
    if (status != ZT_EXIT_OK) return status;
    if (n == 0) return zt_cli_usage_error("data rights", "--set wants something to set, such as licence=CC-BY-4.0");
    if (!a->all && !a->key[0] && !a->source[0] && !a->split[0] && !a->where[0])
        return zt_cli_usage_error("data rights", "say which clips are meant: --key, --source, --split, --where, or --all");
    ZT_TRY(e = zt_catalog_open_writing(&c, dir), done);
    ZT_TRY(e = zt_catalog_begin(c), done);
    ZT_TRY(e = a->where[0] ? set_where(c, a->where, which, &r, &changed) : zt_rights_set(c, which, &r, &changed), done);
    ZT_TRY(e = zt_catalog_commit(c), done);
    if (changed == 0) e = zt_fail(ZT_ARG, "%s: no usable clip matches, so nothing was set", dir);
    else printf("%lld clip%s set\n", (long long)changed, changed == 1 ? "" : "s");
    if (e == ZT_OK && r.licence && r.licence[0] && !zt_licence_find(r.licence))
        printf("what '%s' allows is not known here, so policies treat it as unknown\n", r.licence);
done:
    zt_catalog_close(&c);
    return zt_cli_result("data rights", e);
}

/* ---- listing ---- */

static zt_err clip_row(void *json, const zt_rights_row *r) {
    if (json)
        return json_array_append_new(json, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", (json_int_t)r->id,
                                                     "key", r->key, "split", r->split, "source", r->source, "licence", r->licence,
                                                     "terms", r->terms, "origin", r->origin, "holder", r->holder, "people",
                                                     zt_people_name(r->people))) == 0
                   ? ZT_OK
                   : zt_fail(ZT_FORMAT, "clip %s: its rights are not UTF-8 text", r->key);
    printf("%s  %-5s  %-16s  people %-7s  %s%s%s%s%s\n", r->key, r->split, r->licence[0] ? r->licence : "(no licence)",
           zt_people_name(r->people), r->holder, r->holder[0] && r->origin[0] ? ", " : "", r->origin, r->origin[0] ? "  " : "",
           r->source);
    return ZT_OK;
}

static zt_err licence_row(void *json, const char *id, int64_t clips) {
    const zt_licence *l = zt_licence_find(id), unknown = {0};
    if (!l) l = &unknown;
    if (json)
        return json_array_append_new(json,
                                     json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "licence", id, "clips", (json_int_t)clips,
                                               "commercial", zt_answer_name(l->commercial), "derivatives",
                                               zt_answer_name(l->derivatives), "attribution", zt_answer_name(l->attribution),
                                               "share_alike", zt_answer_name(l->share_alike))) == 0
                   ? ZT_OK
                   : zt_fail(ZT_FORMAT, "a licence is not UTF-8 text");
    printf("%8lld  %-20s  commercial use: %s, derivatives: %s, attribution: %s, share alike: %s\n", (long long)clips,
           id[0] ? id : "(no licence)", zt_answer_name(l->commercial), zt_answer_name(l->derivatives),
           zt_answer_name(l->attribution), zt_answer_name(l->share_alike));
    return ZT_OK;
}

static zt_err list(zt_catalog *c, const rights_args *a, const zt_clip_choice *which, json_t *json) {
    int64_t people[ZT_PEOPLE_BLURRED + 1];
    json_t *licences = json ? json_array() : NULL, *clips = json && a->clips ? json_array() : NULL,
           *seen = json ? json_object() : NULL;
    zt_err e;
    ZT_TRY(e = zt_rights_by_licence(c, licence_row, licences), done);
    ZT_TRY(e = zt_rights_by_people(c, people), done);
    for (int k = 0; k <= ZT_PEOPLE_BLURRED; k++) {
        if (json) json_object_set_new(seen, zt_people_name(k), json_integer(people[k]));
        else if (people[k]) printf("%8lld  people: %s\n", (long long)people[k], zt_people_name(k));
    }
    if (a->clips) ZT_TRY(e = zt_rights_each(c, which, clip_row, clips), done);
    if (json && (json_object_set(json, "licences", licences) != 0 || json_object_set(json, "people", seen) != 0
                 || (clips && json_object_set(json, "clips", clips) != 0)))
        e = zt_fail(ZT_NOMEM, "no memory for the result");
done:
    json_decref(licences);
    json_decref(seen);
    json_decref(clips);
    return e;
}

static int show(const char *dir, const rights_args *a, const zt_clip_choice *which) {
    zt_catalog *c = NULL;
    json_t *json = a->json ? json_object() : NULL;
    zt_err e = zt_catalog_open(&c, dir);
    if (e == ZT_OK) e = list(c, a, which, json);
    zt_catalog_close(&c);
    if (e == ZT_OK && json) return zt_cli_print_json("data rights", json);
    json_decref(json);
    return zt_cli_result("data rights", e);
}

/* ---- asking a policy ---- */

static int ask(const char *dir, const rights_args *a) {
    zt_policy p;
    zt_admission admission = {0};
    zt_err e;
    ZT_TRY(e = zt_policy_load(&p, a->policy), done);
    ZT_TRY(e = zt_admit(&admission, dir, &p), done);
    if (a->json) {
        json_t *reasons = json_object();
        for (int r = 1; r < ZT_REFUSALS; r++)
            if (admission.count[r]) json_object_set_new(reasons, zt_refusal_text(r), json_integer(admission.count[r]));
        const int status =
            zt_cli_print_json("data rights", json_pack("{s:I, s:I, s:o, s:s, s:O}", "usable", (json_int_t)admission.n, "refused",
                                                       (json_int_t)admission.refused, "reasons", reasons, "clip_set",
                                                       admission.clip_set, "credits", admission.credits));
        const bool refused = admission.refused > 0;
        zt_admission_finish(&admission);
        return status == ZT_EXIT_OK && refused ? ZT_EXIT_FAILED : status;
    }
    p.violations = 0;
    e = zt_admission_settle(&admission, dir, &p);
    if (e == ZT_OK) printf("all %lld clips may be used\n", (long long)admission.n);
    else if (e == ZT_CONFIG) {                   /* the answer, not wrong usage */
        (void)zt_cli_result("data rights", e);
        zt_admission_finish(&admission);
        return ZT_EXIT_FAILED;
    }
done:
    zt_admission_finish(&admission);
    return zt_cli_result("data rights", e);
}

static void print_policy_help(void) {
    printf(
        "\nA policy is a YAML file of rules; `zoe train data.policy=FILE` holds every clip against it before the first step:\n");
    zt_policy_help(stdout);
}

int zt_data_rights(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data rights DIR [options] | DIR --set NAME=VALUE ... (--key|--source|--split|--where X | --all)",
        .about = "Lists the licences of a data set and whether people are in its clips; --set writes: licence (SPDX identifier), "
                 "terms "
                 "(its text\nor address), origin, holder (of the rights), people (yes or no). --policy asks what a policy would "
                 "refuse.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1 + MAX_SETTINGS,
    };
    rights_args a;
    char *pos[1 + MAX_SETTINGS];
    int status, n;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, pos, &n, &status)) {
        if (status == ZT_EXIT_OK) print_policy_help();
        return status;
    }
    if (!zt_data_split_ok("data rights", a.split, &status)) return status;
    const zt_clip_choice which = {.key = a.key, .source = a.source, .split = a.split};
    if (a.set) return set(pos[0], &a, &which, n - 1, pos + 1);
    if (n > 1) return zt_cli_usage_error("data rights", "'%.100s' is only understood with --set", pos[1]);
    return a.policy[0] ? ask(pos[0], &a) : show(pos[0], &a, &which);
}
