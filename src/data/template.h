/* template.h - captions from a pattern: "{tag.lighting} video of {caption}". */
#ifndef ZT_DATA_TEMPLATE_H
#define ZT_DATA_TEMPLATE_H
#include "base/err.h"
#include "base/str.h"
#include "data/catalog.h"

/** Add the pattern to *out with every {FIELD} replaced by what the clip has: key, split, caption, licence, source (the file's
 *  name), frames, height, width, fps, tag.NAME ("" without one); {{ is a brace. Spaces at the ends, and doubled where a field
 *  was empty, are taken out. Errors: ZT_ARG (no such field, an open brace), ZT_IO, ZT_NOMEM. */
zt_err zt_template_expand(zt_catalog *c, const zt_catalog_clip *k, const char *pattern, zt_str *out);
#endif
