/* metrics.h - figures about clips that need no network: PSNR, prediction baselines, nearest training clip, variety.
 * Clips are uint8 [T,H,W,3]. Nothing here decides pass or fail. */
#ifndef ZT_EVAL_METRICS_H
#define ZT_EVAL_METRICS_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "eval/judge.h"

#define ZT_PSNR_SAME 100.0   /* dB given to equal clips, where PSNR has no value */

/** Mean squared error of n bytes, 0..65025. 0 when n is 0. Any thread, as all of this header. */
double zt_mse(const uint8_t *a, const uint8_t *b, size_t n);
/** 10 log10(255^2 / mse), at most ZT_PSNR_SAME. */
double zt_psnr(double mse);
/** The two ways to give one number for a clip: of the mean error over all frames (ours unless named otherwise), and the mean of
 *  the frames' own PSNR (higher: quiet frames count more). */
double zt_psnr_of_mean_mse(const uint8_t *a, const uint8_t *b, int T, int H, int W);
double zt_psnr_mean_of_frames(const uint8_t *a, const uint8_t *b, int T, int H, int W);

/* Prediction baselines: out [T,H,W,3] gets the first `context` frames of rgb, then the baseline's guess for the rest. Prediction
 * quality is the error over frames context..T-1 only: zt_mse_after. `out` may not overlap rgb. */
double zt_mse_after(const uint8_t *a, const uint8_t *b, int T, int H, int W, int context);
/** Repeats the last known frame. ZT_ARG unless 1 <= context < T. */
zt_err zt_predict_copy_last(const uint8_t *rgb, int T, int H, int W, int context, uint8_t *out);
/** Moves 4x4 blocks on with the whole-pixel motion (up to 7 pixels) found between the last two known frames.
 *  Errors: ZT_ARG unless 2 <= context < T, ZT_NOMEM. OpenMP inside. */
zt_err zt_predict_constant_motion(const uint8_t *rgb, int T, int H, int W, int context, uint8_t *out);

/* Nearest training clip: has a generator memorised? Distance of two clips: RMS difference (0..255) of their 4x4-pixel means. */
typedef struct zt_neighbours zt_neighbours;
/** For clips of one size. *n is NULL on failure. Errors: ZT_ARG (size < 1 or too large), ZT_NOMEM. One thread at a time adds. */
zt_err zt_neighbours_create(zt_neighbours **n, int T, int H, int W);
/** NULL and *n == NULL are fine; sets *n = NULL. */
void zt_neighbours_destroy(zt_neighbours **n);
/** Add a training clip [T,H,W,3] (copied, 1/16 of its size as floats). ZT_NOMEM. */
zt_err zt_neighbours_add(zt_neighbours *n, const uint8_t *rgb);
int64_t zt_neighbours_count(const zt_neighbours *n);
/** Distance from rgb to the nearest added clip; *index (may be NULL) says which. ZT_ARG when none was added, ZT_NOMEM.
 *  OpenMP inside; several threads may ask at once. */
zt_err zt_neighbours_nearest(const zt_neighbours *n, const uint8_t *rgb, double *distance, int64_t *index);
/** Mean distance generated->training over mean distance held-out->training: near 1 for new clips, near 0 for copies.
 *  0 when held_out is 0. */
double zt_distance_ratio(double mean_generated, double mean_held_out);

/* Variety of judged clips: entropy of what the judge saw, in bits. Zero-initialise. */
typedef struct zt_variety { int64_t n, count[ZT_JUDGE_SHAPES][ZT_JUDGE_COLOURS][ZT_JUDGE_DIRECTIONS]; } zt_variety;
/** Counts valid verdicts only. */
void zt_variety_add(zt_variety *y, const zt_verdict *v);
typedef struct zt_entropy { double shape, colour, direction, joint; } zt_entropy;   /* at most log2 3, 2, 2, log2 48 bits */
zt_entropy zt_variety_entropy(const zt_variety *y);
/** Entropy in bits of counts[n]; 0 when they sum to 0. */
double zt_entropy_bits(const int64_t *counts, int n);
#endif
