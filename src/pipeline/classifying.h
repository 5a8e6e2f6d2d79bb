/* classifying.h - a classifier made ready to look at clips: pixels in, features and logits out. Used by evaluation and by the
 * trainer's validation. */
#ifndef ZT_CLASSIFYING_H
#define ZT_CLASSIFYING_H
#include "models/net.h"

typedef struct zt_classifying zt_classifying;

/** Plan net's classifier for `batch` clips of net's size per pass. params are borrowed; their values are read at every run.
 *  multiply: what products are rounded to. dry: laid out only. One thread at a time. */
zt_err zt_classifying_create(zt_classifying **s, const zt_net *net, zt_tset *params, int batch, zt_dtype multiply, bool dry);
void zt_classifying_destroy(zt_classifying **s);
int64_t zt_classifying_bytes(const zt_classifying *s);
/** Numbers of a clip's features, and of all its logits: those of the heads one after another. */
int64_t zt_classifying_features(const zt_classifying *s);
int64_t zt_classifying_logits(const zt_classifying *s);
/** Look at n clips rgb [n,T,H,W,3]: features [n, zt_classifying_features], logits [n, zt_classifying_logits]; either may be
 *  NULL. */
zt_err zt_classifying_run(zt_classifying *s, const uint8_t *rgb, int64_t n, float *features, float *logits);
/** The likeliest class of each head, class[n_heads], of one clip's logits. */
void zt_classes_of(const zt_net *net, const float *logits, int *class);
/** Number of the head for `label`, and of its class `name`; -1 when there is none. */
int zt_head_find(const zt_net *net, const char *label);
int zt_head_class(const zt_head *head, const char *name);
#endif
