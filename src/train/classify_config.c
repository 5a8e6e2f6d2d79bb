/* classify_config.c - see classify_config.h. Tested by tests/cli/test_judge_net.sh. */
#include "train/classify_config.h"
#include <string.h>
#include "base/str.h"

#define AT(field) ZT_OPT_AT(zt_classify_cfg, field)
static const zt_opt options[] = {
    {"labels", ZT_OPT_STR, AT(labels), "", 0, 0, NULL, 0,
     "labels of the clips to be told, each by a head of its own: shape,colour,direction (zoe data show prints a clip's)"},
    {"label_smoothing", ZT_OPT_REAL, AT(label_smoothing), "0.1", 0, 0.9, NULL, 0,
     "part of a target that is spread over all values of the label (arXiv:1512.00567)"},
    {"noise", ZT_OPT_REAL, AT(noise), "0.3", 0, 2, NULL, 0,
     "spoilt clips get noise of a standard deviation drawn up to this, pixels being -1..1"},
    {"blur", ZT_OPT_REAL, AT(blur), "1", 0, 1, NULL, 0,
     "spoilt clips are drawn up to this part of the way to the mean of the 3x3 pixels around each"},
    {"spoilt", ZT_OPT_REAL, AT(spoilt), "0.5", 0, 1, NULL, 0,
     "part of the training clips that are spoilt, so that features mean something off the clean clips too"},
};
#undef AT
const zt_opts zt_classify_opts = {options, sizeof options / sizeof *options};

zt_err zt_classify_labels(const zt_classify_cfg *c, zt_head *head, int *n) {
    *n = 0;
    for (const char *at = c->labels; *at;) {
        at += strspn(at, ", ");
        const size_t len = strcspn(at, ", ");
        if (!len) break;
        if (*n == ZT_HEADS_MAX)
            return zt_fail(ZT_CONFIG, "classify.labels=%s: want %d labels at most", c->labels, ZT_HEADS_MAX);
        zt_head *h = &head[*n];
        if (zt_format(h->label, sizeof h->label, "%.*s", (int)len, at) != ZT_OK)
            return zt_fail(ZT_CONFIG, "classify.labels: %.*s: want names of fewer than %d letters", (int)len, at,
                           ZT_CLASS_NAME_MAX);
        for (int k = 0; k < *n; k++)
            if (strcmp(head[k].label, h->label) == 0)
                return zt_fail(ZT_CONFIG, "classify.labels=%s: %s is there twice", c->labels, h->label);
        (*n)++;
        at += len;
    }
    return *n ? ZT_OK
              : zt_fail(ZT_CONFIG, "classify.labels is not set; name labels of the clips, such as shape,colour,direction");
}
