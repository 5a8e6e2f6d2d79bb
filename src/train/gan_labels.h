/* gan_labels.h - categories of an adversarial model from the labels of its clips. */
#ifndef ZT_GAN_LABELS_H
#define ZT_GAN_LABELS_H
#include "data/dataset.h"
#include "models/net.h"

typedef struct zt_gan_label { int64_t id; int32_t category; } zt_gan_label;
/** The value of `label` of every training clip, by rising id. Zero-initialise; zt_gan_labels_finish frees. */
typedef struct zt_gan_labels { int64_t n; zt_gan_label *of; } zt_gan_labels;

/** Read label `name` of all training clips: its values, in alphabetic order, become net's categories. l may be NULL. ZT_CONFIG
 *  when a clip has no such label (says which it has), when all have one value or there are more than ZT_CLASSES_MAX; ZT_NOMEM. */
zt_err zt_gan_labels_read(zt_gan_labels *l, const zt_dataset *ds, const char *name, zt_net *net);
/** Category of the clip of this row; 0 for a clip that is not there. */
int32_t zt_gan_labels_find(const zt_gan_labels *l, int64_t id);
void zt_gan_labels_finish(zt_gan_labels *l);
#endif
