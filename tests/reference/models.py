#!/usr/bin/env python3
"""Write tests/golden/vdit.safetensors and tests/golden/unet3d.safetensors: what PyTorch says the two models compute.

The networks are written here again in PyTorch, from the papers and in PyTorch's own layouts (channels first), as an independent
reference for src/models, src/nn and src/text. Weights are random everywhere, also in the layers that start at zero, and are
stored as bf16 (small files, and f32 holds them exactly) under our parameter names; our layouts are made only where a weight is
created and used. The expected output and gradients are computed in float64; the metadata says how far float32 is from that.

    python3 tests/reference/models.py          (needs torch and numpy; the result is committed, tests need neither)

Sources: Peebles & Xie 2023 (arXiv:2212.09748); Wan 2.1 (arXiv:2503.20314); Su et al. 2021 (arXiv:2104.09864); Ho et al. 2022
(arXiv:2204.03458); Vaswani et al. 2017 (arXiv:1706.03762); file format: github.com/huggingface/safetensors.
"""
import json
import math
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
RGB = 3


class Weights:
    """Parameters by full name, made when first asked for; `kind` says how large the values are."""

    def __init__(self, seed):
        self.random = np.random.Generator(np.random.Philox(seed))
        self.stored, self.live, self.dtype = {}, {}, torch.float64

    def __call__(self, name, shape, kind="weight"):
        if name not in self.stored:
            n = self.random.standard_normal(shape)
            fan_in = math.prod(shape[:-1])
            n = {"weight": n / math.sqrt(max(fan_in, 1)), "gain": 1 + 0.2 * n, "bias": 0.2 * n, "table": 0.5 * n}[kind]
            self.stored[name] = torch.tensor(n, dtype=torch.float32).to(torch.bfloat16)
        assert tuple(self.stored[name].shape) == tuple(shape), name
        if name not in self.live:
            self.live[name] = self.stored[name].to(self.dtype).requires_grad_(True)
        return self.live[name]

    def use(self, dtype):
        self.dtype, self.live = dtype, {}


# ---- layers -----------------------------------------------------------------------------------------------------------

def linear(w, name, x, out):
    return F.linear(x, w(f"{name}.weight", (x.shape[-1], out)).T, w(f"{name}.bias", (out,), "bias"))


def conv3d(w, name, x, kernel, out, stride=(1, 1, 1), padding=None):
    """x [B,C,T,H,W]."""
    k = w(f"{name}.weight", (*kernel, x.shape[1], out)).permute(4, 3, 0, 1, 2)
    padding = tuple(n // 2 for n in kernel) if padding is None else padding
    return F.conv3d(x, k, w(f"{name}.bias", (out,), "bias"), stride=stride, padding=padding)


def layer_norm(w, name, x):
    c = x.shape[-1]
    return F.layer_norm(x, (c,), w(f"{name}.weight", (c,), "gain"), w(f"{name}.bias", (c,), "bias"), eps=1e-6)


def group_norm(w, name, x):
    """x [B,C,...]; as many groups as divide C, at most 8, with at least 4 channels each."""
    c = x.shape[1]
    groups = max(g for g in range(1, 9) if c % g == 0 and (g == 1 or c // g >= 4))
    return F.group_norm(x, groups, w(f"{name}.weight", (c,), "gain"), w(f"{name}.bias", (c,), "bias"), eps=1e-5)


def sinusoid(t, dim, scale=1000.0):
    half = dim // 2
    freq = torch.pow(torch.tensor(10000.0, dtype=t.dtype), -torch.arange(half, dtype=t.dtype) / half)
    angle = (t * scale)[:, None] * freq[None]
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def time_embedding(w, name, t, dim):
    return linear(w, f"{name}.fc2", F.silu(linear(w, f"{name}.fc1", sinusoid(t, 256), dim)), dim)


def split_heads(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)                               # [...,N,D] -> [...,heads,N,d]


def attend(q, k, v, mask=None):
    score = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        score = score.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else score + mask
    return (score.softmax(-1) @ v).transpose(-2, -3).flatten(-2)


def multi_head(w, name, x, src, heads, mask=None):
    """x [...,N,D] to src [...,M,E]; mask broadcasts to [...,heads,N,M]: bool (True: may look) or added to the scores."""
    d = x.shape[-1]
    q, k, v = (split_heads(linear(w, f"{name}.{n}", s, d), heads) for n, s in (("q", x), ("k", src), ("v", src)))
    return linear(w, f"{name}.o", attend(q, k, v, mask), d)


def key_mask(length, m):
    return (torch.arange(m)[None] < length[:, None])[:, None, None, :]                          # [B,1,1,M]


def relative_bias(w, name, heads, size, clip):
    """[heads,N,N]: an entry per clipped offset (key minus query)."""
    table = w(f"{name}.table", ((2 * clip + 1) ** len(size), heads), "table")
    cells = torch.cartesian_prod(*[torch.arange(n) for n in size]).reshape(-1, len(size))
    offset = (cells[None, :, :] - cells[:, None, :]).clamp(-clip, clip) + clip
    row = torch.zeros(offset.shape[:2], dtype=torch.long)
    for axis in range(len(size)):
        row = row * (2 * clip + 1) + offset[:, :, axis]
    return table[row].permute(2, 0, 1)


def patches(x, ft, fh, fw):
    """[B,C,T,H,W] -> [B, ft*fh*fw*C, T/ft, H/fh, W/fw]; channels ordered ft, fh, fw, C."""
    b, c, t, h, w_ = x.shape
    x = x.reshape(b, c, t // ft, ft, h // fh, fh, w_ // fw, fw)
    return x.permute(0, 3, 5, 7, 1, 2, 4, 6).reshape(b, ft * fh * fw * c, t // ft, h // fh, w_ // fw)


def unpatches(x, ft, fh, fw):
    b, c, t, h, w_ = x.shape
    x = x.reshape(b, ft, fh, fw, c // (ft * fh * fw), t, h, w_)
    return x.permute(0, 4, 5, 1, 6, 2, 7, 3).reshape(b, c // (ft * fh * fw), t * ft, h * fh, w_ * fw)


# ---- text encoder and known frames ------------------------------------------------------------------------------------

def encode_text(w, ids, length, k):
    x = F.embedding(ids, w("text.token", (k["vocab"], k["dim"]), "bias")) + w("text.position", (k["length"], k["dim"]), "bias")
    for n in range(k["depth"]):
        at = f"text.blocks.{n}"
        h = layer_norm(w, f"{at}.norm1", x)
        x = x + multi_head(w, f"{at}.attn", h, h, k["heads"], key_mask(length, ids.shape[1]))
        h = F.gelu(linear(w, f"{at}.fc1", layer_norm(w, f"{at}.norm2", x), 4 * k["dim"]), approximate="tanh")
        x = x + linear(w, f"{at}.fc2", h, k["dim"])
    return layer_norm(w, "text.norm", x)


def pool_words(w, text, length, dim):
    query = w("pool.query", (1, 1, 1, text.shape[2]), "bias").reshape(1, 1, -1).expand(len(text), -1, -1)
    pooled = 8 * attend(*(split_heads(n, 4) for n in (query, text, text)), key_mask(length, text.shape[1]))[:, 0]
    return pooled if text.shape[2] == dim else linear(w, "pool.fc", pooled, dim)


def with_known_frames(noisy, known, mask):
    """[B,C,T,H,W] each, mask [B,T]: noise where unknown; the known frame that came last and the first of its run (at most 3
    before); which are known; how old the last is; how far apart the two are."""
    b, _, t, h, w = noisy.shape
    last, before = torch.full((b, t), -1), torch.full((b, t), -1)
    for i in range(b):
        seen = run = -1
        for f in range(t):
            if mask[i, f]:
                run = f if f == 0 or not mask[i, f - 1] else run
                seen = f
            last[i, f], before[i, f] = seen, max(run, seen - 3) if seen >= 0 else -1

    def frames(rows):
        picked = torch.gather(known, 2, rows.clamp(min=0)[:, None, :, None, None].expand(known.shape))
        return picked * (rows >= 0).to(noisy.dtype)[:, None, :, None, None]

    age = torch.where(last >= 0, (torch.arange(t) - last) / t, 0.0)
    planes = torch.stack([mask, age, (last - before) / t], 1).to(noisy.dtype)[..., None, None].expand(b, 3, t, h, w)
    return torch.cat([noisy * (1 - mask)[:, None, :, None, None], frames(last), frames(before), planes], 1)


# ---- vdit -------------------------------------------------------------------------------------------------------------

def rotary(grid, head_dim):
    """Complex turns [N, head_dim/2] of Wan 2.1: t takes head_dim - 4 (head_dim/6) channels, h and w 2 (head_dim/6) each."""
    sizes = [head_dim - 4 * (head_dim // 6), 2 * (head_dim // 6), 2 * (head_dim // 6)]
    parts = []
    for axis, (count, dim) in enumerate(zip(grid, sizes)):
        freq = 1.0 / torch.pow(10000, torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angle = torch.outer(torch.arange(count, dtype=torch.float64), freq)
        shape = [1, 1, 1, -1]
        shape[axis] = count
        parts.append(angle.view(*shape).expand(*grid, -1))
    angle = torch.cat(parts, dim=-1).reshape(math.prod(grid), -1)
    return torch.polar(torch.ones_like(angle), angle)


def turn(x, turns):
    """x [B,heads,N,d]: neighbouring channels are a complex number."""
    z = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(z * turns).flatten(-2).to(x.dtype)


def rms_norm(x, gain):
    return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * gain


def modulate(x, shift, scale):
    return F.layer_norm(x, (x.shape[-1],), eps=1e-6) * (1 + scale[:, None]) + shift[:, None]


def vdit(w, x, t, text, length, k):
    dim, heads, patch = k["dim"], k["heads"], k["patch"]
    time = time_embedding(w, "time", t, dim)
    c = time + pool_words(w, text, length, dim) if k["pool_text"] else time
    c6 = linear(w, "time_proj", F.silu(c), 6 * dim)
    x = patches(x, *patch)
    grid = x.shape[2:]
    x = linear(w, "patch", x.flatten(2).transpose(1, 2), dim)
    turns, mask = rotary(grid, dim // heads), key_mask(length, text.shape[1])
    for n in range(k["depth"]):
        at = f"blocks.{n}"
        shift1, scale1, gate1, shift2, scale2, gate2 = (c6 + w(f"{at}.modulation", (6 * dim,), "bias")).chunk(6, dim=1)
        h = modulate(x, shift1, scale1)
        q, key, v = (linear(w, f"{at}.attn.{name}", h, dim) for name in "qkv")
        q = split_heads(rms_norm(q, w(f"{at}.attn.norm_q.weight", (dim,), "gain")), heads)
        key = split_heads(rms_norm(key, w(f"{at}.attn.norm_k.weight", (dim,), "gain")), heads)
        h = attend(turn(q, turns), turn(key, turns), split_heads(v, heads))
        x = x + gate1[:, None] * linear(w, f"{at}.attn.o", h, dim)
        x = x + multi_head(w, f"{at}.cross", layer_norm(w, f"{at}.norm_cross", x), text, heads, mask)
        h = linear(w, f"{at}.fc1", modulate(x, shift2, scale2), k["mlp"] * dim)
        x = x + gate2[:, None] * linear(w, f"{at}.fc2", F.gelu(h, approximate="tanh"), dim)
    shift, scale = (torch.cat([time, time], 1) + w("head.modulation", (2 * dim,), "bias")).chunk(2, dim=1)
    x = linear(w, "head.out", modulate(x, shift, scale), math.prod(patch) * RGB)
    return unpatches(x.transpose(1, 2).unflatten(2, grid), *patch)


# ---- unet3d -----------------------------------------------------------------------------------------------------------

def res_block(w, name, x, c, width, k):
    scale, shift = linear(w, f"{name}.cond", c, 2 * width).chunk(2, dim=1)
    h = conv3d(w, f"{name}.conv1", F.silu(group_norm(w, f"{name}.norm1", x)), (1, 3, 3), width)
    h = group_norm(w, f"{name}.norm2", h) * (1 + scale[:, :, None, None, None]) + shift[:, :, None, None, None]
    h = conv3d(w, f"{name}.conv2", F.silu(h), (1, 3, 3), width)
    if x.shape[1] != width:
        x = linear(w, f"{name}.skip", x.movedim(1, -1), width).movedim(-1, 1)
    x = x + h
    if k["time_kernel"]:
        h = F.silu(group_norm(w, f"{name}.norm_t", x))
        x = x + conv3d(w, f"{name}.conv_t", h, (k["time_kernel"], 1, 1), width)
    return x


def attend_space(w, name, x, k):
    b, c, t, h, w_ = x.shape
    bias = relative_bias(w, f"{name}.bias", c // k["head_dim"], (h, w_), 15)
    z = x.permute(0, 2, 3, 4, 1).reshape(b, t, h * w_, c)
    z = layer_norm(w, f"{name}.norm", z)
    z = multi_head(w, f"{name}.attn", z, z, c // k["head_dim"], bias)
    return x + z.reshape(b, t, h, w_, c).permute(0, 4, 1, 2, 3)


def attend_time(w, name, x, k):
    b, c, t, h, w_ = x.shape
    bias = relative_bias(w, f"{name}.bias", c // k["head_dim"], (t,), 31)
    z = layer_norm(w, f"{name}.norm", x.permute(0, 3, 4, 2, 1))                                  # [B,H,W,T,C]
    z = multi_head(w, f"{name}.attn", z, z, c // k["head_dim"], bias)
    return x + z.permute(0, 4, 3, 1, 2)


def attentions(w, at, x, level, k):
    if k["attn_space"][level]:
        x = attend_space(w, f"{at}.space", x, k)
    return attend_time(w, f"{at}.time", x, k) if k["attn_time"][level] else x


def unet3d(w, x, t, text, length, k):
    widths, patch = k["widths"], k["patch"]
    last, dim = len(widths) - 1, 4 * widths[0]
    c = F.silu(time_embedding(w, "time", t, dim) + pool_words(w, text, length, dim))
    x = conv3d(w, "stem", patches(x, *patch), (1, k["stem_kernel"], k["stem_kernel"]), widths[0])
    angle = torch.arange(x.shape[2], dtype=x.dtype)[:, None] * (2 * math.pi / torch.tensor([8, 16, 32, 64], dtype=x.dtype))
    waves = torch.stack([angle.cos(), angle.sin()], -1).flatten(1)                              # [T,8]
    x = x + (waves @ w("frame.weight", (8, widths[0]))).T[None, :, :, None, None]
    skips = []
    for i, width in enumerate(widths):
        for b in range(k["blocks"]):
            x = res_block(w, f"down.{i}.res{b}", x, c, width, k)
            skips.append(x)
        x = attentions(w, f"down.{i}", x, i, k)
        if i < last:
            halve = k["time_down"][i]
            x = conv3d(w, f"down.{i}.down", x, (3, 3, 3) if halve else (1, 4, 4), widths[i + 1],
                       (2, 2, 2) if halve else (1, 2, 2), (1, 1, 1) if halve else (0, 1, 1))
    x = res_block(w, "mid.res0", x, c, widths[last], k)
    x = res_block(w, "mid.res1", attentions(w, "mid", x, last, k), c, widths[last], k)
    for i in reversed(range(len(widths))):
        if i < last:
            x = linear(w, f"up.{i}.up", x.movedim(1, -1), widths[i]).movedim(-1, 1)
            x = F.interpolate(x, scale_factor=(2 if k["time_down"][i] else 1, 2, 2), mode="nearest")
        for b in range(k["blocks"]):
            x = res_block(w, f"up.{i}.res{b}", torch.cat([x, skips[i * k["blocks"] + b]], 1), c, widths[i], k)
        x = attentions(w, f"up.{i}", x, i, k)
    x = conv3d(w, "out", F.silu(group_norm(w, "norm", x)), (1, 3, 3), RGB * math.prod(patch))
    return unpatches(x, *patch)


# ---- files ------------------------------------------------------------------------------------------------------------

CODES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.int32: "I32"}


def save(path, tensors, metadata):
    header, blobs, at = {"__metadata__": metadata}, [], 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        raw = (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().tobytes()
        header[name] = {"dtype": CODES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(raw)]}
        blobs.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def channels_last(x):
    return x.movedim(1, -1)


def run(model, w, inputs, dtype, k, text):
    w.use(dtype)
    clip = {n: inputs[n].to(dtype).movedim(-1, 1) for n in ("noisy", "known", "probe")}
    x = with_known_frames(clip["noisy"], clip["known"], inputs["mask"].to(dtype))
    features = encode_text(w, inputs["ids"].long(), inputs["len"], text)
    out = model(w, x, inputs["t01"].to(dtype), features, inputs["len"], k)
    (out * clip["probe"]).sum().backward()
    return channels_last(out)


def make(name, model, seed, size, k, text, grads):
    w, batch = Weights(seed), 2
    random = np.random.Generator(np.random.Philox(seed + 1000))
    clips = {n: random.standard_normal((batch, *size, RGB)) for n in ("noisy", "known", "probe")}
    values = {n: torch.tensor(c, dtype=torch.bfloat16) for n, c in clips.items()}
    values["mask"] = torch.zeros(batch, size[0])
    values["mask"][0, :2] = 1                                                       # the first sample goes on from two frames
    values["t01"] = torch.tensor([0.3, 0.85], dtype=torch.float32)
    values["ids"] = torch.tensor(random.integers(1, text["vocab"], (batch, text["length"])), dtype=torch.int32)
    values["len"] = torch.tensor([text["length"], 3], dtype=torch.int32)
    out = run(model, w, values, torch.float64, k, text)
    gradient = {n: w.live[n].grad.float() for n in grads}
    out32 = run(model, w, values, torch.float32, k, text)
    error = ((out32.double() - out).abs().max() / out.abs().max()).item()
    tensors = {f"param/{n}": p for n, p in w.stored.items()}
    tensors |= {f"in/{n}": v for n, v in values.items() if n != "probe"}
    tensors |= {"probe": values["probe"], "out": out.float()} | {f"grad/{n}": v for n, v in gradient.items()}
    metadata = {"made_by": "tests/reference/models.py", "model": name, "config": json.dumps(k), "text": json.dumps(text),
                "torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version(),
                "f32_error": f"{error:.3e}", "seed": str(seed)}
    path = GOLDEN / f"{name}.safetensors"
    save(path, tensors, metadata)
    count = sum(p.numel() for p in w.stored.values())
    print(f"{path.name}: {count} weights, {path.stat().st_size} bytes, |out| max {out.abs().max():.3f} std {out.std():.3f}, "
          f"float32 differs by {error:.1e}")


TEXT = {"vocab": 40, "length": 10, "dim": 16, "depth": 1, "heads": 2}

if __name__ == "__main__":
    torch.set_num_threads(1)
    GOLDEN.mkdir(exist_ok=True)
    make("vdit", vdit, 7, (4, 8, 12), {"dim": 48, "depth": 2, "heads": 2, "mlp": 4, "patch": [1, 2, 2],
                                   "pool_text": True}, TEXT,
         ["text.token", "text.blocks.0.attn.k.weight", "time.fc1.bias", "patch.weight", "blocks.0.modulation",
          "blocks.0.attn.norm_k.weight", "blocks.0.attn.q.bias", "blocks.1.cross.v.weight", "head.modulation", "head.out.weight"])
    make("unet3d", unet3d, 8, (4, 12, 16),
         {"widths": [16, 24], "attn_space": [0, 1], "attn_time": [1, 1], "time_down": [1, 0], "blocks": 1, "time_kernel": 3,
          "head_dim": 8, "patch": [1, 2, 2], "stem_kernel": 3}, TEXT,
         ["text.position", "pool.query", "pool.fc.bias", "time.fc2.bias", "stem.bias", "down.0.res0.conv_t.weight",
          "down.0.time.bias.table", "down.1.res0.norm1.weight", "down.1.space.attn.q.weight", "mid.res1.cond.bias",
          "up.1.res0.skip.weight", "out.bias"])
