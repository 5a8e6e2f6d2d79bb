/* tagger.h - what puts tags on clips by itself. A tagger is a struct of one function; the rules here need no more than the
 * scores, one that was trained will look at the pixels through the same struct. */
#ifndef ZT_DATA_TAGGER_H
#define ZT_DATA_TAGGER_H
#include "base/err.h"
#include "data/dataset.h"
#include "data/scores.h"

enum { ZT_CLIP_TAGS_MAX = 16 };

/* Tags for one clip, filled by a tagger: names and values are constants or live as long as the tagger. */
typedef struct zt_tag_list { int n; struct { const char *name, *value; } tag[ZT_CLIP_TAGS_MAX]; } zt_tag_list;

typedef struct zt_tagger {
    const char *name;           /* written beside each tag as who said it */
    /** Look at a clip (pixels and labels in view, scores measured) and add its tags. `self` is the tagger. Any thread. */
    zt_err (*look)(const struct zt_tagger *self, const zt_clip_view *view, const zt_scores *scores, zt_tag_list *out);
} zt_tagger;

/** Rules from image statistics, no more and no less than they say: lighting (dark, dim, normal, bright), tone (warm, neutral,
 *  cool), colour (grey, muted, natural, vivid), pace (still, slow, medium, fast), camera (still, pan left, ..., shaky), scene
 *  (graphic: even areas; plain: little detail; natural; detailed), genre (slideshow, animation: drawings and screens, live
 *  action). */
extern const zt_tagger zt_tagger_rules;
#endif
