/* fuzz.h - the one function of a fuzz target; libFuzzer or driver.c calls it. A broken promise is told with __builtin_trap. */
#ifndef ZT_FUZZ_H
#define ZT_FUZZ_H
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
