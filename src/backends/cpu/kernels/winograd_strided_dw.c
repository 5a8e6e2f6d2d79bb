/* winograd_strided_dw.c - winograd_dw.c for kernels of 4x4 pixels with strides of 2. */
#define STRIDED
#include "backends/cpu/kernels/winograd_dw.c"
