/* policy.c - see policy.h: the rules, and each clip held against them. What a run writes down is use.c. Tested by
 * tests/trust/test_trust_consent.c and tests/cli/test_rights.sh. */
#include "trust/policy.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/licence.h"
#include "data/rights.h"
#include "trust/consent.h"
#include "trust/sign.h"

#define AT(field) ZT_OPT_AT(zt_policy, field)
static const zt_opt OPTIONS[] = {
    {"commercial", ZT_OPT_BOOL, AT(commercial), "false", 0, 0, NULL, 0,
     "the model may earn money: refuse clips whose licence or consent does not allow it"},
    {"derivatives", ZT_OPT_BOOL, AT(derivatives), "true", 0, 0, NULL, 0, "refuse clips whose licence forbids derivatives"},
    {"licences", ZT_OPT_STR, AT(licences), "", 0, 0, NULL, 0, "licences allowed, such as CC0-*,CC-BY-4.0; empty: all"},
    {"denied", ZT_OPT_STR, AT(denied), "", 0, 0, NULL, 0, "licences refused, such as GPL-*"},
    {"unknown_licence", ZT_OPT_ENUM, AT(unknown_licence), "refuse", 0, 0, "refuse|allow", 0,
     "clips without a licence, or with one whose terms are not known"},
    {"people", ZT_OPT_ENUM, AT(people), "consent", 0, 0, "consent|blurred|allow", 0,
     "clips with people: need valid consent or blurred faces; need blurred faces; may be used"},
    {"people_unknown", ZT_OPT_ENUM, AT(people_unknown), "refuse", 0, 0, "refuse|allow", 0,
     "clips in which nobody looked for people"},
    {"consent_scope", ZT_OPT_STR, AT(consent_scope), "training", 0, 0, NULL, 0,
     "what people must have agreed to: training, commercial, likeness, redistribution (commercial: true adds commercial)"},
    {"consent_key", ZT_OPT_STR, AT(consent_key), "", 0, 0, NULL, 0, "public key (PEM) that must have signed the consent records"},
    {"violations", ZT_OPT_ENUM, AT(violations), "refuse", 0, 0, "refuse|leave_out", 0,
     "a clip that may not be used: refuse to train, or train without it"},
};
#undef AT
static const zt_opts OPTS = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]};

void zt_policy_help(FILE *f) { zt_opt_help(OPTS, f); }

/* A relative name in a policy is relative to the policy. */
static zt_err beside(char *name, size_t cap, const char *policy) {
    const size_t folder = (size_t)(zt_path_base(policy) - policy);
    char whole[ZT_PATH_MAX];
    if (!name[0] || name[0] == '/' || folder == 0) return ZT_OK;
    const zt_err e = zt_format(whole, sizeof whole, "%.*s%s", (int)folder, policy, name);
    return e == ZT_OK ? zt_format(name, cap, "%s", whole) : e;
}

zt_err zt_policy_load(zt_policy *p, const char *path) {
    json_t *j = NULL;
    char where[ZT_PATH_MAX + 8];
    zt_err e;
    zt_opt_defaults(OPTS, p);
    ZT_TRY(e = zt_yaml_load(path, &j), done);
    if (!json_is_object(j)) {
        e = zt_fail(ZT_CONFIG, "%s: want rules, one a line, such as: commercial: true", path);
        goto done;
    }
    ZT_TRY(e = zt_format(where, sizeof where, "%s: ", path), done);
    ZT_TRY(e = zt_opt_from_json(OPTS, p, where, j), done);
    if (p->people == ZT_PEOPLE_NEED_CONSENT && !p->consent_key[0]) {
        e = zt_fail(ZT_CONFIG,
                    "%s: people: consent needs consent_key, the public key file that signs your consent records (anybody "
                    "can sign with some key); `zoe data consent key` makes one",
                    path);
        goto done;
    }
    e = beside(p->consent_key, sizeof p->consent_key, path);
done:
    json_decref(j);
    return e;
}

const char *zt_refusal_text(zt_refusal r) {
    static const char *const TEXT[] = {
        "may be used",
#define ZT_REFUSAL_TEXT(name, text) text,
        ZT_REFUSAL_LIST(ZT_REFUSAL_TEXT)
#undef ZT_REFUSAL_TEXT
    };
    return TEXT[r];
}

/* ---- one clip ---- */

/* Whether the name matches one of a list of globs, "A,B*"; spaces around them do not count. */
static bool listed(const char *list, const char *name) {
    while (*list) {
        char glob[128];
        list += strspn(list, ", ");
        const size_t len = strcspn(list, ", ");
        if (len > 0 && len < sizeof glob) {
            memcpy(glob, list, len);
            glob[len] = '\0';
            if (fnmatch(glob, name, FNM_CASEFOLD) == 0) return true;
        }
        list += len;
    }
    return false;
}

static zt_refusal judge_licence(const zt_policy *p, const char *id) {
    const zt_licence *l = zt_licence_find(id);
    if (listed(p->denied, id)) return ZT_REFUSED_DENIED_LICENCE;
    if (p->licences[0]) {
        if (!id[0]) return ZT_REFUSED_NO_LICENCE;
        if (!listed(p->licences, id)) return ZT_REFUSED_DENIED_LICENCE;
    } else if (!l && p->unknown_licence == 0) return id[0] ? ZT_REFUSED_UNKNOWN_LICENCE : ZT_REFUSED_NO_LICENCE;
    if (p->commercial && l && l->commercial == ZT_ANSWER_NO) return ZT_REFUSED_NONCOMMERCIAL;
    if (p->derivatives && l && l->derivatives == ZT_ANSWER_NO) return ZT_REFUSED_NO_DERIVATIVES;
    return ZT_USABLE;
}

static zt_refusal judge_people(const zt_policy *p, zt_people people, zt_consent_state consent) {
    if (p->people == ZT_PEOPLE_ALLOWED || people == ZT_PEOPLE_NONE || people == ZT_PEOPLE_BLURRED) return ZT_USABLE;
    if (p->people == ZT_PEOPLE_NEED_CONSENT && consent == ZT_CONSENT_VALID) return ZT_USABLE;
    if (people == ZT_PEOPLE_UNKNOWN) return p->people_unknown == 0 ? ZT_REFUSED_PEOPLE_UNKNOWN : ZT_USABLE;
    return p->people == ZT_PEOPLE_NEED_BLUR ? ZT_REFUSED_NOT_BLURRED : ZT_REFUSED_NO_CONSENT;
}

/* ---- all clips ---- */

/* Lines about the clips so far are folded into the hash whenever they fill FOLD bytes. */
enum { FOLD = 1 << 20 };
typedef struct admitting { zt_admission *a; const zt_policy *p; unsigned scope; zt_consents consents; zt_str lines; } admitting;

static zt_err admit(zt_admission *a, int64_t id) {
    if (a->n == a->cap) {
        const int64_t cap = a->cap ? 2 * a->cap : 1024;
        int64_t *more = zt_realloc(a->id, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        a->id = more;
        a->cap = cap;
    }
    a->id[a->n++] = id;
    return ZT_OK;
}

/* Count the clip among those of the same licence, origin and holder. */
static zt_err credit(zt_admission *a, const zt_rights_row *r) {
    size_t i;
    json_t *c;
    a->attribution++;
    json_array_foreach(a->credits, i, c) {
        const char *holder = json_string_value(json_object_get(c, "holder")),
                   *origin = json_string_value(json_object_get(c, "origin"));
        const char *licence = json_string_value(json_object_get(c, "licence"));
        if (strcmp(holder, r->holder) || strcmp(origin, r->origin) || strcmp(licence, r->licence)) continue;
        json_object_set_new(c, "clips", json_integer(json_integer_value(json_object_get(c, "clips")) + 1));
        return ZT_OK;
    }
    c = json_pack("{s:s, s:s, s:s, s:i}", "licence", r->licence, "origin", r->origin, "holder", r->holder, "clips", 1);
    return c && json_array_append_new(a->credits, c) == 0 ? ZT_OK : zt_fail(ZT_NOMEM, "no memory for the credits");
}

static zt_err refuse(zt_admission *a, zt_refusal why, const char *key) {
    if (a->count[why] < ZT_REFUSAL_NAMES)
        (void)zt_format(a->name[why][a->count[why]], sizeof a->name[why][0], "%.39s", key);
    a->count[why]++;
    a->refused++;
    return ZT_OK;
}

/* hash = SHA-256(hash in hexadecimal, lines). */
static zt_err fold(admitting *k) {
    char before[65];
    zt_str whole = {0};
    memcpy(before, k->a->clip_set, sizeof before);
    zt_str_add(&whole, before);
    if (k->lines.len > 0) zt_str_addn(&whole, k->lines.buf, k->lines.len);
    const zt_err e = whole.failed ? ZT_NOMEM : zt_sha256(whole.buf, whole.len, k->a->clip_set);
    zt_str_finish(&whole);
    zt_str_finish(&k->lines);
    return e;
}

static zt_err admit_row(void *ctx, const zt_rights_row *r) {
    admitting *k = ctx;
    zt_refusal why = ZT_USABLE;
    zt_err e = ZT_OK;
    const zt_consent_state consent = zt_consents_judge(&k->consents, r, k->scope, NULL);
    if (consent == ZT_CONSENT_REVOKED) why = ZT_REFUSED_REVOKED;
    if (why == ZT_USABLE && k->p) why = judge_licence(k->p, r->licence);
    if (why == ZT_USABLE && k->p) why = judge_people(k->p, r->people, consent);
    if (why != ZT_USABLE) return refuse(k->a, why, r->key);
    ZT_TRY(e = admit(k->a, r->id), done);
    zt_str_addf(&k->lines, "%lld\t%s\t%s\t%s\t%.6f\t%d\t%d\t%d\t%s\n", (long long)r->id, r->key, r->split, r->source_hash,
                r->start_s, r->frames, r->height, r->width, r->caption);
    const zt_licence *l = zt_licence_find(r->licence);
    if (l && l->attribution == ZT_ANSWER_YES) e = credit(k->a, r);
    if (e == ZT_OK && k->lines.len >= FOLD) e = fold(k);
done:
    return k->lines.failed ? ZT_NOMEM : e;
}

zt_err zt_admit(zt_admission *a, const char *dir, const zt_policy *p) {
    admitting k = {.a = a, .p = p};
    zt_catalog *c = NULL;
    char key[ZT_SIGN_KEY_HEX + 1] = "", today[11];
    zt_err e = ZT_OK;
    *a = (zt_admission){.credits = json_array()};
    if (p) ZT_TRY(e = zt_scope_parse(p->consent_scope, &k.scope), done);
    if (p && p->commercial) k.scope |= ZT_SCOPE_COMMERCIAL;
    if (p && p->consent_key[0]) ZT_TRY(e = zt_key_read(p->consent_key, key), done);
    zt_today(today);
    ZT_TRY(e = zt_catalog_open(&c, dir), done);
    ZT_TRY(e = zt_catalog_get_meta(c, "dataset_id", a->dataset, sizeof a->dataset), done);
    ZT_TRY(e = zt_consents_load(&k.consents, c, key[0] ? key : NULL, today), done);
    ZT_TRY(e = zt_rights_each(c, NULL, admit_row, &k), done);
    e = fold(&k);
done:
    zt_consents_finish(&k.consents);
    zt_str_finish(&k.lines);
    zt_catalog_close(&c);
    if (e == ZT_ARG) e = ZT_CONFIG;       /* a rule of the policy, not an argument */
    if (e != ZT_OK) zt_admission_finish(a);
    return e;
}

void zt_admission_finish(zt_admission *a) {
    zt_free(a->id);
    json_decref(a->credits);
    *a = (zt_admission){0};
}

bool zt_admitted(const zt_admission *a, int64_t id) {
    int64_t low = 0, high = a->n;
    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        if (a->id[mid] < id) low = mid + 1;
        else high = mid;
    }
    return low < a->n && a->id[low] == id;
}

zt_err zt_admission_settle(const zt_admission *a, const char *dir, const zt_policy *p) {
    for (int r = 1; r < ZT_REFUSALS; r++)
        if (a->count[r])
            zt_log("%s: %lld clip%s refused: %s (%s%s%s%s%s%s)", dir, (long long)a->count[r], a->count[r] == 1 ? "" : "s",
                   zt_refusal_text(r), a->name[r][0], a->name[r][1][0] ? ", " : "", a->name[r][1], a->name[r][2][0] ? ", " : "",
                   a->name[r][2], a->count[r] > ZT_REFUSAL_NAMES ? ", ..." : "");
    if (p && a->attribution)
        zt_log("%s: %lld clips want their author named: data_used.json of the run has the credits", dir,
               (long long)a->attribution);
    if (a->refused && p && p->violations == 0)
        return zt_fail(ZT_CONFIG,
                       "%s: the policy refuses %lld of %lld clips (reasons above); mend their rights with `zoe data rights`, "
                       "`consent` or `faces`, or set violations: leave_out to train without them",
                       dir, (long long)a->refused, (long long)(a->refused + a->n));
    if (a->n == 0) return zt_fail(ZT_CONFIG, "%s: no clip is left that may be used", dir);
    return ZT_OK;
}
