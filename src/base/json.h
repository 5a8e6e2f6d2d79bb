/* json.h - JSON (jansson), YAML (libyaml) and TOML as one tree type, json_t. Outside base/, jansson comes in through this
 * header. */
#ifndef ZT_BASE_JSON_H
#define ZT_BASE_JSON_H
#include <jansson.h>
#include "base/err.h"

/** Parse text; `where` names it in errors ("config.yaml"). Depth at most 64, duplicate keys refused. Caller json_decrefs. */
zt_err zt_json_parse(const char *text, size_t len, const char *where, json_t **out);
zt_err zt_json_load(const char *path, size_t max_bytes, json_t **out);
/** Write atomically, indented, keys in insertion order. */
zt_err zt_json_save(const char *path, const json_t *j);

/** Parse one YAML document into json_t: mappings, sequences, scalars (plain true/false, integers, reals become typed;
 *  quoted ones stay strings). Anchors, aliases, tags, duplicate keys and depth > 32 are refused with line numbers. */
zt_err zt_yaml_parse(const char *text, size_t len, const char *where, json_t **out);
zt_err zt_yaml_load(const char *path, json_t **out);
zt_err zt_yaml_save(const char *path, const json_t *j);

/** Parse one TOML document, at most 1 MiB: tables, [[lists of tables]], strings, booleans, decimal numbers, arrays, inline
 *  tables.
 *  Dates, inf, nan and other number bases are refused, as are keys and tables given twice and depth > 32, with line numbers.
 *  Errors: ZT_FORMAT, ZT_NOMEM; of load ZT_NOTFOUND and ZT_IO too. Caller json_decrefs. Any thread. */
zt_err zt_toml_parse(const char *text, size_t len, const char *where, json_t **out);
zt_err zt_toml_load(const char *path, json_t **out);
#endif
