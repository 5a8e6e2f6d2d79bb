/* ingest_source.c - what the catalogue says of a file: its name, why it gives no clips, what it holds. Tested by
 * tests/data/test_data_ingest.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "data/ingest_impl.h"

/* A path as text that is always UTF-8: bytes of other encodings become \xNN. */
static zt_err readable_name(const char *path, char name[ZT_NAME_MAX + 1]) {
    const size_t n = strlen(path);
    if (zt_utf8_valid(path, n, NULL)) return zt_format(name, ZT_NAME_MAX + 1, "%s", path);
    if (n > ZT_PATH_MAX) return zt_fail(ZT_ARG, "a path of %zu bytes is too long", n);
    for (size_t i = 0; i < n; i++, path++) {
        const unsigned char c = (unsigned char)*path;
        if (c >= 128 || c == '\\') name += snprintf(name, 5, "\\x%02x", c);
        else *name++ = (char)c;
    }
    *name = '\0';
    return ZT_OK;
}

zt_err zt_ingest_source_name(zt_ingest_source *s) {
    const zt_ingest_item *k = s->file->item;
    zt_err e = readable_name(s->file->path, s->name);
    s->fragment[0] = '\0';
    if (e != ZT_OK || !k || (k->start_s == 0 && k->end_s == 0)) return e;
    char start[32], end[32] = "";
    zt_real_text(start, k->start_s);
    if (k->end_s > 0) zt_real_text(end, k->end_s);
    snprintf(s->fragment, sizeof s->fragment, "#t=%s%s%s", start, end[0] ? "," : "", end);
    const size_t n = strlen(s->name);
    return zt_format(s->name + n, sizeof s->name - n, "%s", s->fragment);
}

void zt_ingest_source_refuse(zt_ingest_source *s, zt_err e) {
    const char *text = zt_err_text();
    const size_t n = strlen(s->file->path);
    if (strncmp(text, s->file->path, n) == 0 && strncmp(text + n, ": ", 2) == 0) text += n + 2;
    size_t keep = snprintf(s->reason, sizeof s->reason, "%s", *text ? text : zt_err_name(e)) < 0 ? 0 : strlen(s->reason);
    if (!zt_utf8_valid(s->reason, keep, NULL))                        /* a name inside it, or a character that was cut */
        for (char *p = s->reason; *p; p++)
            if ((unsigned char)*p >= 128) *p = '?';
    s->again = e == ZT_IO || e == ZT_NOMEM || e == ZT_NOTFOUND;
}

void zt_ingest_source_ended(zt_ingest_source *s, zt_err e) {
    zt_ingest_source_refuse(s, e);
    snprintf(s->note, sizeof s->note, "ended early: %.120s", s->reason);
    if (!zt_utf8_valid(s->note, strlen(s->note), NULL)) snprintf(s->note, sizeof s->note, "ended early");
    s->damaged++;
}

void zt_ingest_source_explain(const zt_ingest_cfg *c, zt_ingest_source *s) {
    const long long found = (long long)s->frames, want = (long long)c->frames[0];
    if (s->reason[0] && s->frames == 0) return;
    if (s->info.image)
        snprintf(s->reason, sizeof s->reason, "too short: an image, a clip needs %lld frames (--frames 1 takes images)", want);
    else if (found >= want)
        snprintf(s->reason, sizeof s->reason, "no shot is long enough: %lld frames at %g fps, %lld boundaries, a clip needs %lld",
                 found, c->fps, (long long)s->boundaries, want);
    else {
        char hint[80] = "";
        if (s->damaged) snprintf(hint, sizeof hint, "; the rest is damaged");
        else if (s->info.fps > c->fps && (double)s->frames * s->info.fps >= (double)want * c->fps)
            snprintf(hint, sizeof hint, "; at its own rate, --fps %.4g, it has enough", s->info.fps);
        snprintf(s->reason, sizeof s->reason, "too short: %lld frame%s at %g fps, a clip needs %lld%s", found,
                 found == 1 ? "" : "s", c->fps, want, hint);
    }
}

static double finite_or_0(double v) { return isfinite(v) ? v : 0; }

zt_err zt_ingest_source_describe(const zt_ingest_source *s, char **text) {
    const zt_reader_info *i = &s->info;
    json_t *o = json_object();
    if (s->opened) {
        json_object_set_new(o, "codec", json_string(i->codec));
        json_object_set_new(o, "pix_fmt", json_string(i->pix_fmt));
        json_object_set_new(o, "width", json_integer(i->width));
        json_object_set_new(o, "height", json_integer(i->height));
        json_object_set_new(o, "fps", json_real(finite_or_0(i->fps)));
        json_object_set_new(o, "duration_s", json_real(finite_or_0(i->duration_s)));
        json_object_set_new(o, "rotation", json_integer(i->rotation));
        json_object_set_new(o, "hdr", json_boolean(i->hdr));
        json_object_set_new(o, "frames", json_integer(s->frames));
        json_object_set_new(o, "clips", json_integer(s->clips));
        json_object_set_new(o, "rest_frames", json_integer(s->used < s->frames ? s->frames - s->used : 0));
        json_object_set_new(o, "boundaries", json_integer(s->boundaries));
        json_object_set_new(o, "damaged", json_integer(s->damaged));
        json_object_set_new(o, "caption_from", json_string(s->caption_from));
        if (s->rate) json_object_set_new(o, "sound", json_pack("{s:i, s:i}", "rate", s->rate, "channels", s->channels));
    }
    if (s->file->item && s->file->item->origin && s->file->item->origin[0])
        json_object_set_new(o, "origin", json_string(s->file->item->origin));
    if (s->note[0]) json_object_set_new(o, "note", json_string(s->note));
    *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    return *text ? ZT_OK : zt_fail(ZT_NOMEM, "%s: out of memory for its description", s->file->path);
}
