/* f64.c - the f64 references of all families; see real.h. Nothing else of the families is compiled here. */
#define ZT_REAL_F64
#include "ops/activation.c"
#include "ops/attention.c"
#include "ops/conv.c"
#include "ops/elementwise.c"
#include "ops/embed.c"
#include "ops/layout.c"
#include "ops/matmul.c"
#include "ops/norm.c"
#include "ops/optim.c"
#include "ops/random.c"
#include "ops/reduce.c"
