"""The safetensors library opens our files.

usage: interop_safetensors.py TEST_SAFETENSORS     (the built test_safetensors program; needs the package safetensors)
"""
import subprocess
import sys
import tempfile

from safetensors import deserialize

WANT = {"blocks.0.w": ("F32", [3, 5]), "half": ("BF16", [7]), 't\u00e9xt "quoted\\"': ("F32", [1, 1, 2]), "ids": ("I32", [4]),
        "wide": ("F64", [3]), "scalar": ("F32", [])}
SIZE = {"F32": 4, "BF16": 2, "I32": 4, "F64": 8}


def main(program):
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        subprocess.run([program, file.name], check=True)
        with open(file.name, "rb") as f:            # the program renames its file over this name
            got = dict(deserialize(f.read()))
    assert set(got) == set(WANT), set(got)
    for order, (name, (dtype, shape)) in enumerate(WANT.items(), start=1):
        assert (got[name]["dtype"], list(got[name]["shape"])) == (dtype, shape), (name, got[name])
        count = SIZE[dtype]
        for d in shape:
            count *= d
        assert bytes(got[name]["data"]) == bytes((i * 7 + order) % 256 for i in range(count)), name
    print("safetensors reads our file: 6 tensors of 4 types as written")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
