/* report.c - the HTML page around the parts, and all parts but the charts (report_chart.c). */
#include "eval/report.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "eval/report_impl.h"
#include "media/writer.h"

/* Looks, in two parts: light and dark colours and text; the boxes. */
static const char style_text[] =
    ":root{color-scheme:light dark;--page:#f6f6f3;--card:#fff;--ink:#1c1d22;--soft:#646873;--line:#e2e2dc;--code:#efefea;"
    "--pass:#13703f;--pass-bg:#dff3e6;--fail:#a62323;--fail-bg:#fbe3e1;"
    "--s0:#2b62d9;--s1:#d9661a;--s2:#14825a;--s3:#8a3fc4;--s4:#b8860b;--s5:#c02f6b}"
    "@media(prefers-color-scheme:dark){:root{--page:#14151a;--card:#1d1f26;--ink:#ecedf1;--soft:#a0a4b0;--line:#30333d;"
    "--code:#262932;"
    "--pass:#6fdba0;--pass-bg:#163526;--fail:#ff9a90;--fail-bg:#43201f;"
    "--s0:#7fa8ff;--s1:#ffa05c;--s2:#4fd39d;--s3:#cf9bff;--s4:#e8c04a;--s5:#ff8ab8}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--page);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "-webkit-text-size-adjust:100%}"
    "main{max-width:1080px;margin:0 auto;padding:2.5rem 1.25rem 4rem}"
    "h1{font-size:clamp(1.6rem,5vw,2.3rem);line-height:1.15;letter-spacing:-.02em;margin:0}"
    ".sub{color:var(--soft);margin:.5rem 0 0;max-width:65ch}"
    "h2{font-size:1.3rem;letter-spacing:-.01em;margin:3rem 0 .75rem;padding-top:1.25rem;border-top:1px solid var(--line)}"
    "p{margin:.6rem 0;max-width:72ch;overflow-wrap:anywhere}"
    ".mark{font-size:.78rem;font-weight:600;border-radius:99px;padding:.08rem .55rem;white-space:nowrap}"
    ".pass{color:var(--pass);background:var(--pass-bg)}.fail{color:var(--fail);background:var(--fail-bg)}";
static const char style_boxes[] =
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:.9rem;margin:1.5rem 0}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1rem 1.1rem}"
    ".card .top{display:flex;justify-content:space-between;align-items:center;gap:.5rem;color:var(--soft);font-size:.9rem}"
    ".card .big{font-size:2.1rem;font-weight:650;letter-spacing:-.02em;line-height:1.25;font-variant-numeric:tabular-nums;"
    "overflow-wrap:anywhere}"
    ".card .want{font-size:.9rem}.card .note{font-size:.85rem;color:var(--soft);margin-top:.35rem}"
    ".scroll{overflow-x:auto;margin:1rem 0;background:var(--card);border:1px solid var(--line);border-radius:14px}"
    "table{border-collapse:collapse;width:100%;font-size:.95rem}"
    "th,td{text-align:left;padding:.5rem .9rem;border-bottom:1px solid var(--line);vertical-align:top}"
    "tr:last-child td{border-bottom:0}th{color:var(--soft);font-weight:600;font-size:.86rem}"
    ".num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "figure{margin:0}.chart{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1rem 1rem .8rem;"
    "margin:1rem 0}"
    ".chart figcaption{font-weight:600;margin-bottom:.35rem}"
    "svg{display:block;width:100%;height:auto}svg text{fill:var(--soft);font-size:13px}"
    ".grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}"
    ".curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}"
    ".raw{opacity:.6;stroke-width:1.2}"
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.5rem 0 0;padding:0;list-style:none;font-size:.9rem;"
    "color:var(--soft)}"
    ".legend i{display:inline-block;width:1.1em;height:.25em;border-radius:2px;margin-right:.5em;vertical-align:.2em}"
    ".k0{stroke:var(--s0);background:var(--s0)}.k1{stroke:var(--s1);background:var(--s1)}.k2{stroke:var(--s2);"
    "background:var(--s2)}"
    ".k3{stroke:var(--s3);background:var(--s3)}.k4{stroke:var(--s4);background:var(--s4)}.k5{stroke:var(--s5);"
    "background:var(--s5)}"
    ".b0{fill:var(--s0)}.b1{fill:var(--s1)}"
    ".clips{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.9rem;margin:1rem 0}"
    ".clip{background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden;font-size:.86rem;"
    "line-height:1.4}"
    ".clip img{display:block;width:100%;height:auto;image-rendering:pixelated}"
    ".clip figcaption{padding:.5rem .65rem .6rem;overflow-wrap:anywhere}.clip .note{color:var(--soft);display:block}"
    ".clip .mark{display:block;width:fit-content;margin-top:.3rem}"
    "pre{background:var(--code);border:1px solid var(--line);border-radius:10px;padding:.75rem .9rem;white-space:pre-wrap;"
    "overflow-wrap:anywhere;"
    "margin:.8rem 0;"
    "font:.88rem/1.5 ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace}"
    "footer{margin-top:3.5rem;color:var(--soft);font-size:.86rem}"
    "@media(max-width:480px){svg text{font-size:20px}main{padding:1.5rem .9rem 3rem}"
    ".clips{grid-template-columns:repeat(2,1fr);gap:.6rem}"
    ".card .big{font-size:1.8rem}}"
    "@media print{body{background:#fff}.card,.chart,.clip{break-inside:avoid}}";

zt_mark zt_mark_of(bool ok) {
    return ok ? ZT_MARK_PASS : ZT_MARK_FAIL;
}

void zt_report_escape(zt_str *s, const char *text) {
    size_t bad;
    while (text && *text) {
        const size_t n = strlen(text);
        if (zt_utf8_valid(text, n, &bad)) {
            zt_str_add_html(s, text);
            return;
        }
        zt_str good = {0};
        zt_str_addn(&good, text, bad);
        if (bad) zt_str_add_html(s, good.buf ? good.buf : "");
        s->failed |= good.failed;
        zt_str_finish(&good);
        zt_str_add(s, "\xEF\xBF\xBD");
        text += bad + 1;
    }
}

void zt_report_fail(zt_report *r, zt_err e) {
    if (r->err != ZT_OK) return;
    r->err = e;
    strncpy(r->err_text, zt_err_text(), sizeof r->err_text - 1);
}

zt_err zt_report_create(zt_report **out, const char *title, const char *subtitle) {
    *out = NULL;
    zt_report *r = zt_alloc(sizeof *r);
    if (!r) return ZT_NOMEM;
    r->title = zt_strdup(title);
    r->subtitle = zt_strdup(subtitle ? subtitle : "");
    if (!r->title || !r->subtitle) {
        zt_report_destroy(&r);
        return ZT_NOMEM;
    }
    *out = r;
    return ZT_OK;
}

void zt_report_destroy(zt_report **r) {
    if (!r || !*r) return;
    zt_str_finish(&(*r)->body);
    zt_free((*r)->title);
    zt_free((*r)->subtitle);
    zt_free(*r);
    *r = NULL;
}

zt_err zt_report_save(zt_report *r, const char *path) {
    if (r->err != ZT_OK) return zt_fail(r->err, "%s", r->err_text);
    zt_str page = {0};
    zt_str_add(&page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    zt_report_escape(&page, r->title);
    zt_str_addf(&page, "</title>\n<style>%s%s</style>\n</head>\n<body>\n<main>\n<header><h1>", style_text, style_boxes);
    zt_report_escape(&page, r->title);
    zt_str_add(&page, "</h1>");
    if (*r->subtitle) {
        zt_str_add(&page, "<p class=\"sub\">");
        zt_report_escape(&page, r->subtitle);
        zt_str_add(&page, "</p>");
    }
    zt_str_add(&page, "</header>\n");
    if (r->body.len) zt_str_addn(&page, r->body.buf, r->body.len);
    zt_str_add(&page, "<footer>Written by zoetrope " ZT_VERSION ".</footer>\n</main>\n</body>\n</html>\n");
    zt_err e = page.failed || r->body.failed ? zt_fail(ZT_NOMEM, "%s: no memory for the report", path) : ZT_OK;
    if (e == ZT_OK) e = zt_file_write(path, page.buf, page.len);
    zt_str_finish(&page);
    return e;
}

/* <tag>escaped</tag> */
static void element(zt_str *s, const char *open, const char *text, const char *close) {
    zt_str_add(s, open);
    zt_report_escape(s, text);
    zt_str_add(s, close);
}

void zt_report_heading(zt_report *r, const char *text) {
    element(&r->body, "<h2>", text, "</h2>\n");
}

void zt_report_text(zt_report *r, const char *fmt, ...) {
    zt_str text = {0};
    va_list ap;
    va_start(ap, fmt);
    zt_str_addv(&text, fmt, ap);
    va_end(ap);
    element(&r->body, "<p>", text.buf, "</p>\n");
    r->body.failed |= text.failed;
    zt_str_finish(&text);
}

void zt_report_code(zt_report *r, const char *text) {
    element(&r->body, "<pre><code>", text, "</code></pre>\n");
}

static void add_mark(zt_str *s, zt_mark mark, const char *pass, const char *fail) {
    if (mark == ZT_MARK_PASS) zt_str_addf(s, "<span class=\"mark pass\">&#10003; %s</span>", pass);
    if (mark == ZT_MARK_FAIL) zt_str_addf(s, "<span class=\"mark fail\">&#10007; %s</span>", fail);
}

void zt_report_cards(zt_report *r, const zt_card *cards, int n) {
    zt_str *s = &r->body;
    zt_str_add(s, "<div class=\"cards\">\n");
    for (int k = 0; k < n; k++) {
        element(s, "<div class=\"card\"><div class=\"top\"><span>", cards[k].label, "</span>");
        add_mark(s, cards[k].mark, "pass", "fail");
        element(s, "</div><div class=\"big\">", cards[k].value, "</div>");
        if (cards[k].want) element(s, "<div class=\"want\">", cards[k].want, "</div>");
        if (cards[k].note) element(s, "<div class=\"note\">", cards[k].note, "</div>");
        zt_str_add(s, "</div>\n");
    }
    zt_str_add(s, "</div>\n");
}

static bool is_number(const char *cell) {
    if (*cell == '-' || *cell == '+') cell++;
    return isdigit((unsigned char)*cell);
}

/* A column is set to the right when its first filled cell below the heading is a number. */
static bool is_number_column(const char *const *cells, int rows, int columns, int c) {
    for (int k = 1; k < rows; k++) {
        const char *cell = cells[k * columns + c];
        if (cell && *cell) return is_number(cell);
    }
    return false;
}

void zt_report_table(zt_report *r, const char *const *cells, int rows, int columns) {
    zt_str *s = &r->body;
    zt_str_add(s, "<div class=\"scroll\"><table>\n");
    for (int k = 0; k < rows; k++) {
        zt_str_add(s, "<tr>");
        for (int c = 0; c < columns; c++) {
            const char *tag = k ? "td" : "th";
            zt_str_addf(s, "<%s%s>", tag, is_number_column(cells, rows, columns, c) ? " class=\"num\"" : "");
            zt_report_escape(s, cells[k * columns + c]);
            zt_str_addf(s, "</%s>", tag);
        }
        zt_str_add(s, "</tr>\n");
    }
    zt_str_add(s, "</table></div>\n");
}

/* ---- clips ---- */

enum { SHOWN_SIDE = 128, CLIP_BYTES_MAX = 64 << 20 };     /* pixels a small clip is enlarged to; longest WebP taken into a page */

static int enlargement(const zt_frames *f) {
    const int side = f->height < f->width ? f->height : f->width;
    return side >= SHOWN_SIDE ? 1 : (SHOWN_SIDE + side - 1) / side;
}

/* Every pixel becomes k x k pixels, so that lossy coding and the browser keep them sharp. */
static zt_err enlarge(const zt_frames *f, int k, zt_frames *out) {
    const zt_err e = zt_frames_create(out, f->frames, f->height * k, f->width * k, f->fps);
    if (e != ZT_OK) return e;
    for (int t = 0; t < f->frames; t++)
        for (int y = 0; y < out->height; y++) {
            const uint8_t *from = f->rgb + zt_frame_bytes(f) * (size_t)t + (size_t)(y / k) * (size_t)f->width * 3;
            uint8_t *to = zt_frame_at(out, t) + (size_t)y * (size_t)out->width * 3;
            for (int x = 0; x < out->width; x++) memcpy(to + 3 * x, from + 3 * (x / k), 3);
        }
    return ZT_OK;
}

/* The clip as an animated WebP file in `dir`, read back; caller zt_frees. */
static zt_err encode(const zt_frames *f, const char *dir, char **bytes, size_t *len) {
    zt_err e;
    zt_frames large = {0};
    char path[ZT_PATH_MAX];
    ZT_TRY(e = zt_frames_check(f), done);
    ZT_TRY(e = enlarge(f, enlargement(f), &large), done);
    ZT_TRY(e = zt_path_join(path, dir, "clip.webp"), done);
    ZT_TRY(e = zt_video_write(path, &large, NULL), done);
    ZT_TRY(e = zt_file_read(path, CLIP_BYTES_MAX, bytes, len), done);
done:
    zt_frames_finish(&large);
    return e;
}

static void add_clip(zt_str *s, const zt_report_clip *c, const char *webp, size_t len) {
    zt_str_addf(s, "<figure class=\"clip\"><img width=\"%d\" height=\"%d\" alt=\"clip: ", c->frames->width, c->frames->height);
    zt_report_escape(s, c->caption);
    zt_str_add(s, "\" src=\"data:image/webp;base64,");
    zt_str_add_base64(s, webp, len);
    zt_str_add(s, "\">");
    if (c->caption || c->note || c->mark != ZT_MARK_NONE) {
        element(s, "<figcaption>", c->caption, "");
        if (c->note) element(s, "<span class=\"note\">", c->note, "</span>");
        add_mark(s, c->mark, "right", "wrong");
        zt_str_add(s, "</figcaption>");
    }
    zt_str_add(s, "</figure>\n");
}

void zt_report_clips(zt_report *r, const zt_report_clip *clips, int n) {
    const char *tmp = getenv("TMPDIR");
    char dir[ZT_PATH_MAX];
    zt_err e = zt_path_join(dir, tmp && *tmp ? tmp : "/tmp", "zoe-report-XXXXXX");
    if (e == ZT_OK && !mkdtemp(dir))
        e = zt_fail(ZT_IO, "%s: cannot make a folder for temporary files; set TMPDIR to a writable folder", dir);
    if (e != ZT_OK) {
        zt_report_fail(r, e);
        return;
    }
    zt_str_add(&r->body, "<div class=\"clips\">\n");
    for (int k = 0; k < n && e == ZT_OK; k++) {
        char *webp = NULL;
        size_t len = 0;
        e = encode(clips[k].frames, dir, &webp, &len);
        if (e == ZT_OK) add_clip(&r->body, &clips[k], webp, len);
        zt_free(webp);
    }
    zt_str_add(&r->body, "</div>\n");
    if (e != ZT_OK) zt_report_fail(r, e);
    zt_dir_remove(dir);
}
