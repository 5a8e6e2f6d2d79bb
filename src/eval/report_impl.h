/* report_impl.h - private to eval/: what report.c and report_chart.c share. */
#ifndef ZT_EVAL_REPORT_IMPL_H
#define ZT_EVAL_REPORT_IMPL_H
#include "base/str.h"
#include "eval/report.h"

struct zt_report {
    zt_str body;            /* HTML between header and footer */
    char *title, *subtitle; /* owned; subtitle "" when none */
    zt_err err;             /* first failure, with its text */
    char err_text[512];
};

/** Escaped text; bytes that are not UTF-8 become U+FFFD. NULL adds nothing. */
void zt_report_escape(zt_str *s, const char *text);
/** Keep the first failure and this thread's text. */
void zt_report_fail(zt_report *r, zt_err e);
#endif
