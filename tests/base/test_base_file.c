/* test_base_file.c - whole files, atomic writing, folders, maps, hashes.
 * Works in a fresh folder under the system's temporary one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"

static char root[256];

static int make_root(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%.200s/zt-file-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(root) ? 0 : -1;
}

static int drop_root(void **state) {
    (void)state;
    return zt_dir_remove(root) == ZT_OK ? 0 : -1;
}

static const char *in(const char *name) {
    static char path[4][ZT_PATH_MAX];
    static int turn;
    char *p = path[turn++ % 4];
    assert_int_equal(zt_path_join(p, root, name), ZT_OK);
    return p;
}

static void expect_content(const char *path, const char *want) {
    char *buf;
    size_t len;
    assert_int_equal(zt_file_read(path, 1000, &buf, &len), ZT_OK);
    assert_int_equal(len, strlen(want));
    assert_string_equal(buf, want);
    zt_free(buf);
}

static int names_in(const char *path) {
    char **names;
    int n;
    assert_int_equal(zt_dir_list(path, &names, &n), ZT_OK);
    zt_names_free(names, n);
    return n;
}

static void test_write_and_read(void **state) {
    char *buf;
    size_t len;
    (void)state;
    assert_int_equal(zt_file_write(in("a"), "one", 3), ZT_OK);
    expect_content(in("a"), "one");
    assert_int_equal(zt_file_write(in("a"), "", 0), ZT_OK);
    expect_content(in("a"), "");
    assert_int_equal(zt_file_size(in("a")), 0);
    assert_int_equal(zt_file_write(in("a"), "12345", 5), ZT_OK);
    assert_int_equal(zt_file_read(in("a"), 5, &buf, &len), ZT_OK);
    zt_free(buf);
    assert_int_equal(zt_file_read(in("a"), 4, &buf, &len), ZT_FORMAT);
    assert_null(buf);
    assert_non_null(strstr(zt_err_text(), "at most 4"));
    assert_int_equal(zt_file_read(in("nothing"), 4, &buf, &len), ZT_NOTFOUND);
    assert_non_null(strstr(zt_err_text(), "nothing"));
    assert_int_equal(zt_file_read(root, 4, &buf, &len), ZT_IO);
    assert_int_equal(zt_file_size(in("nothing")), -1);
    assert_int_equal(mkfifo(in("fifo"), 0600), 0);
    assert_int_equal(zt_file_read(in("fifo"), 4, &buf, &len), ZT_IO); /* and does not hang */
}

static void test_failed_writes_leave_nothing_and_keep_the_old(void **state) {
    (void)state;
    assert_int_equal(zt_dir_make(in("w/target")), ZT_OK);
    assert_int_equal(zt_file_write(in("w/target"), "x", 1), ZT_IO);
    assert_non_null(strstr(zt_err_text(), "is a folder"));
    assert_true(zt_is_dir(in("w/target")));
    assert_int_equal(names_in(in("w")), 1); /* no temporary file stays */
    assert_int_equal(zt_file_write(in("no/such/file"), "x", 1), ZT_NOTFOUND);
    assert_int_equal(zt_file_write(in("a/below-a-file"), "x", 1), ZT_NOTFOUND);
    char longest[5000];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(zt_file_write(longest, "x", 1), ZT_ARG);
    longest[300] = 0;
    assert_int_equal(zt_file_write(in(longest), "x", 1), ZT_IO); /* a name longer than the file system takes */
}

/* A write that breaks off in the middle, as on a full disk. */
static void test_broken_off_write(void **state) {
    struct rlimit had, small;
    static char bytes[10000];
    (void)state;
    assert_int_equal(zt_file_write(in("full/f"), "old", 3), ZT_NOTFOUND);
    assert_int_equal(zt_dir_make(in("full")), ZT_OK);
    assert_int_equal(zt_file_write(in("full/f"), "old", 3), ZT_OK);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &had), 0);
    small = had;
    small.rlim_cur = 5000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    zt_err e = zt_file_write(in("full/f"), bytes, sizeof bytes);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &had), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(e, ZT_IO);
    expect_content(in("full/f"), "old");
    assert_int_equal(names_in(in("full")), 1); /* the half-written file is gone */
}

static void test_unwritable_folder(void **state) {
    (void)state;
    assert_int_equal(zt_dir_make(in("locked")), ZT_OK);
    assert_int_equal(zt_file_write(in("locked/f"), "old", 3), ZT_OK);
    assert_int_equal(chmod(in("locked"), 0500), 0);
    if (geteuid() == 0) { /* root may write anywhere but here: use a file system nobody can write */
        assert_int_not_equal(zt_file_write("/proc/zt-test-file", "new", 3), ZT_OK);
    } else {
        assert_int_equal(zt_file_write(in("locked/f"), "new", 3), ZT_IO);
        assert_non_null(strstr(zt_err_text(), "permissions"));
        expect_content(in("locked/f"), "old");
    }
    assert_int_equal(chmod(in("locked"), 0700), 0);
}

static void test_folders(void **state) {
    char **names;
    int n;
    (void)state;
    assert_int_equal(zt_dir_make(in("d/e/f")), ZT_OK);
    assert_int_equal(zt_dir_make(in("d/e/f/")), ZT_OK);
    assert_int_equal(zt_file_write(in("d/b"), "b", 1), ZT_OK);
    assert_int_equal(zt_file_write(in("d/B"), "B", 1), ZT_OK);
    assert_int_equal(zt_dir_list(in("d"), &names, &n), ZT_OK);
    assert_int_equal(n, 3);
    assert_string_equal(names[0], "B");
    assert_string_equal(names[1], "b");
    assert_string_equal(names[2], "e");
    zt_names_free(names, n);
    assert_int_equal(zt_dir_sync(in("d")), ZT_OK);
    assert_int_not_equal(zt_dir_make(in("d/b/c")), ZT_OK); /* below a file */
    assert_int_equal(zt_dir_list(in("d/zzz"), &names, &n), ZT_NOTFOUND);
    assert_null(names);
    assert_int_equal(zt_dir_remove(in("d/b")), ZT_IO); /* a file is not removed as a folder */
    assert_true(zt_file_exists(in("d/b")));
    assert_int_equal(zt_dir_make(in("kept")), ZT_OK);
    assert_int_equal(zt_file_write(in("kept/file"), "k", 1), ZT_OK);
    assert_int_equal(symlink(in("kept"), in("d/e/link")), 0);
    assert_int_equal(zt_dir_remove(in("d")), ZT_OK);
    assert_false(zt_file_exists(in("d")));
    expect_content(in("kept/file"), "k"); /* the link was removed, not followed */
    assert_int_equal(zt_dir_remove(in("d")), ZT_OK);
}

static void test_swap(void **state) {
    (void)state;
    assert_int_equal(zt_dir_make(in("fresh")), ZT_OK);
    assert_int_equal(zt_file_write(in("fresh/v"), "1", 1), ZT_OK);
    assert_int_equal(zt_dir_swap(in("fresh"), in("live")), ZT_OK); /* nothing there yet */
    expect_content(in("live/v"), "1");
    assert_int_equal(zt_dir_make(in("fresh")), ZT_OK);
    assert_int_equal(zt_file_write(in("fresh/v"), "2", 1), ZT_OK);
    assert_int_equal(zt_dir_swap(in("fresh"), in("live")), ZT_OK);
    expect_content(in("live/v"), "2");
    assert_false(zt_file_exists(in("fresh")));
    assert_int_equal(zt_dir_swap(in("fresh"), in("live")), ZT_NOTFOUND);
    expect_content(in("live/v"), "2");
}

static void test_paths(void **state) {
    char out[ZT_PATH_MAX], big[ZT_PATH_MAX];
    (void)state;
    assert_int_equal(zt_path_join(out, "a", "b"), ZT_OK);
    assert_string_equal(out, "a/b");
    assert_int_equal(zt_path_join(out, "a/", "b"), ZT_OK);
    assert_string_equal(out, "a/b");
    assert_int_equal(zt_path_join(out, "", "b"), ZT_OK);
    assert_string_equal(out, "b");
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    assert_int_equal(zt_path_join(out, big, "b"), ZT_ARG);
    assert_string_equal(zt_path_base("a/b/c.txt"), "c.txt");
    assert_string_equal(zt_path_base("c.txt"), "c.txt");
}

static void test_map(void **state) {
    zt_map m;
    (void)state;
    assert_int_equal(zt_file_write(in("m"), "mapped", 6), ZT_OK);
    assert_int_equal(zt_map_open(&m, in("m")), ZT_OK);
    assert_int_equal(m.size, 6);
    assert_memory_equal(m.data, "mapped", 6);
    zt_map_close(&m);
    zt_map_close(&m);
    assert_int_equal(zt_file_write(in("m"), "", 0), ZT_OK);
    assert_int_equal(zt_map_open(&m, in("m")), ZT_OK);
    assert_int_equal(m.size, 0);
    zt_map_close(&m);
    assert_int_equal(zt_map_open(&m, root), ZT_IO);
    assert_int_equal(zt_map_open(&m, in("gone")), ZT_NOTFOUND);
    assert_null(m.data);
}

/* A file mapped between two anonymous pages: forgetting it must leave them, and the file is read again. */
static void test_map_forget(void **state) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    char *text = malloc(page);
    assert_non_null(text);
    memset(text, 'f', page);
    assert_int_equal(zt_file_write(in("m"), text, page), ZT_OK);
    char *room = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(room != MAP_FAILED);
    memset(room, 'a', 3 * page);
    const int fd = open(in("m"), O_RDONLY);
    assert_true(mmap(room + page, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == room + page);
    close(fd);
    const zt_map m = {(const uint8_t *)room + page, page};
    zt_map_forget(&m, 0, page);
    zt_map_forget(&m, 10, 1);
    zt_map_forget(&m, page - 1, 2);                          /* reaches beyond the map: nothing happens */
    zt_map_forget(&m, page + 1, 1);
    for (size_t k = 0; k < 3 * page; k++) assert_int_equal(room[k], k / page == 1 ? 'f' : 'a');
    munmap(room, 3 * page);
    free(text);
}

static void test_crc32c(void **state) /* answers from RFC 3720, B.4, and any length against one bit at a time */
{
    (void)state;
    uint8_t bytes[70] = {0};
    assert_int_equal(zt_crc32c("123456789", 9), 0xE3069283u);
    assert_int_equal(zt_crc32c("", 0), 0);
    assert_int_equal(zt_crc32c(bytes, 32), 0x8A9136AAu);
    assert_int_equal(zt_crc32c_masked(bytes, 32), (0x8A9136AAu >> 15 | 0x8A9136AAu << 17) + 0xA282EAD8u);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        uint32_t crc = 0xFFFFFFFFu;
        for (size_t i = 0; i < n; i++) {
            crc ^= bytes[i];
            for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
        }
        assert_int_equal(zt_crc32c(bytes, n), ~crc);
    }
}

static void test_sha256(void **state) /* answers from FIPS 180-4's examples */
{
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char none[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    char hex[65];
    (void)state;
    assert_int_equal(zt_sha256("abc", 3, hex), ZT_OK);
    assert_string_equal(hex, abc);
    assert_int_equal(zt_sha256(NULL, 0, hex), ZT_OK);
    assert_string_equal(hex, none);
    assert_int_equal(zt_file_write(in("h"), "abc", 3), ZT_OK);
    assert_int_equal(zt_sha256_file(in("h"), hex), ZT_OK);
    assert_string_equal(hex, abc);
    assert_int_equal(zt_sha256_file(in("gone"), hex), ZT_NOTFOUND);
    assert_string_equal(hex, "");
    assert_int_equal(zt_sha256_file(root, hex), ZT_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_failed_writes_leave_nothing_and_keep_the_old),
        cmocka_unit_test(test_broken_off_write),
        cmocka_unit_test(test_unwritable_folder),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_swap),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_map), cmocka_unit_test(test_map_forget),
        cmocka_unit_test(test_crc32c), cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, make_root, drop_root);
}
