/* labels.c - see labels.h. Tested by tests/cli/test_gan.sh and test_judge_net.sh. */
#include "data/labels.h"
#include <stdio.h>
#include <string.h>
#include "base/json.h"

void zt_label_text(const zt_clip_view *clip, const char *name, char *text, size_t cap) {
    json_t *labels = json_loads(clip->labels, 0, NULL);
    const json_t *v = json_object_get(labels, name);
    text[0] = 0;
    if (json_is_string(v)) snprintf(text, cap, "%s", json_string_value(v));
    else if (json_is_integer(v)) snprintf(text, cap, "%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v)) snprintf(text, cap, "%s", json_is_true(v) ? "true" : "false");
    json_decref(labels);
    size_t bad;
    if (!zt_utf8_valid(text, strlen(text), &bad)) text[bad] = 0;             /* cut within a letter */
}

bool zt_label_true(const zt_clip_view *clip, const char *name) {
    json_t *labels = json_loads(clip->labels, 0, NULL);
    const json_t *v = json_object_get(labels, name);
    const bool yes = json_is_true(v) || (json_is_integer(v) && json_integer_value(v) != 0);
    json_decref(labels);
    return yes;
}

void zt_label_names(const zt_clip_view *clip, zt_str *list) {
    json_t *labels = json_loads(clip->labels, 0, NULL);
    const char *key;
    json_t *v;
    json_object_foreach(labels, key, v) if (json_is_string(v) || json_is_integer(v) || json_is_boolean(v))
        zt_str_addf(list, "%s%.40s", list->len ? ", " : "", key);
    json_decref(labels);
}
