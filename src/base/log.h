/* log.h - messages, progress, Ctrl-C, time. */
#ifndef ZT_BASE_LOG_H
#define ZT_BASE_LOG_H
#include <stdbool.h>
#include <stdint.h>

/** One line on stderr, after clearing a progress bar if one is shown. Any thread. */
void zt_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void zt_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));   /* "warning: ..." */
/** No progress lines at all when quiet. */
void zt_log_quiet(bool quiet);

/** Progress with rate and time left: redrawn in place on a terminal, one plain line every 10 s elsewhere. stderr.
 *  After zt_progress_begin a resumed run sets p->start to the work done earlier, so that the rate counts only new work. */
typedef struct zt_progress { const char *what, *unit; int64_t total, done, start; double t0, last; char note[160]; } zt_progress;
void zt_progress_begin(zt_progress *p, const char *what, const char *unit, int64_t total);
void zt_progress_update(zt_progress *p, int64_t done);       /* p->note is shown when not empty */
void zt_progress_end(zt_progress *p);

/** After this call the first SIGINT/SIGTERM only sets a flag (a second one ends the process at once). */
void zt_cancel_install(void);
bool zt_cancelled(void);

double zt_now(void);                                           /* monotonic seconds */
#endif
