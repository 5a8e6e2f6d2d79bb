#!/usr/bin/env python3
"""Write tests/golden/layers.safetensors: what PyTorch's own layers compute, for tests/nn/test_nn_layers.c.

Each case has tensors CASE/param/NAME and CASE/state/NAME (before the run) under our names and layouts (weights [..,in,out],
channels last), CASE/in/NAME, CASE/out/NAME, CASE/probe/NAME, CASE/after/NAME (states after the run) and CASE/grad/NAME:
gradients of the sum of out * probe over all outputs, by parameter and by input. Values that go in are f32; PyTorch computes in
float64.

    python3 tests/reference/layers.py          (needs torch and numpy; the result is committed, tests need neither)

The committed file was made with PyTorch 1.13; its metadata has the exact versions. Layers: torch.nn.GRU, LSTM, BatchNorm3d,
InstanceNorm3d; torch.nn.utils.weight_norm, spectral_norm.
"""
import platform

import numpy as np
import torch
from torch import nn

from models import GOLDEN, save

random = np.random.Generator(np.random.Philox(5))
tensors = {}


def draw(*shape, scale=1.0, shift=0.0):
    """Values that f32 holds exactly, as float64."""
    return torch.tensor(scale * random.standard_normal(shape) + shift, dtype=torch.float32).double()


def keep(case, kind, name, value):
    tensors[f"{case}/{kind}/{name}"] = value.detach().clone().float().contiguous()


def finish(case, inputs, outputs, params):
    """Store what went in and came out; params: our name -> (tensor, to our layout)."""
    loss = 0
    for name, y in outputs.items():
        probe = draw(*y.shape)
        loss = loss + (y * probe).sum()
        keep(case, "out", name, y)
        keep(case, "probe", name, probe)
    loss.backward()
    for name, x in inputs.items():
        keep(case, "in", name, x)
        keep(case, "grad", name, x.grad)
    for name, (p, ours) in params.items():
        keep(case, "param", name, ours(p))
        keep(case, "grad", name, ours(p.grad))


def set_random(*params, scale=0.5, shift=0.0):
    for p in params:
        p.data = draw(*p.shape, scale=scale, shift=shift)


def same(x):
    return x


def transposed(x):
    return x.T


def recurrent(case, layer, batch, steps, state_names):
    """A layer over `steps` steps, from a state that is not zero."""
    set_random(*layer.parameters())
    params = {"x.weight": (layer.weight_ih_l0, transposed), "x.bias": (layer.bias_ih_l0, same),
              "h.weight": (layer.weight_hh_l0, transposed), "h.bias": (layer.bias_hh_l0, same)}
    x = draw(steps, batch, layer.input_size).requires_grad_()
    first = [draw(batch, layer.hidden_size).requires_grad_() for _ in state_names]
    start = tuple(s[None] for s in first)
    out, last = layer(x, start if len(start) > 1 else start[0])
    last = last if len(start) > 1 else (last,)
    finish(case, {"x": x, **dict(zip(state_names, first))}, {"y": out, "last": last[-1][0]}, params)


def channels_first(x):
    return x.movedim(-1, 1)


def norm(case, layer, x, states=()):
    set_random(layer.weight, scale=0.3, shift=1.0)
    set_random(layer.bias)
    for ours, theirs in states:
        keep(case, "state", ours, getattr(layer, theirs))
    x = x.requires_grad_()
    y = layer(channels_first(x)).movedim(1, -1)
    finish(case, {"x": x}, {"y": y}, {"weight": (layer.weight, same), "bias": (layer.bias, same)})
    for ours, theirs in states:
        keep(case, "after", ours, getattr(layer, theirs))


def batch_norm(case, training):
    layer = nn.BatchNorm3d(5).double().train(training)
    layer.running_mean, layer.running_var = draw(5), draw(5, scale=0.2, shift=1.0)
    norm(case, layer, draw(2, 3, 2, 2, 5, scale=2.0, shift=1.0), (("mean", "running_mean"), ("var", "running_var")))


def kernel(w):
    """[out,in,kt,kh,kw] as [kt,kh,kw,in,out]."""
    return w.permute(2, 3, 4, 1, 0)


def weight_norm():
    conv = nn.Conv3d(3, 4, (1, 2, 3), bias=False).double()
    set_random(conv.weight)
    conv = nn.utils.weight_norm(conv)
    set_random(conv.weight_g, shift=1.0)
    conv(draw(1, 3, 2, 3, 4))                                                      # makes conv.weight of v and g
    finish("weight_norm", {}, {"w": kernel(conv.weight)},
           {"v": (conv.weight_v, kernel), "g": (conv.weight_g, torch.flatten)})


def spectral_norm():
    conv = nn.Conv3d(3, 4, (1, 2, 3), bias=False).double()
    set_random(conv.weight)
    conv = nn.utils.spectral_norm(conv)
    keep("spectral_norm", "state", "u", conv.weight_u)
    conv.weight_u = tensors["spectral_norm/state/u"].double()
    conv.train()(draw(1, 3, 2, 3, 4))                                              # one power iteration
    keep("spectral_norm", "after", "u", conv.weight_u)
    finish("spectral_norm", {}, {"w": kernel(conv.weight)}, {"w": (conv.weight_orig, kernel)})


if __name__ == "__main__":
    torch.set_num_threads(1)
    recurrent("gru", nn.GRU(4, 6).double(), 3, 3, ["h"])
    recurrent("lstm", nn.LSTM(4, 6).double(), 3, 3, ["h", "c"])
    batch_norm("batch_norm", True)
    batch_norm("batch_norm_fixed", False)
    norm("instance_norm", nn.InstanceNorm3d(5, affine=True).double(), draw(2, 3, 2, 2, 5, scale=2.0, shift=1.0))
    weight_norm()
    spectral_norm()
    path = GOLDEN / "layers.safetensors"
    save(path, tensors, {"made_by": "tests/reference/layers.py", "torch": torch.__version__, "numpy": np.__version__,
                         "python": platform.python_version()})
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
