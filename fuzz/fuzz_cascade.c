// layer: data
/* fuzz_cascade.c - any bytes as a cascade file: refused with a text, or a cascade that can be run over any picture. */
#include <string.h>

#include "data/cascade.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SIDE = 48 };
    static uint8_t grey[SIDE * SIDE];
    zt_cascade *c = NULL;
    zt_boxes boxes = {0};
    const zt_err e = zt_cascade_parse(&c, (const char *)data, size, "fuzz.xml");
    if ((e == ZT_OK) != (c != NULL) || (e != ZT_OK && !*zt_err_text())) __builtin_trap();
    if (e != ZT_OK) return 0;
    for (int i = 0; i < SIDE * SIDE; i++) grey[i] = (uint8_t)(i * 37 + i / SIDE * 91);
    if (zt_cascade_detect(c, grey, SIDE, SIDE, 1.5, 0, 0, &boxes) != ZT_OK) __builtin_trap();
    for (int i = 0; i < boxes.n; i++) {
        const zt_box *b = &boxes.box[i];
        if (b->x < 0 || b->y < 0 || b->x + b->w > SIDE || b->y + b->h > SIDE) __builtin_trap();
    }
    zt_boxes_finish(&boxes);
    zt_cascade_destroy(&c);
    return 0;
}
