/* edit.h - changes to what the catalogue says about clips: captions, tags, dropped or not. Each run of a command is one change of
 * the history, with the old and the new text of every clip, and the last one can be undone. Pixels are never touched. */
#ifndef ZT_DATA_EDIT_H
#define ZT_DATA_EDIT_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "data/catalog.h"

enum {
    ZT_CLIP_TAG_NAME_MAX = 40,      /* letters, digits, - and _ */
    ZT_CLIP_TAG_VALUE_MAX = 200,    /* bytes of UTF-8 on one line */
    ZT_CAPTION_EDIT_MAX = 2000 /* bytes of UTF-8 on one line */
};

typedef struct zt_edit zt_edit;

/** Begin a change in a transaction of its own. `what` says it in words ("data tag --set lighting=dark"); `by` is who tags:
 *  "user", or the name of a tagger, which never overwrites what a user said. Errors as zt_catalog_begin, ZT_NOMEM. *e is NULL on
 *  failure. */
zt_err zt_edit_begin(zt_edit **e, zt_catalog *c, const char *what, const char *by);
/** Give field `field` of a clip a new text: "caption", "status" (ok, dropped), "reason", "tag.NAME" (NULL: take the tag off). It
 *  is visible after zt_edit_commit; a text that is the old one changes nothing, of two for one field the last counts.
 *  Errors: ZT_ARG (field, name or value cannot be; too long; not UTF-8), ZT_NOTFOUND (no such clip), ZT_IO. */
zt_err zt_edit_set(zt_edit *e, int64_t clip, const char *field, const char *text);
/** Status and reason at once. */
zt_err zt_edit_drop(zt_edit *e, int64_t clip, const char *reason);
zt_err zt_edit_restore(zt_edit *e, int64_t clip);
/** Clips that this change touches so far. */
zt_err zt_edit_clips(zt_edit *e, int64_t *n);
/** Make it so and end: all or, after an error, nothing. A change that touches no clip leaves no trace. *e is NULL afterwards. */
zt_err zt_edit_commit(zt_edit **e);
/** Forget it. NULL and *e == NULL are fine; sets *e = NULL. */
void zt_edit_cancel(zt_edit **e);

/* A change of the history; strings as in catalog.h. */
typedef struct zt_change {
    int64_t id, clips;
    const char *at, *what; /* UTC as 2026-01-31T23:59:59Z */
    const char *undone;    /* when, or "" */
} zt_change;
/** Call fn for the last `limit` changes (0: all), newest first. */
zt_err zt_catalog_changes(zt_catalog *c, int64_t limit, zt_err (*fn)(void *ctx, const zt_change *change), void *ctx);
/** Put back the old text of everything that the last change not yet undone did. what (cap bytes) says which one it was.
 *  ZT_NOTFOUND: there is none. */
zt_err zt_catalog_undo(zt_catalog *c, char *what, size_t cap, int64_t *clips);

/** Text of tag `name` of a clip, "" when it has none. */
zt_err zt_catalog_tag(zt_catalog *c, int64_t clip, const char *name, char *value, size_t cap);
/** Call fn for each name and value of the tags, with how many usable clips have it: by name, most frequent first. */
zt_err zt_catalog_tags(zt_catalog *c, zt_err (*fn)(void *ctx, const char *name, const char *value, int64_t n), void *ctx);
/** Whether a clip can have a tag of this name and value. ZT_ARG. */
zt_err zt_tag_check(const char *name, const char *value);
#endif
