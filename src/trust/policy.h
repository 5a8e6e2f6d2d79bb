/* policy.h - what training may use: a YAML file of rules, held against the licence, people and consent of every clip before the
 * first step; and what a run writes down about the clips it used. */
#ifndef ZT_TRUST_POLICY_H
#define ZT_TRUST_POLICY_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/json.h"
#include "base/opt.h"

typedef struct zt_policy {
    int commercial, derivatives;          /* every licence must allow it */
    char licences[1024], denied[1024];    /* lists of globs over SPDX identifiers; licences "": all but the denied */
    int unknown_licence;                  /* 0 refuse, 1 allow: none given, or one that licence.h does not know */
    int people;                           /* zt_policy_people */
    int people_unknown;                   /* 0 refuse, 1 allow: nobody looked for people */
    char consent_scope[128], consent_key[1024];
    int violations;                       /* 0 refuse the whole training, 1 leave these clips out */
} zt_policy;
typedef enum zt_policy_people { ZT_PEOPLE_NEED_CONSENT, ZT_PEOPLE_NEED_BLUR, ZT_PEOPLE_ALLOWED } zt_policy_people;

/** Read a policy. Errors: ZT_NOTFOUND, ZT_IO, ZT_CONFIG (unknown key with the nearest name, wrong value, people: consent without
 *  consent_key). consent_key is taken relative to the policy's folder. */
zt_err zt_policy_load(zt_policy *p, const char *path);
/** Every rule with its default, for --help. */
void zt_policy_help(FILE *f);

/* Why a clip may not be used; the first that applies. */
#define ZT_REFUSAL_LIST(X)                                                                                                      \
    X(REVOKED, "consent was revoked")                                                                                           \
    X(NO_LICENCE, "no licence is known for it")                                                                                 \
    X(UNKNOWN_LICENCE, "its licence is not one whose terms are known")                                                          \
    X(DENIED_LICENCE, "its licence is denied or not among those allowed")                                                       \
    X(NONCOMMERCIAL, "its licence forbids commercial use")                                                                      \
    X(NO_DERIVATIVES, "its licence forbids derivatives")                                                                        \
    X(PEOPLE_UNKNOWN, "nobody looked for people in it (zoe data faces)")                                                        \
    X(NOT_BLURRED, "people in it are not blurred")                                                                              \
    X(NO_CONSENT, "people in it gave no consent that is valid for this use")
typedef enum zt_refusal {
    ZT_USABLE,
#define ZT_REFUSAL_ENUM(name, text) ZT_REFUSED_##name,
    ZT_REFUSAL_LIST(ZT_REFUSAL_ENUM)
#undef ZT_REFUSAL_ENUM
    ZT_REFUSALS
} zt_refusal;
const char *zt_refusal_text(zt_refusal r);

enum { ZT_REFUSAL_NAMES = 3 };

/* The clips of a data set that may be used, and what is wrong with the others. Zero-initialise; free with zt_admission_finish. */
typedef struct zt_admission {
    int64_t *id, n, cap;                  /* admitted, ascending */
    int64_t refused, count[ZT_REFUSALS];
    char name[ZT_REFUSALS][ZT_REFUSAL_NAMES][40];   /* keys of the first ones */
    int64_t attribution;                  /* admitted clips whose licence asks to name the author */
    char dataset[33], clip_set[65]; /* id of the data set; SHA-256 over a line per admitted clip: what it is cut from, and how */
    json_t *credits;                      /* [{licence, origin, holder, clips}..] of clips that want attribution */
} zt_admission;
/** Hold every usable clip of the data set `dir` against the policy; NULL: only consent that was revoked counts. Changes nothing.
 *  Errors: ZT_NOTFOUND, ZT_IO, ZT_FORMAT, ZT_CONFIG (consent_scope, consent_key), ZT_NOMEM. */
zt_err zt_admit(zt_admission *a, const char *dir, const zt_policy *policy);
void zt_admission_finish(zt_admission *a);
/** Log what was refused, a line per reason; then ZT_CONFIG when the policy refuses the whole (p->violations 0) or nothing is
 *  left. */
zt_err zt_admission_settle(const zt_admission *a, const char *dir, const zt_policy *policy);
bool zt_admitted(const zt_admission *a, int64_t id);

/** Write RUN/data_used.json (data set, policy, clips, credits; a resumed run that uses other clips adds a session) and, where the
 *  catalogue can be written, a row there. A data set that cannot be written is only warned about. Errors: ZT_IO, ZT_FORMAT (an
 *  older data_used.json), ZT_NOMEM. */
zt_err zt_use_record(const zt_admission *a, const char *dir, const char *policy_path, const char *run);
/** Whether the run in folder `run` wrote down that it used one of ids[n] (ascending) of this data set: by its id, or where the
 *  run could not give it one (no rights to write), by its folder `dir`. No such file: false. */
zt_err zt_use_find(const char *run, const char *dataset, const char *dir, const int64_t *ids, int64_t n, bool *found);
/** Whether a text of ranges, "1-90,95", holds one of ids[n] (ascending). False for what is no such text. */
bool zt_ranges_meet(const char *ranges, const int64_t *ids, int64_t n);
#endif
