/* models.c - the lists of denoisers and of classifiers. */
#include "models/models.h"
#include <string.h>
#include "base/str.h"
#include "models/classifier.h"
#include "models/gan.h"

extern const zt_model_def zt_model_vdit, zt_model_unet3d;
static const zt_model_def *const models[] = {&zt_model_vdit, &zt_model_unet3d};

int zt_model_count(void) {
    return (int)(sizeof models / sizeof *models);
}
const zt_model_def *zt_model_at(int k) {
    return models[k];
}

const zt_model_def *zt_model_find(const char *name) {
    zt_str list = {0};
    for (int k = 0; k < zt_model_count(); k++) {
        if (strcmp(models[k]->name, name) == 0) {
            zt_str_finish(&list);
            return models[k];
        }
        zt_str_addf(&list, "%s%s", k ? ", " : "", models[k]->name);
    }
    for (int k = 0; k < zt_gan_count(); k++) zt_str_addf(&list, ", %s", zt_gan_at(k)->name);
    for (int k = 0; k < zt_classifier_count(); k++) zt_str_addf(&list, ", %s", zt_classifier_at(k)->name);
    zt_fail(ZT_CONFIG, "model.name=%.64s: there is no such model; this build has %s", name, list.buf ? list.buf : "");
    zt_str_finish(&list);
    return NULL;
}

extern const zt_classifier_def zt_classifier_judge_net;
static const zt_classifier_def *const classifiers[] = {&zt_classifier_judge_net};

int zt_classifier_count(void) {
    return (int)(sizeof classifiers / sizeof *classifiers);
}
const zt_classifier_def *zt_classifier_at(int k) {
    return classifiers[k];
}

const zt_classifier_def *zt_classifier_find(const char *name) {
    for (int k = 0; k < zt_classifier_count(); k++)
        if (strcmp(classifiers[k]->name, name) == 0) return classifiers[k];
    return NULL;
}
