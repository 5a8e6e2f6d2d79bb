/* log.c - messages, progress, Ctrl-C, time. Everything goes to stderr: stdout belongs to a command's result. */
#include "base/log.h"
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/str.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool bar_shown; /* a progress line without its newline is on the terminal */
static atomic_bool quiet_set;

double zt_now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void say(const char *prefix, const char *fmt, va_list ap) {
    zt_str line = {0};
    zt_str_addv(&line, fmt, ap);
    (void)pthread_mutex_lock(&lock);
    (void)fprintf(stderr, "%s%s%s\n", bar_shown ? "\r\033[K" : "", prefix,
                  line.failed || !line.buf ? "(out of memory)" : line.buf);
    bar_shown = false;
    (void)fflush(stderr);
    (void)pthread_mutex_unlock(&lock);
    zt_str_finish(&line);
}

void zt_log(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    say("", fmt, ap);
    va_end(ap);
}

void zt_warn(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    say("warning: ", fmt, ap);
    va_end(ap);
}

void zt_log_quiet(bool quiet) { atomic_store(&quiet_set, quiet); }

/* ---- progress ---- */

static void time_text(char *dst, size_t cap, double seconds) {
    long long s = seconds > 0 && seconds < 1e15 ? (long long)(seconds + 0.5) : 0;
    if (s >= 3600)
        (void)snprintf(dst, cap, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        (void)snprintf(dst, cap, "%lld:%02lld", s / 60, s % 60);
}

static void show(zt_progress *p, double now, bool last) {
    bool terminal = isatty(STDERR_FILENO) == 1;
    double spent = now - p->t0, rate = spent > 0 ? (double)(p->done - p->start) / spent : 0;
    char line[512], when[32];
    size_t n = (size_t)snprintf(line, sizeof line, "%.80s: %lld", p->what ? p->what : "", (long long)p->done);
    if (p->total > 0) n += (size_t)snprintf(line + n, sizeof line - n, "/%lld", (long long)p->total);
    n += (size_t)snprintf(line + n, sizeof line - n, " %.40s", p->unit ? p->unit : "");
    if (rate >= 1 || rate <= 0)
        n += (size_t)snprintf(line + n, sizeof line - n, ", %.1f/s", rate);
    else
        n += (size_t)snprintf(line + n, sizeof line - n, ", %.1f s each", 1 / rate);
    if (last) {
        time_text(when, sizeof when, spent);
        n += (size_t)snprintf(line + n, sizeof line - n, ", took %s", when);
    } else if (p->total > p->done && rate > 0) {
        time_text(when, sizeof when, (double)(p->total - p->done) / rate);
        n += (size_t)snprintf(line + n, sizeof line - n, ", %s left", when);
    }
    if (p->note[0]) (void)snprintf(line + n, sizeof line - n, ", %.*s", (int)sizeof p->note - 1, p->note);
    (void)pthread_mutex_lock(&lock);
    (void)fprintf(stderr, "%s%s%s", terminal ? "\r\033[K" : "", line, terminal && !last ? "" : "\n");
    bar_shown = terminal && !last;
    (void)fflush(stderr);
    (void)pthread_mutex_unlock(&lock);
    p->last = now;
}

void zt_progress_begin(zt_progress *p, const char *what, const char *unit, int64_t total) {
    *p = (zt_progress){.what = what, .unit = unit, .total = total, .t0 = zt_now()};
    p->last = p->t0;
}

void zt_progress_update(zt_progress *p, int64_t done) {
    p->done = done;
    if (atomic_load(&quiet_set)) return;
    double now = zt_now();
    if (now - p->last >= (isatty(STDERR_FILENO) == 1 ? 0.1 : 10.0)) show(p, now, false);
}

void zt_progress_end(zt_progress *p) {
    if (!atomic_load(&quiet_set)) show(p, zt_now(), true);
}

/* ---- Ctrl-C ---- */

static atomic_int cancel_count; /* lock-free, so safe in a signal handler */

static void on_signal(int sig) {
    static const char text[] = "\nstopping at the next safe point; once more stops at once\n";
    if (atomic_fetch_add(&cancel_count, 1) > 0) _exit(128 + sig);
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
}

void zt_cancel_install(void) {
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigemptyset(&act.sa_mask);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
}

bool zt_cancelled(void) { return atomic_load(&cancel_count) > 0; }
