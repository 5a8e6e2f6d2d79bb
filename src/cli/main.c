/* main.c - the program `zoe`: finds the command and runs it. What a command does is in cmd_NAME.c. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/commands.h"

typedef struct command { const char *name, *summary; int (*run)(int argc, char **argv); } command;

static const command COMMANDS[] = {
#define ZT_COMMAND(name, summary) {#name, summary, zt_cmd_##name},
#include "cli/commands.def"
#undef ZT_COMMAND
};
enum { N_COMMANDS = sizeof COMMANDS / sizeof COMMANDS[0] };

static void print_commands(FILE *f) {
    fprintf(f, "zoe - train and run video generators\n\nusage: zoe COMMAND [arguments]\n\nCommands:\n");
    for (int i = 0; i < N_COMMANDS; i++) fprintf(f, "  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fprintf(f, "\n  zoe COMMAND --help   the options of a command\n  zoe --version        the version\n");
}

static const command *find(const char *name) {
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(COMMANDS[i].name, name) == 0) return &COMMANDS[i];
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++) names[i] = COMMANDS[i].name;
    const char *near = zt_nearest_name(name, names, N_COMMANDS);
    fprintf(stderr, "zoe: there is no command '%.64s'", name);
    if (near) fprintf(stderr, "; did you mean '%s'?\n", near);
    else fprintf(stderr, "; 'zoe help' lists the commands\n");
    return NULL;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        print_commands(stderr);
        return ZT_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("zoe %s\n", ZT_VERSION);
        return ZT_EXIT_OK;
    }
    bool help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (help && argc == 2) {
        print_commands(stdout);
        return ZT_EXIT_OK;
    }
    const command *c = find(help ? argv[2] : name);
    if (!c) return ZT_EXIT_USAGE;
    if (!help) return c->run(argc - 1, argv + 1);
    char flag[] = "--help", *args[] = {argv[2], flag, NULL};
    return c->run(2, args);
}

int main(int argc, char **argv) {
    int status = run(argc, argv);
    /* A full disk or a closed pipe shows only here: results that never arrived are not a success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == ZT_EXIT_OK) {
        fprintf(stderr, "zoe: standard output could not be written in full (disk full or closed?)\n");
        status = ZT_EXIT_FAILED;
    }
    return status;
}
