// layer: data
/* fuzz_query.c - any text as a query of clips: refused with a text, or SQL that SQLite can run; never worse. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "data/query.h"
#include "fuzz.h"

/* An empty catalogue, made once. */
static zt_catalog *catalogue(void) {
    static zt_catalog *c;
    char dir[] = "/tmp/zt-fuzz-XXXXXX";
    if (c) return c;
    if (!mkdtemp(dir) || zt_catalog_create(&c, dir) != ZT_OK) __builtin_trap();
    zt_dir_remove(dir);   /* the open file lives on */
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    zt_query *q = NULL;
    int64_t n = -1;
    zt_catalog *c = catalogue();
    char *text = zt_alloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    const zt_err e = zt_query_parse(&q, text);
    zt_free(text);
    if ((e == ZT_OK) != (q != NULL) || (e != ZT_OK && !*zt_err_text())) __builtin_trap();
    if (q && (zt_catalog_select_count(c, q, &n) != ZT_OK || n != 0)) __builtin_trap();
    zt_query_destroy(&q);
    return 0;
}
