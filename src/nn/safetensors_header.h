/* safetensors_header.h - a checked safetensors header; private to src/nn. */
#ifndef ZT_SAFETENSORS_HEADER_H
#define ZT_SAFETENSORS_HEADER_H
#include <stdint.h>
#include "nn/safetensors.h"

typedef struct zt_st_entry { const char *name; zt_dtype dtype; zt_shape sh; const uint8_t *data; size_t bytes; } zt_st_entry;

/** Entries in file order; names point into json, data into the caller's bytes. */
typedef struct zt_st_header { json_t *json; zt_st_entry *entry; int n; } zt_st_header;

/** Zero-initialise h. Every length, offset, shape and name is checked (ZT_FORMAT); free with zt_st_header_finish also after a
 *  failure. */
zt_err zt_st_header_read(zt_st_header *h, const void *bytes, size_t len, const char *where);
/** A new object with the file's metadata, empty when it has none. */
zt_err zt_st_header_metadata(const zt_st_header *h, json_t **metadata);
void zt_st_header_finish(zt_st_header *h);

const char *zt_st_dtype_name(zt_dtype t);            /* "F32" ... */
#endif
