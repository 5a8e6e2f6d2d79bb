/* file.h - whole files, atomic writes, folders, read-only maps. Error texts name the path, the cause and what to do. */
#ifndef ZT_BASE_FILE_H
#define ZT_BASE_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { ZT_PATH_MAX = 4096 };

/** Read a regular file whole; *buf is NUL-terminated (len excludes it), caller zt_frees. ZT_FORMAT when larger than max_bytes. */
zt_err zt_file_read(const char *path, size_t max_bytes, char **buf, size_t *len);
/** Write beside (path.tmp.PID), fsync, rename over, fsync the folder: after a crash the old or the new content
 *  is there, whole. */
zt_err zt_file_write(const char *path, const void *bytes, size_t len);
bool zt_file_exists(const char *path);
bool zt_is_dir(const char *path);
int64_t zt_file_size(const char *path);                    /* -1 if absent */
/** mkdir -p. */
zt_err zt_dir_make(const char *path);
/** fsync every file in `path` (one level) and the folder itself. */
zt_err zt_dir_sync(const char *path);
/** Remove a folder and what is in it; missing is fine. Does not follow links. */
zt_err zt_dir_remove(const char *path);
/** Put folder `fresh` in the place of `dir`, whose old content (if any) is then removed. Atomic (renameat2 exchange): a crash
 *  leaves the old or the new folder at `dir`, whole; a left-over `fresh` may remain. Both in the same parent folder. */
zt_err zt_dir_swap(const char *fresh, const char *dir);
/** Names in a folder (no . and ..), sorted by bytes. Free with zt_names_free. */
zt_err zt_dir_list(const char *path, char ***names, int *n);
void zt_names_free(char **names, int n);
/** a/b into a fixed buffer of ZT_PATH_MAX. ZT_ARG when too long. */
zt_err zt_path_join(char out[ZT_PATH_MAX], const char *a, const char *b);
const char *zt_path_base(const char *path);                /* after the last '/' */

/** Read-only memory map of a regular file. */
typedef struct zt_map { const uint8_t *data; size_t size; } zt_map;
zt_err zt_map_open(zt_map *m, const char *path);           /* an empty file maps as size 0 */
void zt_map_close(zt_map *m);
/** The bytes m->data[at..at+bytes) are not needed soon: their pages stop counting as memory of this process. The next read brings
 *  them back, from the system's file cache where they still are. Any thread, also while others read. */
void zt_map_forget(const zt_map *m, size_t at, size_t bytes);
#endif
