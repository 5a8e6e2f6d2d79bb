/* balance.h - sampling weights: clips of a split are drawn so that the groups of a field come in wanted proportions.
 * A clip without a weight counts 1. What draws by them: loader.h. */
#ifndef ZT_DATA_BALANCE_H
#define ZT_DATA_BALANCE_H
#include <stdint.h>
#include "base/err.h"
#include "data/catalog.h"

enum { ZT_WEIGHT_MAX = 1000000 };

/* A group: the usable clips of a split with the same text in a field. */
typedef struct zt_group {
    const char *value; /* "" : no such tag, or an empty text; borrowed until the callback returns */
    int64_t clips;
    double weight; /* sum of the weights of its clips */
} zt_group;

/** Call fn for each group, the largest first. field: tag.NAME, licence, source, caption; split NULL: all of them.
 *  Errors: ZT_ARG (field). */
zt_err zt_catalog_groups(zt_catalog *c, const char *field, const char *split, zt_err (*fn)(void *ctx, const zt_group *group),
                         void *ctx);
/** Give every usable clip of the group `value` of a split this weight (0: it is never drawn). Inside the caller's transaction.
 *  Errors: ZT_ARG (field; weight not in 0..ZT_WEIGHT_MAX). */
zt_err zt_catalog_set_weight(zt_catalog *c, const char *field, const char *value, const char *split, double weight);
/** All clips count 1 again. Inside the caller's transaction. */
zt_err zt_catalog_clear_weights(zt_catalog *c);
/** The largest weight that a clip has; 0: no clip has one, so all count 1. ZT_FORMAT when one is no weight. */
zt_err zt_catalog_max_weight(zt_catalog *c, double *weight);
#endif
