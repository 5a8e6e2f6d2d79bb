/* restorer.h - the network of test_temporal.c and test_perceptual.c: restores frames one by one. */
#ifndef ZT_TEST_RESTORER_H
#define ZT_TEST_RESTORER_H
#include "nn/nn.h"

/* noisy [B,T,H,W,3] -> the same shape. */
static zt_node *restored(zt_nn *nn, zt_node *noisy) {
    enum { WIDTH = 16 };
    static const char *const name[] = {"conv1", "conv2", "conv3"};
    zt_node *x = noisy;
    for (int k = 0; k < 3; k++) x = zt_relu(zt_conv_same(nn, name[k], x, 1, 3, 3, WIDTH, ZT_INIT_XAVIER));
    return zt_add(noisy, zt_conv_same(nn, "out", x, 1, 3, 3, 3, ZT_INIT_NORMAL01));
}
#endif
