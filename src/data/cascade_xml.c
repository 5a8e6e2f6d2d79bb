/* cascade_xml.c - cascade files to memory (cascade.h): expat makes a small tree of elements, and what it says is checked so that
 * evaluating can trust it. Tested by tests/data/test_data_cascade.c and fuzz/fuzz_cascade.c. */
#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "data/cascade_impl.h"

enum { FILE_MAX = 16 << 20, DEPTH_MAX = 16, ELEMENTS_MAX = 1 << 20, NAME_MAX_BYTES = 64, STAGES_MAX = 1000, TREE_MAX = 64 };

/* ---- XML to elements ---- */

typedef struct element {
    const char *name;
    zt_str text;                                  /* between its tags, without that of elements inside */
    struct element *first, *last, *next, *parent;
} element;

typedef struct reading {
    XML_Parser parser;
    zt_arena *arena;
    element root, *at;
    int depth, n;
    zt_err e;
    const char *where;
} reading;

static void stop(reading *r, zt_err e) {
    r->e = e;
    XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes) {
    reading *r = ctx;
    (void)attributes;
    if (r->e != ZT_OK) return;
    if (++r->depth > DEPTH_MAX || ++r->n > ELEMENTS_MAX || strlen(name) > NAME_MAX_BYTES) {
        stop(r, zt_fail(ZT_FORMAT, "%s: line %lu: more elements, deeper or with longer names than a cascade has", r->where,
                        (unsigned long)XML_GetCurrentLineNumber(r->parser)));
        return;
    }
    element *e = zt_arena_alloc(r->arena, sizeof *e);
    if (!e || !(e->name = zt_arena_strdup(r->arena, name))) {
        stop(r, ZT_NOMEM);
        return;
    }
    e->parent = r->at;
    if (r->at->last) r->at->last->next = e;
    else r->at->first = e;
    r->at->last = e;
    r->at = e;
}

static void XMLCALL on_end(void *ctx, const XML_Char *name) {
    reading *r = ctx;
    (void)name;
    if (r->e != ZT_OK) return;
    r->depth--;
    r->at = r->at->parent;
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int n) {
    reading *r = ctx;
    if (r->e != ZT_OK || r->at == &r->root) return;
    zt_str_addn(&r->at->text, text, (size_t)n);
    if (r->at->text.failed) stop(r, ZT_NOMEM);
}

/* No document type, so no entities: nothing in a file can make it larger than it is. */
static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal) {
    reading *r = ctx;
    (void)name, (void)system, (void)public, (void)internal;
    if (r->e == ZT_OK) stop(r, zt_fail(ZT_FORMAT, "%s: has a document type, which no cascade has", r->where));
}

static void finish_texts(element *e) {
    for (element *k = e->first; k; k = k->next) {
        zt_str_finish(&k->text);
        finish_texts(k);                          /* at most DEPTH_MAX deep */
    }
}

static zt_err read_xml(reading *r, const char *xml, size_t len) {
    zt_err e = zt_arena_create(&r->arena);
    if (e != ZT_OK) return e;
    r->at = &r->root;
    if (!(r->parser = XML_ParserCreate("UTF-8"))) return zt_fail(ZT_NOMEM, "%s: no memory to read it", r->where);
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    const enum XML_Status status = XML_Parse(r->parser, xml, (int)len, 1);
    if (status != XML_STATUS_OK && r->e == ZT_OK)
        r->e = zt_fail(ZT_FORMAT, "%s: line %lu: %s; is it a cascade file, whole?", r->where,
                       (unsigned long)XML_GetCurrentLineNumber(r->parser), XML_ErrorString(XML_GetErrorCode(r->parser)));
    return r->e;
}

/* ---- elements to numbers ---- */

static element *child(const element *e, const char *name) {
    for (element *k = e ? e->first : NULL; k; k = k->next)
        if (strcmp(k->name, name) == 0) return k;
    return NULL;
}

/* Elements of a list are called "_". */
static int count_items(const element *list) {
    int n = 0;
    for (const element *k = list ? list->first : NULL; k; k = k->next) n += strcmp(k->name, "_") == 0;
    return n;
}
static element *next_item(element *k) {
    while (k && strcmp(k->name, "_") != 0) k = k->next;
    return k;
}

/* The next number of *text; false at its end or when it is none. */
static bool number(const char **text, double *v) {
    char word[64];
    const char *p = *text + strspn(*text, " \t\r\n");
    const size_t len = strcspn(p, " \t\r\n");
    if (len == 0 || len >= sizeof word) return false;
    memcpy(word, p, len);
    word[len] = '\0';
    *text = p + len;
    return zt_parse_real(word, v);
}

static bool whole(const char **text, double low, double high, int *v) {
    double x;
    if (!number(text, &x) || x < low || x > high || x != floor(x)) return false;
    *v = (int)x;
    return true;
}

static const char *text_of(const element *e) { return e && e->text.buf ? e->text.buf : ""; }

static bool int_of(const element *e, double low, double high, int *v) {
    const char *text = text_of(e);
    return whole(&text, low, high, v) && text[strspn(text, " \t\r\n")] == '\0';
}

static bool real_of(const element *e, float *v) {
    const char *text = text_of(e);
    double x;
    if (!number(&text, &x) || fabs(x) > 1e30 || text[strspn(text, " \t\r\n")]) return false;
    *v = (float)x;
    return true;
}

static int count_words(const char *text) {
    int n = 0;
    for (text += strspn(text, " \t\r\n"); *text; n++) {
        text += strcspn(text, " \t\r\n");
        text += strspn(text, " \t\r\n");
    }
    return n;
}

/* ---- the parts both formats have ---- */

typedef struct building { zt_cascade *c; const char *where; int stage, cap_nodes, cap_leaves, cap_trees, cap_features; } building;

static zt_err wrong(const building *b, const char *what) {
    return zt_fail(ZT_FORMAT, "%s: stage %d: %s; copy the file again", b->where, b->stage, what);
}

/* Room for one more item of an array that only grows while building. */
static zt_err room(void **items, int n, int *cap, size_t size) {
    if (n < *cap) return ZT_OK;
    const int more = *cap ? 2 * *cap : 256;
    void *p = zt_realloc(*items, (size_t)more * size);
    if (!p) return ZT_NOMEM;
    *items = p;
    *cap = more;
    return ZT_OK;
}

/* "x y w h" of a rectangle `times` as wide and high inside the window. */
static bool rectangle(const zt_cascade *c, const char **text, int times, zt_feature *f, int i) {
    return whole(text, 0, c->width - 1, &f->r[i].x) && whole(text, 0, c->height - 1, &f->r[i].y)
           && whole(text, 1, (c->width - f->r[i].x) / times, &f->r[i].w)
           && whole(text, 1, (c->height - f->r[i].y) / times, &f->r[i].h);
}

static zt_err add_feature(building *b, const element *e) {
    zt_cascade *c = b->c;
    zt_feature f = {0};
    int tilted = 0;
    if (c->lbp) {
        const char *text = text_of(child(e, "rect"));
        f.n = 1;
        if (!rectangle(c, &text, 3, &f, 0))
            return zt_fail(ZT_FORMAT, "%s: feature %d: its cells do not lie inside the window", b->where, c->n_features);
    } else {
        element *rects = child(e, "rects");
        if (child(e, "tilted") && !int_of(child(e, "tilted"), 0, 1, &tilted)) return wrong(b, "<tilted> is not 0 or 1");
        if (tilted)
            return zt_fail(ZT_UNSUPPORTED, "%s: feature %d is tilted; only upright features are evaluated here", b->where,
                           c->n_features);
        for (element *k = next_item(rects ? rects->first : NULL); k; k = next_item(k->next), f.n++) {
            const char *text = text_of(k);
            double weight;
            if (f.n == ZT_CASCADE_RECTS || !rectangle(c, &text, 1, &f, f.n) || !number(&text, &weight) || fabs(weight) > 1e6)
                return zt_fail(ZT_FORMAT, "%s: feature %d: wants up to 3 rectangles inside the window, each with a weight",
                               b->where, c->n_features);
            f.r[f.n].weight = (float)weight;
        }
        if (f.n < 1) return zt_fail(ZT_FORMAT, "%s: feature %d has no rectangle", b->where, c->n_features);
    }
    const zt_err e2 = room((void **)&c->feature, c->n_features, &b->cap_features, sizeof *c->feature);
    if (e2 == ZT_OK) c->feature[c->n_features++] = f;
    return e2;
}

static zt_err add_leaf(building *b, float v) {
    const zt_err e = room((void **)&b->c->leaf, b->c->n_leaves, &b->cap_leaves, sizeof *b->c->leaf);
    if (e == ZT_OK) b->c->leaf[b->c->n_leaves++] = v;
    return e;
}

static zt_err add_node(building *b, const zt_cascade_node *n) {
    const zt_err e = room((void **)&b->c->node, b->c->n_nodes, &b->cap_nodes, sizeof *b->c->node);
    if (e == ZT_OK) b->c->node[b->c->n_nodes++] = *n;
    return e;
}

static zt_err add_tree(building *b) {
    zt_cascade *c = b->c;
    const zt_err e = room((void **)&c->tree, c->n_trees, &b->cap_trees, sizeof *c->tree);
    if (e == ZT_OK) c->tree[c->n_trees++] = (zt_cascade_tree){c->n_nodes, c->n_leaves};
    return e;
}

/* Every way through the newest tree ends at one of its leaves. */
static zt_err check_tree(const building *b) {
    const zt_cascade *c = b->c;
    const zt_cascade_tree *t = &c->tree[c->n_trees - 1];
    const int nodes = c->n_nodes - t->node, leaves = c->n_leaves - t->leaf;
    if (nodes < 1 || nodes > TREE_MAX) return wrong(b, "a tree without nodes, or with too many");
    for (int i = 0; i < nodes; i++) {
        const int to[2] = {c->node[t->node + i].left, c->node[t->node + i].right};
        for (int k = 0; k < 2; k++)
            if (to[k] > 0 ? to[k] <= i || to[k] >= nodes : -to[k] >= leaves)
                return wrong(b, "a node leads to no later node and no leaf");
    }
    return ZT_OK;
}

/* ---- the format of OpenCV 2 to 4 ---- */

static zt_err read_nodes(building *b, const char *text) {
    const int words = b->c->lbp ? 3 + ZT_CASCADE_SUBSET : 4, n = count_words(text);
    if (n < words || n % words != 0) return wrong(b, "<internalNodes> has a wrong number of numbers");
    for (int i = 0; i < n / words; i++) {
        zt_cascade_node k = {0};
        double threshold = 0;
        int bits;
        bool ok = whole(&text, -TREE_MAX, TREE_MAX, &k.left) && whole(&text, -TREE_MAX, TREE_MAX, &k.right)
                  && whole(&text, 0, INT32_MAX, &k.feature);
        for (int s = 0; ok && b->c->lbp && s < ZT_CASCADE_SUBSET; s++) {
            ok = whole(&text, INT32_MIN, INT32_MAX, &bits);
            k.subset[s] = (uint32_t)bits;
        }
        if (ok && !b->c->lbp) ok = number(&text, &threshold) && fabs(threshold) < 1e30;
        if (!ok) return wrong(b, "<internalNodes> holds something else than numbers of nodes and features");
        k.threshold = (float)threshold;
        const zt_err e = add_node(b, &k);
        if (e != ZT_OK) return e;
    }
    return ZT_OK;
}

static zt_err read_leaves(building *b, const char *text) {
    for (int n = count_words(text); n > 0; n--) {
        double v;
        if (!number(&text, &v) || fabs(v) > 1e30) return wrong(b, "<leafValues> holds something else than numbers");
        const zt_err e = add_leaf(b, (float)v);
        if (e != ZT_OK) return e;
    }
    return ZT_OK;
}

static zt_err read_weak(building *b, const element *list) {
    zt_err e = ZT_OK;
    for (element *k = next_item(list ? list->first : NULL); k && e == ZT_OK; k = next_item(k->next)) {
        ZT_TRY(e = add_tree(b), done);
        ZT_TRY(e = read_nodes(b, text_of(child(k, "internalNodes"))), done);
        ZT_TRY(e = read_leaves(b, text_of(child(k, "leafValues"))), done);
        e = check_tree(b);
    }
done:
    return e;
}

static zt_err read_new(building *b, const element *root) {
    zt_cascade *c = b->c;
    const char *type = text_of(child(root, "featureType"));
    element *features = child(root, "features");
    zt_err e = ZT_OK;
    c->lbp = strcmp(type, "LBP") == 0;
    if (!c->lbp && strcmp(type, "HAAR") != 0)
        return zt_fail(ZT_FORMAT, "%s: <featureType> is '%.40s'; HAAR and LBP are known", b->where, type);
    if (!int_of(child(root, "width"), 3, ZT_CASCADE_WINDOW_MAX, &c->width) ||
        !int_of(child(root, "height"), 3, ZT_CASCADE_WINDOW_MAX, &c->height))
        return zt_fail(ZT_FORMAT, "%s: <width> and <height> of the window are not 3..%d", b->where, ZT_CASCADE_WINDOW_MAX);
    for (element *k = next_item(features ? features->first : NULL); k && e == ZT_OK; k = next_item(k->next))
        e = add_feature(b, k);
    element *stages = child(root, "stages");
    for (element *k = next_item(stages ? stages->first : NULL); k && e == ZT_OK; k = next_item(k->next), b->stage++) {
        zt_cascade_stage *s = &c->stage[c->n_stages++];
        s->tree = c->n_trees;
        if (!real_of(child(k, "stageThreshold"), &s->threshold)) return wrong(b, "no <stageThreshold>");
        e = read_weak(b, child(k, "weakClassifiers"));
        s->n = c->n_trees - s->tree;
    }
    return e;
}

/* ---- the format before OpenCV 2: each node brings its feature ---- */

/* <left_val> or <left_node>, and so right: where it leads. */
static zt_err old_branch(building *b, const element *k, const char *val, const char *node, int *to) {
    const zt_cascade *c = b->c;
    float v;
    if (child(k, node)) return int_of(child(k, node), 1, TREE_MAX, to) ? ZT_OK : wrong(b, "a node leads to no node");
    if (!real_of(child(k, val), &v)) return wrong(b, "a node without value");
    *to = -(c->n_leaves - c->tree[c->n_trees - 1].leaf);
    return add_leaf(b, v);
}

static zt_err read_old_tree(building *b, const element *tree) {
    zt_err e;
    ZT_TRY(e = add_tree(b), done);
    for (element *k = next_item(tree->first); k; k = next_item(k->next)) {
        zt_cascade_node n = {.feature = b->c->n_features};
        if (!child(k, "feature") || !real_of(child(k, "threshold"), &n.threshold))
            return wrong(b, "a node without feature or threshold");
        ZT_TRY(e = add_feature(b, child(k, "feature")), done);
        ZT_TRY(e = old_branch(b, k, "left_val", "left_node", &n.left), done);
        ZT_TRY(e = old_branch(b, k, "right_val", "right_node", &n.right), done);
        ZT_TRY(e = add_node(b, &n), done);
    }
    e = check_tree(b);
done:
    return e;
}

static zt_err read_old(building *b, const element *root) {
    zt_cascade *c = b->c;
    const char *size = text_of(child(root, "size"));
    element *stages = child(root, "stages");
    zt_err e = ZT_OK;
    if (!whole(&size, 3, ZT_CASCADE_WINDOW_MAX, &c->width) || !whole(&size, 3, ZT_CASCADE_WINDOW_MAX, &c->height))
        return zt_fail(ZT_FORMAT, "%s: <size> of the window is not two numbers 3..%d", b->where, ZT_CASCADE_WINDOW_MAX);
    for (element *k = next_item(stages ? stages->first : NULL); k && e == ZT_OK; k = next_item(k->next), b->stage++) {
        zt_cascade_stage *s = &c->stage[c->n_stages++];
        element *trees = child(k, "trees");
        s->tree = c->n_trees;
        if (!real_of(child(k, "stage_threshold"), &s->threshold)) return wrong(b, "no <stage_threshold>");
        for (element *t = next_item(trees ? trees->first : NULL); t && e == ZT_OK; t = next_item(t->next))
            e = read_old_tree(b, t);
        s->n = c->n_trees - s->tree;
    }
    return e;
}

/* ---- both ---- */

static zt_err read_cascade(building *b, const element *document) {
    zt_cascade *c = b->c;
    const element *root = child(child(document, "opencv_storage"), "cascade");
    const bool is_new = root != NULL;
    if (!root && child(document, "opencv_storage")) root = child(document, "opencv_storage")->first;   /* of any name */
    const int stages = count_items(child(root, "stages"));
    if (stages < 1 || stages > STAGES_MAX)
        return zt_fail(ZT_FORMAT, "%s: has %d stages, so it is no cascade of OpenCV", b->where, stages);
    if (!(c->stage = zt_arena_alloc(c->arena, (size_t)stages * sizeof *c->stage))) return ZT_NOMEM;
    const zt_err e = is_new ? read_new(b, root) : read_old(b, root);
    if (e != ZT_OK) return e;
    for (int i = 0; i < c->n_nodes; i++)
        if (c->node[i].feature >= c->n_features)
            return zt_fail(ZT_FORMAT, "%s: node %d uses feature %d of %d; copy the file again", b->where, i, c->node[i].feature,
                           c->n_features);
    return ZT_OK;
}

zt_err zt_cascade_parse(zt_cascade **out, const char *xml, size_t len, const char *where) {
    zt_err e;
    reading r = {.where = where};
    building b = {.where = where};
    *out = NULL;
    if (len > FILE_MAX) return zt_fail(ZT_FORMAT, "%s: %zu bytes are more than any cascade has", where, len);
    if (!(b.c = zt_alloc(sizeof *b.c))) return ZT_NOMEM;
    ZT_TRY(e = zt_arena_create(&b.c->arena), done);
    ZT_TRY(e = read_xml(&r, xml, len), done);
    ZT_TRY(e = read_cascade(&b, &r.root), done);
    *out = b.c;
    b.c = NULL;
done:
    zt_cascade_destroy(&b.c);
    finish_texts(&r.root);
    if (r.parser) XML_ParserFree(r.parser);
    zt_arena_destroy(&r.arena);
    return e;
}

zt_err zt_cascade_load(zt_cascade **out, const char *path) {
    char *xml = NULL;
    size_t len;
    *out = NULL;
    zt_err e = zt_file_read(path, FILE_MAX, &xml, &len);
    if (e == ZT_OK) e = zt_cascade_parse(out, xml, len, path);
    zt_free(xml);
    return e;
}

void zt_cascade_destroy(zt_cascade **pc) {
    if (!pc || !*pc) return;
    zt_free((*pc)->feature);
    zt_free((*pc)->node);
    zt_free((*pc)->leaf);
    zt_free((*pc)->tree);
    zt_arena_destroy(&(*pc)->arena);
    zt_free(*pc);
    *pc = NULL;
}

void zt_cascade_window(const zt_cascade *c, int *width, int *height) {
    *width = c->width;
    *height = c->height;
}
