/* label_classes.c - see label_classes.h. Tested by tests/cli/test_gan.sh and test_judge_net.sh. */
#include "train/label_classes.h"
#include <stdlib.h>
#include <string.h>
#include "data/labels.h"

static zt_err missing(const zt_clip_view *clip, const char *option, const char *name) {
    zt_str list = {0};
    zt_label_names(clip, &list);
    const zt_err e = zt_fail(ZT_CONFIG, "%s=%s: clip %s has no such label; it has %s", option, name, clip->key,
                             list.len ? list.buf : "none: give it labels (zoe data tag)");
    zt_str_finish(&list);
    return e;
}

/* Number of `text` among the sorted names, added where it is new (*added); -1: too many. */
static int place(char (*names)[ZT_CLASS_NAME_MAX], int64_t *n, const char *text, bool *added) {
    int k = 0;
    while (k < *n && strcmp(names[k], text) < 0) k++;
    *added = k == *n || strcmp(names[k], text) != 0;
    if (!*added) return k;
    if (*n == ZT_CLASSES_MAX) return -1;
    memmove(names[k + 1], names[k], (size_t)(*n - k) * ZT_CLASS_NAME_MAX);
    memcpy(names[k], text, ZT_CLASS_NAME_MAX);
    (*n)++;
    return k;
}

static int by_id(const void *a, const void *b) {
    const int64_t x = ((const zt_clip_class *)a)->id, y = ((const zt_clip_class *)b)->id;
    return (x > y) - (x < y);
}

zt_err zt_clip_classes_read(zt_clip_classes *l, const zt_dataset *ds, const char *option, const char *name, int64_t *classes,
                            char (*class_name)[ZT_CLASS_NAME_MAX]) {
    const int64_t n = zt_dataset_count(ds, "train");
    zt_clip_class *of = zt_alloc_array((size_t)n, sizeof *of);
    zt_err e = of ? ZT_OK : ZT_NOMEM;
    *classes = 0;
    for (int64_t k = 0; e == ZT_OK && k < n; k++) {
        char text[ZT_CLASS_NAME_MAX];
        zt_clip_view clip;
        bool added;
        ZT_TRY(e = zt_dataset_clip(ds, "train", k, &clip), done);
        zt_label_text(&clip, name, text, sizeof text);
        zt_dataset_forget(ds, &clip);
        if (!*text) ZT_TRY(e = missing(&clip, option, name), done);
        const int at = place(class_name, classes, text, &added);
        if (at < 0)
            ZT_TRY(e = zt_fail(ZT_CONFIG, "%s=%s: more than %d different values; choose a label of few", option, name,
                               ZT_CLASSES_MAX),
                   done);
        for (int64_t j = 0; added && j < k; j++) of[j].number += of[j].number >= at;     /* those behind it move on */
        of[k] = (zt_clip_class){clip.id, at};
    }
    if (e == ZT_OK && *classes < 2)
        e = zt_fail(ZT_CONFIG, "%s=%s: all clips have the value %s; there is nothing to learn", option, name, class_name[0]);
    if (e == ZT_OK) qsort(of, (size_t)n, sizeof *of, by_id);
done:
    if (e != ZT_OK || !l) zt_free(of);
    else *l = (zt_clip_classes){n, of};
    return e;
}

int32_t zt_clip_classes_find(const zt_clip_classes *l, int64_t id) {
    const zt_clip_class key = {.id = id}, *found = l->n ? bsearch(&key, l->of, (size_t)l->n, sizeof *l->of, by_id) : NULL;
    return found ? found->number : 0;
}

void zt_clip_classes_finish(zt_clip_classes *l) {
    zt_free(l->of);
    *l = (zt_clip_classes){0};
}
