/* opt_args.c - option tables on a command line: parsing arguments and printing help. The values themselves are opt.c's. */
#include "base/opt.h"
#include <math.h>
#include <string.h>
#include "base/str.h"

enum { NAME_BYTES = 128 };

static const zt_opt *find(zt_opts t, const char *name) {
    for (int i = 0; i < t.n; i++)
        if (strcmp(t.opt[i].name, name) == 0) return &t.opt[i];
    return NULL;
}

static const zt_opt *find_letter(zt_opts t, char letter) {
    for (int i = 0; i < t.n; i++)
        if (letter && t.opt[i].letter == letter) return &t.opt[i];
    return NULL;
}

/* The value of option `o` is the next argument. */
static zt_err take_next(zt_opts t, void *cfg, const zt_opt *o, int argc, char **argv, int *i) {
    if (*i + 1 >= argc || strcmp(argv[*i + 1], "--") == 0)
        return zt_fail(ZT_CONFIG, "--%s: a value is missing; write --%s=VALUE", o->name, o->name);
    const char *value = argv[++*i];
    char name[NAME_BYTES];
    if (strncmp(value, "--", 2) == 0) { /* most likely a forgotten value, so say so rather than swallow an option */
        if (zt_format(name, sizeof name, "%.*s", (int)strcspn(value + 2, "="), value + 2) == ZT_OK &&
            (find(t, name) || (strncmp(name, "no-", 3) == 0 && find(t, name + 3))))
            return zt_fail(ZT_CONFIG, "--%s: a value is missing before %s; write --%s=VALUE", o->name, value, o->name);
    }
    return zt_opt_set(t, cfg, "--", o->name, value);
}

static zt_err long_option(zt_opts t, void *cfg, int argc, char **argv, int *i) {
    const char *text = argv[*i] + 2, *eq = strchr(text, '=');
    char name[NAME_BYTES];
    if (zt_format(name, sizeof name, "%.*s", (int)(eq ? (size_t)(eq - text) : strnlen(text, NAME_BYTES)), text) != ZT_OK)
        return zt_fail(ZT_CONFIG, "--%.40s... is not an option; see --help", text);
    const zt_opt *o = find(t, name);
    if (o && eq) return zt_opt_set(t, cfg, "--", name, eq + 1);
    if (o && o->type == ZT_OPT_BOOL) return zt_opt_set(t, cfg, "--", name, "true");
    if (o) return take_next(t, cfg, o, argc, argv, i);
    if (strncmp(name, "no-", 3) == 0 && (o = find(t, name + 3)) != NULL && o->type == ZT_OPT_BOOL) {
        if (eq) return zt_fail(ZT_CONFIG, "--%s takes no value; write --%s or --%s", name, name, o->name);
        return zt_opt_set(t, cfg, "--", o->name, "false");
    }
    return zt_opt_set(t, cfg, "--", name, ""); /* unknown: this makes the text with the nearest name */
}

static zt_err short_option(zt_opts t, void *cfg, int argc, char **argv, int *i) {
    const char *text = argv[*i];
    const zt_opt *o = find_letter(t, text[1]);
    if (!o) return zt_fail(ZT_CONFIG, "%.40s is not an option; see --help", text);
    if (text[2]) return zt_fail(ZT_CONFIG, "%.40s: write -%c and the value apart, or --%s=VALUE", text, text[1], o->name);
    if (o->type == ZT_OPT_BOOL) return zt_opt_set(t, cfg, "--", o->name, "true");
    return take_next(t, cfg, o, argc, argv, i);
}

zt_err zt_opt_args(zt_opts t, void *cfg, int argc, char **argv, char **pos, int max_pos, int *n_pos) {
    bool options = true;
    *n_pos = 0;
    for (int i = 0; i < argc; i++) {
        zt_err e = ZT_OK;
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && strncmp(argv[i], "--", 2) == 0)
            e = long_option(t, cfg, argc, argv, &i);
        else if (options && argv[i][0] == '-' && argv[i][1])
            e = short_option(t, cfg, argc, argv, &i);
        else if (*n_pos >= max_pos)
            e = zt_fail(ZT_CONFIG, "%.80s: one argument too many, want at most %d; put text with spaces in quotes", argv[i],
                        max_pos);
        else
            pos[(*n_pos)++] = argv[i];
        if (e != ZT_OK) return e;
    }
    return ZT_OK;
}

/* ---- help ---- */

static void number_text(char out[32], double v) {
    zt_real_text(out, v);
    if (fabs(v) < 1e15 && v == floor(v)) (void)zt_format(out, 32, "%.0f", v);
}

static void limits(const zt_opt *o, char *dst, size_t cap) {
    char lo[32], hi[32];
    dst[0] = 0;
    number_text(lo, o->min);
    number_text(hi, o->max);
    if (o->type == ZT_OPT_ENUM)
        (void)zt_format(dst, cap, "%s", o->choices);
    else if (o->min == 0 && o->max == 0)
        return;
    else if (isinf(o->max))
        (void)zt_format(dst, cap, ">= %s", lo);
    else
        (void)zt_format(dst, cap, "%s..%s", lo, hi);
}

void zt_opt_help(zt_opts t, FILE *f) {
    static const char *const types[] = {"whole", "real", "flag", "text", "choice", "list"};
    char text[256];
    int name = 0, def = 0, limit = 0;
    for (int i = 0; i < t.n; i++) {
        const zt_opt *o = &t.opt[i];
        int n = (int)strlen(o->name), d = (int)strlen(o->def ? o->def : "none");
        limits(o, text, sizeof text);
        int l = (int)strlen(text);
        name = n > name ? n : name;
        def = d > def ? d : def;
        limit = l > limit ? l : limit;
    }
    def = def < 24 ? def : 24; /* one long default must not push all texts off the screen */
    limit = limit < 32 ? limit : 32;
    for (int i = 0; i < t.n; i++) {
        const zt_opt *o = &t.opt[i];
        char letter[4] = "   ";
        if (o->letter) (void)zt_format(letter, sizeof letter, "-%c,", o->letter);
        limits(o, text, sizeof text);
        (void)fprintf(f, "  %s --%-*s  %-6s  %-*s  %-*s  %s\n", letter, name, o->name, types[o->type], def,
                      o->def ? o->def : "none", limit, text, o->doc ? o->doc : "");
    }
}
