/* onednn.h - oneDNN 2.6's C API behind kernel entries: matmul, conv, conv_dx, and conv_dw with groups. dnnl.h stays in this
 * folder. A build without oneDNN (CMake finds no dnnl, or ZT_ONEDNN=OFF) has nothing of this: kernels/conv.c and gemm.c serve. */
#ifndef ZT_BACKENDS_ONEDNN_H
#define ZT_BACKENDS_ONEDNN_H
#include "backends/cpu/cpu.h"

/** Make the engine; oneDNN then uses no instructions above `level`. Once, before any kernel is prepared. */
void zt_onednn_setup(zt_cpu_level level);
extern const zt_cpu_entry zt_k_onednn[];
/** Name of the implementation oneDNN chose for a prepared node's main primitive, such as "brgconv:avx512_core". */
const char *zt_onednn_implementation(const void *prepared);
#endif
