/* peak.h - the machine's measured rates: matmul and memory. */
#ifndef ZT_PEAK_H
#define ZT_PEAK_H
#include <stdint.h>
#include "tensor/shape.h"

/** Best rate in GFLOP/s of an n x n x n matmul that multiplies in t (ZT_F32, or ZT_BF16 with the rounding of its f32 operands),
 *  repeated for about `seconds` (at least three times). 0 on failure. */
double zt_matmul_peak_gflops(zt_dtype t, int64_t n, double seconds);
/** Best rate in GB/s (read plus written) of copying 64 MiB on all cores, repeated for about `seconds` (at least twice). 0 on
 *  failure. */
double zt_memory_peak_gbytes(double seconds);
#endif
