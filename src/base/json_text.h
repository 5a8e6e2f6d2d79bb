/* json_text.h - json.c's text writer, shared with yaml.c. Not for other layers: they save files with base/json.h. */
#ifndef ZT_BASE_JSON_TEXT_H
#define ZT_BASE_JSON_TEXT_H
#include <stdbool.h>
#include "base/json.h"
#include "base/str.h"

/** Append `text` (UTF-8) in double quotes; the result is valid JSON and valid YAML. */
void zt_json_add_string(zt_str *s, const char *text);

/** Append a tree whose depth was checked. indent: nesting level of the line it starts on; one_line: no line breaks at all. */
void zt_json_add(zt_str *s, const json_t *j, int indent, bool one_line);

/** Whether objects and arrays are nested more than `limit` deep (true for a cycle). */
bool zt_json_deeper(const json_t *j, int limit);
#endif
