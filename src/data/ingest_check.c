/* ingest_check.c - what may be asked of an ingest, and into which folder. Tested by tests/data/test_data_ingest.c. */
#include <string.h>

#include "data/ingest_impl.h"

enum { SIDE_MAX = 4096 };

static zt_err check_shape(const zt_ingest_cfg *c) {
    if (c->n_size < 1 || c->n_size > ZT_INGEST_BUCKETS || c->n_frames < 1 || c->n_frames > ZT_INGEST_BUCKETS)
        return zt_fail(ZT_ARG, "ingest: %d sizes and %d lengths; wanted are 1..%d of each", c->n_size, c->n_frames,
                       ZT_INGEST_BUCKETS);
    for (int i = 0; i < c->n_size; i++)
        if (c->size[i].width < 8 || c->size[i].width > SIDE_MAX || c->size[i].height < 8 || c->size[i].height > SIDE_MAX)
            return zt_fail(ZT_ARG, "ingest: size %dx%d; sides are 8..%d", c->size[i].width, c->size[i].height, SIDE_MAX);
    for (int i = 0; i < c->n_frames; i++) {
        const long long n = (long long)c->frames[i];
        if (n < 1 || n > 1024 || (i > 0 && n <= c->frames[i - 1]))
            return zt_fail(ZT_ARG, "ingest: %lld frames; lengths are 1..1024, each larger than the one before", n);
        if (c->frame_step > 0 && (n - 1) % c->frame_step != 0)
            return zt_fail(ZT_ARG, "ingest: %lld frames are not %lldn+1; the next below are %lld", n, (long long)c->frame_step,
                           (n - 1) / c->frame_step * c->frame_step + 1);
        for (int k = 0; k < c->n_size; k++)
            if (n * c->size[k].width * c->size[k].height * 3 > (int64_t)1 << 30)
                return zt_fail(ZT_ARG,
                               "ingest: %lld frames of %dx%d are more than 1 GiB a clip; take fewer frames or a smaller size", n,
                               c->size[k].width, c->size[k].height);
    }
    if (c->mode == ZT_MODE_FULL && c->n_frames < 2)
        return zt_fail(ZT_ARG, "ingest: mode full wants the least and the most frames of a clip, such as --frames 17,129");
    return ZT_OK;
}

zt_err zt_ingest_check(const zt_ingest_cfg *c) {
    if (!c || c->n_src < 0 || (c->n_src && !c->src) || (c->n_items && !c->items) || (c->n_src == 0 && c->n_items == 0))
        return zt_fail(ZT_ARG, "ingest: no source given; name files or folders");
    if (!c->out || !c->out[0]) return zt_fail(ZT_ARG, "ingest: no folder for the data set given (--out DIR)");
    const zt_err e = check_shape(c);
    if (e != ZT_OK) return e;
    if (!(c->fps >= 0.1 && c->fps <= 240)) return zt_fail(ZT_ARG, "ingest: %g fps; wanted are 0.1..240", c->fps);
    if ((unsigned)c->mode > ZT_MODE_FULL || c->stride < 0 || c->stride > 65536 || c->per_shot < 0 || c->per_shot > 1024
        || c->frame_step < 0 || c->frame_step > 64 || c->threads < 0 || c->threads > ZT_INGEST_THREADS_MAX)
        return zt_fail(ZT_ARG, "ingest: mode %d, stride %lld, per-shot %lld, frame step %lld or threads %d is out of range",
                       (int)c->mode, (long long)c->stride, (long long)c->per_shot, (long long)c->frame_step, c->threads);
    if (!(c->val >= 0 && c->val <= 0.5) || !(c->test >= 0 && c->test <= 0.5) || c->val + c->test > 0.9)
        return zt_fail(ZT_ARG, "ingest: val %g and test %g; wanted are parts 0..0.5, together at most 0.9", c->val, c->test);
    if ((int)c->faces < 0 || c->faces > ZT_INGEST_FACES_DROP)
        return zt_fail(ZT_ARG, "ingest: %d is no way to treat faces", (int)c->faces);
    if (c->max_clips < 0 || c->max_clips > 1 << 30 || (int)c->caption < 0 || c->caption > ZT_CAPTION_NONE)
        return zt_fail(ZT_ARG, "ingest: max-clips %lld or kind of caption %d is out of range", (long long)c->max_clips,
                       (int)c->caption);
    return ZT_OK;
}

zt_err zt_ingest_check_out(const char *out) {
    char **names = NULL;
    int n = 0;
    zt_err e = ZT_OK;
    if (!zt_is_dir(out))
        return zt_file_exists(out) ? zt_fail(ZT_ARG, "%s: is a file; the data set needs a folder of its own", out) : ZT_OK;
    ZT_TRY(e = zt_dir_list(out, &names, &n), done);
    bool foreign = n > 0;
    for (int i = 0; i < n; i++)
        if (strncmp(names[i], "catalog.db", 10) == 0 || strcmp(names[i], "shards") == 0 || strcmp(names[i], "arrays") == 0 ||
            strcmp(names[i], ZT_INGEST_WORK) == 0)
            foreign = false;
    if (foreign)
        e = zt_fail(ZT_ARG, "%s: holds other files (%.60s) and no data set; choose a new or empty folder", out, names[0]);
done:
    zt_names_free(names, n);
    return e;
}
