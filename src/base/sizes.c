/* sizes.c - see sizes.h. Tested by tests/base/test_base_sizes.c. */
#include "base/sizes.h"

#include <stdio.h>
#include <string.h>

/* A number 1..most at *p, which moves behind it; 0: there is none. */
static int number(const char **p, int most) {
    int v = 0;
    if (**p == '0') return 0;
    for (; **p >= '0' && **p <= '9'; (*p)++)
        if ((v = v * 10 + (**p - '0')) > most) return 0;
    return v;
}

/* A size at *p, which moves behind it. */
static bool read_size(const char **p, zt_size *s) {
    s->frames = number(p, 1024);
    if (!s->frames || *(*p)++ != 'x') return false;
    s->height = number(p, 4096);
    if (!s->height || *(*p)++ != 'x') return false;
    s->width = number(p, 4096);
    return s->width > 0 && (**p == ',' || **p == '\0');
}

zt_err zt_sizes_parse(zt_sizes *s, const char *text, const char *what) {
    *s = (zt_sizes){0};
    for (const char *p = text; *p;) {
        char one[ZT_SIZE_TEXT];
        zt_size size;
        const char *start = p;
        if (!read_size(&p, &size) || (*p == ',' && !p[1]))
            return zt_fail(ZT_CONFIG,
                           "%s: '%.60s' is no list of sizes; write frames x height x width, such as 16x64x96,32x64x64 (up to "
                           "1024 frames, sides up to 4096)",
                           what, start);
        for (int k = 0; k < s->n; k++)
            if (zt_same_size(s->v[k], size))
                return zt_fail(ZT_CONFIG, "%s: %s is there twice", what, zt_size_text(size, one));
        if (s->n == ZT_SIZES_MAX)
            return zt_fail(ZT_CONFIG, "%s: more than %d sizes; name fewer", what, ZT_SIZES_MAX);
        s->v[s->n++] = size;
        if (*p) p++;
    }
    return ZT_OK;
}

const char *zt_size_text(zt_size s, char out[ZT_SIZE_TEXT]) {
    snprintf(out, ZT_SIZE_TEXT, "%dx%dx%d", s.frames, s.height, s.width);
    return out;
}

const char *zt_sizes_text(const zt_sizes *s, char out[ZT_SIZES_TEXT]) {
    size_t at = 0;
    out[0] = '\0';
    for (int k = 0; k < s->n && at < ZT_SIZES_TEXT; k++) {
        char one[ZT_SIZE_TEXT];
        at += (size_t)snprintf(out + at, ZT_SIZES_TEXT - at, "%s%s", k ? "," : "", zt_size_text(s->v[k], one));
    }
    return out;
}
