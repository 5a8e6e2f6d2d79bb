/* classify_config.h - options of training a classifier (section classify of a training config). */
#ifndef ZT_CLASSIFY_CONFIG_H
#define ZT_CLASSIFY_CONFIG_H
#include "base/opt.h"
#include "models/classifier.h"

typedef struct zt_classify_cfg {
    char labels[256];                    /* "shape,colour,direction" */
    double label_smoothing, noise, blur, spoilt;
} zt_classify_cfg;

extern const zt_opts zt_classify_opts;
/** The labels one by one, into the label of head[ZT_HEADS_MAX]; *n: how many. ZT_CONFIG: none, too many, one too long or
 *  twice. */
zt_err zt_classify_labels(const zt_classify_cfg *c, zt_head *head, int *n);
#endif
