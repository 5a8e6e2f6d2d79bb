/* query.h - the clips that a user means, in a small language of conditions: "motion < 0.1 and split = train", "tag.lighting =
 * dark or not caption ~ dog". It is parsed here and becomes SQL whose every value is bound: nothing the user writes is run as
 * SQL.
 *
 *   condition   FIELD OP VALUE, joined by and, or, not and ( ); `and` binds closer than `or`
 *   FIELD       id frames height width fps start weight (numbers), key shard split status reason caption source licence (text),
 *               a score by its name (score.def), tag.NAME
 *   OP          = != < <= > >= for numbers; = != ~ (contains, letters A-Z as a-z) for text
 *   VALUE       a bare word, a number, or text in ' or " (doubled inside: the quote itself)
 *
 * A clip that lacks the score or tag fulfils no comparison with it but !=. */
#ifndef ZT_DATA_QUERY_H
#define ZT_DATA_QUERY_H
#include <stdint.h>
#include "base/err.h"
#include "data/catalog.h"

typedef struct zt_query zt_query;

/** Parse `text`; "" and NULL mean every clip. Errors: ZT_ARG (where and why, with the nearest name), ZT_NOMEM; *q is then
 *  NULL. */
zt_err zt_query_parse(zt_query **q, const char *text);
void zt_query_destroy(zt_query **q); /* NULL and *q == NULL are fine; sets *q = NULL */
/** Add a condition that holds too: text field `field` of the list above equals `value` (both borrowed until the query is
 *  gone). */
zt_err zt_query_also(zt_query *q, const char *field, const char *value);

/** Call fn for the clips that fulfil q and have an id above `after`, by id; at most `limit` (0: no limit). fn may change the
 *  catalogue. A result other than ZT_OK ends the walk and is returned. */
zt_err zt_catalog_select(zt_catalog *c, const zt_query *q, int64_t after, int64_t limit,
                         zt_err (*fn)(void *ctx, const zt_catalog_clip *clip), void *ctx);
/** How many clips fulfil q. */
zt_err zt_catalog_select_count(zt_catalog *c, const zt_query *q, int64_t *n);
#endif
