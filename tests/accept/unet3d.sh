#!/bin/sh
# unet3d.sh - the U-Net on the synthetic world: at least 70 % of 480 clips all right (colour, shape and direction at once).
# shellcheck disable=SC1091
. tests/accept/world.inc
one_model unet3d configs/unet3d-shapes-32.yaml 0.70
