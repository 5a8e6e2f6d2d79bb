/* label_classes.h - classes from the labels of clips: of the categories of an adversarial model, of the heads of a classifier. */
#ifndef ZT_LABEL_CLASSES_H
#define ZT_LABEL_CLASSES_H
#include "data/dataset.h"
#include "models/net.h"

typedef struct zt_clip_class { int64_t id; int32_t number; } zt_clip_class;
/** The class of every training clip, by rising id. Zero-initialise; zt_clip_classes_finish frees. */
typedef struct zt_clip_classes { int64_t n; zt_clip_class *of; } zt_clip_classes;

/** Read label `name` of all training clips: its values, in alphabetic order, become the *classes names in class_name
 *  [ZT_CLASSES_MAX]. `option`: which asked for it. l may be NULL. ZT_CONFIG when a clip has no such label (says which it has),
 *  when all have one value or there are more than ZT_CLASSES_MAX; ZT_NOMEM. */
zt_err zt_clip_classes_read(zt_clip_classes *l, const zt_dataset *ds, const char *option, const char *name, int64_t *classes,
                            char (*class_name)[ZT_CLASS_NAME_MAX]);
/** Class of the clip of this row; 0 for a clip that is not there. */
int32_t zt_clip_classes_find(const zt_clip_classes *l, int64_t id);
void zt_clip_classes_finish(zt_clip_classes *l);
#endif
