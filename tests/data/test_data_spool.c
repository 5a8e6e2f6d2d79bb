/* test_data_spool.c - what processes that fill one data set leave each other: clips that wait come back as they were, whatever is
 * damaged is found out; claims and the right to write belong to one process at a time and end with it. labels: threads */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/hash.h"
#include "data/ingest_impl.h"
#include "media/writer.h"

enum { W = 8, H = 16, FRAME = W * H * 3, CLIPS = 3 };
static char scratch[64], part[128], last[128];
static uint8_t px[5 * FRAME + CLIPS], wav[300];

static int make_scratch(void **state) {
    (void)state;
    zt_log_quiet(true);
    strcpy(scratch, "/tmp/zt-spool-XXXXXX");
    if (!mkdtemp(scratch)) return -1;
    snprintf(part, sizeof part, "%s/a.part", scratch);
    snprintf(last, sizeof last, "%s/a.clips", scratch);
    for (size_t i = 0; i < sizeof px; i++) px[i] = (uint8_t)(i * 7 + i / 255);
    for (size_t i = 0; i < sizeof wav; i++) wav[i] = (uint8_t)(i * 3);
    return 0;
}

static int drop_scratch(void **state) {
    (void)state;
    return zt_dir_remove(scratch) == ZT_OK ? 0 : -1;
}

/* ---- clips that wait ---- */

static zt_ingest_source *source(void) {
    static zt_ingest_source s;
    s = (zt_ingest_source){.width = W, .height = H, .rate = 48000, .channels = 2, .opened = true, .frames = 77, .damaged = 2,
                           .boundaries = 5};
    strcpy(s.name, "/videos/\xc3\xa4.mp4#t=1.0");
    memset(s.hash, 'a', 64);
    strcpy(s.note, "ended early");
    s.info = (zt_reader_info){.width = 1920, .height = 1080, .rotation = 90, .fps = 30000.0 / 1001, .duration_s = 0.1 + 0.2,
                              .hdr = true, .codec = "h264", .pix_fmt = "yuv420p"};
    return &s;
}

/* Clip i has i + 3 frames that start at another byte of px, the second one has sound. */
static void make(void) {
    zt_ingest_spool s = {0};
    (void)unlink(last);
    for (int i = 0; i < CLIPS; i++) {
        const zt_ingest_clip c = {.first = 10 * i, .frames = i + 3, .rgb = px + i};
        OK(zt_ingest_spool_add(&s, part, &c, (size_t)(i + 3) * FRAME, wav, i == 1 ? sizeof wav : 0));
    }
    assert_true(zt_file_exists(part) && !zt_file_exists(last));
    OK(zt_ingest_spool_finish(&s, part, last, "somebody", source()));
    assert_true(!zt_file_exists(part) && zt_file_exists(last));
    assert_true(s.n == 0 && !s.open);
}

static void come_back(void **state) {
    (void)state;
    zt_ingest_spool s = {0};
    static zt_ingest_source k;
    const zt_ingest_source *want = source();
    make();
    strcpy(k.name, want->name);
    OK(zt_ingest_spool_load(&s, last, &k));
    assert_string_equal(s.maker, "somebody");
    assert_int_equal(s.n, CLIPS);
    for (int i = 0; i < CLIPS; i++) {
        zt_ingest_clip c;
        const void *sound;
        OK(zt_ingest_spool_get(&s, (size_t)i, &c, &sound));
        assert_true(c.first == 10 * i && c.frames == i + 3);
        assert_memory_equal(c.rgb, px + i, (size_t)(i + 3) * FRAME);
        assert_int_equal(s.clip[i].sound_bytes, i == 1 ? sizeof wav : 0);
        if (i == 1) assert_memory_equal(sound, wav, sizeof wav);
        zt_ingest_spool_drop(&s, (size_t)i, &c);
    }
    zt_ingest_spool_clear(&s);
    assert_true(zt_file_exists(last));                  /* it belongs to all */
    assert_true(k.width == W && k.height == H && k.rate == 48000 && k.channels == 2 && k.opened && k.frames == 77);
    assert_true(k.damaged == 2 && k.boundaries == 5 && k.info.hdr && !k.info.image && k.info.rotation == 90);
    assert_true(k.info.fps == want->info.fps && k.info.duration_s == want->info.duration_s && k.info.width == 1920);
    assert_string_equal(k.hash, want->hash);
    assert_string_equal(k.note, "ended early");
    assert_string_equal(k.info.codec, "h264");
    strcpy(k.name, "/videos/another.mp4");
    assert_int_equal(zt_ingest_spool_load(&s, last, &k), ZT_FORMAT);
    assert_int_equal(zt_ingest_spool_load(&s, "/nowhere", &k), ZT_NOTFOUND);

    OK(zt_ingest_spool_finish(&s, part, last, "m", want));   /* no clips: what was seen of a file */
    strcpy(k.name, want->name);
    OK(zt_ingest_spool_load(&s, last, &k));
    assert_int_equal(s.n, 0);
    zt_ingest_spool_clear(&s);
    const zt_ingest_clip c = {.frames = 1, .rgb = px};
    OK(zt_ingest_spool_add(&s, part, &c, FRAME, NULL, 0));
    zt_ingest_spool_clear(&s);
    assert_false(zt_file_exists(part));                 /* what was not finished goes */
}

static void store(const char *bytes, size_t n) {
    FILE *f = fopen(last, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static zt_err load(void) {
    zt_ingest_spool s = {0};
    static zt_ingest_source k;
    k = (zt_ingest_source){0};
    strcpy(k.name, source()->name);
    const zt_err e = zt_ingest_spool_load(&s, last, &k);
    zt_ingest_spool_clear(&s);
    return e;
}

/* Each byte that means something, changed; cut at many places; and rows with right sums that say what cannot be. */
static void damage(void **state) {
    (void)state;
    char *bytes, *copy;
    size_t n;
    make();
    OK(zt_file_read(last, 1 << 20, &bytes, &n));
    OK(load());
    assert_non_null(copy = zt_alloc(n + 4096));
    for (size_t i = 0; i < n; i++) {
        const bool gap = (i >= 3 * FRAME && i < 65536) || (i >= 65536 + 4 * FRAME + sizeof wav && i < 131072) ||
                         (i >= 131072 + 5 * FRAME && i < 196608);
        if (gap || (i < 190000 && i % 97)) continue;
        memcpy(copy, bytes, n);
        copy[i] ^= 4;
        store(copy, n);
        if (load() != ZT_FORMAT) fail_msg("byte %zu of %zu was changed and not missed", i, n);
    }
    for (size_t i = 0; i < n; i += i < 196608 ? 9973 : 7) {
        store(bytes, i);
        assert_int_equal(load(), ZT_FORMAT);
    }
    static const struct { const char *from, *to; } LIES[] = {
        {"\"clips\":[[0,3,0,", "\"clips\":[[0,3,1,"},           {"\"clips\":[[0,3,0,", "\"clips\":[[0,3,65536,"},
        {"\"clips\":[[0,3,0,", "\"clips\":[[0,3,655360,"},      {"\"clips\":[[0,3,0,", "\"clips\":[[0,4,0,"},
        {"\"clips\":[[0,3,0,", "\"clips\":[[0,-3,0,"},          {"\"clips\":[[0,3,0,", "\"clips\":[[-1,3,0,"},
        {"\"clips\":[[0,3,0,1152,0,", "\"clips\":[[0,3,0,1152,-5,"}, {"\"clips\":[[0,3,0,", "\"clips\":[[0,3,-65536,"},
        {"\"clips\":[[0,3,0,1152,0,", "\"clips\":[[0,3,0,1152,99999999,"}, {"\"clips\":[", "\"clips\":{\"a\":["},
        {"\"width\":8,", "\"width\":9,"},                       {"\"width\":8,", "\"width\":-8,"},
        {"\"hash\":\"aa", "\"hash\":\"a"},                      {"\"rate\":48000", "\"rate\":\"fast\""},
    };
    const size_t json = 196608, json_n = n - 32 - json;
    uint8_t magic[8];
    memcpy(magic, bytes + n - 32, sizeof magic);   /* the tail: it, where the JSON is, its bytes, its sum */
    bytes[n - 32] = '\0';
    for (size_t i = 0; i < sizeof LIES / sizeof *LIES; i++) {
        char text[4096];
        uint64_t tail[4];
        char *at = strstr(bytes + json, LIES[i].from);
        if (!at) fail_msg("no %s in %s", LIES[i].from, bytes + json);
        const int size = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - bytes - (long)json), bytes + json, LIES[i].to,
                                  at + strlen(LIES[i].from));
        assert_true(size > 0 && size < (int)sizeof text && json_n < sizeof text);
        memcpy(tail, magic, sizeof magic);
        tail[1] = json;
        tail[2] = (uint64_t)size;
        tail[3] = zt_crc32c(text, (size_t)size);
        memcpy(copy, bytes, json);
        memcpy(copy + json, text, (size_t)size);
        memcpy(copy + json + size, tail, 32);
        store(copy, json + (size_t)size + 32);
        if (load() != ZT_FORMAT) fail_msg("%s became %s and nobody minded", LIES[i].from, LIES[i].to);
    }
    zt_free(copy);
    zt_free(bytes);
}

/* ---- several processes ---- */

static const char SETTINGS[] = "size 8x16";

static void open_share(zt_ingest_share *s, const char *out, const char *settings, int64_t modified) {
    static zt_ingest_file file = {.path = "/videos/a.mp4", .bytes = 5};
    file.modified = modified;
    const zt_ingest_files files = {.file = &file, .n = 1};
    *s = (zt_ingest_share){0};
    OK(zt_ingest_share_open(s, out, settings, &files));
}

/* Another process: claims file 3, writes if it can, says so, and waits to be killed. */
static pid_t other(const char *out, const char *settings, int64_t modified, bool writes) {
    int pipes[2];
    char done = 0;
    assert_int_equal(pipe(pipes), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static zt_ingest_share s;
        zt_ingest_state v;
        bool wrote = false;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);         /* also when the test fails */
        open_share(&s, out, settings, modified);
        if (!zt_ingest_share_claim(&s, 3)) _exit(1);
        if ((writes && zt_ingest_share_write(&s, &v, &wrote) != ZT_OK) || wrote != writes) _exit(1);
        if (writes && zt_ingest_share_tell(&s, &(zt_ingest_state){.turn = 2, .clips = 9, .megabytes = 1.5}) != ZT_OK) _exit(1);
        (void)!write(pipes[1], "x", 1);
        for (;;) pause();
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &done, 1), 1);
    close(pipes[0]);
    return pid;
}

static void end(pid_t pid) {
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void one_at_a_time(void **state) {
    (void)state;
    static zt_ingest_share s;
    zt_ingest_state v;
    bool writes;
    char out[128], path[ZT_PATH_MAX];
    snprintf(out, sizeof out, "%s/set", scratch);
    pid_t pid = other(out, SETTINGS, 1, true);
    open_share(&s, out, SETTINGS, 1);
    assert_false(zt_ingest_share_claim(&s, 3));
    assert_true(zt_ingest_share_claim(&s, 4));
    OK(zt_ingest_share_write(&s, &v, &writes));
    assert_true(!writes && v.ours && v.turn == 2 && v.clips == 9 && v.megabytes == 1.5 && !v.done);
    end(pid);                                           /* what it had ends with it */
    assert_true(zt_ingest_share_claim(&s, 3));
    OK(zt_ingest_share_write(&s, &v, &writes));
    assert_true(writes && v.ours && !zt_ingest_share_finished(&s, &v));
    OK(zt_ingest_share_tell(&s, &(zt_ingest_state){.turn = 1, .done = true}));
    zt_ingest_share_ask(&s, &v);
    assert_true(v.done && v.ours && v.turn == 1 && v.run == 2);
    assert_true(zt_ingest_share_finished(&s, &v));
    zt_ingest_share_close(&s);
    assert_false(zt_file_exists(s.dir));                /* the last one takes it away */

    pid = other(out, SETTINGS, 1, true);
    open_share(&s, out, "size 9x9", 1);                 /* refused at once, not when the other has ended */
    assert_int_equal(zt_ingest_share_write(&s, &v, &writes), ZT_ARG);
    says("size 8x16");
    zt_ingest_share_close(&s);
    open_share(&s, out, SETTINGS, 2);                   /* the file has changed: another list */
    OK(zt_ingest_share_write(&s, &v, &writes));
    assert_true(!writes && !v.ours);
    OK(zt_ingest_share_path(&s, 0, "clips", path));
    OK(zt_file_write(path, "x", 1));
    assert_true(zt_ingest_share_has(&s, 0, "clips") && zt_ingest_share_waiting(&s) > 0);
    zt_ingest_share_close(&s);
    assert_true(zt_file_exists(path));                  /* another one is there */
    end(pid);
    open_share(&s, out, "size 9x9", 1);                 /* he who is gone refuses nobody */
    OK(zt_ingest_share_write(&s, &v, &writes));
    assert_true(writes && !zt_ingest_share_finished(&s, &v));
    zt_ingest_share_tidy(&s);
    assert_false(zt_file_exists(path));
    zt_ingest_share_close(&s);
    assert_false(zt_file_exists(s.dir));

    open_share(&s, out, SETTINGS, 1);                   /* clips that wait are kept for the next run */
    OK(zt_ingest_share_path(&s, 0, "clips", path));
    OK(zt_file_write(path, "x", 1));
    zt_ingest_share_close(&s);
    assert_true(zt_file_exists(path));
    OK(zt_path_join(path, s.dir, "locks"));
    OK(zt_file_write(path, "{\"list\": 5, no JSON", 18));
    open_share(&s, out, SETTINGS, 1);                   /* nonsense is as good as nothing */
    OK(zt_ingest_share_write(&s, &v, &writes));
    assert_true(writes && v.run == 0 && v.turn == 0 && !v.done);
    zt_ingest_share_close(&s);
}

/* Whether a stale "done" is believed: only one that was said since the process came. */
static void finished(void **state) {
    (void)state;
    static const struct { zt_ingest_state found, now; bool finished; } CASES[] = {
        {{.run = 1, .done = true}, {.run = 1, .done = true, .ours = true}, false},
        {{.run = 1, .done = true}, {.run = 2, .done = true, .ours = true}, true},
        {{.run = 2}, {.run = 2, .done = true, .ours = true}, true},
        {{.run = 2}, {.run = 2, .ours = true}, false},
        {{.run = 2}, {.run = 2, .done = true}, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        static zt_ingest_share s;
        s.found = CASES[i].found;
        assert_int_equal(zt_ingest_share_finished(&s, &CASES[i].now), CASES[i].finished);
    }
}

/* ---- the whole, in small ---- */

static void video(const char *path, int look) {
    zt_frames f;
    OK(zt_frames_create(&f, 24, 48, 64, 8));
    for (int t = 0; t < 24; t++)
        for (int i = 0; i < 48 * 64 * 3; i++) zt_frame_at(&f, t)[i] = (uint8_t)((i * look + t * 5) % 256);
    OK(zt_video_write(path, &f, NULL));
    zt_frames_finish(&f);
}

static zt_err ingest(const char *src, const char *out, int threads) {
    const char *list[] = {src};
    const zt_ingest_cfg c = {.src = list, .n_src = 1, .out = out, .size = {{32, 32}}, .n_size = 1, .frames = {8}, .n_frames = 1,
                             .fps = 8, .val = 0.1, .seed = 1, .threads = threads};
    return zt_ingest(&c, NULL);
}

/* Four processes give the bytes of one. */
static void together(void **state) {
    (void)state;
    char src[128], out[128], path[256], want[65], got[65];
    pid_t pid[4];
    snprintf(src, sizeof src, "%s/videos", scratch);
    OK(zt_dir_make(src));
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%d.mp4", src, i);
        video(path, i == 4 ? 2 : i + 1);                /* 4 is 1 again */
    }
    snprintf(out, sizeof out, "%s/one", scratch);
    OK(ingest(src, out, 1));
    snprintf(path, sizeof path, "%s/shards/train-00000.tar", out);
    OK(zt_sha256_file(path, want));
    snprintf(out, sizeof out, "%s/many", scratch);
    for (int i = 0; i < 4; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0) _exit(ingest(src, out, 1 + i % 2) == ZT_OK ? 0 : 1);
    }
    for (int i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    snprintf(path, sizeof path, "%s/shards/train-00000.tar", out);
    OK(zt_sha256_file(path, got));
    assert_string_equal(want, got);
    snprintf(path, sizeof path, "%s/%s", out, ZT_INGEST_WORK);
    assert_false(zt_file_exists(path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(come_back), cmocka_unit_test(damage),   cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(finished),  cmocka_unit_test(together),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
