/* rights.h - the rights side of the catalogue: licence, origin, rights holder and people per clip; consent records; the runs that
 * used the clips. This layer stores and finds; what a consent record means and whether its signature holds is trust/consent.h,
 * what training may use is trust/policy.h. One thread per catalogue, as in catalog.h. */
#ifndef ZT_DATA_RIGHTS_H
#define ZT_DATA_RIGHTS_H
#include "data/catalog.h"

/** Which clips are meant; all that is given must hold. NULL or "": any. */
typedef struct zt_clip_choice {
    const char *key;            /* glob over the clip's key, such as 0000* */
    const char *source;         /* glob over the path of the file it was cut from */
    const char *split;          /* train, val or test */
    int64_t id;                 /* this clip alone; 0: any */
    bool dropped;               /* dropped ones too; else only usable clips */
} zt_clip_choice;

/** What to write; NULL leaves the value as it is, "" takes it back. */
typedef struct zt_rights {
    const char *licence;        /* SPDX identifier, or any name: its class is then unknown (licence.h) */
    const char *terms;          /* the licence's text, or where it is */
    const char *origin, *holder;
    const char *people;         /* yes, no: what somebody who looked says; it overrides the face detector */
} zt_rights;

/** *changed counts the clips chosen. Errors: ZT_ARG (people is something else, text not UTF-8), ZT_IO, ZT_FORMAT. */
zt_err zt_rights_set(zt_catalog *c, const zt_clip_choice *which, const zt_rights *rights, int64_t *changed);

/** Whether somebody can be recognised in a clip. */
typedef enum zt_people {
    ZT_PEOPLE_UNKNOWN,          /* neither said nor looked for */
    ZT_PEOPLE_NONE,
    ZT_PEOPLE_SEEN,
    ZT_PEOPLE_BLURRED           /* found, and blurred since */
} zt_people;
const char *zt_people_name(zt_people p);                  /* "unknown", "none", "seen", "blurred" */

/** A clip with all that rights depend on. Strings are borrowed until the callback returns, never NULL. */
typedef struct zt_rights_row {
    int64_t id;
    const char *key, *split, *source, *source_hash, *caption;
    double start_s;
    int frames, height, width;
    const char *licence, *terms, *origin, *holder;
    zt_people people;
    bool usable;                /* not dropped */
} zt_rights_row;
/** Call fn for each chosen clip (which NULL: all usable ones) in order of id; a result other than ZT_OK ends the walk and is
 *  returned. */
zt_err zt_rights_each(zt_catalog *c, const zt_clip_choice *which, zt_err (*fn)(void *ctx, const zt_rights_row *row), void *ctx);

/** Usable clips by licence ("" : none given), most first. */
zt_err zt_rights_by_licence(zt_catalog *c, zt_err (*fn)(void *ctx, const char *licence, int64_t clips), void *ctx);
/** Usable clips by people. */
zt_err zt_rights_by_people(zt_catalog *c, int64_t clips[ZT_PEOPLE_BLURRED + 1]);

/** Hexadecimal name of this data set, made at random the first time it is asked for on a catalogue open for writing; ""
 *  before. */
zt_err zt_rights_dataset_id(zt_catalog *c, char id[33]);

/* A consent record as it is stored: text, and proof that the text is unchanged. */
typedef struct zt_consent_row {
    const char *id;             /* SHA-256 of record; unique */
    const char *record;         /* canonical JSON (trust/consent.h) */
    const char *signature, *public_key;   /* Ed25519, hexadecimal */
    const char *revoked, *reason;         /* date; "": not revoked */
} zt_consent_row;
/** ZT_ARG when a record with this id is there. */
zt_err zt_rights_add_consent(zt_catalog *c, const zt_consent_row *row);
/** The first date and reason stay. ZT_NOTFOUND when there is no such record. */
zt_err zt_rights_revoke_consent(zt_catalog *c, const char *id, const char *date, const char *reason);
zt_err zt_rights_consents(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_consent_row *row), void *ctx);
/** Take a usable clip out of all later use: it becomes 'dropped' with the reason. */
zt_err zt_rights_drop_clip(zt_catalog *c, int64_t id, const char *reason);

/* A training run that used clips of this data set. */
typedef struct zt_run_row {
    const char *path;           /* folder of the run, absolute */
    const char *started;        /* date and time, UTC */
    const char *clip_set;       /* SHA-256 over what identifies its clips (trust/policy.h) */
    const char *clips;          /* ids as ranges: "1-90,95" */
} zt_run_row;
zt_err zt_rights_add_run(zt_catalog *c, const zt_run_row *run);
zt_err zt_rights_runs(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_run_row *run), void *ctx);
#endif
