/* data_export.c - `zoe data export`: a data set as other programs read it. */
#include <stdio.h>

#include "base/log.h"
#include "cli/data.h"
#include "data/export.h"

typedef struct export_args {
    char out[4096], split[16];
    int format, json, quiet;
    int64_t crf, shard_mb;
} export_args;

#define AT(field) ZT_OPT_AT(export_args, field)
static const zt_opt OPTIONS[] = {
    {"out", ZT_OPT_STR, AT(out), NULL, 0, 0, NULL, 'o', "folder to write to, new or empty"},
    {"format", ZT_OPT_ENUM, AT(format), "webdataset", 0, 0, "webdataset|folder", 0,
     "webdataset: tars; folder: files and metadata.jsonl"},
    {"split", ZT_OPT_STR, AT(split), NULL, 0, 0, NULL, 0, "train, val or test; all when not given"},
    {"crf", ZT_OPT_INT, AT(crf), "16", 1, 51, NULL, 0, "H.264 quality, 1 is the best"},
    {"shard-mb", ZT_OPT_INT, AT(shard_mb), "256", 1, 1e6, NULL, 0, "webdataset: size of a tar in MiB"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print the result as JSON"},
    {"quiet", ZT_OPT_BOOL, AT(quiet), "false", 0, 0, NULL, 'q', "no progress"},
};
#undef AT

int zt_data_export(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data export DIR --out OUT [--format webdataset|folder] [options]",
        .about = "Writes every usable clip as MP4 with its caption and labels. webdataset: OUT/SPLIT-NNNNNN.tar with KEY.mp4, "
                 "KEY.txt,\n"
                 "KEY.json, as Python's webdataset and video2dataset have them. folder: OUT/SPLIT/KEY.mp4, KEY.txt and "
                 "metadata.jsonl.\n"
                 "`zoe ingest` reads both. (The shards in DIR are WebDataset tars too, with the exact pixels as KEY.npy.)\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    export_args a;
    char *dir[1];
    int status;
    zt_export_report r;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!zt_data_split_ok("data export", a.split, &status)) return status;
    zt_log_quiet(a.quiet || a.json);
    zt_cancel_install();
    const zt_export_cfg cfg = {.dir = dir[0],
                               .out = a.out,
                               .format = (zt_export_format)a.format,
                               .split = a.split[0] ? a.split : NULL,
                               .shard_bytes = a.shard_mb << 20,
                               .crf = (int)a.crf};
    const zt_err e = zt_export(&cfg, &r);
    if (e != ZT_OK) return zt_cli_result("data export", e);
    if (a.json)
        return zt_cli_print_json("data export", json_pack("{s:s, s:I, s:I, s:I}", "out", a.out, "clips", (json_int_t)r.clips,
                                                          "files", (json_int_t)r.files, "bytes", (json_int_t)r.bytes));
    printf("%s: %lld clips in %lld files, %.1f MB\n", a.out, (long long)r.clips, (long long)r.files, (double)r.bytes / 1e6);
    return ZT_EXIT_OK;
}
