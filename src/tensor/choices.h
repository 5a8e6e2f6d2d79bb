/* choices.h - which kernel runs a node where several can: found by timing when a plan is made, kept with what was computed so,
 * because the kernel decides the last bits of a result. */
#ifndef ZT_CHOICES_H
#define ZT_CHOICES_H
#include <stdbool.h>
#include "base/json.h"

/** Zero-initialise; zt_choices_finish frees. Used by one thread at a time. */
typedef struct zt_choices {
    json_t *kernels;            /* {signature of a node: name of a kernel}; NULL: none yet */
    bool tune;                  /* time the kernels of signatures that are not there, and add the fastest */
    int timed;                  /* signatures added so */
} zt_choices;

/** Add the choices of a file (JSON, at most 4 MiB). ZT_FORMAT when it is no object of strings. */
zt_err zt_choices_load(zt_choices *c, const char *path);
/** Write them all, atomically. */
zt_err zt_choices_save(const zt_choices *c, const char *path);
void zt_choices_finish(zt_choices *c);
#endif
