"""TensorBoard's own reader opens our event files.

usage: interop_tensorboard.py TEST_TFEVENTS     (the built test_tfevents program; needs the package tensorboard)
"""
import struct
import subprocess
import sys
import tempfile
import zlib

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def png_3x2():
    """A 3x2 RGB PNG by hand, so that no imaging package is needed."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(range(9 * y, 9 * y + 9)) for y in range(2))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def main(program):
    with tempfile.TemporaryDirectory() as run, tempfile.NamedTemporaryFile(suffix=".png") as image:
        image.write(png_3x2())
        image.flush()
        subprocess.run([program, run, image.name], check=True)
        events = EventAccumulator(run)
        events.Reload()
        assert events.Tags()["scalars"] == ["loss/train"] and events.Tags()["images"] == ["samples"], events.Tags()
        got = [(e.step, e.value) for e in events.Scalars("loss/train")]
        want = [(i * 100, struct.unpack("f", struct.pack("f", 1 / (i + 1)))[0]) for i in range(10)]
        assert got == want, got
        shown = events.Images("samples")[0]
        assert (shown.step, shown.width, shown.height) == (900, 3, 2), shown
        assert shown.encoded_image_string == png_3x2()
    print("tensorboard reads our event files: 10 scalars and 1 image as written")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
