/* data.h - the parts of `zoe data` and what they share. */
#ifndef ZT_CLI_DATA_H
#define ZT_CLI_DATA_H
#include "cli/commands.h"

/** A part: argv[0] is "data NAME", its arguments follow. Returns the exit status. */
#define ZT_DATA_COMMAND(name, summary) int zt_data_##name(int argc, char **argv);
#include "cli/data.def"
#undef ZT_DATA_COMMAND

enum { ZT_WHERE_MAX = 4097 };
#define ZT_WHERE_DOC "the clips that are meant, such as: motion < 0.1 and tag.lighting = dark"

/** Whether `split` is "" (all), train, val or test; else explains it on stderr for `command` ("data ls") and sets *status. */
bool zt_data_split_ok(const char *command, const char *split, int *status);
#endif
