#!/bin/sh
# vdit.sh - the transformer on the synthetic world: at least 70 % of 480 clips all right (colour, shape and direction at once).
# shellcheck disable=SC1091
. tests/accept/world.inc
one_model vdit configs/vdit-shapes-32.yaml 0.70
