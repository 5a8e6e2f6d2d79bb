#!/usr/bin/env python3
"""Write tests/golden/gan_models.safetensors: what the adversarial pairs compute, for tests/models/test_gan_models.c.

Every pair is written here again in PyTorch, from its paper and channels first. Cases, names and layouts as in layers.py: weights
are random everywhere, values that go in are f32, PyTorch computes in float64; gradients are of the sum of out * probe over the
outputs: the generator's clip, views and penalty, and the critic's score of another clip.

    python3 tests/reference/gan_models.py          (needs torch, numpy and scipy; the result is committed, tests need neither)

Papers: Vondrick et al. 2016 (arXiv:1609.02612), Saito et al. 2017 (arXiv:1611.06624), Tulyakov et al. 2018
(arXiv:1707.04993), Ohnishi et al. 2018 (arXiv:1711.09618),
Karras et al. 2020 and 2021 (arXiv:1912.04958, arXiv:2106.12423), Skorokhodov et al. 2022 (arXiv:2112.14683). The committed file's
metadata has the versions.
"""
import math
import platform

import numpy as np
import torch
import torch.nn.functional as F

import scipy
from scipy.signal import firwin

from layers import draw, finish, keep, random, tensors
from models import GOLDEN, save


class Net:
    """Parameters and states of one case by full name, in our layout, made when first asked for."""

    def __init__(self, case, training):
        self.case, self.training, self.params, self.states = case, training, {}, {}

    def __call__(self, name, *shape, kind="weight"):
        if name not in self.params:
            scale, shift = {"weight": (1.4 / math.sqrt(max(1, math.prod(shape[:-1]))), 0), "gain": (0.2, 1), "bias": (0.2, 0),
                            "normal": (1, 0), "slow": (100, 0), "slow_bias": (20, 0)}[kind]
            self.params[name] = draw(*shape, scale=scale, shift=shift).requires_grad_()
        return self.params[name]

    def state(self, name, *shape, scale=0.2, shift=0.0):
        if name not in self.states:
            self.states[name] = draw(*shape, scale=scale, shift=shift)
            keep(self.case, "state", name, self.states[name])
        return self.states[name]

    def batch_norm(self, name, x, eps=1e-5, bias=True):
        c = x.shape[1]
        mean, var = self.state(f"{name}.mean", c), self.state(f"{name}.var", c, shift=1.0)
        b = self(f"{name}.bias", c, kind="bias") if bias else None
        return F.batch_norm(x, mean, var, self(f"{name}.weight", c, kind="gain"), b, self.training, 0.1, eps)

    def done(self, inputs, outputs):
        finish(self.case, inputs, outputs, {n: (p, lambda v: v) for n, p in self.params.items()})
        for name, value in self.states.items():
            keep(self.case, "after", name, value)


def first(x):
    """Channels last to channels first."""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def conv(net, name, x, kernel, out, stride=1, padding=0, bias=False):
    w = net(f"{name}.weight", *kernel, x.shape[1], out).permute(4, 3, 0, 1, 2)
    return F.conv3d(x, w, net(f"{name}.bias", out, kind="bias") if bias else None, stride, padding)


def conv_transpose(net, name, x, kernel, out, stride, padding, bias=False):
    w = net(f"{name}.weight", *kernel, out, x.shape[1]).permute(4, 3, 0, 1, 2)
    return F.conv_transpose3d(x, w, net(f"{name}.bias", out, kind="bias") if bias else None, stride, padding)


AXES = {"time": ((4, 1, 1), (2, 1, 1), (1, 0, 0)), "space": ((1, 4, 4), (1, 2, 2), (0, 1, 1)), "both": ((4, 4, 4), 2, 1)}


def double(net, name, x, axes, out, bias=False):
    kernel, stride, padding = AXES[axes]
    return conv_transpose(net, name, x, kernel, out, stride, padding, bias)


def halve(net, name, x, axes, out, bias=False):
    kernel, stride, padding = AXES[axes]
    return conv(net, name, x, kernel, out, stride, padding, bias)


def unfold(net, name, code, size, out):
    """A transposed convolution whose input is 1x1x1 (code [B,K]) and whose kernel is the output's size."""
    w = net(f"{name}.weight", code.shape[1], math.prod(size) * out).reshape(-1, *size, out).permute(0, 4, 1, 2, 3)
    return F.conv_transpose3d(code[:, :, None, None, None], w)


def video_critic(net, name, x, levels, width, eps, each_time):
    for k in range(levels):
        x = halve(net, f"{name}.down{k}", x, "both", width << k, bias=k == 0)
        if k:
            x = net.batch_norm(f"{name}.norm{k}", x, eps)
        x = F.leaky_relu(x, 0.2)
    size = (1 if each_time else x.shape[2], x.shape[3], x.shape[4])
    w = net(f"{name}.out.weight", math.prod(size) * x.shape[1], 1).reshape(*size, -1, 1).permute(4, 3, 0, 1, 2)
    y = F.conv3d(x, w, net(f"{name}.out.bias", 1, kind="bias"))
    return y.flatten(1)[..., None] if each_time else y.flatten(1)


# ---- VGAN -------------------------------------------------------------------------------------------------------------

def vgan(case, training=True, width=3, latent=5, streams=2, frame=False, size=(4, 16, 16), batch=2):
    net, levels = Net(case, training), int(math.log2(min(size[1:]) / 4))
    T, H, W = (n >> levels for n in size)
    c = 2 * width if frame else width
    top = c << (levels - 1)
    inputs = {"frame": draw(batch, *size[1:], 3)} if frame else {"z": draw(batch, latent)}
    inputs["real"] = draw(batch, *size, 3)
    for x in inputs.values():
        x.requires_grad_()
    if frame:
        code = first(inputs["frame"])[:, :, None]
        for k in range(levels):
            code = halve(net, f"generator.encoder.down{k}", code, "space", c << k, bias=k == 0)
            code = F.relu(net.batch_norm(f"generator.encoder.norm{k}", code, 1e-3) if k else code)
    else:
        code = inputs["z"]

    def stream(name, axes, heads):
        name = f"generator.{name}"
        t = T if axes == "both" else 1
        if not frame:
            x = F.relu(net.batch_norm(f"{name}.norm0", unfold(net, f"{name}.in", code, (t, H, W), top)))
        elif axes == "both":
            w = net(f"{name}.in.weight", top, T * top).reshape(top, T, 1, 1, top).permute(0, 4, 1, 2, 3)
            x = F.relu(net.batch_norm(f"{name}.norm0", F.conv_transpose3d(code, w)))
        else:
            x = code
        for k in range(1, levels):
            x = F.relu(net.batch_norm(f"{name}.norm{k}", double(net, f"{name}.up{k}", x, axes, top >> k)))
        return [double(net, f"{name}.{h}", x, axes, n, bias=True) for h, n in heads]

    heads = [("foreground", 3), ("mask", 1)][:streams]
    out = stream("video", "both", heads)
    outputs = {"video": torch.tanh(out[0])}
    if streams == 2:
        f, m = torch.tanh(out[0]), torch.sigmoid(out[1])
        b = torch.tanh(stream("static", "space", [("background", 3)])[0]).expand(f.shape)
        outputs = {"video": m * f + (1 - m) * b, "mask": m, "background": b, "foreground": f}
        if not frame:
            outputs["penalty"] = 0.1 * m.mean()
    if frame:
        outputs["penalty"] = 10 * (last(outputs["video"])[:, 0] - inputs["frame"]).abs().mean()
    outputs = {n: last(x) if x.dim() else x for n, x in outputs.items()}
    outputs["score"] = video_critic(net, "critic", first(inputs["real"]), levels, c, 1e-3, False)
    net.done(inputs, outputs)


# ---- TGAN -------------------------------------------------------------------------------------------------------------

def tgan(case, training=True, width=4, temporal=8, critic_width=3, latent=5, size=(4, 16, 16), batch=3):
    net, levels = Net(case, training), int(math.log2(min(size[1:]) / 4))
    T, H, W = size[0], size[1] >> levels, size[2] >> levels
    z, real = draw(batch, latent).requires_grad_(), draw(batch, *size, 3).requires_grad_()
    x, widths, k = unfold(net, "generator.temporal.in", z, (1, 1, 1), temporal), [temporal // 2, temporal // 4], 0
    while x.shape[2] < T:
        x = F.relu(net.batch_norm(f"generator.temporal.norm{k}", x, bias=False))
        final = 2 * x.shape[2] == T
        k += 1
        out = latent if final else widths[min(k - 1, 1)]
        x = double(net, f"generator.temporal.up{k}", x, "time", out, bias=final)
    fast = torch.tanh(x)[..., 0, 0].transpose(1, 2).flatten(0, 1)                           # [B T, latent]

    def plane(name, code):
        x = F.linear(code, net(f"generator.image.{name}.in.weight", latent, H * W * width).T)
        return F.relu(net.batch_norm(f"generator.image.{name}.norm", x)).reshape(-1, H, W, width).permute(0, 3, 1, 2)

    x = torch.cat([plane("slow", z).repeat_interleave(T, 0), plane("fast", fast)], 1)[:, :, None]
    for k in range(levels):
        x = F.relu(net.batch_norm(f"generator.image.norm{k}", double(net, f"generator.image.up{k}", x, "space", width >> k)))
    x = torch.tanh(conv(net, "generator.image.out", x, (1, 3, 3), 3, padding=(0, 1, 1), bias=True))
    video = x[:, :, 0].unflatten(0, (batch, T)).movedim(2, -1)
    score = video_critic(net, "critic", first(real), levels, critic_width, 1e-5, True)
    net.done({"z_slow": z, "real": real}, {"video": video, "score": score})


# ---- MoCoGAN ----------------------------------------------------------------------------------------------------------

def mocogan(case, training=True, width=4, content=5, motion=3, classes=3, size=(11, 16, 16), batch=2):
    net, levels = Net(case, training), int(math.log2(size[1] / 4))
    inputs = {"z_content": draw(batch, content), "z_motion_start": draw(batch, motion), "z_motion": draw(batch, size[0], motion),
              "z_category": torch.eye(classes).double()[random.integers(0, classes, batch)],
              "real": draw(batch, *size, 3, scale=0.5)}
    for x in inputs.values():
        x.requires_grad_()
    gru = [net(f"generator.gru.{part}.weight", motion, 3 * motion).T for part in "xh"]
    gru += [net(f"generator.gru.{part}.bias", 3 * motion, kind="bias") for part in "xh"]
    h, codes = inputs["z_motion_start"], []
    for t in range(size[0]):
        h = torch.gru_cell(inputs["z_motion"][:, t], h, *gru)
        codes.append(torch.cat([inputs["z_content"], h, inputs["z_category"]], dim=1))
    x = torch.stack(codes, dim=1).flatten(0, 1)[..., None, None, None]                          # [B T, codes, 1, 1, 1]
    for k in range(levels):
        x = conv_transpose(net, f"generator.up{k}", x, (1, 4, 4), width << (levels - 1 - k), (1, 2, 2) if k else 1,
                           (0, 1, 1) if k else 0)
        x = F.relu(net.batch_norm(f"generator.norm{k}", x))
    video = torch.tanh(conv_transpose(net, "generator.out", x, (1, 4, 4), 3, (1, 2, 2), (0, 1, 1)))

    def trunk(name, x, time, n):
        for k in range(n):
            x = conv(net, f"{name}.down{k}", x, (time, 4, 4), width << k, (1, 2, 2), (0, 1, 1))
            x = F.leaky_relu(net.batch_norm(f"{name}.norm{k}", x) if k else x, 0.2)
        return x

    pick = torch.tensor(random.integers(0, size[0], batch), dtype=torch.int32)
    tensors[f"{case}/in/pick"] = pick
    frame = first(inputs["real"][torch.arange(batch), pick.long()])[:, :, None]
    patches = conv(net, "critic.image.out", trunk("critic.image", frame, 1, 3), (1, 4, 4), 1, (1, 2, 2), (0, 1, 1))
    judged = conv(net, "critic.video.out", trunk("critic.video", first(inputs["real"]), 4, levels), (4, 4, 4), 1 + classes)
    net.done(inputs, {"video": last(video)[:, 0].unflatten(0, (batch, size[0])), "score": last(patches),
                      "score1": last(judged[:, :1]), "category1": judged[:, 1:].mean(dim=(2, 3, 4))})


# ---- flow and texture -------------------------------------------------------------------------------------------------

def spectral(net, name, w):
    """w over its largest singular value, by one power iteration that gradients see as constant."""
    m = w.reshape(-1, w.shape[-1])
    u = net.state(f"{name}.sn.u", w.shape[-1], scale=1.0)
    v = F.normalize(m.detach() @ u, dim=0)
    new = F.normalize(m.detach().T @ v, dim=0)
    net.states[f"{name}.sn.u"] = new
    return w / (v @ m @ new)


def plain_critic(net, name, x, levels, width):
    for k in range(levels):
        w = net(f"{name}.down{k}.weight", 1, 4, 4, x.shape[1], width << k)
        w = spectral(net, f"{name}.down{k}", w)[0].permute(3, 2, 0, 1)
        x = F.leaky_relu(F.conv2d(x, w, net(f"{name}.down{k}.bias", width << k, kind="bias"), 2, 1), 0.2)
    x = x.movedim(1, -1).flatten(1)
    w = spectral(net, f"{name}.out", net(f"{name}.out.weight", x.shape[1], 1))
    return x @ w + net(f"{name}.out.bias", 1, kind="bias")


def videogan_flow(case, training=True, warp=True, width=2, latent=4, max_flow=4.0, size=(3, 16, 16), batch=2):
    net, levels = Net(case, training), int(math.log2(min(size[1:]) / 4))
    (T, H, W), h, w = size, size[1] >> levels, size[2] >> levels
    z = {n: draw(batch, latent).requires_grad_() for n in ("z_flow", "z_texture")}
    real = draw(batch, *size, 3).requires_grad_()

    def picture(name, code, channels):
        name = f"generator.{name}"
        x = F.relu(net.batch_norm(f"{name}.norm0", unfold(net, f"{name}.in", code, (1, h, w), width << (levels - 1))))
        for k in range(1, levels):
            x = F.relu(net.batch_norm(f"{name}.norm{k}", double(net, f"{name}.up{k}", x, "space", width << (levels - 1 - k))))
        return torch.tanh(double(net, f"{name}.out", x, "space", channels, bias=True))

    flow = picture("flow", z["z_flow"], 2 * (T - 1))[:, :, 0].unflatten(1, (T - 1, 2)).transpose(1, 2)     # [B,2,T-1,H,W]
    start = picture("first", z["z_texture"], 3)
    x, skips, name = torch.cat([flow, start.expand(-1, -1, T - 1, -1, -1)], 1), [], "generator.texture"
    for k in range(levels):
        x = halve(net, f"{name}.down{k}", x, "space", width << k, bias=k == 0)
        x = F.leaky_relu(net.batch_norm(f"{name}.down_norm{k}", x) if k else x, 0.2)
        skips.append(x)
    c = z["z_texture"] @ net(f"{name}.code.weight", latent, x.shape[1]) + net(f"{name}.code.bias", x.shape[1], kind="bias")
    x = x + c[:, :, None, None, None]
    for k in range(levels - 1, 0, -1):
        x = F.relu(net.batch_norm(f"{name}.up_norm{k}", double(net, f"{name}.up{k}", x, "space", width << (k - 1))))
        x = torch.cat([x, skips[k - 1]], 1)
    x = double(net, f"{name}.out", x, "space", 4, bias=True)
    painted, keep, flow = torch.tanh(x[:, :3]), torch.sigmoid(x[:, 3:]), max_flow * flow
    rows, columns = torch.meshgrid(torch.arange(H).double(), torch.arange(W).double(), indexing="ij")
    frames, moved = [start[:, :, 0]], []
    for t in range(T - 1):
        grid = torch.stack([(columns + flow[:, 0, t]) * 2 / (W - 1) - 1, (rows + flow[:, 1, t]) * 2 / (H - 1) - 1], -1)
        moved.append(F.grid_sample(frames[-1], grid, padding_mode="border", align_corners=True) if warp else frames[-1])
        frames.append(moved[-1] * keep[:, :, t] + painted[:, :, t] * (1 - keep[:, :, t]))
    video = torch.stack(frames, 2)
    rough = flow.diff(dim=3).abs().mean() + flow.diff(dim=4).abs().mean()
    penalty = 0.01 * rough + 0.1 * (video[:, :, 1:] - torch.stack(moved, 2)).abs().mean()
    pick = torch.arange(batch) % T
    tensors[f"{case}/in/pick"] = pick.to(torch.int32)
    frame = first(real[torch.arange(batch), pick])
    clip = real.permute(0, 1, 4, 2, 3).flatten(1, 2)
    none = torch.zeros(batch, 1, H, W, 1)
    net.done({**z, "real": real}, {"video": last(video), "flow": last(flow), "mask": torch.cat([none, last(keep)], 1),
                                   "painted": torch.cat([none.expand(-1, -1, -1, -1, 3), last(painted)], 1), "penalty": penalty,
                                   "score": plain_critic(net, "critic.frame", frame, levels, width),
                                   "score1": plain_critic(net, "critic.clip", clip, levels, width)})


# ---- StyleGAN-V -------------------------------------------------------------------------------------------------------

ROOT2 = math.sqrt(2)


def lrelu(x):
    return F.leaky_relu(x, 0.2) * ROOT2


def dense(net, name, x, out, slow=False, bias=True, act=False):
    gain = (0.01 if slow else 1) / math.sqrt(x.shape[-1])
    x = x @ (net(f"{name}.weight", x.shape[-1], out, kind="slow" if slow else "normal") * gain)
    if bias:
        x = x + net(f"{name}.bias", out, kind="slow_bias" if slow else "bias") * (0.01 if slow else 1)
    return lrelu(x) if act else x


def equal_conv(net, name, x, k, out, bias=True, act=True):
    """x [N,C,H,W]."""
    w = net(f"{name}.weight", 1, k, k, x.shape[1], out, kind="normal")[0].permute(3, 2, 0, 1) / math.sqrt(k * k * x.shape[1])
    x = F.conv2d(x, w, net(f"{name}.bias", out, kind="bias") if bias else None, padding=k // 2)
    return lrelu(x) if act else x


def unit(x):
    return x / (x.square().mean(-1, keepdim=True) + 1e-8).sqrt()


def low_pass(x, size, rates, taps, cutoff, half_width, rate, gain):
    """Both last axes of x from rates[0] to rates[1] around the same centre; the filter stands at `rate`."""
    h = torch.tensor(firwin(taps, cutoff, width=2 * half_width, fs=rate))

    def matrix(n):
        have, want = ((torch.arange(m).double() - (m - 1) / 2) / r for m, r in ((n, rates[0]), (size, rates[1])))
        tap = (have[None] - want[:, None]) * rate + (taps - 1) / 2
        near = tap.round()
        ok = ((tap - near).abs() < 1e-6) & (near >= 0) & (near < taps)
        return torch.where(ok, gain * h[near.long().clamp(0, taps - 1)], torch.zeros(()).double())

    return matrix(x.shape[-2]) @ x @ matrix(x.shape[-1]).T


def stylegan_motion(net, z, t, distance, kernel, features, longest):
    name, u = "generator.motion", z.transpose(1, 2)
    for k in range(2):
        w = net(f"{name}.conv{k}.weight", kernel, 1, 1, u.shape[1], u.shape[1], kind="slow")[:, 0, 0].permute(2, 1, 0)
        w = w * 0.01 / math.sqrt(kernel * u.shape[1])
        u = lrelu(F.conv1d(u, w, 0.01 * net(f"{name}.conv{k}.bias", u.shape[1], kind="slow_bias")))
    u, at = u.transpose(1, 2), (t / distance).floor().long()
    rows = torch.arange(len(t))[:, None]
    left, right, start = u[rows, at], u[rows, at + 1], (at * distance).double()
    a = ((t - start) / distance)[..., None]
    period = 2 ** torch.linspace(math.log2(distance), math.log2(longest), features, dtype=torch.float64)
    speed = 2 * math.pi / period * (torch.tanh(dense(net, f"{name}.period", left, features, bias=False)) + 1)
    phase = longest / period * dense(net, f"{name}.phase", left, features, bias=False)

    def wave(t):
        angle = speed * t[..., None] + phase
        return torch.cat([angle.sin(), angle.cos()], -1)

    align = [dense(net, f"{name}.align", v, 2 * features, bias=False) for v in (left, right)]
    bend = wave(start) * (1 - a) + wave(start + distance) * a
    return wave(t) - bend + align[0] * (1 - a) + align[1] * a


def modulated(net, name, x, style, k, out, demodulate, gain):
    """Weights of each sample's own, as a grouped convolution. x [B,T,C,H,W]."""
    b, t, c = x.shape[:3]
    w = net(f"{name}.weight", 1, k, k, c, out, kind="normal")[0].permute(3, 2, 0, 1)[None] * style[:, None, :, None, None]
    if demodulate:
        w = w / (w.square().sum([2, 3, 4], keepdim=True) + 1e-8).sqrt()
    y = x.transpose(0, 1).reshape(t, b * c, *x.shape[3:]) * gain
    y = F.conv2d(y, w.reshape(b * out, c, k, k), padding=k // 2, groups=b).reshape(t, b, out, *x.shape[3:]).transpose(0, 1)
    return y + net(f"{name}.bias", out, kind="bias")[:, None, None]


def stylegan_critic(net, video, t, R, width, join):
    b, T = video.shape[:2]
    x = equal_conv(net, "critic.rgb", video.flatten(0, 1).permute(0, 3, 1, 2), 1, width(R))
    r, c = R, width(4)
    while r > 4:
        if r == join:
            x = x.unflatten(0, (b, T)).flatten(1, 2)
        name, out = f"critic.b{r}", width(r // 2)
        out = out // 2 if r // 2 == join else out
        skip = equal_conv(net, f"{name}.skip", F.avg_pool2d(x, 2), 1, out, bias=False, act=False)
        y = equal_conv(net, f"{name}.conv1", equal_conv(net, f"{name}.conv0", x, 3, width(r)), 3, out)
        x, r = (F.avg_pool2d(y, 2) + skip) / ROOT2, r // 2
    deviation = (x.var(0, unbiased=False) + 1e-8).sqrt().mean()                           # one group: the batch is at most 4
    x = torch.cat([x, deviation.expand(b, 1, 4, 4)], 1)
    x = equal_conv(net, "critic.conv", x, 3, c).permute(0, 2, 3, 1).flatten(1)
    x = dense(net, "critic.out", dense(net, "critic.fc", x, c, act=True), c)
    angle = t.diff(dim=1)[..., None] * 2 * math.pi / 2 ** torch.arange(1, 11).double()
    code = unit(dense(net, "critic.time.in", torch.cat([angle.sin(), angle.cos()], -1).flatten(1), c))
    code = dense(net, "critic.time.fc1", dense(net, "critic.time.fc0", code, c, slow=True, act=True), c, slow=True, act=True)
    return (x * code).sum(1, keepdim=True) / math.sqrt(c)


def stylegan(case, training=True, filtered=True, times=None, frames=2, span=7, R=16, layers=4, margin=2, most=4, base=48,
             latent=5, motion_latent=4, distance=3, kernel=2, features=3, longest=12, join=8, batch=2):
    net = Net(case, training)
    codes = math.ceil((span - 1) / distance) + 2 + 2 * (kernel - 1)
    t = torch.arange(frames).double().expand(batch, -1)
    if times is not None:
        t = torch.tensor(times, dtype=torch.float64)
        tensors[f"{case}/in/times"] = t.float()
    z, zm = draw(batch, latent).requires_grad_(), draw(batch, codes, motion_latent).requires_grad_()
    real = draw(batch, t.shape[1], R, R, 3).requires_grad_()

    def width(resolution):
        return min(most, round(base / resolution))

    mean = net.state("generator.mapping.mean", latent)
    w = unit(z)
    for k in range(2):
        w = dense(net, f"generator.mapping.fc{k}", w, latent, slow=True, act=True)
    if training:
        net.states["generator.mapping.mean"] = 0.998 * mean + 0.002 * w.mean(0)
    step = [min(k / (layers - 2), 1) for k in range(layers + 1)]
    cutoff = [2 * (R / 4) ** s for s in step]
    stop = [2 ** 2.1 * (R / 2 * 2 ** 0.3 / 2 ** 2.1) ** s for s in step]
    rate = [2 ** math.ceil(math.log2(min(2 * s, R)) - 1e-9) for s in stop]
    half = [max(s, r / 2) - c for s, r, c in zip(stop, rate, cutoff)]
    size = [r + (2 * margin if filtered and k < layers - 1 else 0) for k, r in enumerate(rate)]
    c = [width(2 * f) for f in cutoff]
    affine = dense(net, "generator.input.affine", w, 4) + torch.tensor([1.0, 0, 0, 0])
    affine = affine / affine[:, :2].norm(dim=1, keepdim=True)
    turn = torch.stack([affine[:, 0], -affine[:, 1], affine[:, 1], affine[:, 0]], 1).reshape(-1, 2, 2)
    drawn = net.state("generator.input.frequency", 2, c[0], scale=1.0).T
    freq = drawn / drawn.norm(dim=1, keepdim=True) * (-drawn.square().sum(1, keepdim=True) / 4).exp() * cutoff[0]
    phase = net.state("generator.input.phase", c[0], scale=1.0)
    at = (torch.arange(size[0]).double() - (size[0] - 1) / 2) / rate[0]
    place = torch.stack(torch.meshgrid(at, at, indexing="ij")[::-1], -1)                                     # [h,w,(x,y)]
    place = (place[None] - affine[:, None, None, 2:]) @ turn.transpose(1, 2)[:, None]
    x = (2 * math.pi * (place @ freq.T + phase)).sin()
    x = dense(net, "generator.input.mix", x, c[0], bias=False)[:, None]
    motion = stylegan_motion(net, zm, t, distance, kernel, features, longest)
    x = (x + dense(net, "generator.input.motion", motion, c[0], bias=False)[:, :, None, None]).movedim(-1, 2)
    for k in range(layers + 1):
        name = f"generator.layer{k}" if k < layers else "generator.rgb"
        known = net.state(f"{name}.magnitude", 1, shift=1.0)
        if training:
            known = net.states[f"{name}.magnitude"] = 0.999 * known + 0.001 * x.square().mean().detach()
        style = dense(net, f"{name}.affine", w, x.shape[2]) + 1
        if k == layers:
            style = style / math.sqrt(x.shape[2])
        x = modulated(net, f"{name}.conv", x, style, 3 if k < layers else 1, c[k] if k < layers else 3, k < layers, known ** -0.5)
        p = max(k - 1, 0)
        if k < layers and filtered:
            up = 2 * rate[k] // rate[p]
            x = low_pass(x, 2 * size[k] + 40, (rate[p], 2 * rate[k]), 6 * up, cutoff[p], half[p], 2 * rate[k], up)
            x = low_pass(lrelu(x), size[k], (2 * rate[k], rate[k]), 12, cutoff[k], half[k], 2 * rate[k], 1)
        elif k < layers:
            x = lrelu(x).repeat_interleave(size[k] // size[p], -1).repeat_interleave(size[k] // size[p], -2)
    net.done({"z": z, "z_motion": zm, "real": real},
             {"video": 0.25 * x.movedim(2, -1), "score": stylegan_critic(net, real, t, R, width, join)})


def filters():
    """(taps, cutoff, half width, rate) and the taps."""
    cases = [(12, 2.0, 2.5, 32.0), (24, 3.7, 4.3, 64.0), (12, 16.0, 3.7, 64.0), (7, 1.0, 0.4, 8.0)]
    for k, (taps, cutoff, half, rate) in enumerate(cases):
        keep("filters", "in", str(k), torch.tensor([taps, cutoff, half, rate]))
        keep("filters", "out", str(k), torch.tensor(firwin(taps, cutoff, width=2 * half, fs=rate)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    tensors.clear()
    vgan("vgan")
    vgan("vgan_fixed", training=False, size=(4, 8, 12), batch=1)
    vgan("vgan_one_stream", streams=1, size=(4, 8, 8))
    vgan("vgan_frame", frame=True, width=2, size=(8, 16, 16))
    tgan("tgan")
    tgan("tgan_fixed", training=False, size=(4, 8, 12), batch=1)
    videogan_flow("flow")
    videogan_flow("flow_still", training=False, warp=False, size=(3, 8, 12))
    stylegan("stylegan", times=[[0, 2.5], [3, 6]])
    stylegan("stylegan_plain", training=False, filtered=False, span=2)
    filters()
    mocogan("mocogan")
    mocogan("mocogan_fixed", training=False, batch=1)
    path = GOLDEN / "gan_models.safetensors"
    save(path, tensors, {"made_by": "tests/reference/gan_models.py", "torch": torch.__version__, "numpy": np.__version__,
                         "scipy": scipy.__version__, "python": platform.python_version()})
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
