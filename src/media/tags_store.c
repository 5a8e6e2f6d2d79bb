/* tags_store.c - how tags are put into PNG, GIF and WebP bytes (MP4 does it in its muxer). See encode.h.
 * Tested by tests/media/test_media_tags.c. */
#include <string.h>
#include <libavutil/crc.h>
#include "base/mem.h"
#include "base/str.h"
#include "media/encode.h"

static zt_err give(zt_str *s, uint8_t **out, size_t *len) {
    if (s->failed) {
        zt_str_finish(s);
        return zt_fail(ZT_NOMEM, "out of memory while tags were added");
    }
    *out = (uint8_t *)s->buf;
    *len = s->len;
    return ZT_OK;
}

/* The registered PNG keywords start with a capital; ours do not. */
static const char *png_keyword(const char *key) {
    static const char *const pairs[][2] = {
        {"title", "Title"}, {"artist", "Author"}, {"comment", "Comment"}, {"description", "Description"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!strcmp(key, pairs[i][0])) return pairs[i][1];
    return key;
}

static void put_be32(zt_str *s, uint32_t v) {
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    zt_str_addn(s, b, 4);
}

static void put_text_chunk(zt_str *s, const char *key, const char *value) {
    bool ascii = true;
    for (const char *p = value; *p; p++) ascii = ascii && (unsigned char)*p < 128;
    zt_str body = {0};
    zt_str_add(&body, ascii ? "tEXt" : "iTXt");
    zt_str_addn(&body, key, strlen(key) + 1);
    if (!ascii) zt_str_addn(&body, "\0\0\0\0", 4);       /* not compressed, method 0, no language, no translated keyword */
    zt_str_add(&body, value);
    if (body.failed) s->failed = true;
    else {
        put_be32(s, (uint32_t)(body.len - 4));
        zt_str_addn(s, body.buf, body.len);
        const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE_LE);
        put_be32(s, ~av_crc(table, 0xffffffffu, (const uint8_t *)body.buf, body.len));
    }
    zt_str_finish(&body);
}

zt_err zt_tags_into_png(const uint8_t *png, size_t len, const zt_media_tags *tags, uint8_t **out, size_t *out_len) {
    const size_t head = 8 + 25;                            /* signature and IHDR, which must come first */
    if (len < head) return zt_fail(ZT_INTERNAL, "the PNG encoder gave %zu bytes", len);
    zt_str s = {0};
    zt_str_addn(&s, png, head);
    for (int i = 0; tags && i < tags->n; i++) put_text_chunk(&s, png_keyword(tags->tag[i].key), tags->tag[i].value);
    zt_str_addn(&s, png + head, len - head);
    return give(&s, out, out_len);
}

static void put_gif_comment(zt_str *s, const char *key, const char *value) {
    zt_str text = {0};
    zt_str_addf(&text, "%s=%s", key, value);
    if (text.failed) s->failed = true;
    zt_str_addn(s, "\x21\xfe", 2);
    for (size_t at = 0; at < text.len;) {
        uint8_t n = (uint8_t)(text.len - at < 255 ? text.len - at : 255);
        zt_str_addn(s, &n, 1);
        zt_str_addn(s, text.buf + at, n);
        at += n;
    }
    zt_str_addn(s, "", 1);
    zt_str_finish(&text);
}

zt_err zt_tags_into_gif(const uint8_t *gif, size_t len, const zt_media_tags *tags, uint8_t **out, size_t *out_len) {
    size_t head = 13;
    if (len > head && gif[10] & 0x80) head += (size_t)3 << ((gif[10] & 7) + 1);   /* global colour table */
    if (len < head) return zt_fail(ZT_INTERNAL, "the GIF encoder gave %zu bytes", len);
    zt_str s = {0};
    zt_str_addn(&s, gif, head);
    for (int i = 0; tags && i < tags->n; i++) put_gif_comment(&s, tags->tag[i].key, tags->tag[i].value);
    zt_str_addn(&s, gif + head, len - head);
    return give(&s, out, out_len);
}

zt_err zt_tags_to_xmp(const zt_media_tags *tags, char **xmp) {
    *xmp = NULL;
    if (!tags || !tags->n) return ZT_OK;
    zt_str s = {0};
    zt_str_add(&s, "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                   "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
                   "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n"
                   "  xmlns:zt=\"urn:zoetrope:tags:1\">\n");
    const char *seen = zt_media_tags_get(tags, "description");
    if (!seen) seen = zt_media_tags_get(tags, "comment");
    if (seen) {                                            /* where other programs look */
        zt_str_add(&s, "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">");
        zt_str_add_html(&s, seen);
        zt_str_add(&s, "</rdf:li></rdf:Alt></dc:description>\n");
    }
    zt_str_add(&s, "<zt:tags><rdf:Bag>\n");
    for (int i = 0; i < tags->n; i++) {
        zt_str_addf(&s, "<rdf:li rdf:parseType=\"Resource\"><zt:key>%s</zt:key><zt:value>", tags->tag[i].key);
        zt_str_add_html(&s, tags->tag[i].value);
        zt_str_add(&s, "</zt:value></rdf:li>\n");
    }
    zt_str_add(&s, "</rdf:Bag></zt:tags>\n</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>");
    size_t len;
    return give(&s, (uint8_t **)(void *)xmp, &len);
}
