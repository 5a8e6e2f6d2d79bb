/* bpe_pieces.h - what training, encoding and loading share; private to src/text. */
#ifndef ZT_BPE_PIECES_H
#define ZT_BPE_PIECES_H
#include "text/bpe.h"

/** Cuts a text into normalised pieces. Start with { text, true }. */
typedef struct zt_bpe_pieces { const char *p; bool start; } zt_bpe_pieces;
/** The next piece into out; its length, 0 at the end. */
int zt_bpe_next_piece(zt_bpe_pieces *s, uint8_t out[ZT_BPE_PIECE]);

/** Merge the pair (a,b) into `id` wherever it is in ids[n], from the left; the new length. */
int zt_bpe_merge(int32_t *ids, int n, int32_t a, int32_t b, int32_t id);

/** Make tok->len and the pair index from tok->merge. ZT_FORMAT for an id that is not older than its merge, a pair that is there
 *  twice, a token above ZT_BPE_PIECE bytes. */
zt_err zt_bpe_index(zt_bpe *tok, const char *where);
#endif
