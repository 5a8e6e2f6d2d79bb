/* opt.h - option tables: one table drives parsing, ranges, defaults, help, and what is written back.
 * Used for command-line options and for the sections of a training config. */
#ifndef ZT_BASE_OPT_H
#define ZT_BASE_OPT_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/err.h"
#include "base/json.h"

typedef enum zt_opt_type {
    ZT_OPT_INT,     /* int64_t */
    ZT_OPT_REAL,    /* double */
    ZT_OPT_BOOL,    /* int: 0 or 1; on a command line --x and --no-x */
    ZT_OPT_STR,     /* char[size], NUL-terminated */
    ZT_OPT_ENUM,    /* int: index into choices "a|b|c" */
    ZT_OPT_INTS     /* zt_ints; text form "1,2,4", JSON form [1,2,4] */
} zt_opt_type;

typedef struct zt_ints { int n; int64_t v[8]; } zt_ints;

typedef struct zt_opt {
    const char *name;          /* "cfg-scale" on a command line, "lr" in a config section */
    zt_opt_type type;
    size_t offset, size;       /* place in the struct; use ZT_OPT_AT */
    const char *def;           /* default, as text; NULL: zero/empty and printed as "none" */
    double min, max;           /* inclusive range for INT, REAL and each of INTS; may be infinite; ignored when both 0 */
    const char *choices;       /* ENUM only */
    char letter;               /* short form, or 0 */
    const char *doc;           /* one line, with the unit */
} zt_opt;
#define ZT_OPT_AT(type, field) offsetof(type, field), sizeof(((type *)0)->field)

typedef struct zt_opts { const zt_opt *opt; int n; } zt_opts;

void zt_opt_defaults(zt_opts t, void *cfg);
/** Set one option from text. Errors (ZT_CONFIG) name the key, the value, the range or choices; an unknown key suggests the
 *  nearest name. `where` is put right in front of the key: "config.yaml: train." gives "config.yaml: train.lrr is not an
 *  option; did you mean train.lr?"; "--" suits a command line; NULL is "". BOOL takes true/false, yes/no, on/off, 1/0.
 *  On failure nothing is set. */
zt_err zt_opt_set(zt_opts t, void *cfg, const char *where, const char *key, const char *value);
/** Set options from a JSON object (as parsed from YAML or JSON); strict: every key must be known and of the right type.
 *  Options named before the wrong one stay set. */
zt_err zt_opt_from_json(zt_opts t, void *cfg, const char *where, const json_t *obj);
/** New object with every option of the table. NULL when memory ends. */
json_t *zt_opt_to_json(zt_opts t, const void *cfg);
/** Parse a command's arguments: "--name value", "--name=value", "-x value", "--flag", "--no-flag"; "--" ends options.
 *  argv[0] is the first argument, not the program. Of repeated options the last wins. Everything else ("-" too) is
 *  positional: pointers into argv are put in pos[0..max_pos), *n_pos counts them; too many is an error. */
zt_err zt_opt_args(zt_opts t, void *cfg, int argc, char **argv, char **pos, int max_pos, int *n_pos);
/** One aligned line per option: name, type, default, range or choices, doc. */
void zt_opt_help(zt_opts t, FILE *f);
#endif
