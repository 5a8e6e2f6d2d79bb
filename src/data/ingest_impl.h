/* ingest_impl.h - private to ingest*.c: finding the files, and their captions. */
#ifndef ZT_DATA_INGEST_IMPL_H
#define ZT_DATA_INGEST_IMPL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "data/ingest.h"

/** A folder that holds something else is not ours to fill (ZT_ARG); what a killed run leaves before its catalogue is there,
 *  is. */
zt_err zt_ingest_check_out(const char *out);

/* A file to look at. */
typedef struct zt_ingest_file {
    const char *path;           /* absolute */
    size_t root;                /* length of the folder SRC that it was found in; 0: the user named the file itself */
    const zt_ingest_item *item; /* what a list says of it; NULL: found in SRC */
} zt_ingest_file;

/* Zero-initialise; free with zt_ingest_files_finish. */
typedef struct zt_ingest_files {
    zt_arena *arena;
    zt_ingest_file *file;
    size_t n, cap;
    int64_t skipped;
    uint64_t out_dev, out_ino;  /* the data set's own folder is not walked into */
    bool has_out;
} zt_ingest_files;

/** All files of src[0..n) in order; a folder that cannot be read below SRC is warned about and counted as skipped.
 *  Errors: ZT_NOTFOUND, ZT_IO (an SRC), ZT_CANCELLED, ZT_NOMEM. */
zt_err zt_ingest_walk(zt_ingest_files *f, const char *const *src, int n, const char *out);
/** Add the files that a list names. Errors: ZT_ARG (an item says what cannot be), ZT_NOTFOUND, ZT_IO, ZT_NOMEM. */
zt_err zt_ingest_list(zt_ingest_files *f, const zt_ingest_item *items, size_t n);
void zt_ingest_files_finish(zt_ingest_files *f);

/* Looks captions up; remembers the tables of the last folder. */
typedef struct zt_ingest_captions zt_ingest_captions;
zt_err zt_ingest_captions_create(zt_ingest_captions **c, zt_ingest_caption mode);
void zt_ingest_captions_destroy(zt_ingest_captions **c);
/** Caption of `file`, from its item or from beside it, into text: UTF-8 on one line, "" when there is none; *from says where it
 *  is from ("list", "txt", "table", "folder", "").
 *  A caption file that cannot be used is warned about and passed over. Errors: ZT_NOMEM. */
zt_err zt_ingest_caption_of(zt_ingest_captions *c, const zt_ingest_file *file, char text[ZT_INGEST_CAPTION_MAX + 1],
                            const char **from);
#endif
