/* test_data_layout.c - published layouts: small ones made here in their own form, detected, ingested, and their clips looked at;
 * what is wrong with them is told with its place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/cache.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/layout/layout.h"
#include "data/layout/webdataset.h"
#include "data/npy.h"
#include "data/shard.h"
#include "data/tar_write.h"
#include "data/tfrecord.h"
#include "data/tfrecord_write.h"
#include "media/writer.h"

enum { FPS = 8, SIDE = 16 };
static char root[64], src[200], out[200];
static int videos;

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    snprintf(root, sizeof root, "%s/zt-layout-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(root) == ZT_OK ? 0 : -1;
}

/* A fresh SRC and OUT. */
static void fresh(const char *name) {
    snprintf(src, sizeof src, "%s/%s", root, name);
    snprintf(out, sizeof out, "%s/%s.out", root, name);
    assert_int_equal(zt_dir_make(src), ZT_OK);
}

static void put_file(const char *name, const void *bytes, size_t n) {
    char path[500], dir[500];
    snprintf(path, sizeof path, "%s/%s", src, name);
    snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    assert_int_equal(zt_dir_make(dir), ZT_OK);
    if (zt_file_write(path, bytes, n) != ZT_OK) fail_msg("%s", zt_err_text());
}

static void text(const char *name, const char *content) { put_file(name, content, strlen(content)); }

/* A video of so many seconds at 8 frames a second; each one different. */
static void video(const char *name, int seconds) {
    zt_frames f = {0};
    char path[500];
    put_file(name, "", 0);
    snprintf(path, sizeof path, "%s/%s", src, name);
    assert_int_equal(zt_frames_create(&f, FPS * seconds, SIDE, SIDE, FPS), ZT_OK);
    videos++;
    for (int t = 0; t < f.frames; t++)
        for (int y = 0; y < SIDE; y++) memset(zt_frame_at(&f, t) + y * SIDE * 3, 20 * (t / FPS) + 3 * y + videos, SIDE * 3);
    assert_int_equal(unlink(path), 0);
    if (zt_video_write(path, &f, NULL) != ZT_OK) fail_msg("%s", zt_err_text());
    zt_frames_finish(&f);
}

static zt_err ingest(const char *expect, int fold, zt_ingest_report *rep) {
    const zt_ingest_cfg cfg = {
        .out = out, .size = {{SIDE, SIDE}}, .n_size = 1, .frames = {8}, .n_frames = 1, .fps = FPS, .seed = 1};
    const zt_layout_cfg lc = {.fold = fold};
    const zt_layout *l = zt_layout_detect(src);
    if (!l || strcmp(l->name, expect) != 0) fail_msg("%s looks like %s, not %s", src, l ? l->name : "nothing", expect);
    return zt_layout_ingest(l, src, &lc, &cfg, rep);
}

static zt_dataset *ingested(const char *expect, zt_ingest_report *rep) {
    zt_dataset *ds = NULL;
    if (ingest(expect, 0, rep) != ZT_OK || zt_dataset_open(&ds, out) != ZT_OK) fail_msg("%s: %s", expect, zt_err_text());
    return ds;
}

/* One clip of the split has this caption and these labels. */
static void has(const zt_dataset *ds, const char *split, const char *caption, const char *labels) {
    for (int64_t i = 0; i < zt_dataset_count(ds, split); i++) {
        zt_clip_view v;
        assert_int_equal(zt_dataset_clip(ds, split, i, &v), ZT_OK);
        if (strcmp(v.caption, caption) == 0 && strcmp(v.labels, labels) == 0) return;
    }
    fail_msg("%s: no clip '%s' %s", split, caption, labels);
}

/* ---- lists of videos ---- */

static void test_ucf101(void **state) {
    zt_ingest_report r;
    (void)state;
    fresh("ucf");
    video("UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi.mp4", 1);
    video("UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.mp4", 1);
    video("UCF-101/YoYo/v_YoYo_g08_c02.mp4", 1);
    text("ucfTrainTestlist/trainlist01.txt", "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.mp4 1\r\nYoYo/v_YoYo_g08_c02.mp4 2\r\n"
                                             "YoYo/v_YoYo_g09_c01.mp4 2\n");
    text("ucfTrainTestlist/testlist01.txt", "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi.mp4\n");
    text("ucfTrainTestlist/trainlist02.txt", "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.mp4 1\n");
    text("ucfTrainTestlist/testlist02.txt", "\nApplyEyeMakeup/v_ApplyEyeMakeup_g08_c02.mp4\n");
    zt_dataset *ds = ingested("ucf101", &r);
    assert_true(r.new_ok == 3 && zt_dataset_count(ds, "train") == 2 && zt_dataset_count(ds, "test") == 1);
    has(ds, "train", "yo yo", "{\"class\":\"YoYo\",\"group\":\"g08\"}");
    has(ds, "test", "apply eye makeup", "{\"class\":\"ApplyEyeMakeup\",\"group\":\"g01\"}");
    zt_dataset_close(&ds);
    assert_int_equal(ingest("ucf101", 2, &r), ZT_FORMAT); /* the group is on both sides */
    says("group leak: ApplyEyeMakeup/g08 is in trainlist02.txt and in testlist02.txt");
    assert_int_equal(ingest("ucf101", 3, &r), ZT_NOTFOUND);
    says("trainlist03.txt");
    text("ucfTrainTestlist/testlist02.txt", "\nx/../../secret_g01_c01.mp4\n");
    assert_int_equal(ingest("ucf101", 2, &r), ZT_FORMAT);
    says("testlist02.txt, line 2");
}

static void test_kinetics(void **state) {
    zt_ingest_report r;
    (void)state;
    fresh("kinetics");
    video("a/abc_-1.mp4", 4);
    video("b/xyz_000010_000020.mp4", 2);
    text("kinetics_train.csv", "label,youtube_id,time_start,time_end,split\n\"riding, fast\",abc_-1,1,3,train\n"
                               "juggling,xyz,10,20,validate\njuggling,gone,0,10,test\n");
    zt_dataset *ds = ingested("kinetics", &r);
    assert_true(zt_dataset_count(ds, "train") == 2 && zt_dataset_count(ds, "val") == 2); /* seconds 1 to 3, and all 2 seconds */
    has(ds, "train", "riding, fast", "{\"class\":\"riding, fast\"}");
    has(ds, "val", "juggling", "{\"class\":\"juggling\"}");
    zt_clip_view v;
    assert_int_equal(zt_dataset_clip(ds, "train", 0, &v), ZT_OK);
    const int second = (v.rgb[0] - 1) / 20; /* the picture tells its second */
    assert_true(second == 1 || v.rgb[0] / 20 == 1);
    zt_dataset_close(&ds);
    text("kinetics_train.csv", "label,youtube_id,time_start,time_end,split\nx,abc,one,3,train\n");
    assert_int_equal(ingest("kinetics", 0, &r), ZT_FORMAT);
    says("kinetics_train.csv: line 2: 'one' in column time_start");
    text("kinetics_train.csv", "label,youtube_id,time_start,time_end,split\nx,none,1,3,train\n");
    assert_int_equal(ingest("kinetics", 0, &r), ZT_NOTFOUND);
    says("none of their videos is there, such as none_000001_000003");
}

static void test_webvid(void **state) {
    zt_ingest_report r;
    (void)state;
    fresh("webvid");
    video("videos/013801_013850/1039.mp4", 1);
    text("results_2M_val.csv",
         "videoid,contentUrl,duration,page_dir,name\n1039,https://x.example/1039.mp4,PT00H00M01S,013801_013850,"
         "\"A cat, on a mat\"\n77,https://x.example/77.mp4,PT1S,1,gone\n");
    zt_dataset *ds = ingested("webvid", &r);
    has(ds, "val", "A cat, on a mat", "{\"watermark\":true,\"videoid\":\"1039\"}");
    zt_dataset_close(&ds);
}

static void test_ssv2(void **state) {
    zt_ingest_report r;
    (void)state;
    fresh("ssv2");
    video("20bn-something-something-v2/1.mp4", 1);
    video("20bn-something-something-v2/2.mp4", 1);
    video("20bn-something-something-v2/3.mp4", 1);
    text("something-something-v2-labels.json", "{\"Pushing something from left to right\":\"93\",\"Holding something\":\"5\"}");
    text("something-something-v2-train.json",
         "[{\"id\":\"1\",\"label\":\"pushing a cup from left to right\",\"template\":\"Pushing [something] from left to right\","
         "\"placeholders\":[\"a cup\"]},{\"id\":\"9\",\"label\":\"x\",\"template\":\"Holding [something]\"}]");
    text(
        "something-something-v2-validation.json",
        "[{\"id\":\"2\",\"label\":\"holding leftovers\",\"template\":\"Holding [something]\",\"placeholders\":[\"leftovers\"]}]");
    text("something-something-v2-test.json", "[{\"id\":\"3\"}]");
    zt_dataset *ds = ingested("ssv2", &r);
    has(ds, "train", "pushing a cup from left to right",
        "{\"class\":\"Pushing something from left to right\",\"class_number\":93,\"placeholders\":[\"a cup\"],\"no_flip\":true}");
    has(ds, "val", "holding leftovers", "{\"class\":\"Holding something\",\"class_number\":5,\"placeholders\":[\"leftovers\"]}");
    has(ds, "test", "", "{}");
    zt_dataset_close(&ds);
    text("something-something-v2-test.json", "[{\"name\":\"3\"}]");
    assert_int_equal(ingest("ssv2", 0, &r), ZT_FORMAT);
    says("entry 1: a clip has no \"id\"");
}

static void test_path_tables(void **state) {
    zt_ingest_report r;
    char csv[400];
    (void)state;
    fresh("opensora");
    video("clips/a.mp4", 1);
    video("clips/b.mp4", 1);
    snprintf(csv, sizeof csv,
             "path,text,num_frames,height,width,aspect_ratio,resolution,fps\nclips/a.mp4,\"one, two\",8,16,16,1,256,8\n"
             "%s/clips/b.mp4,three,8,16,16,1,256,8\n",
             src);
    text("meta.csv", csv);
    zt_dataset *ds = ingested("opensora", &r);
    assert_int_equal(zt_dataset_count(ds, NULL), 2);
    has(ds, "train", "one, two", "{}");
    has(ds, "train", "three", "{}");
    zt_dataset_close(&ds);
    text("meta.csv", "path,text\na.mp4,5\" nail\n");
    assert_int_equal(ingest("opensora", 0, &r), ZT_FORMAT);
    says("meta.csv:2: a quote inside a field");

    fresh("diffsynth");
    video("v.mp4", 1);
    text("metadata.csv", "video,prompt\nv.mp4,a sunset\n");
    ds = ingested("diffsynth", &r);
    has(ds, "train", "a sunset", "{}");
    zt_dataset_close(&ds);

    fresh("v2c");
    video("videos/0.mp4", 1);
    text("videos2caption.json", "[{\"path\":\"0.mp4\",\"resolution\":{\"width\":16,\"height\":16},\"fps\":8.0,\"duration\":1,"
                                "\"cap\":[\"a dog runs\",\"other\"]}]");
    ds = ingested("videos2caption", &r);
    has(ds, "train", "a dog runs", "{}");
    zt_dataset_close(&ds);
    text("videos2caption.json", "{\"path\":\"0.mp4\"}");
    assert_int_equal(ingest("videos2caption", 0, &r), ZT_FORMAT);

    fresh("jsonl");
    video("x/1.mp4", 1);
    text("metadata.jsonl",
         "{\"file_name\":\"x/1.mp4\",\"text\":\"a bird\",\"split\":\"val\",\"labels\":{\"n\":1},\"licence\":\"CC0\"}\n");
    ds = ingested("jsonl", &r);
    has(ds, "val", "a bird", "{\"n\":1}");
    zt_dataset_close(&ds);
    text("metadata.jsonl", "{\"file_name\":\"x/1.mp4\"}\n\n{\"text\":\"a bird\"}\n");
    assert_int_equal(ingest("jsonl", 0, &r), ZT_FORMAT);
    says("metadata.jsonl:3: an object has no path");
}

static void test_musubi(void **state) {
    zt_ingest_report r;
    (void)state;
    fresh("musubi");
    video("v/a.mp4", 1);
    video("v/b.mp4", 1);
    video("w/c.mp4", 1);
    text("v/a.cap", "from beside\n");
    text("v/notes.md", "no video");
    text("w/list.jsonl", "{\"video_path\":\"c.mp4\",\"caption\":\"from a list\"}\n");
    text("dataset.toml",
         "[general]\ncaption_extension = \".cap\"\nresolution = [960, 544]\n[[datasets]]\nvideo_directory = \"v\"\n"
         "target_frames = [1, 25]\n[[datasets]]\nvideo_jsonl_file = 'w/list.jsonl'\n");
    zt_dataset *ds = ingested("musubi", &r);
    assert_int_equal(zt_dataset_count(ds, NULL), 3);
    has(ds, "train", "from beside", "{}");
    has(ds, "train", "", "{}");
    has(ds, "train", "from a list", "{}");
    zt_dataset_close(&ds);
    text("dataset.toml", "[[datasets]]\nvideo_directory = \"gone\"\n");
    assert_int_equal(ingest("musubi", 0, &r), ZT_NOTFOUND);
    says("entry 1 of [[datasets]]: video_directory");
    text("dataset.toml", "[[datasets]]\nbatch_size = 1\n");
    assert_int_equal(ingest("musubi", 0, &r), ZT_FORMAT);
    says("names no video_directory");
}

/* ---- tars ---- */

static void test_webdataset(void **state) {
    zt_ingest_report r;
    char path[300], *a, *b, long_name[300] = "deep/", pax[400];
    size_t na, nb;
    zt_str tar = {0};
    (void)state;
    fresh("wds");
    video("a.mp4", 1);
    video("b.mp4", 1);
    snprintf(path, sizeof path, "%s/a.mp4", src);
    assert_int_equal(zt_file_read(path, 1 << 20, &a, &na), ZT_OK);
    unlink(path);
    snprintf(path, sizeof path, "%s/b.mp4", src);
    assert_int_equal(zt_file_read(path, 1 << 20, &b, &nb), ZT_OK);
    unlink(path);
    memset(long_name + 5, 'k', 150);
    snprintf(long_name + 155, sizeof long_name - 155, ".mp4");
    snprintf(pax, sizeof pax, "173 path=%s\n", long_name);
    assert_int_equal(strlen(pax), 173 - 4); /* the number counts itself */
    snprintf(pax, sizeof pax, "169 path=%s\n", long_name);
    tar_member(&tar, "./000.json", '0', "{\"caption\":\"of JSON\",\"url\":\"https://x.example/v\"}", 49);
    tar_member(&tar, "./000.mp4", '0', a, na);
    tar_member(&tar, "./000.txt", '0', "a red ball\n", 11);
    tar_member(&tar, "folder", '5', "", 0);
    tar_member(&tar, "PaxHeader", 'x', pax, strlen(pax));
    tar_member(&tar, "cut", '0', b, nb);
    tar_member(&tar, "2.jpg", '0', "no video", 8);
    tar_end(&tar);
    put_file("00000.tar", tar.buf, tar.len);
    zt_dataset *ds = ingested("webdataset", &r);
    assert_true(zt_dataset_count(ds, NULL) == 2 && r.new_ok == 2);
    has(ds, "train", "a red ball", "{}");
    has(ds, "train", "", "{}");
    zt_dataset_close(&ds);
    assert_int_equal(ingest("webdataset", 0, &r), ZT_OK);
    assert_int_equal(r.done_before, 2); /* the same again: nothing new */
    /* Names that lead out, and a cut archive. */
    static const char *const EVIL[] = {"../x.mp4", "a/../../x.mp4", "/etc/x.mp4", "x/..", "\xff.mp4"};
    for (size_t i = 0; i < sizeof EVIL / sizeof *EVIL; i++) {
        tar.len = 0;
        tar_member(&tar, "ok.mp4", '0', a, na);
        tar_member(&tar, EVIL[i], '0', b, nb);
        tar_end(&tar);
        put_file("00000.tar", tar.buf, tar.len);
        assert_int_equal(ingest("webdataset", 0, &r), ZT_FORMAT);
        says("such archives are refused");
    }
    put_file("00000.tar", tar.buf, tar.len - 600);
    assert_int_equal(ingest("webdataset", 0, &r), ZT_FORMAT);
    tar.len = 0;
    tar_member(&tar, "ok.mp4", '0', a, na);
    tar_member(&tar, "PaxHeader", 'x', "99999999999999999999 path=x\n", 28);
    tar_end(&tar);
    put_file("00000.tar", tar.buf, tar.len);
    assert_int_equal(ingest("webdataset", 0, &r), ZT_FORMAT);
    says("pax header");
    zt_str_finish(&tar);
    zt_free(a);
    zt_free(b);
}

/* ---- arrays ---- */

static void bair_file(const char *name, int trajectories, int frames) {
    zt_str file = {0}, map = {0}, message = {0};
    static uint8_t image[SIDE * SIDE * 3];
    for (int i = 0; i < trajectories; i++) {
        for (int t = 0; t < frames; t++) {
            char key[40];
            memset(image, 10 * i + t, sizeof image);
            snprintf(key, sizeof key, "%d/image_aux1/encoded", t);
            put_bytes_feature(&map, key, image, sizeof image);
            snprintf(key, sizeof key, "%d/action", t);
            put_float_feature(&map, key, (float[]){(float)i, (float)t, 0.5f, -1}, 4);
            snprintf(key, sizeof key, "%d/endeffector_pos", t);
            put_float_feature(&map, key, (float[]){(float)t, 2, 3}, 3);
        }
        put_message(&message, 1, &map);
        put_record(&file, &message);
        message.len = 0;
    }
    put_file(name, file.buf, file.len);
    zt_str_finish(&file);
    zt_str_finish(&map);
    zt_str_finish(&message);
}

static void test_bair(void **state) {
    zt_ingest_report r;
    zt_npy_info info;
    zt_clip_view v;
    (void)state;
    fresh("bair");
    bair_file("train/traj_0_to_1.tfrecords", 2, 20); /* 2 x (8 + 8), 4 frames are left over */
    bair_file("test/traj_0_to_0.tfrecords", 1, 9);
    zt_dataset *ds = ingested("bair", &r);
    assert_true(r.files == 2 && r.new_ok == 2 && r.train == 4 && r.test == 1 && r.new_clips == 5);
    assert_int_equal(zt_dataset_clip(ds, "train", 3, &v), ZT_OK); /* the second piece of the second trajectory */
    assert_true(v.frames == 8 && v.height == SIDE && v.rgb[0] == 10 + 8 && v.rgb[7 * SIDE * SIDE * 3] == 10 + 15);
    const float *action = zt_dataset_truth(ds, &v, "action", &info), *where = zt_dataset_truth(ds, &v, "state", &info);
    assert_true(action && info.n == 2 && info.shape[0] == 8 && info.shape[1] == 3);
    assert_true(action[0] == 1 && action[1] == 8 && action[4 * 7 + 1] == 15 && where[3 * 7] == 15);
    zt_dataset_close(&ds);
    assert_int_equal(ingest("bair", 0, &r), ZT_OK);
    assert_true(r.done_before == 2 && r.new_clips == 0 && r.train == 4);
    /* A damaged record ends the run; files before it stay. */
    char path[300], *bytes;
    size_t n;
    snprintf(path, sizeof path, "%s/train/traj_0_to_1.tfrecords", src);
    assert_int_equal(zt_file_read(path, 1 << 24, &bytes, &n), ZT_OK);
    bytes[n - 100] ^= 1;
    put_file("train/traj_2_to_3.tfrecords", bytes, n);
    zt_free(bytes);
    assert_int_equal(ingest("bair", 0, &r), ZT_FORMAT);
    says("does not fit its check sum");
    assert_int_equal(zt_dataset_open(&ds, out), ZT_OK);
    assert_int_equal(zt_dataset_count(ds, NULL), 5);
    zt_dataset_close(&ds);
}

static void test_moving_mnist(void **state) {
    enum { T = 20, N = 3, D = 32 };
    zt_ingest_report r;
    zt_clip_view v;
    uint8_t head[ZT_NPY_HEADER_CAP];
    size_t len;
    zt_str npy = {0};
    (void)state;
    fresh("mnist");
    assert_int_equal(zt_npy_header(head, 'u', 1, 4, (int64_t[]){T, N, D, D}, &len), ZT_OK);
    zt_str_addn(&npy, head, len);
    for (int t = 0; t < T; t++)
        for (int i = 0; i < N * D * D; i++) zt_str_addn(&npy, &(uint8_t){(uint8_t)(t + 50 * (i / (D * D)))}, 1);
    put_file("mnist_test_seq.npy", npy.buf, npy.len);
    zt_dataset *ds = ingested("moving-mnist", &r);
    assert_int_equal(zt_dataset_count(ds, NULL), 6);
    assert_int_equal(zt_dataset_clip(ds, NULL, 5, &v), ZT_OK);
    assert_true(v.height == SIDE && v.rgb[0] == 100 + 8 && v.rgb[1] == v.rgb[0] && v.rgb[7 * SIDE * SIDE * 3 + 5] == 100 + 15);
    assert_string_equal(v.caption, "two handwritten digits move");
    zt_dataset_close(&ds);
    zt_str_finish(&npy);
}

static zt_err first_set(void *ctx, const zt_cache_summary *s) {
    *(zt_cache_summary *)ctx = *s;
    return ZT_OK;
}

static void test_youtube8m(void **state) {
    zt_ingest_report r;
    zt_str map = {0}, message = {0}, file = {0};
    static uint8_t rgb[5 * 1024], audio[5 * 128];
    zt_cache_summary s = {0};
    (void)state;
    fresh("yt8m");
    for (int i = 0; i < 2; i++) {
        memset(rgb, 100 + i, sizeof rgb);
        memset(audio, 10 + i, sizeof audio);
        put_bytes_feature(&map, "id", i ? "Zz-_" : "abcd", 4);
        put_int_feature(&map, "labels", (int64_t[]){3, 700 + i}, 2);
        put_message(&message, 1, &map);
        put_frames(&map, "rgb", rgb, (size_t)(5 - i), 1024);
        put_frames(&map, "audio", audio, (size_t)(5 - i), 128);
        put_message(&message, 2, &map);
        put_record(&file, &message);
        message.len = 0;
    }
    put_file("train00.tfrecord", file.buf, file.len);
    assert_int_equal(ingest("youtube8m", 0, &r), ZT_OK);
    assert_true(r.arrays == 2 && r.done_before == 0);
    assert_int_equal(zt_cache_list(out, first_set, &s), ZT_OK);
    assert_true(s.info.kind == ZT_CACHE_FEATURES && s.clips == 2 && s.arrays == 6);
    zt_cache *c = NULL;
    zt_cache_array a;
    bool found;
    char content[65];
    assert_int_equal(zt_cache_open(&c, out, "youtube8m", &s.info), ZT_OK);
    size_t pos = 0;
    zt_bytes record;
    bool end;
    for (int i = 0; i < 2; i++)
        assert_int_equal(zt_tfrecord_next((uint8_t *)file.buf, file.len, "f", &pos, &record, &end), ZT_OK);
    assert_int_equal(zt_sha256(record.p, record.n, content), ZT_OK);
    assert_int_equal(zt_cache_find(c, "Zz-_", content, "rgb", &a, &found), ZT_OK);
    assert_true(found && a.shape[0] == 4 && a.shape[1] == 1024 && ((const uint8_t *)a.data)[4095] == 101);
    assert_int_equal(zt_cache_find(c, "Zz-_", content, "labels", &a, &found), ZT_OK);
    assert_true(found && a.kind == 'i' && a.shape[0] == 2 && ((const int64_t *)a.data)[1] == 701);
    zt_cache_close(&c);
    assert_int_equal(ingest("youtube8m", 0, &r), ZT_OK);
    assert_int_equal(r.done_before, 2);
    file.buf[40] ^= 1;
    put_file("train00.tfrecord", file.buf, file.len);
    const zt_layout *l = zt_layout_find("youtube8m");
    const zt_ingest_cfg cfg = {.out = out};
    assert_int_equal(l->store(src, &cfg, &r), ZT_FORMAT);
    zt_str_finish(&map);
    zt_str_finish(&message);
    zt_str_finish(&file);
}

/* Plain folders are no layout. */
static void test_none(void **state) {
    (void)state;
    fresh("plain");
    text("captions.tsv", "file\tcaption\na.mp4\tx\n");
    text("other.csv", "a,b\n1,2\n");
    text("settings.toml", "a = 1\n");
    text("numbers.npy", "no array");
    text("x.tar", "no tar at all");
    text("x.tfrecord", "nor this");
    assert_null(zt_layout_detect(src));
    assert_null(zt_layout_detect("/nonexistent"));
    assert_null(zt_layout_find("files"));
    for (int i = 0; i < 13; i++) assert_ptr_equal(zt_layout_find(zt_layout_at(i)->name), zt_layout_at(i));
    assert_null(zt_layout_at(13));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucf101),     cmocka_unit_test(test_kinetics), cmocka_unit_test(test_webvid),
        cmocka_unit_test(test_ssv2),       cmocka_unit_test(test_musubi),   cmocka_unit_test(test_path_tables),
        cmocka_unit_test(test_webdataset), cmocka_unit_test(test_bair),     cmocka_unit_test(test_moving_mnist),
        cmocka_unit_test(test_youtube8m),  cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
