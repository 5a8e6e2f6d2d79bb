/* report.h - one self-contained HTML page: cards, curves, tables, playing clips, commands. No script, no external resource; every
 * text is escaped. Errors are sticky: parts are added without checking, zt_report_save returns the first failure. */
#ifndef ZT_EVAL_REPORT_H
#define ZT_EVAL_REPORT_H
#include <stdbool.h>
#include "base/err.h"
#include "media/frames.h"

typedef struct zt_report zt_report;
typedef enum zt_mark { ZT_MARK_NONE, ZT_MARK_PASS, ZT_MARK_FAIL } zt_mark;
zt_mark zt_mark_of(bool ok);                                      /* PASS or FAIL */

/** `subtitle` may be NULL. All texts here and below are UTF-8, copied. *r is NULL on failure. One thread at a time. */
zt_err zt_report_create(zt_report **r, const char *title, const char *subtitle);
/** NULL and *r == NULL are fine; sets *r = NULL. */
void zt_report_destroy(zt_report **r);
/** Write the page atomically. Returns the first failure of any earlier part instead, if there was one. */
zt_err zt_report_save(zt_report *r, const char *path);

void zt_report_heading(zt_report *r, const char *text);
void zt_report_text(zt_report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));   /* one paragraph */
/** A command line or listing, as typed. */
void zt_report_code(zt_report *r, const char *text);

/* A big figure: "All right" / "97.3 %" / "want at least 95 %" / "untrained 0.4 %, shuffled prompts 2.1 %". */
typedef struct zt_card { const char *label, *value, *want, *note; zt_mark mark; } zt_card;   /* want, note may be NULL */
void zt_report_cards(zt_report *r, const zt_card *cards, int n);

/** cells [rows][columns], row 0 is the heading; NULL cells are empty. A column is set to the right when its first filled cell
 *  below the heading starts with a digit or sign. */
void zt_report_table(zt_report *r, const char *const *cells, int rows, int columns);

typedef struct zt_series { const char *name; const double *x, *y; int n; } zt_series;
typedef struct zt_chart {
    const char *title, *x_label, *y_label;   /* may be NULL */
    bool log_y;                              /* points with y <= 0 are then left out; non-finite points always are */
    const zt_series *series;                 /* borrowed for the call */
    int n;                                   /* 1..6 series */
} zt_chart;
/** Lines as inline SVG. Long series are thinned to what the page can show (minimum and maximum of each step are kept). */
void zt_report_chart(zt_report *r, const zt_chart *c);

/* Counts or parts by name. */
typedef struct zt_bars {
    const char *title;
    const char *const *name;                 /* n names; long ones are cut */
    const double *value, *after;             /* n each, >= 0; after: a second bar under each, or NULL */
    const char *value_name, *after_name;     /* the legend, where there are two */
    bool percent;                            /* values are parts of 1 */
    int n;
} zt_bars;
/** A bar per name as inline SVG, from left to right, the largest over the whole width. */
void zt_report_bars(zt_report *r, const zt_bars *b);

/* A playing clip. rgb is borrowed for the call. */
typedef struct zt_report_clip {
    const zt_frames *frames;
    const char *caption;      /* the prompt; may be NULL */
    const char *note;         /* what the judge saw; may be NULL */
    zt_mark mark;
} zt_report_clip;
/** A grid of looping clips (animated WebP inside the page; small clips are enlarged by whole pixels). */
void zt_report_clips(zt_report *r, const zt_report_clip *clips, int n);
#endif
