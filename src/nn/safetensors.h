/* safetensors.h - tensor sets as safetensors files, readable by any safetensors reader.
 * Format: https://github.com/huggingface/safetensors#format: u64 little-endian header length, JSON header, data. Our header is
 * padded with spaces so that data starts at a multiple of 64 bytes. dtypes F32, F64, BF16, I32; a scalar has shape []. */
#ifndef ZT_SAFETENSORS_H
#define ZT_SAFETENSORS_H
#include <stddef.h>
#include "base/err.h"
#include "base/json.h"
#include "tensor/tset.h"

enum { ZT_SAFETENSORS_MAX_HEADER = 100000000 };

/** Write beside, fsync, rename, fsync the folder: after a crash the old or the new file is there, whole. metadata: an object of
 *  strings (borrowed), or NULL. Tensor data is streamed, not copied. */
zt_err zt_safetensors_save(const char *path, const zt_tset *s, const json_t *metadata);
/** Into the empty set *s, in file order. *metadata (may be NULL) gets a new object, empty when the file has none; caller
 *  json_decrefs. Any damage is ZT_FORMAT and leaves *s empty: lengths, offsets, overlaps, gaps, shapes and names are all
 *  checked before memory is taken. */
zt_err zt_safetensors_load(const char *path, zt_tset *s, json_t **metadata);
/** As load, from bytes; `where` names them in errors. */
zt_err zt_safetensors_parse(const void *bytes, size_t len, const char *where, zt_tset *s, json_t **metadata);
/** Fill the tensors of *s: the file must hold exactly these names, dtypes and shapes, else ZT_FORMAT lists missing, unexpected
 *  and mis-shaped names (the first 10 of each, and how many) and *s is unchanged. */
zt_err zt_safetensors_load_into(const char *path, zt_tset *s);
/** Only the metadata; tensors are not read. */
zt_err zt_safetensors_metadata(const char *path, json_t **metadata);
#endif
