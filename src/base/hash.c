/* hash.c - SHA-256 (FIPS 180-4) through OpenSSL's EVP interface. Signatures are not here, they are trust's. */
#include "base/hash.h"
#include <openssl/evp.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

enum { PIECE = 1 << 20 };

static zt_err begin(EVP_MD_CTX **ctx) {
    *ctx = EVP_MD_CTX_new();
    if (*ctx && EVP_DigestInit_ex(*ctx, EVP_sha256(), NULL) == 1) return ZT_OK;
    EVP_MD_CTX_free(*ctx);
    *ctx = NULL;
    return zt_fail(ZT_INTERNAL, "OpenSSL could not start a SHA-256; check the installed libcrypto");
}

static zt_err finish(EVP_MD_CTX *ctx, char hex[65]) {
    static const char digit[] = "0123456789abcdef";
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_DigestFinal_ex(ctx, md, &n) != 1 || n != 32)
        return zt_fail(ZT_INTERNAL, "OpenSSL could not finish a SHA-256; check the installed libcrypto");
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digit[md[i] >> 4];
        hex[2 * i + 1] = digit[md[i] & 15];
    }
    hex[64] = 0;
    return ZT_OK;
}

zt_err zt_sha256(const void *bytes, size_t n, char hex[65]) {
    EVP_MD_CTX *ctx;
    zt_err e;
    hex[0] = 0;
    ZT_TRY(e = begin(&ctx), done);
    if (EVP_DigestUpdate(ctx, n ? bytes : "", n) != 1)
        e = zt_fail(ZT_INTERNAL, "OpenSSL could not hash %zu bytes; check the installed libcrypto", n);
    else
        e = finish(ctx, hex);
done:
    EVP_MD_CTX_free(ctx);
    return e;
}

static zt_err hash_fd(int fd, const char *path, EVP_MD_CTX *ctx, char *buf) {
    for (;;) {
        ssize_t n = read(fd, buf, PIECE);
        if (n == 0) return ZT_OK;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return zt_fail(ZT_IO, "%s: reading failed: %s", path, strerror(errno));
        if (EVP_DigestUpdate(ctx, buf, (size_t)n) != 1)
            return zt_fail(ZT_INTERNAL, "OpenSSL could not hash %s; check the installed libcrypto", path);
    }
}

zt_err zt_sha256_file(const char *path, char hex[65]) {
    EVP_MD_CTX *ctx = NULL;
    char *buf = NULL;
    struct stat st;
    zt_err e;
    hex[0] = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* non-blocking: a FIFO must not hang us */
    if (fd < 0) {
        e = zt_fail(errno == ENOENT || errno == ENOTDIR ? ZT_NOTFOUND : ZT_IO, "%s: cannot be opened: %s", path, strerror(errno));
        goto done;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        e = zt_fail(ZT_IO, "%s: is not a regular file; give a file", path);
        goto done;
    }
    buf = zt_alloc(PIECE);
    if (!buf) {
        e = ZT_NOMEM;
        goto done;
    }
    ZT_TRY(e = begin(&ctx), done);
    ZT_TRY(e = hash_fd(fd, path, ctx, buf), done);
    e = finish(ctx, hex);
done:
    EVP_MD_CTX_free(ctx);
    zt_free(buf);
    if (fd >= 0) (void)close(fd);
    return e;
}
