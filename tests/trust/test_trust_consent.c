/* test_trust_consent.c - signatures, consent records and policies: what holds, what is refused and why; a changed record, key or
 * date never passes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "data/dataset.h"
#include "data/store.h"
#include "trust/consent.h"
#include "trust/policy.h"
#include "trust/sign.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char folder[64], key[128], public_key[160], other_key[128], dir[128], policy_file[128];

static void ok(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-trust-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder)) return -1;
    snprintf(key, sizeof key, "%s/key", folder);
    snprintf(public_key, sizeof public_key, "%s.pub", key);
    snprintf(other_key, sizeof other_key, "%s/other", folder);
    snprintf(dir, sizeof dir, "%s/set", folder);
    snprintf(policy_file, sizeof policy_file, "%s/policy.yaml", folder);
    return zt_key_make(key) == ZT_OK && zt_key_make(other_key) == ZT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

/* Six clips: two of source A, two of B, two without a source file; licences differ. */
static void make_set(void) {
    static const char *const LICENCE[] = {"CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "House rules", ""};
    static const char *const SOURCE[] = {"/v/a.mp4", "/v/a.mp4", "/v/b.mp4", "/v/b.mp4", "world", "world"};
    static const char *const HASH[] = {HASH_A, HASH_A, HASH_B, HASH_B, "", ""};
    uint8_t rgb[2 * 4 * 4 * 3] = {0};
    zt_store *s = NULL;
    ok(zt_dir_remove(dir));
    ok(zt_store_open(&s, dir, 0));
    for (int i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof name, "%08d", i + 1);
        const zt_catalog_clip k = {.key = name, .frames = 2, .height = 4, .width = 4, .fps = 8, .source = SOURCE[i],
                                   .source_hash = HASH[i], .split = "train", .licence = LICENCE[i]};
        ok(zt_store_add(s, &k, rgb, NULL, 0));
    }
    ok(zt_store_flush(s, 1));
    zt_store_close(&s);
}

static void write_policy(const char *text) { ok(zt_file_write(policy_file, text, strlen(text))); }

/* Change the catalogue behind the program's back. */
static void tamper(const char *sql) {
    char path[160];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/catalog.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    sqlite3_close(db);
}

static void add_consent(const char *subject, unsigned scope, const char *date, const char *expires, const char *source,
                        const char *signer, char id[65]) {
    zt_catalog *c = NULL;
    const zt_consent_new k = {.subject = subject, .scope = scope, .date = date, .expires = expires,
                              .clips = {.source = source}, .by_source = true};
    ok(zt_catalog_create(&c, dir));
    ok(zt_consent_add(c, &k, signer, id));
    zt_catalog_close(&c);
}

static int64_t refused(zt_admission *a, zt_refusal why) {
    zt_policy p;
    ok(zt_policy_load(&p, policy_file));
    ok(zt_admit(a, dir, &p));
    const int64_t n = a->count[why];
    zt_admission_finish(a);
    return n;
}

/* ---- signatures ---- */

static void test_sign(void **state) {
    char sig[ZT_SIGN_HEX + 1], hex[ZT_SIGN_KEY_HEX + 1], other[ZT_SIGN_KEY_HEX + 1], path[160];
    struct stat st;
    (void)state;
    ok(zt_signature_make(key, "words", 5, sig, hex));
    ok(zt_key_read(public_key, other));
    assert_string_equal(hex, other);
    assert_true(zt_signature_fits(hex, sig, "words", 5));
    assert_false(zt_signature_fits(hex, sig, "wordz", 5));
    assert_false(zt_signature_fits(hex, sig, "words", 4));
    ok(zt_key_read(other_key, other));
    assert_false(zt_signature_fits(other, sig, "words", 5));
    for (int i = 0; i < ZT_SIGN_HEX; i += 17) {
        const char was = sig[i];
        sig[i] = was == '0' ? '1' : '0';
        assert_false(zt_signature_fits(hex, sig, "words", 5));
        sig[i] = was;
    }
    assert_false(zt_signature_fits("", "", "words", 5));
    assert_false(zt_signature_fits(hex, "zz", "words", 5));
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);                /* a private key is private */
    assert_int_equal(zt_key_make(key), ZT_ARG);
    says("never overwritten");
    assert_int_equal(zt_signature_make(public_key, "words", 5, sig, hex), ZT_FORMAT);
    says("is a public key");
    snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(zt_key_read(path, hex), ZT_NOTFOUND);
    ok(zt_file_write(path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 60));
    assert_int_equal(zt_key_read(path, hex), ZT_FORMAT);
    says("no Ed25519 key");
}

/* RFC 8032, section 7.1, test 2. */
static void test_sign_reference(void **state) {
    (void)state;
    assert_true(zt_signature_fits("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                               "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
                               "387b2eaeb4302aeeb00d291612bb0c00", "\x72", 1));
}

/* ---- records ---- */

static void test_dates(void **state) {
    static const char *const GOOD[] = {"2024-02-29", "2000-02-29", "1999-12-31"};
    static const char *const BAD[] = {"", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-1-01", "2024-01-32",
                                      "2024-01-00", "24-01-01", "2024/01/01", "2024-01-01x", "2024--1-01", "-024-01-01"};
    char today[11];
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) assert_true(zt_date_valid(GOOD[i]));
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) assert_false(zt_date_valid(BAD[i]));
    zt_today(today);
    assert_true(zt_date_valid(today));
}

static zt_consent_state state_on(const char *today, const char *trusted) {
    zt_catalog *c = NULL;
    zt_consents s;
    ok(zt_catalog_open(&c, dir));
    ok(zt_consents_load(&s, c, trusted, today));
    assert_int_equal(s.n, 1);
    const zt_consent_state state = s.consent[0].state;
    zt_consents_finish(&s);
    zt_catalog_close(&c);
    return state;
}

static void test_record_states(void **state) {
    char id[65], hex[65], other[65];
    (void)state;
    make_set();
    ok(zt_key_read(key, hex));
    ok(zt_key_read(other_key, other));
    add_consent("Anna", ZT_SCOPE_TRAINING, "2025-01-01", "2026-06-30", "*a.mp4", key, id);
    assert_int_equal(state_on("2026-01-01", NULL), ZT_CONSENT_VALID);
    assert_int_equal(state_on("2026-06-30", hex), ZT_CONSENT_VALID);      /* its last day counts */
    assert_int_equal(state_on("2026-07-01", hex), ZT_CONSENT_EXPIRED);
    assert_int_equal(state_on("2024-12-31", hex), ZT_CONSENT_EARLY);
    assert_int_equal(state_on("2026-01-01", other), ZT_CONSENT_UNTRUSTED);
}

/* Every field of the stored row: whatever is changed, the record counts for nothing. */
static void test_tampering(void **state) {
    static const char *const CHANGE[] = {
        "UPDATE consents SET record = replace(record, '2026-06-30', '2036-06-30')",
        "UPDATE consents SET record = replace(record, 'training', 'commercial')",
        "UPDATE consents SET record = replace(record, '" HASH_A "', '" HASH_B "')",
        "UPDATE consents SET record = record || ' '",
        "UPDATE consents SET signature = iif(signature LIKE '00%', '01', '00') || substr(signature, 3)",
        "UPDATE consents SET public_key = '" HASH_A "'",
        "UPDATE consents SET id = '" HASH_B "'",
    };
    char id[65];
    (void)state;
    for (size_t i = 0; i < sizeof CHANGE / sizeof *CHANGE; i++) {
        make_set();
        add_consent("Anna", ZT_SCOPE_TRAINING, "2025-01-01", "2026-06-30", "*a.mp4", key, id);
        assert_int_equal(state_on("2026-01-01", NULL), ZT_CONSENT_VALID);
        tamper(CHANGE[i]);
        assert_int_equal(state_on("2026-01-01", NULL), ZT_CONSENT_TAMPERED);
    }
}

/* Each record names those before it: one that is taken away is missed, unless it was the last. */
static void test_taken_away(void **state) {
    static const int MISSING[] = {1, 1, 0};
    (void)state;
    for (int gone = 0; gone < 3; gone++) {
        char id[3][65], sql[110];
        zt_catalog *c = NULL;
        zt_consents s;
        make_set();
        for (int i = 0; i < 3; i++)
            add_consent(i ? "Bert" : "Anna", ZT_SCOPE_TRAINING, i == 2 ? "2025-02-01" : "2025-01-01", "", "*a.mp4", key, id[i]);
        snprintf(sql, sizeof sql, "DELETE FROM consents WHERE id = '%.64s'", id[gone]);
        tamper(sql);
        ok(zt_catalog_open(&c, dir));
        ok(zt_consents_load(&s, c, NULL, "2026-01-01"));
        assert_int_equal(s.n, 2);
        assert_int_equal(s.missing, MISSING[gone]);
        if (s.missing) assert_string_equal(s.first_missing, id[gone]);
        zt_consents_finish(&s);
        zt_catalog_close(&c);
    }
}

static void test_wrong_records(void **state) {
    zt_catalog *c = NULL;
    char id[65], path[160];
    zt_consent_new k = {.subject = "Anna", .scope = ZT_SCOPE_TRAINING, .date = "2025-01-01", .expires = "", .by_source = true};
    unsigned scope;
    (void)state;
    make_set();
    ok(zt_catalog_create(&c, dir));
    k.clips.source = "*none*";
    assert_int_equal(zt_consent_add(c, &k, key, id), ZT_ARG);
    says("cover nothing");
    k.clips.source = "world";
    assert_int_equal(zt_consent_add(c, &k, key, id), ZT_ARG);
    says("cover it by key");
    k.by_source = false;
    k.expires = "2024-01-01";
    assert_int_equal(zt_consent_add(c, &k, key, id), ZT_ARG);
    says("expiry");
    k.expires = "";
    k.date = "yesterday";
    assert_int_equal(zt_consent_add(c, &k, key, id), ZT_ARG);
    k.date = "2025-01-01";
    k.subject = "";
    assert_int_equal(zt_consent_add(c, &k, key, id), ZT_ARG);
    k.subject = "Anna";
    snprintf(path, sizeof path, "%s/no-release.pdf", folder);
    k.evidence = path;
    assert_int_equal(zt_consent_add(c, &k, key, id), ZT_NOTFOUND);
    k.evidence = NULL;
    ok(zt_consent_add(c, &k, key, id));
    assert_int_equal(zt_consent_add(c, &k, key, id), ZT_ARG);
    says("there already");
    zt_catalog_close(&c);
    assert_int_equal(zt_scope_parse("training,fun", &scope), ZT_ARG);
    says("'fun'");
    assert_int_equal(zt_scope_parse("", &scope), ZT_ARG);
    ok(zt_scope_parse("training,likeness", &scope));
    assert_int_equal(scope, ZT_SCOPE_TRAINING | ZT_SCOPE_LIKENESS);
}

/* ---- policies ---- */

static void test_licence_policy(void **state) {
    zt_admission a;
    zt_policy p;
    (void)state;
    make_set();
    write_policy("people: allow\n");
    assert_int_equal(refused(&a, ZT_REFUSED_UNKNOWN_LICENCE), 1);
    assert_int_equal(refused(&a, ZT_REFUSED_NO_LICENCE), 1);
    assert_int_equal(refused(&a, ZT_REFUSED_NO_DERIVATIVES), 1);
    assert_int_equal(refused(&a, ZT_REFUSED_NONCOMMERCIAL), 0);
    write_policy("people: allow\ncommercial: true\nunknown_licence: allow\nderivatives: false\n");
    assert_int_equal(refused(&a, ZT_REFUSED_NONCOMMERCIAL), 1);
    assert_int_equal(refused(&a, ZT_REFUSED_UNKNOWN_LICENCE), 0);
    assert_int_equal(refused(&a, ZT_REFUSED_NO_LICENCE), 0);
    assert_int_equal(refused(&a, ZT_REFUSED_NO_DERIVATIVES), 0);
    write_policy("people: allow\nlicences: 'cc0-*, House*'\n");
    assert_int_equal(refused(&a, ZT_REFUSED_DENIED_LICENCE), 3);
    assert_int_equal(refused(&a, ZT_REFUSED_NO_LICENCE), 1);
    write_policy("people: allow\nunknown_licence: allow\ndenied: 'CC-BY-N*'\n");
    assert_int_equal(refused(&a, ZT_REFUSED_DENIED_LICENCE), 2);
    ok(zt_policy_load(&p, policy_file));
    ok(zt_admit(&a, dir, &p));
    assert_int_equal(a.n, 4);
    assert_true(zt_admitted(&a, 1) && zt_admitted(&a, 6) && !zt_admitted(&a, 3) && !zt_admitted(&a, 7));
    assert_int_equal(json_array_size(a.credits), 1);          /* CC-BY-4.0 wants its author named, CC0 does not */
    assert_int_equal(zt_admission_settle(&a, dir, &p), ZT_CONFIG);
    says("refuses 2 of 6");
    p.violations = 1;
    ok(zt_admission_settle(&a, dir, &p));
    zt_admission_finish(&a);
}

static void test_policy_errors(void **state) {
    zt_policy p;
    (void)state;
    write_policy("people: allow\ncomercial: true\n");
    assert_int_equal(zt_policy_load(&p, policy_file), ZT_CONFIG);
    says("did you mean");
    write_policy("people: sometimes\n");
    assert_int_equal(zt_policy_load(&p, policy_file), ZT_CONFIG);
    write_policy("people: consent\n");
    assert_int_equal(zt_policy_load(&p, policy_file), ZT_CONFIG);
    says("consent_key");
    write_policy("- a list\n");
    assert_int_equal(zt_policy_load(&p, policy_file), ZT_CONFIG);
}

static void set_people(const char *source, const char *people) {
    zt_catalog *c = NULL;
    int64_t n;
    ok(zt_catalog_create(&c, dir));
    ok(zt_rights_set(c, &(zt_clip_choice){.source = source}, &(zt_rights){.people = people}, &n));
    assert_int_equal(n, 2);
    zt_catalog_close(&c);
}

static void test_people_policy(void **state) {
    zt_admission a;
    char id[65], narrow[65];
    (void)state;
    make_set();
    write_policy("unknown_licence: allow\nderivatives: false\nconsent_key: key.pub\n");
    assert_int_equal(refused(&a, ZT_REFUSED_PEOPLE_UNKNOWN), 6);
    set_people("world", "no");
    set_people("*a.mp4", "yes");
    set_people("*b.mp4", "yes");
    assert_int_equal(refused(&a, ZT_REFUSED_NO_CONSENT), 4);
    add_consent("Anna", ZT_SCOPE_TRAINING, "2025-01-01", "", "*a.mp4", key, id);
    assert_int_equal(refused(&a, ZT_REFUSED_NO_CONSENT), 2);
    add_consent("Bert", ZT_SCOPE_TRAINING, "2020-01-01", "2020-12-31", "*b.mp4", key, narrow);      /* expired */
    assert_int_equal(refused(&a, ZT_REFUSED_NO_CONSENT), 2);
    add_consent("Bert", ZT_SCOPE_TRAINING, "2025-01-01", "", "*b.mp4", other_key, narrow);          /* not our key */
    assert_int_equal(refused(&a, ZT_REFUSED_NO_CONSENT), 2);
    write_policy("unknown_licence: allow\nderivatives: false\nconsent_key: key.pub\nconsent_scope: 'training,likeness'\n");
    assert_int_equal(refused(&a, ZT_REFUSED_NO_CONSENT), 4);
    write_policy("unknown_licence: allow\nderivatives: false\npeople: blurred\n");
    assert_int_equal(refused(&a, ZT_REFUSED_NOT_BLURRED), 4);
}

static void test_revoke(void **state) {
    zt_catalog *c = NULL;
    zt_admission a;
    zt_dataset *ds = NULL;
    char id[65], again[65];
    int64_t dropped, *ids = NULL, n;
    (void)state;
    make_set();
    add_consent("Anna", ZT_SCOPE_TRAINING, "2025-01-01", "", "*a.mp4", key, id);
    add_consent("Bert", ZT_SCOPE_TRAINING, "2025-01-01", "", "*a.mp4", key, again);
    ok(zt_catalog_create(&c, dir));
    ok(zt_consent_revoke(c, id, "asked", "2026-01-01", &dropped, &ids, &n));
    assert_int_equal(dropped, 2);                             /* Bert's consent does not speak for Anna */
    assert_int_equal(n, 2);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 2);
    zt_free(ids);
    ok(zt_consent_revoke(c, id, "again", "2026-02-01", &dropped, &ids, &n));
    assert_int_equal(dropped, 0);
    assert_int_equal(n, 2);                                   /* still the clips whose runs are looked for */
    zt_free(ids);
    assert_int_equal(zt_consent_revoke(c, HASH_A, "", "2026-01-01", &dropped, NULL, NULL), ZT_NOTFOUND);
    zt_catalog_close(&c);
    ok(zt_dataset_open(&ds, dir));
    assert_int_equal(zt_dataset_count(ds, NULL), 4);
    zt_dataset_close(&ds);
    /* Clips that came back under the same source are refused even without a policy. */
    tamper("UPDATE clips SET status = 'ok' WHERE id = 1");
    ok(zt_admit(&a, dir, NULL));
    assert_int_equal(a.count[ZT_REFUSED_REVOKED], 1);
    assert_int_equal(a.n, 4);
    zt_admission_finish(&a);
}

static void test_given_again(void **state) {
    zt_catalog *c = NULL;
    char id[65], again[65];
    int64_t dropped;
    (void)state;
    make_set();
    add_consent("Anna", ZT_SCOPE_TRAINING, "2025-01-01", "", "*a.mp4", key, id);
    add_consent("Anna", ZT_SCOPE_TRAINING, "2025-02-01", "", "*a.mp4", key, again);
    ok(zt_catalog_create(&c, dir));
    ok(zt_consent_revoke(c, id, "", "2025-03-01", &dropped, NULL, NULL));
    assert_int_equal(dropped, 0);
    zt_catalog_close(&c);
}

/* ---- what a run writes down ---- */

static void test_use(void **state) {
    static const int64_t USED[] = {3}, FREE[] = {5, 6};
    zt_admission a;
    zt_policy p;
    char run[128], id[33];
    bool found;
    zt_catalog *c = NULL;
    (void)state;
    make_set();
    snprintf(run, sizeof run, "%s/run", folder);
    ok(zt_dir_make(run));
    write_policy("people: allow\nderivatives: false\n");
    ok(zt_policy_load(&p, policy_file));
    ok(zt_admit(&a, dir, &p));                                /* 1 to 4 */
    ok(zt_use_record(&a, dir, policy_file, run));
    ok(zt_use_record(&a, dir, policy_file, run));             /* a resumed run */
    zt_admission_finish(&a);
    ok(zt_catalog_open(&c, dir));
    ok(zt_rights_dataset_id(c, id));
    zt_catalog_close(&c);
    assert_int_equal(strlen(id), 32);
    ok(zt_use_find(run, id, dir, USED, 1, &found));
    assert_true(found);
    ok(zt_use_find(run, id, dir, FREE, 2, &found));
    assert_false(found);
    ok(zt_use_find(run, "another data set", dir, USED, 1, &found));
    assert_false(found);
    char path[160], *text;
    size_t len;
    snprintf(path, sizeof path, "%s/data_used.json", run);    /* of a data set that could not be given an id */
    ok(zt_file_read(path, 1 << 20, &text, &len));
    char *at = strstr(text, id);
    assert_non_null(at);
    memmove(at, at + 32, strlen(at + 32) + 1);
    ok(zt_file_write(path, text, strlen(text)));
    zt_free(text);
    ok(zt_use_find(run, id, dir, USED, 1, &found));
    assert_true(found);
    ok(zt_use_find(run, id, folder, USED, 1, &found));
    assert_false(found);
    ok(zt_use_find(folder, id, dir, USED, 1, &found));             /* no run */
    assert_false(found);
}

static void test_ranges(void **state) {
    static const int64_t IDS[] = {4, 90};
    static const struct { const char *text; bool meets; } CASE[] = {
        {"1-3,5-89,91", false}, {"4", true}, {"1-90", true}, {"90-", false}, {"", false}, {"x", false}, {"1-3,4-4", true},
        {"5-89,90", true}, {"3;4", false}, {"99999999999999999999-999999999999999999999", false}};
    (void)state;
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) assert_int_equal(zt_ranges_meet(CASE[i].text, IDS, 2), CASE[i].meets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign),           cmocka_unit_test(test_sign_reference), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_record_states),  cmocka_unit_test(test_tampering),      cmocka_unit_test(test_wrong_records),
        cmocka_unit_test(test_licence_policy), cmocka_unit_test(test_policy_errors),  cmocka_unit_test(test_people_policy),
        cmocka_unit_test(test_revoke),         cmocka_unit_test(test_given_again),    cmocka_unit_test(test_use),
        cmocka_unit_test(test_ranges),         cmocka_unit_test(test_taken_away),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
