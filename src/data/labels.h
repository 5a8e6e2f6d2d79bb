/* labels.h - the labels of a clip by name. */
#ifndef ZT_DATA_LABELS_H
#define ZT_DATA_LABELS_H
#include <stddef.h>
#include "base/str.h"
#include "data/dataset.h"

/** Value of label `name` as text, cut to cap - 1 bytes and whole letters: of a string, a whole number, true or false. "" when
 *  there is none such. */
void zt_label_text(const zt_clip_view *clip, const char *name, char *text, size_t cap);
/** Whether the label is true, or a whole number other than 0. */
bool zt_label_true(const zt_clip_view *clip, const char *name);
/** Adds the names of such labels that the clip has to *list: "colour, shape". */
void zt_label_names(const zt_clip_view *clip, zt_str *list);
#endif
