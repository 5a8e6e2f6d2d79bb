/* consent.c - see consent.h. Tested by tests/trust/test_trust_consent.c. */
#include "trust/consent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "trust/sign.h"

enum { VERSION = 1, SUBJECT_MAX = 200, SCOPES = 4 };
static const char *const SCOPE[SCOPES] = {"training", "commercial", "likeness", "redistribution"};
/* Signed in front of the record, so that a signature made for something else can never pass as one. */
static const char DOMAIN[] = "zoe consent record 1\n";

/* One entry of a record's "covers". */
typedef struct zt_consent_cover { const char *what; int consent; } cover;

/* ---- dates and scopes ---- */

void zt_today(char date[11]) {
    const time_t now = time(NULL);
    struct tm tm;
    if (!gmtime_r(&now, &tm) || strftime(date, 11, "%Y-%m-%d", &tm) != 10) snprintf(date, 11, "1970-01-01");
}

bool zt_date_valid(const char *t) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strlen(t) != 10 || strspn(t, "0123456789-") != 10 || t[4] != '-' || t[7] != '-' || memchr(t, '-', 4)
        || t[5] == '-' || t[6] == '-' || t[8] == '-' || t[9] == '-')
        return false;
    const int year = (int)strtol(t, NULL, 10), month = (int)strtol(t + 5, NULL, 10), day = (int)strtol(t + 8, NULL, 10);
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return year >= 1900 && month >= 1 && month <= 12 && day >= 1 && day <= DAYS[month - 1] + (month == 2 && leap);
}

static bool scope_word(const char *word, size_t len, unsigned *scope) {
    for (int k = 0; k < SCOPES; k++)
        if (strlen(SCOPE[k]) == len && strncmp(SCOPE[k], word, len) == 0) {
            *scope |= 1u << k;
            return true;
        }
    return false;
}

zt_err zt_scope_parse(const char *text, unsigned *scope) {
    *scope = 0;
    for (const char *p = text;; p++) {
        const size_t len = strcspn(p, ",");
        if (!scope_word(p, len, scope))
            return zt_fail(ZT_ARG,
                           "'%.*s' is no scope of consent; it is a list of training, commercial, likeness, redistribution",
                           (int)(len < 40 ? len : 40), p);
        if (!*(p += len)) return ZT_OK;
    }
}

/* ---- making a record ---- */

typedef struct chosen { json_t *clips, *sources; bool by_source; } chosen;

static zt_err choose(void *ctx, const zt_rights_row *r) {
    chosen *k = ctx;
    if (!k->by_source) return json_array_append_new(k->clips, json_string(r->key)) == 0 ? ZT_OK : ZT_NOMEM;
    if (strlen(r->source_hash) != 64)
        return zt_fail(ZT_ARG, "clip %s has no source file whose hash is known (a synthetic one?); cover it by key", r->key);
    const size_t n = json_array_size(k->sources);   /* the clips of a source follow one another */
    if (n > 0 && strcmp(json_string_value(json_array_get(k->sources, n - 1)), r->source_hash) == 0) return ZT_OK;
    return json_array_append_new(k->sources, json_string(r->source_hash)) == 0 ? ZT_OK : ZT_NOMEM;
}

static zt_err check(const zt_consent_new *k) {
    const size_t len = k->subject ? strlen(k->subject) : 0;
    if (len < 1 || len > SUBJECT_MAX || !zt_utf8_valid(k->subject, len, NULL))
        return zt_fail(ZT_ARG, "the subject has %zu bytes; wanted is UTF-8 text of 1 to %d: a name, or a code for one", len,
                       SUBJECT_MAX);
    if (!zt_date_valid(k->date)) return zt_fail(ZT_ARG, "the date '%.20s' is no date; write it as 2026-01-31", k->date);
    if (k->expires[0] && (!zt_date_valid(k->expires) || strcmp(k->expires, k->date) < 0))
        return zt_fail(ZT_ARG, "the expiry '%.20s' is no date from %s on; write it as 2026-01-31", k->expires, k->date);
    return ZT_OK;
}

static zt_err evidence_of(const char *path, json_t **out) {
    char hash[65] = "";
    const char *name = path ? zt_path_base(path) : "";
    zt_err e = path ? zt_sha256_file(path, hash) : ZT_OK;
    if (e != ZT_OK) return e;
    *out = json_pack("{s:s, s:s}", "name", zt_utf8_valid(name, strlen(name), NULL) ? name : "", "sha256", hash);
    return *out ? ZT_OK : zt_fail(ZT_NOMEM, "no memory for a consent record");
}

static json_t *scope_list(unsigned scope) {
    json_t *list = json_array();
    for (int k = 0; k < SCOPES; k++)
        if (scope & (1u << k)) json_array_append_new(list, json_string(SCOPE[k]));
    return list;
}

/* Which records there are and which of them others name as signed before them, both as sets of ids. */
typedef struct chain { json_t *there, *named; const json_t *same; } chain;

static zt_err chain_row(void *ctx, const zt_consent_row *r) {
    chain *k = ctx;
    json_t *j = NULL, *v;
    size_t i;
    zt_err e = json_object_set_new_nocheck(k->there, r->id, json_true()) == 0 ? ZT_OK : ZT_NOMEM;
    if (zt_json_parse(r->record, strlen(r->record), "consent record", &j) != ZT_OK) return e;
    json_array_foreach(json_object_get(j, "previous"), i, v)
        if (json_is_string(v) && json_object_set_new(k->named, json_string_value(v), json_true()) != 0) e = ZT_NOMEM;
    json_object_del(j, "previous");
    if (e == ZT_OK && k->same && json_equal(j, (json_t *)k->same))
        e = zt_fail(ZT_ARG, "consent record %.12s says the same and is there already", r->id);
    json_decref(j);
    return e;
}

/* Add "previous": the records that none was signed after yet, so that none can be taken away unseen once another follows. Refuses
 * a record that is there already. */
static zt_err link_up(zt_catalog *c, json_t *record) {
    chain k = {json_object(), json_object(), record};
    json_t *heads = json_array(), *v;
    const char *id;
    zt_err e;
    ZT_TRY(e = zt_rights_consents(c, chain_row, &k), done);
    json_object_foreach(k.there, id, v)
        if (!json_object_get(k.named, id)) json_array_append_new(heads, json_string(id));
    if (json_object_set(record, "previous", heads) != 0) e = zt_fail(ZT_NOMEM, "no memory for a consent record");
done:
    json_decref(heads);
    json_decref(k.there);
    json_decref(k.named);
    return e;
}

/* *text is jansson's own: free(). */
static zt_err compose(zt_catalog *c, const zt_consent_new *k, char **text) {
    chosen pick = {json_array(), json_array(), k->by_source};
    json_t *evidence = NULL, *record = NULL;
    char dataset[33];
    zt_err e;
    ZT_TRY(e = zt_rights_dataset_id(c, dataset), done);
    ZT_TRY(e = zt_rights_each(c, &k->clips, choose, &pick), done);
    if (json_array_size(pick.clips) + json_array_size(pick.sources) == 0) {
        e = zt_fail(ZT_ARG, "no usable clip was chosen, so the record would cover nothing; `zoe data rights` lists the clips");
        goto done;
    }
    ZT_TRY(e = evidence_of(k->evidence, &evidence), done);
    record = json_pack("{s:{s:O, s:s, s:O}, s:s, s:O, s:s, s:o, s:s, s:i}", "covers", "clips", pick.clips, "dataset", dataset,
                       "sources", pick.sources, "date", k->date, "evidence", evidence, "expires", k->expires, "scope",
                       scope_list(k->scope), "subject", k->subject, "version", VERSION);
    if (record) ZT_TRY(e = link_up(c, record), done);
    *text = record ? json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (!*text) e = zt_fail(ZT_NOMEM, "no memory for a consent record");
done:
    json_decref(record);
    json_decref(evidence);
    json_decref(pick.clips);
    json_decref(pick.sources);
    return e;
}

static zt_err signed_text(const char *record, zt_str *out) {
    zt_str_add(out, DOMAIN);
    zt_str_add(out, record);
    return out->failed ? ZT_NOMEM : ZT_OK;
}

zt_err zt_consent_add(zt_catalog *c, const zt_consent_new *k, const char *key_path, char id[65]) {
    char signature[ZT_SIGN_HEX + 1], key[ZT_SIGN_KEY_HEX + 1], *text = NULL;
    zt_str message = {0};
    zt_err e;
    ZT_TRY(e = check(k), done);
    ZT_TRY(e = compose(c, k, &text), done);
    ZT_TRY(e = signed_text(text, &message), done);
    ZT_TRY(e = zt_signature_make(key_path, message.buf, message.len, signature, key), done);
    ZT_TRY(e = zt_sha256(text, strlen(text), id), done);
    const zt_consent_row row = {.id = id, .record = text, .signature = signature, .public_key = key};
    e = zt_rights_add_consent(c, &row);
done:
    zt_str_finish(&message);
    free(text);
    return e;
}

/* ---- reading records ---- */

static zt_err add_cover(zt_consents *s, const char *what, int consent) {
    if (s->n_cover == s->cover_cap) {
        const int64_t cap = s->cover_cap ? 2 * s->cover_cap : 256;
        cover *more = zt_realloc(s->cover, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        s->cover = more;
        s->cover_cap = cap;
    }
    const char *copy = zt_arena_strdup(s->arena, what);
    if (!copy) return ZT_NOMEM;
    s->cover[s->n_cover++] = (cover){copy, consent};
    return ZT_OK;
}

static zt_err add_covers(zt_consents *s, const json_t *list, int consent, int *n) {
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)list, i, v) {
        const zt_err e = json_is_string(v) ? add_cover(s, json_string_value(v), consent) : ZT_OK;
        if (e != ZT_OK) return e;
    }
    *n = (int)json_array_size(list);
    return ZT_OK;
}

static zt_consent_state state_of(const zt_consents *s, const zt_consent *k) {
    if (k->revoked[0]) return ZT_CONSENT_REVOKED;             /* whoever signed it: to withdraw is always right */
    if (s->trusted && strcmp(s->trusted, k->public_key) != 0) return ZT_CONSENT_UNTRUSTED;
    if (strcmp(s->today, k->date) < 0) return ZT_CONSENT_EARLY;
    return k->expires[0] && strcmp(s->today, k->expires) > 0 ? ZT_CONSENT_EXPIRED : ZT_CONSENT_VALID;
}

static zt_err read_scope(const json_t *list, unsigned *scope) {
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)list, i, v) if (json_is_string(v))
        scope_word(json_string_value(v), json_string_length(v), scope);
    return ZT_OK;
}

/* The record's fields into k; leaves it TAMPERED when one is missing. The signature holds. */
static zt_err read_record(zt_consents *s, zt_consent *k, const json_t *j) {
    const char *subject, *date, *expires, *dataset, *evidence;
    json_t *clips, *sources, *scope;
    int version;
    zt_err e = ZT_OK;
    if (json_unpack((json_t *)j, "{s:i, s:s, s:s, s:s, s:o, s:{s:s}, s:{s:o, s:s, s:o}}", "version", &version, "subject",
                    &subject, "date", &date, "expires", &expires, "scope", &scope, "evidence", "sha256", &evidence, "covers",
                    "clips", &clips, "dataset", &dataset, "sources", &sources) != 0 ||
        version != VERSION || !zt_date_valid(date) || (expires[0] && !zt_date_valid(expires)))
        return ZT_OK;
    k->subject = zt_arena_strdup(s->arena, subject);
    k->date = zt_arena_strdup(s->arena, date);
    k->expires = zt_arena_strdup(s->arena, expires);
    k->evidence = zt_arena_strdup(s->arena, evidence);
    if (!k->subject || !k->date || !k->expires || !k->evidence) return ZT_NOMEM;
    read_scope(scope, &k->scope);
    const int at = (int)(k - s->consent);
    ZT_TRY(e = add_covers(s, sources, at, &k->sources), done);
    if (strcmp(dataset, s->dataset) == 0) ZT_TRY(e = add_covers(s, clips, at, &k->clips), done);
    k->state = state_of(s, k);
done:
    return e;
}

static bool untampered(const zt_consent_row *r) {
    zt_str message = {0};
    char id[65];
    const bool ok = zt_sha256(r->record, strlen(r->record), id) == ZT_OK && strcmp(id, r->id) == 0
                    && signed_text(r->record, &message) == ZT_OK
                    && zt_signature_fits(r->public_key, r->signature, message.buf, message.len);
    zt_str_finish(&message);
    return ok;
}

static zt_err load_row(void *ctx, const zt_consent_row *r) {
    zt_consents *s = ctx;
    zt_consent *more = zt_realloc(s->consent, (size_t)(s->n + 1) * sizeof *more);
    json_t *j = NULL;
    if (!more) return ZT_NOMEM;
    s->consent = more;
    zt_consent *k = &s->consent[s->n++];
    *k = (zt_consent){.state = ZT_CONSENT_TAMPERED, .id = zt_arena_strdup(s->arena, r->id),
                      .revoked = zt_arena_strdup(s->arena, r->revoked), .reason = zt_arena_strdup(s->arena, r->reason),
                      .public_key = zt_arena_strdup(s->arena, r->public_key), .subject = zt_arena_strdup(s->arena, "")};
    if (!k->id || !k->revoked || !k->reason || !k->public_key || !k->subject) return ZT_NOMEM;
    k->date = k->expires = k->evidence = k->subject;
    if (!untampered(r) || zt_json_parse(r->record, strlen(r->record), "consent record", &j) != ZT_OK) return ZT_OK;
    const zt_err e = read_record(s, k, j);
    json_decref(j);
    return e;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const cover *)a)->what, ((const cover *)b)->what);
}

/* Records that others were signed after and that are gone. */
static zt_err count_missing(zt_consents *s, zt_catalog *c) {
    chain k = {json_object(), json_object(), NULL};
    json_t *v;
    const char *id;
    const zt_err e = zt_rights_consents(c, chain_row, &k);
    json_object_foreach(k.named, id, v)
        if (!json_object_get(k.there, id) && s->missing++ == 0) snprintf(s->first_missing, sizeof s->first_missing, "%s", id);
    json_decref(k.there);
    json_decref(k.named);
    return e;
}

zt_err zt_consents_load(zt_consents *s, zt_catalog *c, const char *trusted, const char *today) {
    zt_err e;
    *s = (zt_consents){.trusted = trusted, .today = today};
    ZT_TRY(e = zt_arena_create(&s->arena), done);
    ZT_TRY(e = zt_catalog_get_meta(c, "dataset_id", s->dataset, sizeof s->dataset), done);
    ZT_TRY(e = zt_rights_consents(c, load_row, s), done);
    ZT_TRY(e = count_missing(s, c), done);
    if (s->n_cover > 0) qsort(s->cover, (size_t)s->n_cover, sizeof *s->cover, by_name);
done:
    s->trusted = s->today = NULL;
    if (e != ZT_OK) zt_consents_finish(s);
    return e;
}

void zt_consents_finish(zt_consents *s) {
    zt_free(s->consent);
    zt_free(s->cover);
    zt_arena_destroy(&s->arena);
    *s = (zt_consents){0};
}

const char *zt_consent_state_name(zt_consent_state s) {
    static const char *const NAME[] = {"valid",         "revoked",   "scope too small", "expired",
                                       "not yet valid", "other key", "tampered",        "none"};
    return NAME[s];
}

zt_err zt_consents_find(const zt_consents *s, const char *id, const zt_consent **found) {
    const size_t len = strlen(id);
    *found = NULL;
    if (len < 6) return zt_fail(ZT_ARG, "'%s' is too short for the id of a consent record; give at least its first 6 digits", id);
    for (int i = 0; i < s->n; i++) {
        if (strncmp(s->consent[i].id, id, len) != 0) continue;
        if (*found) return zt_fail(ZT_ARG, "two consent records start with %.64s; give more digits", id);
        *found = &s->consent[i];
    }
    return *found ? ZT_OK : zt_fail(ZT_NOTFOUND, "there is no consent record %.64s; `zoe data consent list DIR` shows them", id);
}

/* ---- what they say of a clip ---- */

/* First entry that names `what`; those after it follow. */
static int64_t first_cover(const zt_consents *s, const char *what) {
    int64_t low = 0, high = s->n_cover;
    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        if (strcmp(s->cover[mid].what, what) < 0) low = mid + 1;
        else high = mid;
    }
    return low;
}

/* The next record that covers the clip; start with {0, -1}. NULL at the end. */
typedef struct covering { int part; int64_t at; } covering;
static const zt_consent *next_covering(const zt_consents *s, const zt_rights_row *clip, covering *w) {
    for (; w->part < 2; w->part++, w->at = -1) {
        const char *what = w->part == 0 ? clip->source_hash : clip->key;
        if (!what[0]) continue;
        w->at = w->at < 0 ? first_cover(s, what) : w->at + 1;
        if (w->at < s->n_cover && strcmp(s->cover[w->at].what, what) == 0) return &s->consent[s->cover[w->at].consent];
    }
    return NULL;
}

bool zt_consent_covers(const zt_consents *s, const zt_consent *k, const zt_rights_row *clip) {
    covering w = {0, -1};
    for (const zt_consent *c; (c = next_covering(s, clip, &w));)
        if (c == k) return true;
    return false;
}

/* Whether the subject of the revoked record gave another that is valid for this clip. */
static bool gave_again(const zt_consents *s, const zt_rights_row *clip, const zt_consent *revoked) {
    covering w = {0, -1};
    for (const zt_consent *c; (c = next_covering(s, clip, &w));)
        if (c->state == ZT_CONSENT_VALID && strcmp(c->subject, revoked->subject) == 0) return true;
    return false;
}

zt_consent_state zt_consents_judge(const zt_consents *s, const zt_rights_row *clip, unsigned scope, const zt_consent **by) {
    zt_consent_state best = ZT_CONSENT_NONE;
    const zt_consent *which = NULL;
    covering w = {0, -1};
    for (const zt_consent *c; (c = next_covering(s, clip, &w));) {
        zt_consent_state state = c->state;
        if (state == ZT_CONSENT_VALID && (c->scope & scope) != scope) state = ZT_CONSENT_NARROW;
        if (state == ZT_CONSENT_REVOKED && !gave_again(s, clip, c)) {
            best = state;
            which = c;
            break;
        }
        if (state >= best || state == ZT_CONSENT_REVOKED) continue;
        best = state;
        which = c;
    }
    if (by) *by = which;
    return best;
}

/* ---- revoking ---- */

typedef struct revoking {
    zt_catalog *c;
    const zt_consents *s;
    const zt_consent *k;
    char reason[160];
    int64_t *ids, n, cap, *drop, n_drop;
} revoking;

static zt_err collect(void *ctx, const zt_rights_row *clip) {
    revoking *r = ctx;
    if (!zt_consent_covers(r->s, r->k, clip)) return ZT_OK;
    if (r->n == r->cap) {
        const int64_t cap = r->cap ? 2 * r->cap : 256;
        int64_t *ids = zt_realloc(r->ids, (size_t)cap * sizeof *ids),
                *drop = ids ? zt_realloc(r->drop, (size_t)cap * sizeof *drop) : NULL;
        if (ids) r->ids = ids;
        if (!drop) return ZT_NOMEM;
        r->drop = drop;
        r->cap = cap;
    }
    r->ids[r->n++] = clip->id;
    if (clip->usable && !gave_again(r->s, clip, r->k)) r->drop[r->n_drop++] = clip->id;
    return ZT_OK;
}

zt_err zt_consent_revoke(zt_catalog *c, const char *id, const char *reason, const char *today, int64_t *dropped, int64_t **ids,
                         int64_t *n_ids) {
    zt_consents s = {0};
    revoking r = {.c = c, .s = &s};
    zt_err e;
    ZT_TRY(e = zt_rights_revoke_consent(c, id, today, reason), done);
    ZT_TRY(e = zt_consents_load(&s, c, NULL, today), done);
    ZT_TRY(e = zt_consents_find(&s, id, &r.k), done);
    ZT_TRY(e = zt_rights_each(c, &(zt_clip_choice){.dropped = true}, collect, &r), done);
    ZT_TRY(e = zt_format(r.reason, sizeof r.reason, "consent %.12s was revoked on %s", id, today), done);
    for (int64_t i = 0; i < r.n_drop; i++) ZT_TRY(e = zt_rights_drop_clip(c, r.drop[i], r.reason), done);
    *dropped = r.n_drop;
done:
    zt_consents_finish(&s);
    zt_free(r.drop);
    if (e == ZT_OK && ids) {
        *ids = r.ids;
        *n_ids = r.n;
    } else zt_free(r.ids);
    return e;
}
