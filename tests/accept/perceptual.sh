#!/bin/sh
# perceptual.sh - frames restored one by one, by a network trained with the perceptual loss and without it
# (tests/train/test_perceptual.c): on each of three seeds the distance to the clean held-out clips is lower, both in the judge
# that the loss looks through and in another that nobody trained against.
set -eu
ninja -C "$(dirname "$ZOE")" test_perceptual >&2
"$(dirname "$ZOE")/test_perceptual" --figures | awk '
    function figure(key,  at) {
        at = index($0, "\"" key "\": ")
        return at ? substr($0, at + length(key) + 4) + 0 : -100
    }
    {
        pass = figure("least_lower") > 0 && figure("least_lower_in_other") > 0
        printf "{\"name\": \"perceptual\", \"pass\": %s, \"seeds\": [1, 2, 3], \"want_lower\": 0, \"want_lower_in_other\": 0, ", \
            pass ? "true" : "false"
        printf "\"baseline\": \"the same network, clips, noise and steps without the loss\", %s\n", substr($0, 2)
        exit !pass
    }'
