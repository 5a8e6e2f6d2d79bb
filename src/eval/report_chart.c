/* report_chart.c - line charts as inline SVG: scales, ticks, thinned curves. */
#include <math.h>
#include <string.h>
#include "eval/report_impl.h"

/* The drawing, in user units of its view box. */
enum { WIDE = 720, HIGH = 300, LEFT = 72, RIGHT = 14, TOP = 10, BOTTOM = 48, STEPS = 360, SERIES_MAX = 6 };

typedef struct scale { double lo, hi; bool log; } scale;

static double place(const scale *s, double v) {                     /* 0..1 */
    return s->log ? log(v / s->lo) / log(s->hi / s->lo) : (v - s->lo) / (s->hi - s->lo);
}
static double px(const scale *s, double v) {
    return LEFT + place(s, v) * (WIDE - LEFT - RIGHT);
}
static double py(const scale *s, double v) {
    return HIGH - BOTTOM - place(s, v) * (HIGH - TOP - BOTTOM);
}

static bool usable(const zt_chart *c, double x, double y) {
    return isfinite(x) && isfinite(y) && fabs(x) < 1e300 && fabs(y) < 1e300 && (!c->log_y || y > 1e-300);
}

/* Distance between round ticks (1, 2 or 5 times a power of ten), about n of them over `range`. */
static double tick_step(double range, int n) {
    const double raw = range / n, power = pow(10, floor(log10(raw))), part = raw / power;
    return (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10) * power;
}

/* Ranges of all usable points, widened so that a flat curve has room; false when there is no point. */
static bool find_range(const zt_chart *c, scale *sx, scale *sy) {
    *sx = (scale){INFINITY, -INFINITY, false};
    *sy = (scale){INFINITY, -INFINITY, c->log_y};
    for (int k = 0; k < c->n; k++)
        for (int i = 0; i < c->series[k].n; i++) {
            const double x = c->series[k].x[i], y = c->series[k].y[i];
            if (!usable(c, x, y)) continue;
            sx->lo = fmin(sx->lo, x);
            sx->hi = fmax(sx->hi, x);
            sy->lo = fmin(sy->lo, y);
            sy->hi = fmax(sy->hi, y);
        }
    if (!(sx->lo <= sx->hi)) return false;
    if (sx->hi - sx->lo < 1e-12 * fmax(1, fabs(sx->hi))) sx->hi = sx->lo + fmax(1, fabs(sx->lo));
    if (sy->log) {
        const double room = fmax(1.15, pow(sy->hi / sy->lo, 0.04));
        sy->lo /= room;
        sy->hi *= room;
        return true;
    }
    double room = 0.06 * (sy->hi - sy->lo);
    if (room < 1e-12 * fmax(1e-12, fabs(sy->hi))) room = fmax(0.5 * fabs(sy->hi), 1e-6);
    sy->lo -= sy->lo >= 0 && sy->lo < room ? sy->lo : room;          /* do not go below zero for nothing */
    sy->hi += room;
    return true;
}

static void number(zt_str *s, double v) {
    if (fabs(v) < 1e-300) v = 0;
    if (fabs(v) >= 1e4 && fabs(v) < 1e7 && fmod(v, 1000) == 0) zt_str_addf(s, "%gk", v / 1000);
    else zt_str_addf(s, "%.4g", v);
}

static void y_tick(zt_str *s, const scale *sy, double v) {
    const double y = py(sy, v);
    zt_str_addf(s, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDE - RIGHT, y, y);
    zt_str_addf(s, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8, y + 4.5);
    number(s, v);
    zt_str_add(s, "</text>");
}

static void y_ticks(zt_str *s, const scale *sy) {
    const double decades = sy->log ? log10(sy->hi / sy->lo) : 0;
    if (!sy->log || decades < 0.5) {                                 /* below half a decade even steps read better */
        const double step = tick_step(sy->hi - sy->lo, 5);
        for (int k = 0; k <= 20; k++) {
            const double v = (ceil(sy->lo / step - 1e-9) + k) * step;
            if (v > sy->hi * (1 + 1e-12) || (sy->log && v <= 0)) break;
            y_tick(s, sy, v);
        }
        return;
    }
    static const double parts[3] = {1, 2, 5};
    const int every = decades > 8 ? (int)(decades / 6) : 1;
    const int first = (int)floor(log10(sy->lo)), last = (int)ceil(log10(sy->hi));
    for (int k = first; k <= last; k += every)
        for (int i = 0; i < (decades < 3 ? 3 : 1); i++) {
            const double v = parts[i] * pow(10, k);
            if (v >= sy->lo && v <= sy->hi) y_tick(s, sy, v);
        }
}

static void axis_line(zt_str *s, double x1, double x2, int y1, int y2) {
    zt_str_addf(s, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x1, x2, y1, y2);
}

static void x_ticks(zt_str *s, const scale *sx) {
    const double step = tick_step(sx->hi - sx->lo, 6);
    for (int k = 0; k <= 20; k++) {
        const double v = (ceil(sx->lo / step - 1e-9) + k) * step;
        if (v > sx->hi + 1e-9 * step) break;
        const double x = px(sx, v);
        axis_line(s, x, x, HIGH - BOTTOM, HIGH - BOTTOM + 5);
        const char *anchor = x > WIDE - RIGHT - 16 ? "end" : "middle";
        zt_str_addf(s, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">", x, HIGH - BOTTOM + 21, anchor);
        number(s, v);
        zt_str_add(s, "</text>");
    }
    axis_line(s, LEFT, WIDE - RIGHT, HIGH - BOTTOM, HIGH - BOTTOM);
}

static void point(zt_str *s, const scale *sx, const scale *sy, double x, double y, bool *pen_down) {
    zt_str_addf(s, "%s%.1f %.1f", *pen_down ? "L" : "M", px(sx, x), py(sy, y));
    *pen_down = true;
}

/* One polyline. Points are grouped in runs short enough to be seen as one step; a run shows its lowest and its highest. */
static void curve(zt_str *s, const zt_chart *c, int k, const scale *sx, const scale *sy) {
    const zt_series *z = &c->series[k];
    const int run = z->n > 2 * STEPS ? (z->n + STEPS - 1) / STEPS : 1;
    bool pen_down = false;
    zt_str_addf(s, "<path class=\"curve k%d%s\" d=\"", k, run > 1 ? " raw" : "");
    for (int i = 0; i < z->n; i += run) {
        int low = -1, high = -1;
        for (int m = i; m < z->n && m < i + run; m++) {
            if (!usable(c, z->x[m], z->y[m])) continue;
            if (low < 0 || z->y[m] < z->y[low]) low = m;
            if (high < 0 || z->y[m] > z->y[high]) high = m;
        }
        if (low < 0) continue;
        const int first = low < high ? low : high, second = low < high ? high : low;
        point(s, sx, sy, z->x[first], z->y[first], &pen_down);
        if (second != first) point(s, sx, sy, z->x[second], z->y[second], &pen_down);
        else if (z->n == 1) point(s, sx, sy, z->x[first], z->y[first], &pen_down);       /* a dot: round line caps */
    }
    zt_str_add(s, "\"/>");
}

static void draw(zt_str *s, const zt_chart *c) {
    scale sx, sy;
    zt_str_addf(s, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDE, HIGH);
    zt_report_escape(s, c->title ? c->title : "chart");
    zt_str_add(s, "\">");
    if (!find_range(c, &sx, &sy)) {
        zt_str_addf(s, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">no data</text></svg>", WIDE / 2, HIGH / 2);
        return;
    }
    y_ticks(s, &sy);
    x_ticks(s, &sx);
    for (int k = 0; k < c->n; k++) curve(s, c, k, &sx, &sy);
    if (c->x_label) {
        zt_str_addf(s, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + WIDE - RIGHT) / 2, HIGH - 6);
        zt_report_escape(s, c->x_label);
        zt_str_add(s, "</text>");
    }
    if (c->y_label) {
        const int y = (TOP + HIGH - BOTTOM) / 2;
        zt_str_addf(s, "<text x=\"14\" y=\"%d\" text-anchor=\"middle\" transform=\"rotate(-90 14 %d)\">", y, y);
        zt_report_escape(s, c->y_label);
        zt_str_add(s, c->log_y ? " (log)</text>" : "</text>");
    }
    zt_str_add(s, "</svg>");
}

void zt_report_chart(zt_report *r, const zt_chart *c) {
    if (c->n < 1 || c->n > SERIES_MAX) {
        zt_report_fail(r, zt_fail(ZT_ARG, "report: a chart of %d series; want 1..%d", c->n, SERIES_MAX));
        return;
    }
    zt_str *s = &r->body;
    zt_str_add(s, "<figure class=\"chart\">");
    if (c->title) {
        zt_str_add(s, "<figcaption>");
        zt_report_escape(s, c->title);
        zt_str_add(s, "</figcaption>");
    }
    draw(s, c);
    zt_str_add(s, "<ul class=\"legend\">");
    for (int k = 0; k < c->n; k++) {
        zt_str_addf(s, "<li><i class=\"k%d\"></i>", k);
        zt_report_escape(s, c->series[k].name);
        zt_str_add(s, "</li>");
    }
    zt_str_add(s, "</ul></figure>\n");
}
