/* levels.h - for tests of kernels: the same tests at every processor level and without oneDNN, each in a process of its own,
 * since the level is chosen once per process. Levels that the processor lacks are skipped; amx is emulated too. */
#ifndef ZT_TESTS_LEVELS_H
#define ZT_TESTS_LEVELS_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "init.h"

static int at_level(const char *level, const char *onednn, int (*run)(const char *level)) {
    setenv("ZT_CPU", level, 1);
    setenv("ZT_ONEDNN", onednn, 1);
    zt_backend_facts f;
    zt_backend_cpu_facts(&f);
    if (strcmp(f.level, level) == 0) return run(level);
    printf("level %s: skipped, this processor has %s\n", level, f.level);
    return 0;
}

/* run(level) returns how many tests failed. How many of the levels had one that did. */
static int run_levels(int (*run)(const char *level)) {
    static const char *const levels[][2] = {{"base", "on"}, {"v3", "on"}, {"v4", "on"}, {"bf16", "on"}, {"amx", "on"},
                                            {"base", "off"}, {"bf16", "off"}, {"amx", "off"}, {"amx-emulated", "off"}};
    int failed = 0;
    for (int k = 0; k < (int)(sizeof levels / sizeof *levels); k++) {
        fflush(NULL);
        const pid_t child = fork();
        if (child == 0) {
            const int bad = at_level(levels[k][0], levels[k][1], run);
            fflush(NULL);
            _exit(bad != 0);
        }
        int status = 1;
        if (child >= 0 && waitpid(child, &status, 0) == child && status == 0) continue;
        fprintf(stderr, "level %s, oneDNN %s, failed (status %d)\n", levels[k][0], levels[k][1], status);
        failed++;
    }
    return failed;
}
#endif
