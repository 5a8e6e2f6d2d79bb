/* report_bars.c - bar charts as inline SVG: a row per name, one or two bars each. Tested by tests/eval/test_eval_report.c. */
#include <math.h>
#include <stdio.h>

#include "eval/report_impl.h"

enum { WIDE = 720, LEFT = 190, RIGHT = 80, ROW = 22, GAP = 8, NAME_BYTES = 30 };

/* A name that fits: whole characters of UTF-8. */
static void short_name(zt_str *s, const char *name) {
    char text[NAME_BYTES + 4];
    int n = 0;
    while (name[n] && n < NAME_BYTES) n++;
    if (name[n])
        while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80) n--;
    snprintf(text, sizeof text, "%.*s%s", n, name, name[n] ? "..." : "");
    zt_report_escape(s, text);
}

static double largest(const zt_bars *b) {
    double most = 0;
    for (int i = 0; i < b->n; i++) {
        if (isfinite(b->value[i])) most = fmax(most, b->value[i]);
        if (b->after && isfinite(b->after[i])) most = fmax(most, b->after[i]);
    }
    return most > 0 ? most : 1;
}

static void bar(zt_str *s, double v, double most, double y, double high, int colour, bool percent) {
    const double wide = isfinite(v) && v > 0 ? v / most * (WIDE - LEFT - RIGHT) : 0;
    char number[40] = "";
    if (isfinite(v) && percent) snprintf(number, sizeof number, "%.1f %%", 100 * v);
    else if (isfinite(v)) snprintf(number, sizeof number, "%.0f", v);
    zt_str_addf(s, "<rect class=\"b%d\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>", colour, LEFT, y, wide,
                high);
    zt_str_addf(s, "<text x=\"%.1f\" y=\"%.1f\">%s</text>", LEFT + wide + 6, y + high / 2 + 4.5, number);
}

static void draw(zt_str *s, const zt_bars *b) {
    const int bars = b->after ? 2 : 1, row = ROW * bars + GAP;
    const double most = largest(b);
    zt_str_addf(s, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDE, row * b->n + GAP);
    zt_report_escape(s, b->title);
    zt_str_add(s, "\">");
    for (int i = 0; i < b->n; i++) {
        const double y = GAP + row * i;
        zt_str_addf(s, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8, y + ROW * bars / 2.0 + 2.5);
        short_name(s, b->name[i]);
        zt_str_add(s, "</text>");
        bar(s, b->value[i], most, y, ROW - 4, 0, b->percent);
        if (b->after) bar(s, b->after[i], most, y + ROW - 2, ROW - 4, 1, b->percent);
    }
    zt_str_add(s, "</svg>");
}

void zt_report_bars(zt_report *r, const zt_bars *b) {
    zt_str *s = &r->body;
    zt_str_add(s, "<figure class=\"chart\"><figcaption>");
    zt_report_escape(s, b->title);
    zt_str_add(s, "</figcaption>");
    draw(s, b);
    if (b->after) {
        zt_str_add(s, "<ul class=\"legend\"><li><i class=\"k0\"></i>");
        zt_report_escape(s, b->value_name);
        zt_str_add(s, "</li><li><i class=\"k1\"></i>");
        zt_report_escape(s, b->after_name);
        zt_str_add(s, "</li></ul>");
    }
    zt_str_add(s, "</figure>\n");
}
