/* peak.h - the machine's measured f32 matmul rate. */
#ifndef ZT_PEAK_H
#define ZT_PEAK_H
#include <stdint.h>

/** Best rate in GFLOP/s of an n x n x n f32 matmul, repeated for about `seconds` (at least three times). 0 on failure. */
double zt_matmul_peak_gflops(int64_t n, double seconds);
#endif
