/* cmd_data.c - `zoe data`: finds the part and runs it. What a part does is in data_NAME.c. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/data.h"

typedef struct part { const char *name, *command, *summary; int (*run)(int argc, char **argv); } part;

static const part PARTS[] = {
#define ZT_DATA_COMMAND(name, summary) {#name, "data " #name, summary, zt_data_##name},
#include "cli/data.def"
#undef ZT_DATA_COMMAND
};
enum { N_PARTS = sizeof PARTS / sizeof PARTS[0] };

static void print_parts(void) {
    printf("usage: zoe data PART DIR [options]\n\nLooks into and works on a data set, the folder DIR that synth or ingest "
           "made.\n\n");
    for (int i = 0; i < N_PARTS; i++) printf("  %-10s %s\n", PARTS[i].name, PARTS[i].summary);
    printf("\n  zoe data PART --help   the options of a part\n");
}

static int unknown(const char *name) {
    const char *names[N_PARTS];
    for (int i = 0; i < N_PARTS; i++) names[i] = PARTS[i].name;
    const char *near = zt_nearest_name(name, names, N_PARTS);
    return zt_cli_usage_error("data", "there is no part '%.64s'%s%s", name, near ? "; did you mean " : "", near ? near : "");
}

bool zt_data_split_ok(const char *command, const char *split, int *status) {
    if (!split[0] || strcmp(split, "train") == 0 || strcmp(split, "val") == 0 || strcmp(split, "test") == 0) return true;
    *status = zt_cli_usage_error(command, "--split is '%s'; it is one of train, val, test", split);
    return false;
}

int zt_cmd_data(int argc, char **argv) {
    if (argc < 2) return zt_cli_usage_error("data", "say what to do, such as: zoe data ls DIR");
    if (strcmp(argv[1], "--help") == 0) {
        print_parts();
        return ZT_EXIT_OK;
    }
    for (int i = 0; i < N_PARTS; i++) {
        if (strcmp(PARTS[i].name, argv[1]) != 0) continue;
        char command[32];
        snprintf(command, sizeof command, "%s", PARTS[i].command);
        argv[1] = command;
        return PARTS[i].run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
