/* scores.h - what was measured on a clip, in the catalogue. Measuring is score.h. */
#ifndef ZT_DATA_SCORES_H
#define ZT_DATA_SCORES_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "data/catalog.h"

typedef enum zt_score {
#define ZT_SCORE(name, doc) ZT_SCORE_##name,
#include "data/score.def"
#undef ZT_SCORE
    ZT_SCORES
} zt_score;

enum { ZT_HASHES = 3 };

/* All scores of a clip, and its perceptual hash: how near-duplicates are found. */
typedef struct zt_scores {
    double v[ZT_SCORES];      /* unit and range of each: score.def */
    uint64_t hash[ZT_HASHES]; /* of the frames at 1/6, 3/6 and 5/6 of the clip */
    uint32_t colour;          /* mean colour, 0xRRGGBB */
} zt_scores;

const char *zt_score_name(zt_score s);
const char *zt_score_doc(zt_score s);

/** Write or replace all scores of a clip; inside the caller's transaction. */
zt_err zt_catalog_put_scores(zt_catalog *c, int64_t clip, const zt_scores *s);
/** All scores of a clip; *found = false when it was not scored. */
zt_err zt_catalog_get_scores(zt_catalog *c, int64_t clip, zt_scores *s, bool *found);
/** Call fn with the id of each usable clip that was not scored yet, in order. */
zt_err zt_catalog_unscored(zt_catalog *c, zt_err (*fn)(void *ctx, int64_t clip), void *ctx);
/** Usable clips that were scored. */
zt_err zt_catalog_count_scored(zt_catalog *c, int64_t *n);
/** Call fn with the hash of each usable clip that was scored, in order. */
zt_err zt_catalog_hashes(zt_catalog *c, zt_err (*fn)(void *ctx, int64_t clip, const uint64_t hash[ZT_HASHES], uint32_t colour),
                         void *ctx);
/** Call fn with score s of each clip of a status ("ok", "dropped"), in no order. */
zt_err zt_catalog_score_values(zt_catalog *c, zt_score s, const char *status, zt_err (*fn)(void *ctx, double value), void *ctx);
#endif
