/* err.h - error codes and the text of the last failure.
 * Every call that can fail returns a zt_err. The code says what kind of failure it was; the text, kept per thread,
 * says what was found, what was wanted and what to do next. */
#ifndef ZT_ERR_H
#define ZT_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ZT_API __attribute__((visibility("default")))
#else
#define ZT_API
#endif

/* One list: enum, name and meaning come from here. */
#define ZT_ERR_LIST(X) \
    X(OK, "success") \
    X(ARG, "an argument or option is wrong") \
    X(SHAPE, "tensor shapes do not fit") \
    X(NOMEM, "out of memory") \
    X(IO, "a file could not be read or written") \
    X(FORMAT, "a file's content is damaged or of an unknown kind") \
    X(CONFIG, "a configuration key or value is wrong") \
    X(NOTFOUND, "a file, name or entry does not exist") \
    X(NONFINITE, "a NaN or infinity appeared") \
    X(CANCELLED, "stopped by the user") \
    X(DIVERGED, "training leads nowhere any more") \
    X(UNSUPPORTED, "this build or machine cannot do it") \
    X(INTERNAL, "a bug in zoetrope")

typedef enum zt_err {
#define ZT_ERR_ENUM(name, text) ZT_##name,
    ZT_ERR_LIST(ZT_ERR_ENUM)
#undef ZT_ERR_ENUM
} zt_err;

/** Name of a code, such as "SHAPE". Static storage; never NULL. Any thread. */
ZT_API const char *zt_err_name(zt_err e);

/** Text of the calling thread's last failure ("" before the first). Valid until this thread's next failing call. */
ZT_API const char *zt_err_text(void);

#ifdef __cplusplus
}
#endif
#endif
