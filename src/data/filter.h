/* filter.h - drops clips by their scores and as near-duplicates. A dropped clip stays in the catalogue with the reason; the
 * change is one of the history (edit.h), so it can be undone or each clip restored. */
#ifndef ZT_DATA_FILTER_H
#define ZT_DATA_FILTER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "data/edit.h"
#include "data/scores.h"

/* A clip whose score is below (or above) the limit is dropped. */
typedef struct zt_filter_rule { zt_score score; bool below; double limit; } zt_filter_rule;

typedef struct zt_filter_cfg {
    const zt_filter_rule *rule;     /* n_rules; the first that a clip breaks is its reason */
    int n_rules;
    int bits;                       /* near-duplicates: as zt_near_find; -1: none are looked for */
    const char *against;            /* another scored data set whose clips are kept before ours; NULL or "" : none */
    const char *where;              /* a query: the clips that are looked at; "" : all. Near-duplicates of others count too */
    const char *what;               /* for the history */
    bool dry_run;                   /* count, and change nothing */
} zt_filter_cfg;

enum { ZT_FILTER_RULES_MAX = 32 };

typedef struct zt_filter_report {
    int64_t looked_at, unscored, dropped;
    int64_t by_rule[ZT_FILTER_RULES_MAX], duplicates, elsewhere;   /* elsewhere: near-duplicates of clips of the other set */
} zt_filter_report;

/** Errors: ZT_ARG (query, numbers), ZT_CONFIG (a set without scores: names the command), ZT_IO, ZT_FORMAT, ZT_NOMEM; nothing is
 *  then changed. */
zt_err zt_filter_set(const char *dir, const zt_filter_cfg *cfg, zt_filter_report *report);
#endif
