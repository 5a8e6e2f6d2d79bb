/* fuzz_file.h - for targets whose reader wants a path: the input as a file without a name on any disk, or as one in a folder of
 * ours. */
#ifndef ZT_FUZZ_FILE_H
#define ZT_FUZZ_FILE_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/file.h"
#include "fuzz.h"

/* The path of a new file with these bytes; close(*fd) removes it. False: the system gives none. */
static inline bool fuzz_file(const uint8_t *data, size_t size, char path[64], int *fd) {
    *fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (*fd < 0) return false;
    snprintf(path, 64, "/proc/self/fd/%d", *fd);
    if (write(*fd, data, size) == (ssize_t)size) return true;
    close(*fd);
    return false;
}

static char fuzz_dir[64];
static inline void fuzz_folder_remove(void) { (void)!zt_dir_remove(fuzz_dir); }

/* A folder in memory that is there until the process ends. */
static inline const char *fuzz_folder(void) {
    if (fuzz_dir[0]) return fuzz_dir;
    snprintf(fuzz_dir, sizeof fuzz_dir, "%s/zt-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(fuzz_dir)) __builtin_trap();
    atexit(fuzz_folder_remove);
    return fuzz_dir;
}

/* Write the bytes as NAME in that folder; its path. */
static inline const char *fuzz_put(const char *name, const void *data, size_t size) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) __builtin_trap();
    return path;
}
#endif
