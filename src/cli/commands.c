/* commands.c - what the commands share: option parsing with --help, error lines, exit status. No command lives here. */
#include "cli/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void print_help(const zt_cli_spec *spec) {
    printf("usage: %s\n\n%s", spec->usage, spec->about);
    printf("\nOptions:\n");
    zt_opt_help(spec->opts, stdout);
    printf("  --help  show this text\n");
}

/* Only before "--": after it every argument is a plain one, even if it looks like an option. */
static bool wants_help(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0) return true;
    return false;
}

bool zt_cli_parse(const zt_cli_spec *spec, void *cfg, int argc, char **argv, char **pos, int *n_pos, int *status) {
    int n = 0;
    *status = ZT_EXIT_OK;
    if (n_pos) *n_pos = 0;
    if (wants_help(argc, argv)) {
        print_help(spec);
        return false;
    }
    zt_opt_defaults(spec->opts, cfg);
    zt_err e = zt_opt_args(spec->opts, cfg, argc - 1, argv + 1, pos, spec->max_pos, &n);
    if (e != ZT_OK) {
        *status = e == ZT_NOMEM ? zt_cli_result(argv[0], e) : zt_cli_usage_error(argv[0], "%s", zt_err_text());
        return false;
    }
    if (n < spec->min_pos) {
        *status = zt_cli_usage_error(argv[0], "%d argument%s given, at least %d wanted; usage: %s", n, n == 1 ? "" : "s",
                                     spec->min_pos, spec->usage);
        return false;
    }
    if (n_pos) *n_pos = n;
    return true;
}

int zt_cli_usage_error(const char *command, const char *fmt, ...) {
    va_list ap;
    fprintf(stderr, "zoe %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nTry: zoe %s --help\n", command);
    return ZT_EXIT_USAGE;
}

int zt_cli_result(const char *command, zt_err e) {
    if (e == ZT_OK) return ZT_EXIT_OK;
    const char *text = zt_err_text();
    fprintf(stderr, "zoe %s: %s\n", command, *text ? text : zt_err_name(e));
    return e == ZT_ARG || e == ZT_CONFIG ? ZT_EXIT_USAGE : ZT_EXIT_FAILED;
}

int zt_cli_print_json(const char *command, json_t *j) {
    zt_err e = ZT_OK;
    if (!j) e = zt_fail(ZT_NOMEM, "out of memory for the result");
    else if (json_dumpf(j, stdout, JSON_INDENT(2)) != 0) e = zt_fail(ZT_IO, "the result could not be written to standard output");
    else putchar('\n');
    json_decref(j);
    return zt_cli_result(command, e);
}
