"""Time one model of models.py in one mode, in a process of its own; print one JSON line.

    python3 step.py MODEL train|forward MODE...      MODE: words of bf16, compile, channels_last
"""
import json
import resource
import sys
import time

START = time.time()
import torch

import models


def main():
    name, kind, mode = sys.argv[1], sys.argv[2], set(sys.argv[3:])
    make, batch, size = models.SIZES[name]
    torch.manual_seed(1)
    net = make(size)
    form = torch.channels_last_3d if "channels_last" in mode else torch.contiguous_format
    net = net.to(memory_format=form)
    averaged = [p.detach().clone() for p in net.parameters()]
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-5, betas=(0.9, 0.99), foreach=True)
    x = torch.randn(batch, models.IN_CHANNELS, *size).contiguous(memory_format=form)
    target = torch.randn(batch, models.RGB, *size)
    t, ids = torch.rand(batch), torch.full((batch, models.TEXT_LENGTH), 5)
    call = torch.compile(net) if "compile" in mode else net

    def forward():
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in mode):
            return call(x, t, ids)

    def train():
        optimiser.zero_grad(set_to_none=True)
        loss = (forward().float() - target).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        torch._foreach_lerp_(averaged, [p.detach() for p in net.parameters()], 1e-3)

    def sample():
        with torch.no_grad():
            forward()

    step = train if kind == "train" else sample
    step()
    first = time.time() - START
    best = 1e30
    for _ in range(4):
        t0 = time.time()
        step()
        best = min(best, time.time() - t0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"ms": 1e3 * best, "first_step_s": first, "peak_mb": peak,
                      "parameters": sum(p.numel() for p in net.parameters())}))


main()
