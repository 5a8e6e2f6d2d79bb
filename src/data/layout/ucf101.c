/* ucf101.c - UCF101: CLASS/v_CLASS_gNN_cNN.avi and ucfTrainTestlist/. The clips of a group are cut from one video, so a group
 * that is in the training and in the test list makes every score on the latter worthless: such lists are refused.
 * Layout: Soomro et al. 2012, arXiv:1212.0402. Tested by tests/data/test_data_layout.c. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "data/layout/layout_impl.h"

enum { LIST_MAX = 16 << 20, GROUP_MAX = 128 }; /* bytes of a list; of a group's name */
static const char LISTS[] = "ucfTrainTestlist";

/* Names of the groups in one list, sorted. */
typedef struct groups {
    char (*name)[GROUP_MAX];
    size_t n, cap;
} groups;

/* The list's folder: SRC/ucfTrainTestlist, or SRC itself. */
static bool lists_folder(const char *src, char out[ZT_PATH_MAX]) {
    if (zt_layout_has(src, LISTS, out) && zt_is_dir(out)) return true;
    return zt_layout_has(src, "trainlist01.txt", NULL) && zt_format(out, ZT_PATH_MAX, "%s", src) == ZT_OK;
}

bool zt_layout_ucf101_matches(const char *src) {
    char lists[ZT_PATH_MAX];
    return zt_is_dir(src) && lists_folder(src, lists);
}

/* "ApplyEyeMakeup" -> "apply eye makeup". */
static void words_of(const char *class_name, char *out, size_t cap) {
    size_t n = 0;
    for (const char *p = class_name; *p && n + 2 < cap; p++) {
        if (isupper((unsigned char)*p) && p > class_name) out[n++] = ' ';
        out[n++] = (char)tolower((unsigned char)*p);
    }
    out[n] = '\0';
}

static zt_err groups_add(groups *g, const char *class_name, const char *file) {
    const char *mark = strstr(file, "_g");
    if (g->n == g->cap) {
        const size_t cap = g->cap ? g->cap * 2 : 1024;
        void *more = zt_realloc(g->name, cap * GROUP_MAX);
        if (!more) return ZT_NOMEM;
        g->name = more;
        g->cap = cap;
    }
    while (mark && strstr(mark + 1, "_g")) mark = strstr(mark + 1, "_g"); /* the last: class names may hold one */
    if (!mark || !isdigit((unsigned char)mark[2]))
        return zt_fail(ZT_FORMAT, "'%.200s' is not called v_CLASS_gNN_cNN: its group is unknown", file);
    return zt_format(g->name[g->n++], GROUP_MAX, "%s/g%.*s", class_name, (int)strspn(mark + 2, "0123456789"), mark + 2);
}

/* One line "CLASS/v_CLASS_gNN_cNN.avi [number]". */
static zt_err add_line(zt_layout_list *l, const char *videos, char *line, const char *split, groups *g) {
    char path[ZT_PATH_MAX], caption[GROUP_MAX];
    char *space = strchr(line, ' '), *slash = strchr(line, '/');
    zt_err e;
    if (space) *space = '\0';
    if (!slash || slash == line || strchr(slash + 1, '/') || strstr(line, ".."))
        return zt_fail(ZT_FORMAT, "'%.200s' is not CLASS/FILE", line);
    ZT_TRY(e = zt_path_join(path, videos, line), done);
    *slash = '\0';
    ZT_TRY(e = groups_add(g, line, slash + 1), done);
    words_of(line, caption, sizeof caption);
    zt_ingest_item k = {.path = path, .caption = caption, .split = split, .origin = "UCF101"};
    ZT_TRY(e = zt_layout_labels(l, json_pack("{s:s, s:s}", "class", line, "group", strrchr(g->name[g->n - 1], '/') + 1),
                                &k.labels),
           done);
    e = zt_layout_add_file(l, &k);
done:
    return e;
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static zt_err read_list(zt_layout_list *l, const char *lists, const char *videos, const char *split, int fold, groups *g) {
    char path[ZT_PATH_MAX], *text = NULL;
    size_t len;
    long long number = 0;
    zt_err e;
    ZT_TRY(e = zt_format(path, sizeof path, "%s/%slist%02d.txt", lists, split, fold), done);
    ZT_TRY(e = zt_file_read(path, LIST_MAX, &text, &len), done);
    for (char *p = text, *end = text + len; p < end; p += strlen(p) + 1) {
        char *stop = p + strcspn(p, "\r\n");
        *stop = '\0';
        number++;
        if (!*p) continue;
        if ((e = add_line(l, videos, p, split, g)) != ZT_OK) {
            e = zt_fail_context(e, "%s, line %lld", path, number);
            goto done;
        }
        p = stop;
    }
    if (g->n) qsort(g->name, g->n, GROUP_MAX, by_name);
done:
    zt_free(text);
    return e;
}

static zt_err check_groups(const groups *train, const groups *test, int fold) {
    for (size_t i = 0; i < test->n; i++) {
        const char *name = test->name[i];
        if (train->n && bsearch(name, train->name, train->n, GROUP_MAX, by_name))
            return zt_fail(ZT_FORMAT,
                           "group leak: %s is in trainlist%02d.txt and in testlist%02d.txt; its clips are cut from one "
                           "video, so the test would show what was trained on: take it out of one list",
                           name, fold, fold);
    }
    return ZT_OK;
}

zt_err zt_layout_ucf101_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    static const char *const FOLDER[] = {"UCF-101", "UCF101"};
    const int fold = cfg->fold ? cfg->fold : 1;
    char lists[ZT_PATH_MAX], videos[ZT_PATH_MAX];
    groups train = {0}, test = {0};
    bool found = false;
    zt_err e;
    if (!lists_folder(src, lists)) return zt_fail(ZT_NOTFOUND, "%s: there is no %s/ with trainlist01.txt in it", src, LISTS);
    for (int i = 0; i < 2 && !found; i++) found = zt_layout_has(src, FOLDER[i], videos) && zt_is_dir(videos);
    if (!found) ZT_TRY(e = zt_format(videos, sizeof videos, "%s", src), done);
    ZT_TRY(e = read_list(l, lists, videos, "train", fold, &train), done);
    ZT_TRY(e = read_list(l, lists, videos, "test", fold, &test), done);
    e = check_groups(&train, &test, fold);
done:
    zt_free(train.name);
    zt_free(test.name);
    return e;
}
