/* hash.h - SHA-256 through OpenSSL (why it is here and not in trust/: docs/decisions/002). */
#ifndef ZT_BASE_HASH_H
#define ZT_BASE_HASH_H
#include <stddef.h>
#include "base/err.h"

/** Lower-case hexadecimal SHA-256 of bytes / of a file's content. */
zt_err zt_sha256(const void *bytes, size_t n, char hex[65]);
zt_err zt_sha256_file(const char *path, char hex[65]);
#endif
