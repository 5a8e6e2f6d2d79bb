/* data.h - the parts of `zoe data` and what they share. */
#ifndef ZT_CLI_DATA_H
#define ZT_CLI_DATA_H
#include "cli/commands.h"
#include "data/edit.h"

/** A part: argv[0] is "data NAME", its arguments follow. Returns the exit status. */
#define ZT_DATA_COMMAND(name, summary) int zt_data_##name(int argc, char **argv);
#include "cli/data.def"
#undef ZT_DATA_COMMAND

enum { ZT_WHERE_MAX = 4097, ZT_WHAT_MAX = 512 };
#define ZT_WHERE_DOC "the clips that are meant, such as: motion < 0.1 and tag.lighting = dark"

/** The command as typed, for the history: at most ZT_WHAT_MAX bytes of it. Call it before zt_cli_parse. */
void zt_data_what(char what[ZT_WHAT_MAX], int argc, char **argv);

/* A change of many clips (data/edit.h). */
typedef struct zt_data_edit {
    const char *dir, *where, *what, *by;
    const char *status;         /* clips of this status only: ok, dropped; NULL: both */
    int dry_run;
    /** Called for each clip that is meant; sets what shall be with zt_edit_set and its like. */
    zt_err (*fn)(void *ctx, zt_catalog *c, zt_edit *e, const zt_catalog_clip *k);
    void *ctx;
} zt_data_edit;
/** Run it for `command` ("data tag") and print how many clips changed. Exit status. */
int zt_data_change(const char *command, const zt_data_edit *d);

/** Field `field` of clips from column `column` of a table (data/import.h), as a change. Prints what came of it. Exit status. */
int zt_data_import(const char *command, const char *dir, const char *what, const char *path, const char *column,
                   const char *field, int dry_run);

/** Whether `split` is "" (all), train, val or test; else explains it on stderr for `command` ("data ls") and sets *status. */
bool zt_data_split_ok(const char *command, const char *split, int *status);
#endif
