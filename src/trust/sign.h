/* sign.h - Ed25519 signatures (RFC 8032) through OpenSSL: proof that a record is what its signer wrote. */
#ifndef ZT_TRUST_SIGN_H
#define ZT_TRUST_SIGN_H
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

enum { ZT_SIGN_KEY_HEX = 64, ZT_SIGN_HEX = 128 };   /* hexadecimal digits of a public key and of a signature */

/** Make a key pair: PATH (PKCS #8 PEM, readable by its owner only) and PATH.pub (SubjectPublicKeyInfo PEM). Errors: ZT_ARG when
 *  PATH is there (a key is never overwritten), ZT_IO, ZT_INTERNAL (OpenSSL). Any thread. */
zt_err zt_key_make(const char *path);
/** The public key in a PEM file, private or public. Errors: ZT_NOTFOUND, ZT_IO, ZT_FORMAT (no Ed25519 key). Any thread. */
zt_err zt_key_read(const char *path, char key[ZT_SIGN_KEY_HEX + 1]);
/** Sign bytes with the private key in PATH; *key is the public half. Errors: as above. Any thread. */
zt_err zt_signature_make(const char *path, const void *bytes, size_t n, char signature[ZT_SIGN_HEX + 1],
                         char key[ZT_SIGN_KEY_HEX + 1]);
/** Whether `signature` (hexadecimal) over bytes is by `key`; false for anything that is no signature or no key. Any thread. */
bool zt_signature_fits(const char *key, const char *signature, const void *bytes, size_t n);
#endif
