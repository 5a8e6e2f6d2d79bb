#!/bin/sh
# wgan-gp.sh - WGAN-GP on a ring of 8 Gaussians by the trainer's own graphs (tests/train/test_gan_ring.c): all modes at five
# learning rates, the worst of three seeds counts; more points near modes than weight clipping with as many steps, at the best of
# three bounds; the penalty's gradient against f64 differences. Draws what both make at the middle rate, the penalty on the left.
set -eu
ninja -C "$(dirname "$ZOE")" test_gan_ring >&2
"$(dirname "$ZOE")/test_gan_ring" --figures docs/wgan-gp-ring.png | awk '
    function figure(key,  at) {
        at = index($0, "\"" key "\": ")
        return at ? substr($0, at + length(key) + 4) + 0 : -1
    }
    {
        pass = figure("worst_modes") >= 8 && figure("modes_above_clipping") >= 0 && figure("near_above_clipping") > 0
        pass = pass && index($0, "\"penalty_gradient_error\": ") && figure("penalty_gradient_error") <= 1e-3
        printf "{\"name\": \"wgan-gp\", \"pass\": %s, \"seeds\": [1, 2, 3], \"want_modes\": 8, ", pass ? "true" : "false"
        printf "\"want_gradient_error\": 1e-3, \"want_above_clipping\": 0, "
        printf "\"baseline\": \"weight clipping, the best of the bounds 0.01, 0.1 and 0.4 at each rate\", %s\n", substr($0, 2)
        exit !pass
    }'
