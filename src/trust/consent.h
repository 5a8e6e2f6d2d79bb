/* consent.h - consent records: who agreed to what use of which clips, until when; each signed (trust/sign.h), so that a changed
 * record is found out. A record is canonical JSON: one object, keys sorted, no spaces (RFC 8785 for the values used here):
 *   {"covers":{"clips":[KEY..],"dataset":ID,"sources":[SHA-256..]},"date":"2026-01-31","evidence":{"name":..,"sha256":..},
 *    "expires":"2027-01-31" or "","previous":[ID..],"scope":["training"..],"subject":..,"version":1}
 * "previous" names the records that none had been signed after (records of earlier builds have no such list): whoever takes one
 * away is found out as soon as another follows it; the last one of all can only be missed by who knows its id.
 * Sources are named by the hash of the file's content, so a record holds in any data set; clips by key, in one data set only. */
#ifndef ZT_TRUST_CONSENT_H
#define ZT_TRUST_CONSENT_H
#include <stdbool.h>
#include <stdint.h>
#include "base/mem.h"
#include "data/rights.h"

/* What a person may agree to. */
enum {
    ZT_SCOPE_TRAINING = 1,        /* a model may be trained on the clips */
    ZT_SCOPE_COMMERCIAL = 2,      /* ... and earn money */
    ZT_SCOPE_LIKENESS = 4,        /* the person may appear in what it generates */
    ZT_SCOPE_REDISTRIBUTION = 8   /* the clips themselves may be passed on */
};
/** "training,commercial" to bits. ZT_ARG names the unknown word, or says that the list is empty. */
zt_err zt_scope_parse(const char *text, unsigned *scope);

typedef struct zt_consent_new {
    const char *subject;          /* a name, or better a code that only the rights holder can resolve */
    unsigned scope;
    const char *date, *expires;   /* YYYY-MM-DD, UTC; expires "": never */
    const char *evidence;         /* file with the signed release form; only its name and hash are kept. NULL: none */
    zt_clip_choice clips;         /* which usable clips it covers */
    bool by_source;               /* the sources of these clips, so all that was or will be cut from them; else just the clips */
} zt_consent_new;
/** Make, sign with the private key file and store a record; id as hexadecimal SHA-256. Errors: ZT_ARG (dates, nothing chosen, a
 *  source without hash), ZT_NOTFOUND (evidence, key), ZT_FORMAT (key), ZT_IO, ZT_NOMEM. `c` is open for writing. */
zt_err zt_consent_add(zt_catalog *c, const zt_consent_new *k, const char *key_path, char id[65]);

/* What a record is worth today; of several that cover a clip, the first of this list counts. */
typedef enum zt_consent_state {
    ZT_CONSENT_VALID,
    ZT_CONSENT_REVOKED,
    ZT_CONSENT_NARROW,            /* valid, but not for the use that was asked about (only zt_consents_judge) */
    ZT_CONSENT_EXPIRED,
    ZT_CONSENT_EARLY,             /* its date is still to come */
    ZT_CONSENT_UNTRUSTED,         /* signed, but by another key than the one trusted */
    ZT_CONSENT_TAMPERED,          /* the signature does not fit the record, or it is no record; it covers nothing */
    ZT_CONSENT_NONE               /* no record covers the clip (only zt_consents_judge) */
} zt_consent_state;
const char *zt_consent_state_name(zt_consent_state s);

typedef struct zt_consent {
    char *id, *subject, *date, *expires, *evidence, *revoked, *reason, *public_key;   /* evidence: SHA-256 or "" */
    unsigned scope;
    zt_consent_state state;
    int clips, sources;           /* entries of "covers" */
} zt_consent;

/* All records of a data set, checked. Zero-initialise; free with zt_consents_finish. */
typedef struct zt_consents {
    zt_consent *consent;
    int n;
    struct zt_consent_cover *cover;   /* sorted by what it names */
    int64_t n_cover, cover_cap;
    zt_arena *arena;
    const char *trusted, *today;      /* while loading */
    char dataset[33];
    int missing;                      /* records that others were signed after and that are gone; the first one's id */
    char first_missing[65];
} zt_consents;
/** trusted: public key that must have signed, hexadecimal; NULL: any key will do, only changes are found. today: YYYY-MM-DD.
 *  Errors: ZT_IO, ZT_FORMAT (catalogue), ZT_NOMEM. A bad record is no error, it has a state. */
zt_err zt_consents_load(zt_consents *s, zt_catalog *c, const char *trusted, const char *today);
void zt_consents_finish(zt_consents *s);
/** The record whose id starts with `id`. Errors: ZT_NOTFOUND, ZT_ARG (several do, or fewer than 6 digits). */
zt_err zt_consents_find(const zt_consents *s, const char *id, const zt_consent **found);
/** Whether record k names this clip or its source. */
bool zt_consent_covers(const zt_consents *s, const zt_consent *k, const zt_rights_row *clip);
/** What the records say of a clip. REVOKED: one of its subjects took consent back and gave no other that is valid, whatever
 *  others say; else the first state of the list among those that cover it. VALID needs all of `scope`. *by (may be NULL): a
 *  record of that state, NULL for NONE. */
zt_consent_state zt_consents_judge(const zt_consents *s, const zt_rights_row *clip, unsigned scope, const zt_consent **by);

/** Revoke a record (id whole) from today on and drop the clips it covers, except those whose same subject gave another valid one.
 *  *dropped counts them; ids (may be NULL) gets the ids of all clips the record covers, zt_alloc'd, *n_ids of them. */
zt_err zt_consent_revoke(zt_catalog *c, const char *id, const char *reason, const char *today, int64_t *dropped, int64_t **ids,
                         int64_t *n_ids);

/** Today's date in UTC, YYYY-MM-DD. */
void zt_today(char date[11]);
/** Whether text is a date of the calendar, YYYY-MM-DD. */
bool zt_date_valid(const char *text);
#endif
