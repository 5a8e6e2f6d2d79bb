"""Time one model of models.py in one mode, in a process of its own; print one JSON line.

    python3 step.py MODEL train|sample MODE...      MODE: words of bf16, compile, channels_last

train: forward, backward, clipping, AdamW, averaging. sample: the network alone under no_grad, as one denoising step without
guidance runs it (of the GAN the generator, of the VAE the decoder).
"""
import json
import resource
import sys
import time

START = time.time()
import torch

import models

REPEATS = 3


class Diffusion(torch.nn.Module):
    """A model of SIZES with its loss."""

    def __init__(self, net, size):
        super().__init__()
        self.net, self.size = net, size

    def groups(self):
        return [list(self.net.parameters())]

    def sampler(self):
        return self.net

    def sample_inputs(self, batch, form):
        return (torch.randn(batch, models.IN_CHANNELS, *self.size).contiguous(memory_format=form), torch.rand(batch),
                torch.full((batch, models.TEXT_LENGTH), 5))

    def inputs(self, batch, form):
        return (*self.sample_inputs(batch, form), torch.randn(batch, models.RGB, *self.size))

    def forward(self, x, t, ids, target):
        return ((self.net(x, t, ids).float() - target).square().mean(),)


def training(net, call, inputs, name, autocast):
    groups = net.groups()
    optimisers = [torch.optim.AdamW(g, lr=1e-5, betas=(0.9, 0.99), foreach=True) for g in groups]
    averaged = [[p.detach().clone() for p in g] for g in groups] if len(groups) == 1 and name != "vae" else []

    def step():
        with autocast():
            losses = call(*inputs)
        grads = [torch.autograd.grad(loss, g, retain_graph=g is not groups[-1]) for loss, g in zip(losses, groups)]
        for optimiser, g, d in zip(optimisers, groups, grads):
            for p, grad in zip(g, d):
                p.grad = grad
            torch.nn.utils.clip_grad_norm_(g, 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        for e, g in zip(averaged, groups):
            torch._foreach_lerp_(e, [p.detach() for p in g], 1e-3)

    return step


def sampling(call, inputs, autocast):
    def step():
        with torch.no_grad(), autocast():
            call(*inputs)

    return step


def main():
    name, kind, mode = sys.argv[1], sys.argv[2], set(sys.argv[3:])
    make, batch, size = models.SIZES[name]
    torch.manual_seed(1)
    form = torch.channels_last_3d if "channels_last" in mode else torch.contiguous_format
    net = make(size)
    net = net if hasattr(net, "groups") else Diffusion(net, size)
    for layer in net.modules():                                     # of 5-axis weights: 2-D layers keep their own form
        if isinstance(layer, torch.nn.Conv3d):
            layer.to(memory_format=form)
    train = kind == "train"
    call = net if train else net.sampler().eval()
    inputs = net.inputs(batch, form) if train else net.sample_inputs(batch, form)
    call = torch.compile(call) if "compile" in mode else call

    def autocast():
        return torch.autocast("cpu", torch.bfloat16, enabled="bf16" in mode)

    step = training(net, call, inputs, name, autocast) if train else sampling(call, inputs, autocast)
    step()
    first = time.time() - START
    best = 1e30
    for _ in range(REPEATS):
        t0 = time.time()
        step()
        best = min(best, time.time() - t0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"ms": 1e3 * best, "first_step_s": first, "peak_mb": peak,
                      "parameters": sum(p.numel() for p in net.parameters())}))


main()
