/* ingest_caption.c - captions beside video files: STEM.txt, captions.tsv and labels.tsv, folder names. All bytes are hostile.
 * Tables are text/tab-separated-values as IANA registers it: one record a line, no quoting; CR before LF is dropped. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "data/ingest_impl.h"

enum { TXT_MAX = 1 << 20, TABLE_MAX = 64 << 20, TABLES = 2, COLUMNS_MAX = 256 };   /* a table's columns that are looked at */

static const char *const TABLE_NAME[TABLES] = {"captions.tsv", "labels.tsv"};
static const char *const FILE_COLUMN[] = {"file", "filename", "path", "video", "name", NULL};      /* the first that is there */
static const char *const TEXT_COLUMN[] = {"caption", "text", "label", NULL};

typedef struct row { const char *name, *text; } row;             /* into table.bytes; text runs to its NUL */
typedef struct table { char *bytes; row *rows; size_t n; } table;

struct zt_ingest_captions {
    zt_ingest_caption mode;
    char dir[ZT_PATH_MAX];      /* whose tables are loaded; "": none */
    table tables[TABLES];
};

/* One line of UTF-8: a byte order mark is dropped, white space and control characters become single spaces, and a long text is
 * cut after its last whole character. False when it is not UTF-8; text is then "". */
static bool clean(const char *bytes, size_t n, char text[ZT_INGEST_CAPTION_MAX + 1]) {
    size_t used = 0;
    text[0] = '\0';
    if (!zt_utf8_valid(bytes, n, NULL)) return false;
    if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        n -= 3;
    }
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        const bool space = c <= ' ' || c == 127;
        if (space && (used == 0 || text[used - 1] == ' ')) continue;
        if (used == ZT_INGEST_CAPTION_MAX) {
            while (used > 0 && ((unsigned char)text[used - 1] & 0xc0) == 0x80 && (c & 0xc0) == 0x80) used--;
            if (used > 0 && (c & 0xc0) == 0x80) used--;          /* and the first byte of the character that is cut */
            break;
        }
        text[used++] = space ? ' ' : (char)c;
    }
    while (used > 0 && text[used - 1] == ' ') used--;
    text[used] = '\0';
    return true;
}

static void table_finish(table *t) {
    zt_free(t->bytes);
    zt_free(t->rows);
    *t = (table){0};
}

static int by_name(const void *a, const void *b) {
    const row *x = a, *y = b;
    const int d = strcmp(x->name, y->name);
    return d ? d : (x->text > y->text) - (x->text < y->text);   /* equal names: in the order of the file */
}

/* Field `column` of the line [p,end), or NULL. *n is its length. */
static char *field(char *p, char *end, int column, size_t *n) {
    for (; column > 0; column--) {
        p = memchr(p, '\t', (size_t)(end - p));
        if (!p) return NULL;
        p++;
    }
    const char *tab = memchr(p, '\t', (size_t)(end - p));
    *n = (size_t)((tab ? tab : end) - p);
    return p;
}

/* Which column of the header has one of these names; -1: none. */
static int find_column(char *p, char *end, const char *const *names) {
    for (; *names; names++) {
        size_t n;
        const char *f;
        for (int i = 0; i < COLUMNS_MAX && (f = field(p, end, i, &n)) != NULL; i++)
            if (n == strlen(*names) && strncasecmp(f, *names, n) == 0) return i;
    }
    return -1;
}

/* A line without its end; *next is where the following one starts. */
static char *line_end(char *p, char *end, char **next) {
    char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
    *next = nl ? nl + 1 : end;
    return stop > p && stop[-1] == '\r' ? stop - 1 : stop;
}

static void table_add(table *t, char *p, char *end, int file, int text) {
    size_t n_file, n_text;
    char *f = field(p, end, file, &n_file), *x = field(p, end, text, &n_text);
    if (!f || !x || n_file == 0 || n_text == 0) return;
    f[n_file] = '\0';           /* a tab, CR, LF or the byte after the text: never inside another field */
    x[n_text] = '\0';
    if (strncmp(f, "./", 2) == 0) f += 2;
    t->rows[t->n++] = (row){f, x};
}

/* An absent or unusable table is an empty one. */
static zt_err table_load(table *t, const char *path) {
    size_t len, lines = 0;
    char *next;
    if (!zt_file_exists(path)) return ZT_OK;
    zt_err e = zt_file_read(path, TABLE_MAX, &t->bytes, &len);
    if (e == ZT_NOMEM) return e;
    if (e != ZT_OK) {
        zt_warn("captions passed over: %s", zt_err_text());
        return ZT_OK;
    }
    char *p = t->bytes, *end = p + len;
    if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
    for (char *q = p; q < end; q++) {
        if (*q == '\0') *q = ' ';
        lines += *q == '\n';
    }
    char *stop = line_end(p, end, &next);
    const int file = find_column(p, stop, FILE_COLUMN), text = find_column(p, stop, TEXT_COLUMN);
    if (file < 0 || text < 0) {
        zt_warn("captions passed over: %s: the first line names no column '%s' (wanted: file, filename, path, video or name, and "
                "caption, "
                "text or label, between tabs)",
                path, file < 0 ? "file" : "caption");
        return ZT_OK;
    }
    t->rows = zt_alloc_array(lines + 1, sizeof *t->rows);
    if (!t->rows) return ZT_NOMEM;
    for (p = next; p < end; p = next) {
        stop = line_end(p, end, &next);
        table_add(t, p, stop, file, text);
    }
    if (t->n) qsort(t->rows, t->n, sizeof *t->rows, by_name);
    return ZT_OK;
}

/* The first row of that name, or NULL. */
static const char *table_find(const table *t, const char *name) {
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (strcmp(t->rows[mid].name, name) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo < t->n && strcmp(t->rows[lo].name, name) == 0 ? t->rows[lo].text : NULL;
}

static zt_err load_tables(zt_ingest_captions *c, const char *dir) {
    zt_err e = ZT_OK;
    if (strcmp(c->dir, dir) == 0) return ZT_OK;
    c->dir[0] = '\0';
    for (int i = 0; i < TABLES; i++) {
        char path[ZT_PATH_MAX];
        table_finish(&c->tables[i]);
        if (zt_path_join(path, dir, TABLE_NAME[i]) != ZT_OK) continue;
        ZT_TRY(e = table_load(&c->tables[i], path), done);
    }
    memcpy(c->dir, dir, strlen(dir) + 1);
done:
    return e;
}

static zt_err from_table(zt_ingest_captions *c, const char *dir, const char *base, const char *stem, char *text) {
    zt_err e = load_tables(c, dir);
    for (int i = 0; i < TABLES && e == ZT_OK && !text[0]; i++) {
        const char *found = table_find(&c->tables[i], base);
        if (!found) found = table_find(&c->tables[i], stem);
        if (found && !clean(found, strlen(found), text))
            zt_warn("caption passed over: %s/%s: that of %s is not UTF-8", dir, TABLE_NAME[i], base);
    }
    return e;
}

static zt_err from_txt(const char *dir, const char *stem, char *text) {
    char path[ZT_PATH_MAX], *bytes = NULL;
    size_t n;
    if (zt_format(path, sizeof path, "%s/%s.txt", dir, stem) != ZT_OK || !zt_file_exists(path)) return ZT_OK;
    zt_err e = zt_file_read(path, TXT_MAX, &bytes, &n);
    if (e == ZT_NOMEM) return e;
    if (e != ZT_OK) zt_warn("caption passed over: %s", zt_err_text());
    else if (!clean(bytes, n, text)) zt_warn("caption passed over: %s: not UTF-8 text", path);
    zt_free(bytes);
    return ZT_OK;
}

/* The folder's name says what is in it only where folders tell files apart: below SRC. */
static void from_folder(const char *dir, size_t root, char *text) {
    char name[ZT_PATH_MAX];
    if (root == 0 || strlen(dir) <= root) return;
    const char *base = zt_path_base(dir);
    size_t n = strlen(base);
    memcpy(name, base, n + 1);
    for (char *p = name; *p; p++)
        if (*p == '_') *p = ' ';
    if (!clean(name, n, text)) text[0] = '\0';
}

zt_err zt_ingest_caption_of(zt_ingest_captions *c, const zt_ingest_file *file, char text[ZT_INGEST_CAPTION_MAX + 1],
                            const char **from) {
    char dir[ZT_PATH_MAX], stem[ZT_PATH_MAX];
    const char *base = zt_path_base(file->path), *dot = strrchr(base, '.');
    zt_err e;
    text[0] = '\0';
    *from = "";
    if (file->item && file->item->caption) {
        *from = "list";
        return clean(file->item->caption, strlen(file->item->caption), text) ? ZT_OK
               : zt_fail(ZT_ARG, "%s: the caption in the list is not UTF-8", file->path);
    }
    if (c->mode == ZT_CAPTION_NONE) return ZT_OK;
    const size_t n_dir = base - file->path > 1 ? (size_t)(base - file->path - 1) : 1;
    ZT_TRY(e = zt_format(dir, sizeof dir, "%.*s", (int)n_dir, file->path), done);
    ZT_TRY(e = zt_format(stem, sizeof stem, "%.*s", (int)(dot && dot > base ? dot - base : (long)strlen(base)), base), done);
    if (c->mode != ZT_CAPTION_FOLDER) {
        ZT_TRY(e = from_txt(dir, stem, text), done);
        if (text[0]) *from = "txt";
        else {
            ZT_TRY(e = from_table(c, dir, base, stem, text), done);
            if (text[0]) *from = "table";
        }
    }
    if (!text[0] && c->mode != ZT_CAPTION_TXT) {
        from_folder(dir, file->root, text);
        if (text[0]) *from = "folder";
    }
done:
    return e;
}

zt_err zt_ingest_captions_create(zt_ingest_captions **c, zt_ingest_caption mode) {
    *c = zt_alloc(sizeof **c);
    if (!*c) return ZT_NOMEM;
    (*c)->mode = mode;
    return ZT_OK;
}

void zt_ingest_captions_destroy(zt_ingest_captions **c) {
    if (!c || !*c) return;
    for (int i = 0; i < TABLES; i++) table_finish(&(*c)->tables[i]);
    zt_free(*c);
    *c = NULL;
}
