/* bpe.h - byte-level byte-pair tokenizer learned from captions. Not a text encoder: it only turns text into ids and back.
 * Source: Sennrich, Haddow & Birch 2016, arXiv:1508.07909; over bytes, so that any text has an encoding.
 *
 * Text is normalised first: ASCII letters become lower case, runs of white space (space, \t \n \v \f \r) one space, none at
 * either end; other bytes stay. A piece is an optional space and a run of either ASCII punctuation or anything else, cut
 * after ZT_BPE_PIECE bytes; merges never cross pieces. The first piece gets a space too, so "red" has the same ids everywhere. */
#ifndef ZT_TEXT_BPE_H
#define ZT_TEXT_BPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

enum {
    ZT_BPE_END = 0,             /* padding and end of text */
    ZT_BPE_BYTE = 1,            /* ids 1..256 are bytes 0..255 */
    ZT_BPE_MERGE = 257,         /* ids from here on are merges, in the order learned */
    ZT_BPE_MAX_VOCAB = 65536,
    ZT_BPE_PIECE = 64           /* longest piece and longest token, bytes */
};

/** Zero-initialise. vocab_size = ZT_BPE_MERGE + n_merges: every id is in 0..vocab_size-1. Read-only after train or load, so
 *  any number of threads may encode and decode. */
typedef struct zt_bpe {
    int vocab_size, n_merges;
    int32_t (*merge)[2];        /* [n_merges] the two older ids */
    uint8_t *len;               /* [vocab_size] bytes of each token, 1..ZT_BPE_PIECE (0 for the end) */
    int32_t *slot;              /* hash index over pairs: merge number + 1, 0 empty */
    int n_slots;
} zt_bpe;

/** Learn merges from texts[n] (NUL-terminated) until vocab_size ids exist or no pair occurs twice; so the result may be smaller
 *  than asked. The same texts in any order give the same tokenizer. vocab_size: ZT_BPE_MERGE..ZT_BPE_MAX_VOCAB (ZT_ARG). */
zt_err zt_bpe_train(zt_bpe *tok, const char *const *texts, int64_t n, int vocab_size);
/** ids[0..count) of the text, the rest of ids[max] set to ZT_BPE_END; returns count. What does not fit is cut and *truncated set
 *  (NULL: not wanted). Any bytes are accepted; user text goes through zt_prompt_check first. Allocates nothing. */
int zt_bpe_encode(const zt_bpe *tok, const char *text, int32_t *ids, int max, bool *truncated);
/** Appends the text of ids[n] up to the first ZT_BPE_END, without the leading space. ZT_ARG for an id outside the vocabulary. */
zt_err zt_bpe_decode(const zt_bpe *tok, const int32_t *ids, int n, zt_str *out);
/** Appends the normalised text: what decode(encode(text)) gives. */
void zt_bpe_normalise(const char *text, zt_str *out);

/** tokenizer.json: {"format":"zoetrope-bpe","version":1,"vocab_size":V,"merges":[[a,b],..]}, merge k makes id 257+k from two
 *  older ids. Load checks everything (ZT_FORMAT); a failed load leaves *tok empty. */
zt_err zt_bpe_save(const zt_bpe *tok, const char *path);
zt_err zt_bpe_load(zt_bpe *tok, const char *path);
/** As load, from bytes; `where` names them in errors. */
zt_err zt_bpe_parse(zt_bpe *tok, const char *json, size_t len, const char *where);
void zt_bpe_finish(zt_bpe *tok);
#endif
