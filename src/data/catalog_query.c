/* catalog_query.c - see query.h. A recursive descent parser that writes SQL with a `?` for every value.
 * Tested by tests/data/test_data_catalog.c and fuzz/fuzz_query.c. */
#include "data/query.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/catalog_impl.h"

enum { TEXT_MAX = 4096, VALUES_MAX = 400, DEPTH_MAX = 50, WORD_MAX = 1024 };

typedef struct value { char *text; double number; bool is_text; } value;

struct zt_query {
    zt_str sql;
    value value[VALUES_MAX];
    int n;
};

/* ---- fields ---- */

typedef struct field { const char *name, *column; bool is_text; } field;

static const field COLUMN[] = {
    {"id", "id", false},          {"frames", "frames", false},   {"height", "height", false}, {"width", "width", false},
    {"fps", "fps", false},        {"start", "start_s", false},   {"key", "key", true},        {"shard", "shard", true},
    {"split", "split", true},     {"status", "status", true},    {"reason", "reason", true},  {"caption", "caption", true},
    {"source", "source", true},   {"licence", "licence", true},
    {"weight", "COALESCE((SELECT weight FROM weights WHERE clip = clips.id), 1)", false},
};
enum { COLUMNS = sizeof COLUMN / sizeof COLUMN[0] };

static const char *const SCORE[] = {
#define ZT_SCORE(name, doc) #name,
#include "data/score.def"
#undef ZT_SCORE
};
enum { SCORES = sizeof SCORE / sizeof SCORE[0] };

static const field *find_column(const char *name) {
    for (int i = 0; i < COLUMNS; i++)
        if (strcmp(COLUMN[i].name, name) == 0) return &COLUMN[i];
    return NULL;
}

static const char *find_score(const char *name) {
    for (int i = 0; i < SCORES; i++)
        if (strcmp(SCORE[i], name) == 0) return SCORE[i];
    return NULL;
}

static zt_err unknown_field(const char *name) {
    const char *names[COLUMNS + SCORES];
    for (int i = 0; i < COLUMNS; i++) names[i] = COLUMN[i].name;
    for (int i = 0; i < SCORES; i++) names[COLUMNS + i] = SCORE[i];
    const char *near = zt_nearest_name(name, names, COLUMNS + SCORES);
    return zt_fail(ZT_ARG,
                   "query: there is no field '%.64s'%s%s; fields are key, split, status, caption, ..., the scores, tag.NAME",
                   name, near ? "; did you mean " : "", near ? near : "");
}

/* ---- words ---- */

typedef struct parser { zt_query *q; const char *text, *at; int depth; } parser;

static void skip_space(parser *p) {
    while (*p->at && strchr(" \t\r\n", *p->at)) p->at++;
}

static bool word_byte(char c) { return isalnum((unsigned char)c) || (c && strchr("_.+-/:*@%", c)) || (unsigned char)c >= 0x80; }

static zt_err wanted(const parser *p, const char *what) {
    return zt_fail(ZT_ARG, "query: %s is wanted at character %d, before '%.40s'", what, (int)(p->at - p->text) + 1, p->at);
}

/* Whether the next word is `word`; then it is taken. */
static bool take_word(parser *p, const char *word) {
    skip_space(p);
    const size_t n = strlen(word);
    if (strncasecmp(p->at, word, n) != 0 || word_byte(p->at[n])) return false;
    p->at += n;
    return true;
}

static bool take(parser *p, const char *mark) {
    skip_space(p);
    const size_t n = strlen(mark);
    if (strncmp(p->at, mark, n) != 0) return false;
    p->at += n;
    return true;
}

static zt_err bare_word(parser *p, const char *what, char out[WORD_MAX]) {
    size_t n = 0;
    skip_space(p);
    while (word_byte(p->at[n])) n++;
    if (n == 0 || n >= WORD_MAX) return wanted(p, what);
    memcpy(out, p->at, n);
    out[n] = '\0';
    p->at += n;
    return ZT_OK;
}

static zt_err quoted(parser *p, char out[WORD_MAX]) {
    const char quote = *p->at++;
    size_t n = 0;
    while (*p->at && (*p->at != quote || p->at[1] == quote) && n < WORD_MAX - 1) {
        if (*p->at == quote) p->at++;
        out[n++] = *p->at++;
    }
    out[n] = '\0';
    if (*p->at != quote) return wanted(p, "a closing quote");
    p->at++;
    return ZT_OK;
}

/* ---- conditions ---- */

/* Bind text (is_text) or number to the `?` just written. */
static zt_err add_value(zt_query *q, const char *text, double number, bool is_text) {
    if (q->n == VALUES_MAX) return zt_fail(ZT_ARG, "query: more than %d values; make it shorter", VALUES_MAX);
    value *v = &q->value[q->n];
    *v = (value){.number = number, .is_text = is_text};
    if (is_text && !(v->text = zt_strdup(text))) return ZT_NOMEM;
    q->n++;
    return ZT_OK;
}

typedef enum op { EQ, NE, LE, GE, LT, GT, CONTAINS, OPS } op;
static const char *const OP[OPS] = {"=", "!=", "<=", ">=", "<", ">", "~"};

static zt_err take_op(parser *p, op *o) {
    for (int i = 0; i < OPS; i++)
        if (take(p, OP[i])) {
            *o = (op)i;
            return ZT_OK;
        }
    return wanted(p, "one of = != < <= > >= ~");
}

/* `left OP ?` with the value bound. */
static zt_err compare(parser *p, const char *name, const char *left, bool is_text, op o, const char *word) {
    zt_query *q = p->q;
    double number = 0;
    if (is_text && o != EQ && o != NE && o != CONTAINS)
        return zt_fail(ZT_ARG, "query: '%.64s' is text; it is compared by =, != or ~ (contains)", name);
    if (!is_text && (o == CONTAINS || !zt_parse_real(word, &number)))
        return zt_fail(ZT_ARG, "query: '%.64s' is a number; it is compared by = != < <= > >= with a number, not with '%.64s'",
                       name, word);
    if (o == CONTAINS) zt_str_addf(&q->sql, "instr(lower(%s), lower(?)) > 0", left);
    else zt_str_addf(&q->sql, "%s %s ?", left, OP[o]);
    return add_value(q, word, number, is_text);
}

/* A score or tag is a row of its own; != holds for clips without one too. */
static zt_err compare_row(parser *p, const char *name, const char *table, const char *row, bool is_text, op o, const char *word) {
    zt_query *q = p->q;
    zt_err e;
    zt_str_addf(&q->sql, "%sEXISTS (SELECT 1 FROM %s WHERE name = ? AND clip = clips.id AND ", o == NE ? "NOT " : "", table);
    ZT_TRY(e = add_value(q, row, 0, true), done);
    ZT_TRY(e = compare(p, name, "value", is_text, o == NE ? EQ : o, word), done);
    zt_str_add(&q->sql, ")");
done:
    return e;
}

static zt_err comparison(parser *p) {
    char name[WORD_MAX], word[WORD_MAX];
    op o = EQ;
    zt_err e;
    ZT_TRY(e = bare_word(p, "a field", name), done);
    ZT_TRY(e = take_op(p, &o), done);
    skip_space(p);
    ZT_TRY(e = *p->at == '\'' || *p->at == '"' ? quoted(p, word) : bare_word(p, "a value", word), done);
    if (!zt_utf8_valid(word, strlen(word), NULL)) return zt_fail(ZT_ARG, "query: the value of %.64s is not UTF-8", name);
    const field *f = find_column(name);
    const char *score = find_score(name);
    if (f) e = compare(p, name, f->column, f->is_text, o, word);
    else if (score) e = compare_row(p, name, "scores", score, false, o, word);
    else if (strncmp(name, "tag.", 4) == 0 && name[4]) e = compare_row(p, name, "tags", name + 4, true, o, word);
    else e = unknown_field(name);
done:
    return e;
}

static zt_err any_of(parser *p);

static zt_err one(parser *p) {
    zt_err e;
    if (p->depth++ > DEPTH_MAX) return zt_fail(ZT_ARG, "query: more than %d brackets or nots inside each other", DEPTH_MAX);
    if (take_word(p, "not")) {
        zt_str_add(&p->q->sql, "NOT (");
        ZT_TRY(e = one(p), done);
        zt_str_add(&p->q->sql, ")");
    } else if (take(p, "(")) {
        zt_str_add(&p->q->sql, "(");
        ZT_TRY(e = any_of(p), done);
        if (!take(p, ")")) return wanted(p, "a closing )");
        zt_str_add(&p->q->sql, ")");
    } else e = comparison(p);
done:
    p->depth--;
    return e;
}

static zt_err all_of(parser *p) {
    zt_err e = one(p);
    while (e == ZT_OK && take_word(p, "and")) {
        zt_str_add(&p->q->sql, " AND ");
        e = one(p);
    }
    return e;
}

static zt_err any_of(parser *p) {
    zt_err e = all_of(p);
    while (e == ZT_OK && take_word(p, "or")) {
        zt_str_add(&p->q->sql, " OR ");
        e = all_of(p);
    }
    return e;
}

zt_err zt_query_parse(zt_query **out, const char *text) {
    zt_err e = ZT_OK;
    *out = NULL;
    zt_query *q = zt_alloc(sizeof *q);
    if (!q) return ZT_NOMEM;
    parser p = {.q = q, .text = text ? text : "", .at = text ? text : ""};
    if (strlen(p.text) > TEXT_MAX) {
        e = zt_fail(ZT_ARG, "query: longer than %d bytes", TEXT_MAX);
        goto done;
    }
    zt_str_add(&q->sql, "(");
    skip_space(&p);
    if (*p.at) ZT_TRY(e = any_of(&p), done);
    else zt_str_add(&q->sql, "1");
    skip_space(&p);
    if (*p.at) e = wanted(&p, "`and`, `or` or the end");
    zt_str_add(&q->sql, ")");
done:
    if (e == ZT_OK && q->sql.failed) e = ZT_NOMEM;
    if (e != ZT_OK) zt_query_destroy(&q);
    *out = q;
    return e;
}

void zt_query_destroy(zt_query **pq) {
    if (!pq || !*pq) return;
    for (int i = 0; i < (*pq)->n; i++) zt_free((*pq)->value[i].text);
    zt_str_finish(&(*pq)->sql);
    zt_free(*pq);
    *pq = NULL;
}

zt_err zt_query_also(zt_query *q, const char *name, const char *text) {
    const field *f = find_column(name);
    if (!f || !f->is_text) return unknown_field(name);
    zt_str_addf(&q->sql, " AND %s = ?", f->column);   /* after the closing bracket */
    return q->sql.failed ? ZT_NOMEM : add_value(q, text, 0, true);
}

/* ---- running it ---- */

zt_err zt_query_prepare(zt_catalog *c, const zt_query *q, const char *before, const char *after, sqlite3_stmt **st) {
    zt_str sql = {0};
    *st = NULL;
    zt_str_addf(&sql, "%s %s %s", before, q->sql.buf, after);
    zt_err e = sql.failed ? ZT_NOMEM : zt_sql_prepare(c, st, "selecting clips", sql.buf, "");
    for (int i = 0; e == ZT_OK && i < q->n; i++) {
        const value *v = &q->value[i];
        const int rc = v->is_text ? sqlite3_bind_text(*st, i + 1, v->text, -1, SQLITE_TRANSIENT)
                                  : sqlite3_bind_double(*st, i + 1, v->number);
        if (rc != SQLITE_OK) e = zt_sql_fail(c, rc, "selecting clips");
    }
    zt_str_finish(&sql);
    return e;
}

zt_err zt_catalog_select(zt_catalog *c, const zt_query *q, int64_t after, int64_t limit,
                         zt_err (*fn)(void *ctx, const zt_catalog_clip *clip), void *ctx) {
    sqlite3_stmt *st = NULL;
    char rest[100];
    snprintf(rest, sizeof rest, "AND id > %lld ORDER BY id LIMIT %lld", (long long)after, limit > 0 ? (long long)limit : -1LL);
    zt_err e = zt_query_prepare(c, q, "SELECT " ZT_SQL_CLIP " FROM clips WHERE", rest, &st);
    if (e == ZT_OK) e = zt_sql_walk_clips(c, st, fn, ctx);
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_select_count(zt_catalog *c, const zt_query *q, int64_t *n) {
    sqlite3_stmt *st = NULL;
    zt_err e = zt_query_prepare(c, q, "SELECT COUNT(*) FROM clips WHERE", "", &st);
    *n = 0;
    if (e == ZT_OK) {
        const int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) *n = sqlite3_column_int64(st, 0);
        else e = zt_sql_fail(c, rc, "counting clips");
    }
    sqlite3_finalize(st);
    return e;
}
