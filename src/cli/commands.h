/* commands.h - the commands of the program and what they share: option parsing, --help, exit status.
 * Exit status of every command: 0 only on success, 2 for wrong usage (an argument, option or config key), 1 otherwise. */
#ifndef ZT_CLI_COMMANDS_H
#define ZT_CLI_COMMANDS_H
#include <stdbool.h>
#include "base/err.h"
#include "base/json.h"
#include "base/opt.h"

enum { ZT_EXIT_OK = 0, ZT_EXIT_FAILED = 1, ZT_EXIT_USAGE = 2, ZT_CLI_MAX_POS = 4096 };

/** A command: argv[0] is its name ("synth"), its arguments follow. Returns the exit status. */
#define ZT_COMMAND(name, summary) int zt_cmd_##name(int argc, char **argv);
#include "cli/commands.def"
#undef ZT_COMMAND

/** What a command takes. `help` is not in the table: --help is understood by zt_cli_parse. */
typedef struct zt_cli_spec {
    const char *usage;          /* "zoe synth --out DIR --clips N [options]" */
    const char *about;          /* a few plain lines, ending in a newline: what it does, what it leaves on disk */
    zt_opts opts;               /* options with defaults */
    int min_pos, max_pos;       /* positional arguments; max_pos <= ZT_CLI_MAX_POS */
} zt_cli_spec;

/** Fill `cfg` with the defaults, then with the arguments. `pos` has room for spec->max_pos entries (NULL when that is 0); *n_pos
 *  counts them (n_pos may be NULL). Returns true when the command shall run; else *status is the exit status: 0 after --help
 *  (printed to stdout), 2 after wrong usage (explained on stderr). */
bool zt_cli_parse(const zt_cli_spec *spec, void *cfg, int argc, char **argv, char **pos, int *n_pos, int *status);

/** Print "zoe COMMAND: text" and where to find help, on stderr; returns 2. */
int zt_cli_usage_error(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Exit status for the result of the work. Not ZT_OK: prints "zoe COMMAND: " and this thread's error text on stderr.
 *  ZT_ARG and ZT_CONFIG give 2, everything else 1 (ZT_CANCELLED too: what is complete is only ever said with 0). */
int zt_cli_result(const char *command, zt_err e);

/** Print one JSON document and a newline on stdout, keys in insertion order; takes `j` (NULL: out of memory). Exit status. */
int zt_cli_print_json(const char *command, json_t *j);

#endif
