/* models.c - the list of models. */
#include "models/models.h"
#include <string.h>
#include "base/str.h"
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
    zt_fail(ZT_CONFIG, "model.name=%.64s: there is no such model; this build has %s", name, list.buf ? list.buf : "");
    zt_str_finish(&list);
    return NULL;
}
