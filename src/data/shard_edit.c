/* shard_edit.c - see shard_edit.h. Tested by tests/data/test_data_rights.c and test_data_faces.c. */
#include "data/shard_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/catalog_impl.h"
#include "data/shard.h"

enum { FRAMES_MAX = 1 << 20, SIDE_MAX = 16384 };

typedef struct item { zt_catalog_clip clip; bool change, erase; } item;

typedef struct editor {
    const zt_shard_edit *edit;
    const char *dir;
    zt_catalog *c;
    zt_arena *text;               /* strings of the shard at hand, and the names of all shards */
    item *clip;                   /* clips of the shard at hand, by key */
    int64_t n, cap;
    const char *shard;
} editor;

static zt_err shard_path(char path[ZT_PATH_MAX], const char *dir, const char *name) {
    return zt_format(path, ZT_PATH_MAX, "%s/shards/%s", dir, name);
}

/* ---- which shards and clips there are ---- */

typedef struct names { char **name; int n; zt_arena *arena; } names;

static zt_err add_name(void *ctx, const char *name, int64_t bytes) {
    names *l = ctx;
    (void)bytes;
    if (strchr(name, '/') || name[0] == '.' || !name[0]) return zt_fail(ZT_FORMAT, "a shard is called '%.100s'", name);
    char **more = zt_realloc(l->name, (size_t)(l->n + 1) * sizeof *more);
    if (!more) return ZT_NOMEM;
    l->name = more;
    l->name[l->n] = zt_arena_strdup(l->arena, name);
    return l->name[l->n++] ? ZT_OK : ZT_NOMEM;
}

/* Remove files that no row names. Inside the transaction: no other program is writing shards. */
static zt_err sweep(const char *dir, const names *known) {
    char folder[ZT_PATH_MAX], path[ZT_PATH_MAX], **found = NULL;
    int n = 0;
    zt_err e;
    ZT_TRY(e = zt_path_join(folder, dir, "shards"), done);
    ZT_TRY(e = zt_dir_list(folder, &found, &n), done);
    for (int i = 0; i < n; i++) {
        bool used = false;
        for (int k = 0; k < known->n && !used; k++) used = strcmp(known->name[k], found[i]) == 0;
        if (used || !(zt_ends_with(found[i], ".tar") || zt_ends_with(found[i], ".tar.part"))) continue;
        ZT_TRY(e = zt_path_join(path, folder, found[i]), done);
        if (unlink(path) != 0) e = zt_fail(ZT_IO, "%s: an old shard that cannot be removed; check the folder's rights", path);
        if (e != ZT_OK) goto done;
    }
done:
    zt_names_free(found, n);
    return e;
}

static zt_err add_clip(void *ctx, const zt_catalog_clip *k) {
    editor *d = ctx;
    if (d->n == d->cap) {
        const int64_t cap = d->cap ? 2 * d->cap : 256;
        item *more = zt_realloc(d->clip, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        d->clip = more;
        d->cap = cap;
    }
    item *i = &d->clip[d->n++];
    *i = (item){.clip = *k};
    const char **field[] = {&i->clip.key, &i->clip.shard, &i->clip.caption, &i->clip.source, &i->clip.source_hash, &i->clip.split,
                            &i->clip.status, &i->clip.reason, &i->clip.labels, &i->clip.licence};
    for (size_t f = 0; f < sizeof field / sizeof field[0]; f++)
        if (!(*field[f] = zt_arena_strdup(d->text, *field[f]))) return ZT_NOMEM;
    return ZT_OK;
}

static zt_err read_clips(editor *d) {
    sqlite3_stmt *st = NULL;
    zt_err e = zt_sql_prepare(d->c, &st, "reading the clips of a shard",
                              "SELECT " ZT_SQL_CLIP " FROM clips WHERE shard = ? AND bytes > 0", "s", d->shard);
    if (e == ZT_OK) e = zt_sql_walk_clips(d->c, st, add_clip, d);
    sqlite3_finalize(st);
    return e;
}

static int by_key(const void *a, const void *b) { return strcmp(((const item *)a)->clip.key, ((const item *)b)->clip.key); }

static zt_err check_clip(const zt_map *m, const char *path, const zt_catalog_clip *k) {
    const int64_t shape[4] = {k->frames, k->height, k->width, 3};
    if (k->frames < 1 || k->frames > FRAMES_MAX || k->height < 1 || k->height > SIDE_MAX || k->width < 1 || k->width > SIDE_MAX
        || k->bytes != shape[0] * shape[1] * shape[2] * 3 || k->offset < 0 || k->offset > (int64_t)m->size
        || k->bytes > (int64_t)m->size - k->offset)
        return zt_fail(ZT_FORMAT, "%s: clip %s does not lie in it as the catalogue says; copy the data set again", path, k->key);
    return zt_shard_check_clip(m->data, m->size, path, k->key, (size_t)k->offset, shape);
}

/* ---- one shard ---- */

/* Ask about every clip; *any says whether the shard must be written anew. */
static zt_err look(editor *d, const zt_map *m, const char *path, bool *any) {
    const zt_shard_edit *edit = d->edit;
    *any = false;
    for (int64_t i = 0; i < d->n; i++) {
        item *k = &d->clip[i];
        char status[16];
        zt_err e = check_clip(m, path, &k->clip);
        if (e == ZT_OK && zt_cancelled()) e = zt_fail(ZT_CANCELLED, "stopped; the same command goes on");
        if (e == ZT_OK && edit->look) e = edit->look(edit->ctx, d->c, &k->clip, m->data + k->clip.offset, &k->change);
        if (e == ZT_OK && edit->erase_dropped) {
            e = zt_sql_ask(d->c, NULL, status, sizeof status, "SELECT status FROM clips WHERE id = ?", "i", k->clip.id);
            k->erase = strcmp(status, "ok") != 0;
        }
        if (e != ZT_OK) return e;
        zt_map_forget(m, (size_t)k->clip.offset, (size_t)k->clip.bytes);
        *any = *any || k->change || k->erase;
    }
    return ZT_OK;
}

/* NAME.tar, NAME.r1.tar, NAME.r2.tar ... */
static zt_err next_name(const char *name, char out[128]) {
    const char *dot = strchr(name, '.');
    const int stem = dot ? (int)(dot - name) : (int)strlen(name);
    const long r = dot && dot[1] == 'r' ? strtol(dot + 2, NULL, 10) : 0;
    return zt_format(out, 128, "%.*s.r%ld.tar", stem, name, r + 1);
}

static item *find_item(const editor *d, const char *member) {
    item probe = {0};
    char key[ZT_TAR_NAME_MAX + 157];
    const size_t len = strcspn(member, ".");
    memcpy(key, member, len);
    key[len] = '\0';
    probe.clip.key = key;
    return d->n ? bsearch(&probe, d->clip, (size_t)d->n, sizeof *d->clip, by_key) : NULL;
}

static zt_err write_pixels(editor *d, zt_shard_writer *w, item *k, const char *name, const uint8_t *rgb) {
    const int64_t shape[4] = {k->clip.frames, k->clip.height, k->clip.width, 3};
    uint8_t *copy = NULL;
    size_t offset = 0;
    zt_err e = ZT_OK;
    if (k->change) {
        if (!(copy = zt_alloc((size_t)k->clip.bytes))) return ZT_NOMEM;
        memcpy(copy, rgb, (size_t)k->clip.bytes);
        ZT_TRY(e = d->edit->change(d->edit->ctx, d->c, &k->clip, copy), done);
    }
    ZT_TRY(e = zt_shard_add_npy(w, name, 'u', 1, 4, shape, copy ? copy : rgb, &offset), done);
    k->clip.offset = (int64_t)offset;
done:
    zt_free(copy);
    return e;
}

static zt_err copy_members(editor *d, zt_shard_writer *w, const zt_map *m, const char *path) {
    size_t pos = 0;
    for (;;) {
        zt_tar_member t;
        bool end;
        zt_err e = zt_tar_next(m->data, m->size, path, &pos, &t, &end);
        if (e != ZT_OK || end) return e;
        item *k = find_item(d, t.name);
        if (!k || k->erase || t.type != '0') continue;
        if (strcmp(t.name + strlen(k->clip.key), ".npy") == 0) e = write_pixels(d, w, k, t.name, m->data + k->clip.offset);
        else e = zt_shard_add(w, t.name, m->data + t.offset, t.bytes);
        if (e != ZT_OK) return e;
    }
}

static zt_err update_rows(editor *d, const char *name, size_t bytes, const char *sha256) {
    zt_err e = zt_sql_change(d->c, "writing", "DELETE FROM shard_hashes WHERE name = ?", "s", d->shard);
    if (e == ZT_OK) e = zt_catalog_set_shard_hash(d->c, name, sha256);
    if (e == ZT_OK)
        e = zt_sql_change(d->c, "writing", "UPDATE shards SET name = ?2, bytes = ?3 WHERE name = ?1", "ssi", d->shard, name,
                          (int64_t)bytes);
    for (int64_t i = 0; i < d->n && e == ZT_OK; i++) {
        const item *k = &d->clip[i];
        e = k->erase ? zt_sql_change(d->c, "writing",
                                     "UPDATE clips SET shard = '', offset = 0, bytes = 0, caption = '', labels = '{}' "
                                     "WHERE id = ?",
                                     "i", k->clip.id)
                     : zt_sql_change(d->c, "writing", "UPDATE clips SET shard = ?2, offset = ?3 WHERE id = ?1", "isi", k->clip.id,
                                     name, k->clip.offset);
    }
    return e;
}

static zt_err rewrite(editor *d, const zt_map *m, const char *path, char fresh[128]) {
    char to[ZT_PATH_MAX], sha256[65];
    zt_shard_writer *w = NULL;
    size_t bytes;
    zt_err e;
    ZT_TRY(e = next_name(d->shard, fresh), done);
    ZT_TRY(e = shard_path(to, d->dir, fresh), done);
    ZT_TRY(e = zt_shard_writer_create(&w, to), done);
    ZT_TRY(e = copy_members(d, w, m, path), done);
    ZT_TRY(e = zt_shard_writer_finish(w, &bytes), done);
    ZT_TRY(e = zt_sha256_file(to, sha256), done);
    e = update_rows(d, fresh, bytes, sha256);
done:
    zt_shard_writer_destroy(&w);
    return e;
}

static zt_err edit_shard(editor *d) {
    char path[ZT_PATH_MAX], fresh[128] = "";
    zt_map m = {0};
    bool any;
    zt_err e;
    d->n = 0;
    ZT_TRY(e = shard_path(path, d->dir, d->shard), done);
    ZT_TRY(e = read_clips(d), done);
    ZT_TRY(e = zt_map_open(&m, path), done);
    if (d->n > 0) qsort(d->clip, (size_t)d->n, sizeof *d->clip, by_key);
    ZT_TRY(e = look(d, &m, path, &any), done);
    if (any) ZT_TRY(e = rewrite(d, &m, path, fresh), done);
    ZT_TRY(e = zt_catalog_commit(d->c), done);
    if (fresh[0]) {
        if (unlink(path) != 0)
            e = zt_fail(ZT_IO, "%s: holds pixels that were to go, but cannot be removed; delete it by hand", path);
        (void)zt_path_join(path, d->dir, "shards");
        if (e == ZT_OK) e = zt_dir_sync(path);
    }
    if (e == ZT_OK) e = zt_catalog_begin(d->c);
done:
    zt_map_close(&m);
    return e;
}

zt_err zt_shards_edit(const char *dir, const zt_shard_edit *edit) {
    editor d = {.edit = edit, .dir = dir};
    names all = {0};
    zt_err e;
    ZT_TRY(e = zt_arena_create(&all.arena), done);
    ZT_TRY(e = zt_catalog_open_writing(&d.c, dir), done);
    ZT_TRY(e = zt_catalog_begin(d.c), done);
    ZT_TRY(e = zt_catalog_shards(d.c, add_name, &all), done);
    ZT_TRY(e = sweep(dir, &all), done);
    for (int i = 0; i < all.n; i++) {
        d.shard = all.name[i];
        ZT_TRY(e = zt_arena_create(&d.text), done);
        ZT_TRY(e = edit_shard(&d), done);
        zt_arena_destroy(&d.text);
    }
done:
    zt_catalog_close(&d.c);
    zt_arena_destroy(&d.text);
    zt_arena_destroy(&all.arena);
    zt_free(all.name);
    zt_free(d.clip);
    return e;
}
