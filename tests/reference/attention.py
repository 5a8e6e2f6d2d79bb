#!/usr/bin/env python3
"""Write tests/golden/attention.safetensors: attention layers in PyTorch, for tests/nn/test_nn_attention.c.

The layers are written here from their papers, in other ways than src/nn/attention.c has them: axes are moved to the front,
windows are shifted by torch.roll and an additive mask of minus infinity over all pairs, rotary positions are complex numbers.
Tensors are named as in layers.py; values that go in are f32, PyTorch computes in float64.

    python3 tests/reference/attention.py          (needs torch and numpy; the result is committed, tests need neither)

Sources: Vaswani et al. 2017 (arXiv:1706.03762); Su et al. 2021 (arXiv:2104.09864); Ho et al. 2019 (arXiv:1912.12180);
Bertasius et al. 2021 (arXiv:2102.05095); Liu et al. 2021 (arXiv:2103.14030, 2106.13230).
"""
import itertools
import platform

import numpy as np
import torch
import torch.nn.functional as F

from layers import draw, finish, tensors
from models import GOLDEN, save


class Params:
    """Parameters of a case by our names, made when first asked for; weights [in,out] as ours."""

    def __init__(self):
        self.made = {}

    def __call__(self, name, *shape, scale=0.5, shift=0.0):
        if name not in self.made:
            self.made[name] = draw(*shape, scale=scale, shift=shift).requires_grad_()
        return self.made[name]

    def all(self):
        return {name: (p, lambda t: t) for name, p in self.made.items()}


def linear(p, name, x, out):
    return x @ p(f"{name}.weight", x.shape[-1], out) + p(f"{name}.bias", out)


def layer_norm(p, name, x):
    c = x.shape[-1]
    return F.layer_norm(x, (c,), p(f"{name}.weight", c, scale=0.3, shift=1.0), p(f"{name}.bias", c), eps=1e-6)


def turned(x):
    """Rotary positions of [..,N,d]: neighbours are real and imaginary part."""
    n, d = x.shape[-2:]
    angle = torch.arange(n).double()[:, None] * 10000.0 ** (-torch.arange(d // 2).double() / (d // 2))
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).flatten(-2)


def attention(p, name, x, src, heads, bias=None, rope=False):
    """x [..,N,D], src [..,M,D]; bias is added to the scores [..,heads,N,M]."""
    prefix = f"{name}." if name else ""
    width = x.shape[-1]

    def split(y):
        return y.unflatten(-1, (heads, -1)).transpose(-2, -3)

    q, k, v = (split(linear(p, prefix + part, y, width)) for part, y in (("q", x), ("k", src), ("v", src)))
    if rope:
        q, k = turned(q), turned(k)
    scores = q @ k.transpose(-1, -2) / (width // heads) ** 0.5
    if bias is not None:
        scores = scores + bias
    y = (scores.softmax(-1) @ v).transpose(-2, -3).flatten(-2)
    return linear(p, prefix + "o", y, width)


def never(allowed):
    return torch.zeros(allowed.shape, dtype=torch.float64).masked_fill(~allowed, -torch.inf)


def case(name, x, build, **more):
    """build(p, x, **more) -> y; gradients by x, by what else goes in, and by the parameters."""
    p = Params()
    x.requires_grad_()
    for value in more.values():
        value.requires_grad_()
    finish(name, {"x": x, **more}, {"y": build(p, x, **more)}, p.all())


def cross(p, x, src):
    """[O,N,I,D] at inner places by themselves; 3 and 5 of 5 keys count."""
    allowed = torch.arange(5)[None, :] < torch.tensor([3, 5])[:, None]
    y = attention(p, "", x.transpose(1, 2), src.transpose(1, 2), 2, never(allowed)[:, None, None, None, :])
    return y.transpose(1, 2)


def masked(p, x, bias):
    return attention(p, "", x[:, :, 0], x[:, :, 0], 2, bias)[:, :, None]


def packed(p, x):
    """Sequences of 3 and 4 tokens, and of 7; causal."""
    kinds = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [2] * 7])
    allowed = (kinds[:, :, None] == kinds[:, None, :]) & torch.ones(7, 7).tril().bool()
    return attention(p, "", x[:, :, 0], x[:, :, 0], 2, never(allowed)[:, None])[:, :, None]


def causal_rope(p, x):
    return attention(p, "", x[:, :, 0], x[:, :, 0], 2, never(torch.ones(6, 6).tril().bool()), rope=True)[:, :, None]


def time_rope(p, x):
    y = x.movedim(1, -2)
    return attention(p, "", y, y, 2, rope=True).movedim(-2, 1)


def along(p, name, x, axes):
    """A residual branch: attention along axes of [B,T,H,W,D]."""
    h = layer_norm(p, f"{name}.norm", x)
    order = [k for k in range(4) if k not in axes] + list(axes)
    moved = h.permute(*order, 4)
    y = moved.flatten(4 - len(axes), 3)
    y = attention(p, f"{name}.attn", y, y, 2).reshape(moved.shape)
    return x + y.permute(*np.argsort(order), 4)


def axial(p, x):
    for name, axis in (("t", 1), ("h", 2), ("w", 3)):
        x = along(p, name, x, [axis])
    return x


def divided(p, x):
    return along(p, "space", along(p, "time", x, [1]), [2, 3])


def cut(x, window):
    """[B,T,H,W,C] -> [B, windows, tokens, C]."""
    (b, *size, c), (wt, wh, ww) = x.shape, window
    x = x.reshape(b, size[0] // wt, wt, size[1] // wh, wh, size[2] // ww, ww, c)
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(b, -1, wt * wh * ww, c)


def joined(y, shape, window):
    (b, *size, c), (wt, wh, ww) = shape, window
    y = y.reshape(b, size[0] // wt, size[1] // wh, size[2] // ww, wt, wh, ww, c)
    return y.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(shape)


def windows(window, shift, heads=2):
    def build(p, x):
        table = p("bias.table", int(np.prod([2 * w - 1 for w in window])), heads)
        cells = list(itertools.product(*map(range, window)))
        index = torch.tensor([[np.ravel_multi_index([k - q + w - 1 for q, k, w in zip(a, b, window)], [2 * w - 1 for w in window])
                               for b in cells] for a in cells])                      # offset: key minus query
        bias = table[index].permute(2, 0, 1)
        size, region = x.shape[1:4], torch.zeros(1, *x.shape[1:4], 1)
        number = 0
        for part in itertools.product(*[(slice(0, n - w), slice(n - w, n - s), slice(n - s, n)) if s else (slice(0, n),)
                                        for n, w, s in zip(size, window, shift)]):
            region[(0, *part)] = number
            number += 1
        kind = cut(region, window)[0, :, :, 0]                                       # [windows, tokens], after the shift
        mask = never(kind[:, :, None] == kind[:, None, :])[:, None]
        y = cut(torch.roll(x, [-s for s in shift], (1, 2, 3)), window)
        y = joined(attention(p, "", y, y, heads, bias + mask), x.shape, window)
        return torch.roll(y, list(shift), (1, 2, 3))

    return build


if __name__ == "__main__":
    torch.set_num_threads(1)
    case("cross", draw(2, 4, 3, 8), cross, src=draw(2, 5, 3, 6))
    case("masked", draw(2, 5, 1, 8), masked, bias=draw(2, 5, 5))
    case("packed", draw(2, 7, 1, 8), packed)
    case("causal_rope", draw(2, 6, 1, 8), causal_rope)
    case("time_rope", draw(1, 4, 3, 8), time_rope)
    case("axial", draw(1, 3, 2, 4, 8), axial)
    case("divided", draw(1, 3, 2, 4, 8), divided)
    case("window", draw(1, 2, 4, 6, 8), windows((1, 2, 3), (0, 0, 0)))
    case("window_shifted", draw(1, 2, 6, 6, 8), windows((1, 3, 2), (0, 1, 1)))
    case("window_3d", draw(1, 4, 4, 4, 8), windows((2, 4, 2), (1, 2, 1)))
    path = GOLDEN / "attention.safetensors"
    save(path, tensors, {"made_by": "tests/reference/attention.py", "torch": torch.__version__, "numpy": np.__version__,
                         "python": platform.python_version()})
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
