#!/usr/bin/env python3
"""Write tests/golden/sample.safetensors: what PyTorch says of resizing, padding, pooling, sampling at places and transposed
convolution, and of their gradients.

Each case has an input x, sometimes a second one, a (grid, flow or weights in our layout) and a bias b, a probe, and computes
out = f(x, a) and the gradients dx, da of sum(out * probe). Tensors are named CASE/x and so on, channels last; the parameters of a
case stand here and in tests/nn/test_sample_golden.c. Inputs are f32, results computed in float64.

    python3 tests/reference/sample.py          (needs torch and numpy; the result is committed, tests need neither)
"""
import platform

import numpy as np
import torch
import torch.nn.functional as F

from models import GOLDEN, channels_last, save


def image(f):
    """f over [B,C,H,W] as f over [B,C,1,H,W]."""
    return lambda x, a, b: f(x.squeeze(2)).unsqueeze(2)


def resize(size, mode, **more):
    return lambda x: F.interpolate(x, size=size, mode=mode, align_corners=False, **more)


def normalised(grid, size):
    """(t,h,w) in pixels, last axis, to PyTorch's order and range; an axis of size 1 has one place."""
    last = torch.tensor(size, dtype=grid.dtype) - 1
    return (2 * grid / last.clamp(min=1) - 1).flip(-1)


def sample(border):
    def f(x, grid, b):
        return F.grid_sample(x, normalised(grid, x.shape[2:]), mode="bilinear", padding_mode=border, align_corners=True)
    return f


def sample_image(x, grid, b):
    places = normalised(grid[:, 0, :, :, 1:], x.shape[3:])
    return F.grid_sample(x[:, :, 0], places, mode="bilinear", padding_mode="zeros", align_corners=True)[:, :, None]


def warp(x, flow, b):
    b, c, t, h, w = x.shape
    frames, shift = x.transpose(1, 2).reshape(b * t, c, h, w), flow.reshape(b * t, h, w, 2).flip(-1)
    here = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"), -1)
    places = normalised(here + shift, (h, w))
    moved = F.grid_sample(frames, places, mode="bilinear", padding_mode="border", align_corners=True)
    return moved.reshape(b, t, c, h, w).transpose(1, 2)


def transpose(x, w, b):
    return F.conv_transpose3d(x, w.permute(4, 3, 0, 1, 2), b, stride=(2, 1, 3), padding=(1, 0, 1), output_padding=(1, 0, 2))


WINDOWS = {"kernel_size": (3, 3, 2), "stride": (2, 1, 2), "padding": (1, 1, 0)}
PLACES = (2, 2, 3, 4, 3)
CASES = {                                                                        # name: f, shape of x, shape of a, shape of b
    "linear": (lambda x, a, b: resize((5, 3, 9), "trilinear")(x), (2, 3, 5, 4, 3), None, None),
    "cubic": (image(resize((9, 3), "bicubic")), (2, 1, 6, 5, 3), None, None),
    "linear_smooth": (image(resize((5, 9), "bilinear", antialias=True)), (1, 1, 13, 4, 3), None, None),
    "cubic_smooth": (image(resize((6, 4), "bicubic", antialias=True)), (2, 1, 17, 11, 2), None, None),
    "replicate": (lambda x, a, b: F.pad(x, (2, 0, 0, 3, 1, 2), mode="replicate"), (1, 2, 3, 4, 3), None, None),
    "reflect": (lambda x, a, b: F.pad(x, (0, 3, 2, 1, 1, 0), mode="reflect"), (1, 2, 3, 4, 3), None, None),
    "max_pool": (lambda x, a, b: F.max_pool3d(x, **WINDOWS), (2, 5, 7, 6, 4), None, None),
    "mean": (lambda x, a, b: F.avg_pool3d(x, **WINDOWS), (1, 5, 7, 6, 3), None, None),
    "mean_inside": (lambda x, a, b: F.avg_pool3d(x, **WINDOWS, count_include_pad=False), (1, 5, 7, 6, 3), None, None),
    "grid_zeros": (sample("zeros"), (2, 3, 4, 5, 3), PLACES, None),
    "grid_clamp": (sample("border"), (2, 3, 4, 5, 3), PLACES, None),
    "grid_image": (sample_image, (2, 1, 4, 5, 2), (2, 1, 3, 4, 3), None),
    "warp": (warp, (2, 2, 5, 6, 3), (2, 2, 5, 6, 2), None),
    "conv_transpose": (transpose, (2, 3, 4, 3, 5), (3, 2, 4, 3, 5), (3,)),
    "pixel_shuffle": (image(lambda x: F.pixel_shuffle(x, 2)), (1, 1, 2, 3, 8), None, None),
}


def values(random, name, what, shape):
    """Places reach beyond the ends of x; max_pool's x has few values, so that maxima are equal."""
    v = random.standard_normal(shape)
    if what == "x" and name == "max_pool":
        v = np.round(2 * v) / 2
    if what == "a" and name.startswith("grid"):
        v = random.uniform(-1.5, 0.5, shape) + random.uniform(0, 1, shape) * (np.array(CASES[name][1][1:4]) + 1)
    return torch.tensor(v, dtype=torch.float32)


def make(random, name):
    f, *shapes = CASES[name]
    given = {what: values(random, name, what, shape) for what, shape in zip("xab", shapes) if shape}
    live = {what: v.double().requires_grad_(True) for what, v in given.items()}
    out = channels_last(f(live["x"].movedim(-1, 1), live.get("a"), live.get("b")))
    probe = torch.tensor(random.standard_normal(out.shape), dtype=torch.float32)
    (out * probe).sum().backward()
    result = given | {"probe": probe, "out": out.float()}
    result |= {f"d{what}": v.grad.float() for what, v in live.items() if what != "b"}
    return {f"{name}/{what}": v for what, v in result.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    random = np.random.Generator(np.random.Philox(11))
    tensors = {}
    for name in CASES:
        tensors |= make(random, name)
    path = GOLDEN / "sample.safetensors"
    save(path, tensors, {"made_by": "tests/reference/sample.py", "torch": torch.__version__, "numpy": np.__version__,
                         "python": platform.python_version()})
    print(f"{path.name}: {len(CASES)} cases, {path.stat().st_size} bytes")
