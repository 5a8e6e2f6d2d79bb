/* ingest_share.c - several processes on one data set: the folder OUT/.ingest, its locks, and what the one that writes says of
 * itself. Locks are those of fcntl: they end with the process that holds them, however it ends, and reach over NFSv4. Tested by
 * tests/cli/test_ingest_many.sh. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "data/ingest_impl.h"

/* Bytes of the file `locks` that are locked; none of them is read or written for that. */
enum { L_STATE, L_WRITER, L_HERE, L_FILES = 16 };
enum { STATE_BYTES = 2048, NAME_DIGITS = 16 };

/* ---- locks ---- */

/* Errors: ZT_CANCELLED: somebody else has it (never when waiting), ZT_IO. */
static zt_err lock(const zt_ingest_share *s, size_t at, short type, bool wait) {
    struct flock f = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1};
    while (fcntl(s->fd, wait ? F_SETLKW : F_SETLK, &f) != 0) {
        if (errno == EINTR) continue;
        if (errno == EACCES || errno == EAGAIN) return ZT_CANCELLED;
        return zt_fail(ZT_IO, "%s: locks cannot be set: %s; the file system must have locks (NFS: version 4)", s->dir,
                       strerror(errno));
    }
    return ZT_OK;
}

static void unlock(const zt_ingest_share *s, size_t at) { (void)lock(s, at, F_UNLCK, false); }

bool zt_ingest_share_claim(zt_ingest_share *s, size_t i) { return lock(s, L_FILES + i, F_WRLCK, false) == ZT_OK; }
void zt_ingest_share_unclaim(zt_ingest_share *s, size_t i) { unlock(s, L_FILES + i); }

/* ---- the folder ---- */

static json_t *read_state(const zt_ingest_share *s, zt_ingest_state *v);

zt_err zt_ingest_share_path(const zt_ingest_share *s, size_t i, const char *suffix, char path[ZT_PATH_MAX]) {
    return zt_format(path, ZT_PATH_MAX, "%s/%.*s-%zu.%s", s->dir, NAME_DIGITS, s->list, i, suffix);
}

void zt_ingest_share_tidy(const zt_ingest_share *s) {
    char path[ZT_PATH_MAX], **names = NULL;
    int n = 0;
    if (zt_dir_list(s->dir, &names, &n) != ZT_OK) return;
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], "locks") != 0 && strncmp(names[i], s->list, NAME_DIGITS) != 0 &&
            zt_path_join(path, s->dir, names[i]) == ZT_OK)
            (void)unlink(path);
    zt_names_free(names, n);
}

bool zt_ingest_share_has(const zt_ingest_share *s, size_t i, const char *suffix) {
    char path[ZT_PATH_MAX];
    return zt_ingest_share_path(s, i, suffix, path) == ZT_OK && access(path, F_OK) == 0;
}

void zt_ingest_share_remove(const zt_ingest_share *s, size_t i, const char *suffix) {
    char path[ZT_PATH_MAX];
    if (zt_ingest_share_path(s, i, suffix, path) == ZT_OK) (void)unlink(path);
}

int64_t zt_ingest_share_waiting(const zt_ingest_share *s) {
    char path[ZT_PATH_MAX], **names = NULL;
    int n = 0;
    int64_t bytes = 0;
    if (zt_dir_list(s->dir, &names, &n) != ZT_OK) return 0;
    for (int i = 0; i < n; i++) {
        const int64_t size = zt_path_join(path, s->dir, names[i]) == ZT_OK ? zt_file_size(path) : 0;
        bytes += size > 0 ? size : 0;
    }
    zt_names_free(names, n);
    return bytes;
}

/* Whether the file that we have open is still the one in the folder. */
static bool current(const zt_ingest_share *s, const char *path) {
    struct stat ours, now;
    return fstat(s->fd, &ours) == 0 && stat(path, &now) == 0 && ours.st_ino == now.st_ino && ours.st_dev == now.st_dev;
}

/* Open `locks` and be counted as here: who takes the folder away holds the other kind of lock while he does, so that a file
 * which is current once we have ours stays. */
static zt_err enter(zt_ingest_share *s, const char *path) {
    zt_err e;
    for (;;) {
        ZT_TRY(e = zt_dir_make(s->dir), done);
        s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (s->fd < 0 && errno == ENOENT) continue;
        if (s->fd < 0) return zt_fail(ZT_IO, "%s: cannot be written: %s; check the folder and its rights", path, strerror(errno));
        ZT_TRY(e = lock(s, L_HERE, F_RDLCK, true), done);
        if (current(s, path)) return ZT_OK;
        close(s->fd);
    }
done:
    return e;
}

zt_err zt_ingest_share_open(zt_ingest_share *s, const char *out, const char *settings, const zt_ingest_files *files) {
    char path[ZT_PATH_MAX];
    zt_err e;
    s->settings = settings;
    s->fd = -1;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    snprintf(s->maker, sizeof s->maker, "%lld-%lld.%09ld", (long long)getpid(), (long long)now.tv_sec, now.tv_nsec);
    ZT_TRY(e = zt_ingest_share_digest(settings, files, s->list), done);
    ZT_TRY(e = zt_path_join(s->dir, out, ZT_INGEST_WORK), done);
    ZT_TRY(e = zt_path_join(path, s->dir, "locks"), done);
    ZT_TRY(e = enter(s, path), done);
    s->open = true;
    pthread_mutex_init(&s->asking, NULL);
    zt_ingest_share_ask(s, &s->found);
done:
    if (e != ZT_OK && s->fd >= 0) close(s->fd);
    return e;
}

/* Clips that a run left which did not come to its end: the next one goes on with them. */
static bool worth_keeping(const zt_ingest_share *s) {
    zt_ingest_state v;
    char **names = NULL;
    int n = 0;
    json_decref(read_state(s, &v));
    const bool more = !v.done && zt_dir_list(s->dir, &names, &n) == ZT_OK && n > 1;
    zt_names_free(names, n);
    return more;
}

void zt_ingest_share_close(zt_ingest_share *s) {
    char path[ZT_PATH_MAX];
    if (!s->open) return;
    unlock(s, L_WRITER);
    unlock(s, L_HERE);
    const bool last = zt_path_join(path, s->dir, "locks") == ZT_OK && lock(s, L_HERE, F_WRLCK, false) == ZT_OK &&
                      current(s, path);
    if (last && !worth_keeping(s)) (void)zt_dir_remove(s->dir);   /* if it stays, the next run takes it away */
    close(s->fd);
    pthread_mutex_destroy(&s->asking);
    s->open = false;
}

/* ---- what is done, and by whom ---- */

/* Strings that matter to the clips of a file, each with its end. */
static void add_text(zt_str *t, const char *text) { zt_str_addn(t, text ? text : "", text ? strlen(text) + 1 : 1); }

static zt_err digest_file(const zt_ingest_file *f, char digest[65]) {
    zt_str t = {0};
    const zt_ingest_item *k = f->item;
    zt_str_add(&t, digest);
    add_text(&t, f->path);
    zt_str_addf(&t, "%zu %lld %lld %lld ", f->root, (long long)f->bytes, (long long)f->modified, (long long)f->changed);
    if (k) {
        char start[32], end[32];
        zt_real_text(start, k->start_s);
        zt_real_text(end, k->end_s);
        zt_str_addf(&t, "%s %s ", start, end);
        add_text(&t, k->caption ? k->caption : "\1");
        add_text(&t, k->labels);
        add_text(&t, k->split);
        add_text(&t, k->licence);
        add_text(&t, k->origin);
    }
    const zt_err e = t.failed ? ZT_NOMEM : zt_sha256(t.buf, t.len, digest);
    zt_str_finish(&t);
    return e;
}

zt_err zt_ingest_share_digest(const char *settings, const zt_ingest_files *files, char digest[65]) {
    zt_str t = {0};
    zt_str_addf(&t, "zoe " ZT_VERSION "; %zu files; %s", files->n, settings);
    zt_err e = t.failed ? ZT_NOMEM : zt_sha256(t.buf, t.len, digest);
    zt_str_finish(&t);
    for (size_t i = 0; i < files->n && e == ZT_OK; i++) e = digest_file(&files->file[i], digest);
    return e;
}

/* Under L_STATE. What is not there or makes no sense is a state of nothing. */
static json_t *read_state(const zt_ingest_share *s, zt_ingest_state *v) {
    char text[STATE_BYTES + 1];
    const ssize_t n = pread(s->fd, text, STATE_BYTES, 0);
    json_int_t run, turn, clips;
    const char *list = "";
    json_t *j = NULL;
    double megabytes;
    int done;
    *v = (zt_ingest_state){0};
    if (n > 0 && zt_json_parse(text, (size_t)n, "state", &j) == ZT_OK &&
        json_unpack(j, "{s:s, s:I, s:I, s:I, s:F, s:b}", "list", &list, "run", &run, "turn", &turn, "clips", &clips, "megabytes",
                    &megabytes, "done", &done) == 0 && turn >= 0)
        *v = (zt_ingest_state){run, clips, (size_t)turn, megabytes, done != 0, strcmp(list, s->list) == 0};
    return j;
}

static zt_err write_state(const zt_ingest_share *s, const zt_ingest_state *v) {
    char text[STATE_BYTES];
    json_t *j = json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:b}", "list", s->list, "settings", s->settings, "run",
                          (json_int_t)s->run, "turn", (json_int_t)v->turn, "clips", (json_int_t)v->clips, "megabytes",
                          v->megabytes, "done", v->done);
    memset(text, '\n', sizeof text);
    const size_t n = j ? json_dumpb(j, text, sizeof text, JSON_COMPACT) : 0;
    json_decref(j);
    if (n == 0) return zt_fail(ZT_NOMEM, "out of memory for the state of the ingest");
    if (n > sizeof text) return zt_fail(ZT_ARG, "the settings of an ingest are longer than %d bytes", STATE_BYTES);
    if (pwrite(s->fd, text, sizeof text, 0) == (ssize_t)sizeof text) return ZT_OK;
    return zt_fail(ZT_IO, "%s: cannot be written: %s; free some space", s->dir, strerror(errno));
}

void zt_ingest_share_ask(zt_ingest_share *s, zt_ingest_state *v) {
    *v = (zt_ingest_state){0};
    pthread_mutex_lock(&s->asking);
    if (lock(s, L_STATE, F_RDLCK, true) == ZT_OK) {
        json_decref(read_state(s, v));
        unlock(s, L_STATE);
    }
    pthread_mutex_unlock(&s->asking);
}

zt_err zt_ingest_share_tell(zt_ingest_share *s, const zt_ingest_state *v) {
    pthread_mutex_lock(&s->asking);
    zt_err e = lock(s, L_STATE, F_WRLCK, true);
    if (e == ZT_OK) {
        e = write_state(s, v);
        unlock(s, L_STATE);
    }
    pthread_mutex_unlock(&s->asking);
    return e;
}

/* The one that writes is alive: do we want what it wants? */
static zt_err compare(const zt_ingest_share *s, const json_t *state) {
    const char *theirs = json_string_value(json_object_get(state, "settings"));
    if (!theirs || strcmp(theirs, s->settings) == 0) return ZT_OK;
    return zt_fail(ZT_ARG, "another process is filling it with other settings (%s), asked for now: %s; give the same ones, or "
                           "choose another folder", theirs, s->settings);
}

zt_err zt_ingest_share_write(zt_ingest_share *s, zt_ingest_state *v, bool *writes) {
    json_t *state = NULL;
    zt_err e;
    *writes = false;
    pthread_mutex_lock(&s->asking);
    ZT_TRY(e = lock(s, L_STATE, F_WRLCK, true), done);
    state = read_state(s, v);
    e = lock(s, L_WRITER, F_WRLCK, false);
    *writes = e == ZT_OK;
    if (e == ZT_CANCELLED) e = compare(s, state);
    else if (e == ZT_OK && !zt_ingest_share_finished(s, v)) {
        s->run = v->run + 1;
        e = write_state(s, &(zt_ingest_state){.turn = 0});
    }
    unlock(s, L_STATE);
done:
    pthread_mutex_unlock(&s->asking);
    json_decref(state);
    return e;
}

bool zt_ingest_share_finished(const zt_ingest_share *s, const zt_ingest_state *v) {
    return v->done && v->ours && (v->run != s->found.run || !s->found.done);
}
