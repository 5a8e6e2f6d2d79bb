/* npy.c - see npy.h. The header is a Python dict in text; only the forms that NumPy itself writes are read. */
#include "data/npy.h"

#include <stdio.h>
#include <string.h>

static const char MAGIC[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

/* A cursor over the header text [p,end). */
typedef struct cursor { const char *p, *end; } cursor;

static void skip_space(cursor *c) {
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t')) c->p++;
}

static bool take(cursor *c, char ch) {
    skip_space(c);
    if (c->p >= c->end || *c->p != ch) return false;
    c->p++;
    return true;
}

static bool take_word(cursor *c, const char *word) {
    size_t n = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0) return false;
    c->p += n;
    return true;
}

/* A quoted string without escapes. */
static bool take_string(cursor *c, char *out, size_t cap) {
    skip_space(c);
    if (c->p >= c->end || (*c->p != '\'' && *c->p != '"')) return false;
    char quote = *c->p++;
    size_t n = 0;
    while (c->p < c->end && *c->p != quote) {
        if (n + 1 >= cap || *c->p == '\\') return false;
        out[n++] = *c->p++;
    }
    out[n] = '\0';
    return c->p < c->end && *c->p++ == quote;
}

static bool take_int(cursor *c, int64_t *v) {
    skip_space(c);
    int64_t x = 0;
    int digits = 0;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++, digits++) {
        if (x > (INT64_MAX - 9) / 10) return false;
        x = x * 10 + (*c->p - '0');
    }
    take_word(c, "L");   /* files from Python 2 */
    *v = x;
    return digits > 0;
}

static bool take_shape(cursor *c, zt_npy_info *info) {
    if (!take(c, '(')) return false;
    for (info->n = 0; !take(c, ')'); info->n++) {
        if (info->n > 0 && !take(c, ',')) return false;
        if (info->n > 0 && take(c, ')')) break;
        if (info->n >= ZT_NPY_DIMS || !take_int(c, &info->shape[info->n])) return false;
        if (info->n == 0 && take(c, ')')) return false;   /* "(5)" is no tuple */
    }
    return true;
}

static zt_err set_descr(const char *descr, const char *where, zt_npy_info *info) {
    const char *d = descr;
    bool big = *d == '>';
    if (*d == '<' || *d == '|' || *d == '=' || *d == '>') d++;
    if (d[0] && strchr("uifb", d[0]) && d[1] && strchr("1248", d[1]) && d[2] == '\0') {
        info->kind = d[0];
        info->item_bytes = d[1] - '0';
        bool legal = d[0] == 'b' ? d[1] == '1' : d[0] == 'f' ? d[1] != '1' : true;
        if (legal && (!big || info->item_bytes == 1)) return ZT_OK;
    }
    return zt_fail(ZT_UNSUPPORTED,
                   "%s: the array holds numbers of type '%s'; wanted are little-endian u1..u8, i1..i8, f2..f8 or b1; "
                   "convert it with numpy's astype",
                   where, descr);
}

/* The dict: three keys, each once, any order. */
static zt_err parse_dict(cursor c, const char *where, zt_npy_info *info) {
    char key[32], descr[32] = "";
    bool have_order = false, have_shape = false;
    if (!take(&c, '{')) goto bad;
    while (!take(&c, '}')) {
        if (!take_string(&c, key, sizeof key) || !take(&c, ':')) goto bad;
        if (strcmp(key, "descr") == 0 && !descr[0]) {
            if (!take_string(&c, descr, sizeof descr) || !descr[0]) goto bad;
        } else if (strcmp(key, "fortran_order") == 0 && !have_order) {
            info->fortran = take_word(&c, "True");
            if (!info->fortran && !take_word(&c, "False")) goto bad;
            have_order = true;
        } else if (strcmp(key, "shape") == 0 && !have_shape) {
            if (!take_shape(&c, info)) goto bad;
            have_shape = true;
        } else goto bad;
        if (!take(&c, ',')) {
            if (!take(&c, '}')) goto bad;
            break;
        }
    }
    skip_space(&c);
    if (c.p != c.end || !descr[0] || !have_order || !have_shape) goto bad;
    return set_descr(descr, where, info);
bad:
    return zt_fail(ZT_FORMAT,
                   "%s: the .npy header is not the dict that NumPy writes (descr, fortran_order, shape); the file is damaged",
                   where);
}

zt_err zt_npy_parse(const uint8_t *bytes, size_t len, const char *where, zt_npy_info *info) {
    *info = (zt_npy_info){0};
    if (len < 10 || memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
        return zt_fail(ZT_FORMAT, "%s: not a .npy file: it does not start with \\x93NUMPY", where);
    int version = bytes[6];
    size_t start = version == 1 ? 10 : 12, n;
    if (version < 1 || version > 3 || len < start)
        return zt_fail(ZT_FORMAT, "%s: .npy version %d.%d; known are 1.0, 2.0 and 3.0", where, version, bytes[7]);
    n = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (version > 1) n |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (n > ZT_NPY_HEADER_MAX || n > len - start)
        return zt_fail(ZT_FORMAT, "%s: the .npy header says it has %zu bytes, %zu are there; the file is truncated or damaged",
                       where, n, len - start);
    cursor c = {(const char *)bytes + start, (const char *)bytes + start + n};
    zt_err e = parse_dict(c, where, info);
    if (e != ZT_OK) return e;
    info->data_offset = start + n;
    uint64_t left = len - info->data_offset, items = 1;
    bool zero = false;
    for (int i = 0; i < info->n; i++) zero = zero || info->shape[i] == 0;
    for (int i = 0; i < info->n && !zero; i++) {
        if ((uint64_t)info->shape[i] > left / items)   /* more numbers than bytes: also what keeps the product small */
            return zt_fail(ZT_FORMAT,
                           "%s: the array's shape needs more than the %llu bytes that are there; the file is truncated or "
                           "damaged",
                           where, (unsigned long long)left);
        items *= (uint64_t)info->shape[i];
    }
    if (zero) items = 0;
    if (items > left / (uint64_t)info->item_bytes)
        return zt_fail(ZT_FORMAT,
                       "%s: the array needs %llu numbers of %d bytes, %llu bytes are there; the file is truncated or damaged",
                       where, (unsigned long long)items, info->item_bytes, (unsigned long long)left);
    info->data_bytes = (size_t)items * (size_t)info->item_bytes;
    return ZT_OK;
}

zt_err zt_npy_header(uint8_t buf[ZT_NPY_HEADER_CAP], char kind, int item_bytes, int n, const int64_t *shape,
                     size_t *header_bytes) {
    char dims[ZT_NPY_DIMS * 22 + 4] = "", text[ZT_NPY_HEADER_CAP];
    size_t used = 0;
    if (n < 0 || n > ZT_NPY_DIMS || !kind || !strchr("uifb", kind) || (item_bytes != 1 && item_bytes != 2 && item_bytes != 4
                                                                       && item_bytes != 8))
        return zt_fail(ZT_ARG, "npy header: %d axes of '%c%d'; wanted are 0..%d axes of u, i, f or b", n, kind ? kind : '?',
                       item_bytes, ZT_NPY_DIMS);
    for (int i = 0; i < n; i++) {
        if (shape[i] < 0) return zt_fail(ZT_ARG, "npy header: axis %d has length %lld", i, (long long)shape[i]);
        used += (size_t)snprintf(dims + used, sizeof dims - used,
                                 i + 1 < n ? "%lld, "
                                 : n == 1  ? "%lld,"
                                           : "%lld",
                                 (long long)shape[i]);
    }
    int len = snprintf(text, sizeof text, "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (%s), }",
                       item_bytes == 1 ? '|' : '<', kind, item_bytes, dims);
    size_t total = (10 + (size_t)len + 1 + ZT_NPY_ALIGN - 1) / ZT_NPY_ALIGN * ZT_NPY_ALIGN;
    if (len < 0 || total > ZT_NPY_HEADER_CAP) return zt_fail(ZT_INTERNAL, "npy header: %d bytes of text do not fit", len);
    memset(buf, ' ', total);
    memcpy(buf, MAGIC, sizeof MAGIC);
    buf[6] = 1;
    buf[7] = 0;
    buf[8] = (uint8_t)((total - 10) & 255);
    buf[9] = (uint8_t)((total - 10) >> 8);
    memcpy(buf + 10, text, (size_t)len);
    buf[total - 1] = '\n';
    *header_bytes = total;
    return ZT_OK;
}
