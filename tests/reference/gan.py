#!/usr/bin/env python3
"""Write tests/golden/mocogan.safetensors: what PyTorch says a generator and its critics compute.

Read by tests/models/test_gan_golden.c. The pair is built here again from torch.nn modules (channels first), after Tulyakov et al.
2018 (arXiv:1707.04993), and its weights are stored under our names and layouts: param/NAME, state/NAME (before the run).
in/NAME: latent codes, `clip` and `pick`. out/made: clips with the batch's statistics, out/made_fixed: with the running ones,
out/score0, score1, category1: the critics on `clip`; after/NAME: states after the run. probe/NAME and grad/NAME: gradients of the
sum over made, score0, score1, category1 of value times probe. Values that go in are f32, PyTorch computes in float64.

    python3 tests/reference/gan.py          (needs torch and numpy; the result is committed, tests need neither)
"""
import json
import platform

import numpy as np
import torch
from torch import nn

from models import GOLDEN, save

random = np.random.Generator(np.random.Philox(11))


def draw(*shape, scale=1.0, shift=0.0):
    """Values that f32 holds exactly, as float64."""
    return torch.tensor(scale * random.standard_normal(shape) + shift, dtype=torch.float32).double()


class Generator(nn.Module):
    def __init__(self, width, content, motion, classes, levels):
        super().__init__()
        self.gru = nn.GRUCell(motion, motion)
        sizes = [content + motion + classes] + [width * 2 ** k for k in reversed(range(levels))]
        self.up = nn.ModuleList(nn.ConvTranspose2d(sizes[k], sizes[k + 1], 4, *((1, 0) if k == 0 else (2, 1)), bias=False)
                                for k in range(levels))
        self.norm = nn.ModuleList(nn.BatchNorm2d(n) for n in sizes[1:])
        self.out = nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False)

    def forward(self, content, start, noise, category):
        h, codes = start, []
        for t in range(noise.shape[1]):
            h = self.gru(noise[:, t], h)
            codes.append(torch.cat([content, h, category], dim=1))
        x = torch.stack(codes, dim=1).flatten(0, 1)[..., None, None]
        for up, norm in zip(self.up, self.norm):
            x = torch.relu(norm(up(x)))
        return torch.tanh(self.out(x)).unflatten(0, noise.shape[:2]).movedim(2, -1)


class Critic(nn.Module):
    """Of images (kind Conv2d) or of videos (Conv3d, no padding and no stride in time)."""

    def __init__(self, kind, width, levels, outputs, flat):
        super().__init__()
        video = kind is nn.Conv3d
        stride, pad = ((1, 2, 2), (0, 1, 1)) if video else (2, 1)
        sizes = [3] + [width * 2 ** k for k in range(levels)]
        self.down = nn.ModuleList(kind(sizes[k], sizes[k + 1], 4, stride, pad, bias=False) for k in range(levels))
        self.norm = nn.ModuleList((nn.BatchNorm3d if video else nn.BatchNorm2d)(n) for n in sizes[2:])
        self.out = kind(sizes[-1], outputs, 4, *((1, 0) if flat else (stride, pad)), bias=False)

    def forward(self, x):
        for k, down in enumerate(self.down):
            x = down(x)
            x = nn.functional.leaky_relu(self.norm[k - 1](x) if k else x, 0.2)
        return self.out(x)


def convolution(w):
    """[out,in,(t),h,w] -> [t,h,w,in,out]."""
    w = w if w.dim() == 5 else w[:, :, None]
    return w.permute(2, 3, 4, 1, 0)


def weights_of(generator, image, video):
    """Our name -> (tensor, to our layout)."""
    same, flip = (lambda x: x), (lambda x: x.T)
    all_of = {}
    for ours, theirs in (("x", "ih"), ("h", "hh")):
        all_of[f"generator.gru.{ours}.weight"] = (getattr(generator.gru, f"weight_{theirs}"), flip)
        all_of[f"generator.gru.{ours}.bias"] = (getattr(generator.gru, f"bias_{theirs}"), same)
    for k, up in enumerate([*generator.up, generator.out]):                       # [in,out,h,w] -> [1,h,w,out,in]: the same rule
        all_of["generator." + ("out" if up is generator.out else f"up{k}") + ".weight"] = (up.weight, convolution)
    norms = [("generator", k, norm) for k, norm in enumerate(generator.norm)]
    for name, critic in (("image", image), ("video", video)):
        for k, down in enumerate([*critic.down, critic.out]):
            all_of[f"critic.{name}." + ("out" if down is critic.out else f"down{k}") + ".weight"] = (down.weight, convolution)
        norms += [(f"critic.{name}", k + 1, norm) for k, norm in enumerate(critic.norm)]
    states = {}
    for scope, k, norm in norms:
        all_of[f"{scope}.norm{k}.weight"], all_of[f"{scope}.norm{k}.bias"] = (norm.weight, same), (norm.bias, same)
        states[f"{scope}.norm{k}.mean"], states[f"{scope}.norm{k}.var"] = norm.running_mean, norm.running_var
    return all_of, states


def mocogan(width=4, content=5, motion=3, classes=3, frames=11, side=16, batch=2):
    levels = {16: 2, 32: 3, 64: 4}[side]
    generator = Generator(width, content, motion, classes, levels).double()
    image = Critic(nn.Conv2d, width, 3, 1, False).double()
    video = Critic(nn.Conv3d, width, levels, 1 + classes, True).double()
    weights, states = weights_of(generator, image, video)
    for w, _ in weights.values():
        fan_in = max(1, w[0].numel()) if w.dim() > 1 else 1
        w.data = draw(*w.shape, scale=1 / np.sqrt(fan_in)) if w.dim() > 1 else draw(*w.shape, scale=0.3, shift=1.0)
    for name, s in states.items():
        s.copy_(draw(*s.shape, scale=0.2, shift=1.0 if name.endswith("var") else 0.0).abs())
    codes = {"z_content": draw(batch, content), "z_motion_start": draw(batch, motion), "z_motion": draw(batch, frames, motion),
             "z_category": torch.eye(classes).double()[random.integers(0, classes, batch)]}
    clip, pick = draw(batch, frames, side, side, 3, scale=0.5), torch.tensor(random.integers(0, frames, batch), dtype=torch.int32)
    tensors = {f"state/{n}": s.float().clone() for n, s in states.items()}
    tensors |= {f"param/{n}": to_ours(w.detach()).float() for n, (w, to_ours) in weights.items()}
    tensors |= {f"in/{n}": z.float() for n, z in codes.items()} | {"in/clip": clip.float(), "in/pick": pick}
    for net in (generator, image, video):
        net.eval()
    fixed = generator(*codes.values())
    for net in (generator, image, video):
        net.train()
    frame = clip[torch.arange(batch), pick.long()].movedim(-1, 1)
    judged = video(clip.movedim(-1, 1)).movedim(1, -1)
    out = {"made": generator(*codes.values()), "score0": image(frame).movedim(1, -1)[:, None], "score1": judged[..., :1],
           "category1": judged[..., 1:].mean(dim=(1, 2, 3))}
    loss = 0
    for name, y in out.items():
        probe = draw(*y.shape)
        loss = loss + (y * probe).sum()
        tensors[f"probe/{name}"] = probe.float()
    loss.backward()
    tensors |= {f"out/{n}": y.float() for n, y in out.items()} | {"out/made_fixed": fixed.float()}
    tensors |= {f"grad/{n}": to_ours(w.grad).float() for n, (w, to_ours) in weights.items()}
    tensors |= {f"after/{n}": s.float() for n, s in states.items()}
    config = {"width": width, "content": content, "motion": motion, "critic_norm": "batch"}
    return tensors, config, {"frames": frames, "height": side, "width": side, "classes": classes}


if __name__ == "__main__":
    torch.set_num_threads(1)
    tensors, config, size = mocogan()
    path = GOLDEN / "mocogan.safetensors"
    save(path, {n: t.contiguous() for n, t in tensors.items()},
         {"made_by": "tests/reference/gan.py", "config": json.dumps(config), "size": json.dumps(size), "torch": torch.__version__,
          "numpy": np.__version__, "python": platform.python_version()})
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
