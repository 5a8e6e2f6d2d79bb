#!/bin/sh
# faces.sh - how many faces `zoe data faces` blurs: of the world "faces" at 64 and 128 pixels against its own boxes, and of real
# clips against boxes drawn by hand, where ../shared/data is there. A face counts as found in a frame when 80 % of its box lies in
# what is blurred. All kinds of faces_truth.tsv count.
set -eu
ninja -C "$(dirname "$ZOE")" test_data_face_recall >&2
"$(dirname "$ZOE")/test_data_face_recall" --figures | awk '
    function figure(key,  at) {
        at = index($0, "\"" key "\": ")
        return at ? substr($0, at + length(key) + 4) + 0 : -1
    }
    {
        real = index($0, "\"real\": null") ? -1 : figure("real")
        pass = figure("rendered_64") >= 0.95 && figure("rendered_128") >= 0.95 && (real < 0 || real >= 0.95)
        sub(/}$/, "")
        printf "{\"name\": \"faces\", \"pass\": %s, \"seed\": 5, \"want_rendered\": 0.95, ", pass ? "true" : "false"
        printf "\"want_real\": 0.95, \"baseline_real\": 0.919, %s", substr($0, 2)
        print (real < 0 ? ", \"note\": \"no ../shared/data: real faces not counted\"" : "") "}"
        exit !pass
    }'
