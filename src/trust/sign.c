/* sign.c - see sign.h. Tested by tests/trust/test_trust_consent.c. */
#include "trust/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum { KEY_BYTES = 32, SIGNATURE_BYTES = 64, PEM_MAX = 1 << 16 };

static void to_hex(const unsigned char *bytes, size_t n, char *hex) {
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = digit[bytes[i] >> 4];
        hex[2 * i + 1] = digit[bytes[i] & 15];
    }
    hex[2 * n] = '\0';
}

static bool from_hex(const char *hex, unsigned char *bytes, size_t n) {
    if (strlen(hex) != 2 * n || strspn(hex, "0123456789abcdef") != 2 * n) return false;
    for (size_t i = 0; i < 2 * n; i++) {
        const int v = hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10;
        bytes[i / 2] = (unsigned char)(i % 2 ? bytes[i / 2] | v : v << 4);
    }
    return true;
}

static zt_err openssl_failed(const char *doing) {
    return zt_fail(ZT_INTERNAL, "OpenSSL could not %s; check the installed libcrypto (Ed25519 needs 1.1.1 or later)", doing);
}

/* What was written into `bio` to PATH, which must be new. */
static zt_err save_new(BIO *bio, const char *path, mode_t mode) {
    char *text;
    const long len = BIO_get_mem_data(bio, &text);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return errno == EEXIST
                   ? zt_fail(ZT_ARG, "%s: is there already, and a key is never overwritten; choose another name", path)
                   : zt_fail(ZT_IO, "%s: cannot be written: %s", path, strerror(errno));
    bool ok = len > 0 && write(fd, text, (size_t)len) == len && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (ok) return ZT_OK;
    (void)unlink(path);
    return zt_fail(ZT_IO, "%s: could not be written whole; is the disk full?", path);
}

zt_err zt_key_make(const char *path) {
    char public_path[ZT_PATH_MAX];
    zt_err e;
    EVP_PKEY *key = NULL;
    BIO *secret = BIO_new(BIO_s_secmem()), *open_half = BIO_new(BIO_s_mem());
    ZT_TRY(e = zt_format(public_path, sizeof public_path, "%s.pub", path), done);
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!key || !secret || !open_half || !PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL)
        || !PEM_write_bio_PUBKEY(open_half, key)) {
        e = openssl_failed("make a key");
        goto done;
    }
    ZT_TRY(e = save_new(secret, path, 0600), done);
    if ((e = save_new(open_half, public_path, 0666)) != ZT_OK) (void)unlink(path);
done:
    BIO_free(secret);
    BIO_free(open_half);
    EVP_PKEY_free(key);
    return e;
}

/* No key of ours has a pass phrase; without this OpenSSL would ask for one on the terminal. */
static int no_pass_phrase(char *buf, int size, int writing, void *ctx) {
    (void)buf, (void)size, (void)writing, (void)ctx;
    return -1;
}

static zt_err load(const char *path, bool want_private, EVP_PKEY **key) {
    char *text = NULL;
    size_t len;
    zt_err e;
    *key = NULL;
    ZT_TRY(e = zt_file_read(path, PEM_MAX, &text, &len), done);
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    const bool is_public = strstr(text, "-----BEGIN PUBLIC KEY-----") != NULL;
    if (bio) *key = is_public ? PEM_read_bio_PUBKEY(bio, NULL, no_pass_phrase, NULL)
                              : PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    BIO_free(bio);
    if (!*key || !EVP_PKEY_is_a(*key, "ED25519"))
        e = zt_fail(ZT_FORMAT, "%s: holds no Ed25519 key without pass phrase in PEM form; `zoe data consent key` makes one",
                    path);
    else if (want_private && is_public)
        e = zt_fail(ZT_FORMAT, "%s: is a public key, which checks signatures; signing takes the private one", path);
done:
    if (text) OPENSSL_cleanse(text, len);
    zt_free(text);
    return e;
}

static zt_err public_hex(EVP_PKEY *key, char hex[ZT_SIGN_KEY_HEX + 1]) {
    unsigned char raw[KEY_BYTES];
    size_t n = sizeof raw;
    if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1 || n != sizeof raw) return openssl_failed("read a public key");
    to_hex(raw, sizeof raw, hex);
    return ZT_OK;
}

zt_err zt_key_read(const char *path, char hex[ZT_SIGN_KEY_HEX + 1]) {
    EVP_PKEY *key = NULL;
    zt_err e = load(path, false, &key);
    if (e == ZT_OK) e = public_hex(key, hex);
    EVP_PKEY_free(key);
    return e;
}

zt_err zt_signature_make(const char *path, const void *bytes, size_t n, char signature[ZT_SIGN_HEX + 1],
                         char hex[ZT_SIGN_KEY_HEX + 1]) {
    EVP_PKEY *key = NULL;
    EVP_MD_CTX *ctx = NULL;
    unsigned char raw[SIGNATURE_BYTES];
    size_t len = sizeof raw;
    zt_err e;
    ZT_TRY(e = load(path, true, &key), done);
    ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 || EVP_DigestSign(ctx, raw, &len, bytes, n) != 1
        || len != sizeof raw) {
        e = openssl_failed("sign");
        goto done;
    }
    to_hex(raw, sizeof raw, signature);
    e = public_hex(key, hex);
done:
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return e;
}

bool zt_signature_fits(const char *key_hex, const char *signature, const void *bytes, size_t n) {
    unsigned char raw_key[KEY_BYTES], raw[SIGNATURE_BYTES];
    if (!from_hex(key_hex, raw_key, sizeof raw_key) || !from_hex(signature, raw, sizeof raw)) return false;
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw_key, sizeof raw_key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const bool ok = key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1
                    && EVP_DigestVerify(ctx, raw, sizeof raw, bytes, n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}
