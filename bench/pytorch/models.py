"""The models of `zoe bench` in PyTorch, as a PyTorch user would write them: modules, channels first, its own fused attention.
Sizes and blocks are those of src/models/vdit.c and unet3d.c (text encoder, pooled text and known frames included)."""
import math

import torch
import torch.nn.functional as F
from torch import nn

RGB, TEXT_DIM, TEXT_LENGTH, VOCAB = 3, 128, 24, 512
IN_CHANNELS = 4 * RGB          # noisy, two known frames, three planes: what zt_net_build shows the model


def sinusoid(t, dim, scale=1000.0):
    half = dim // 2
    freq = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=torch.float32) / half)
    angle = (t * scale)[:, None] * freq[None]
    return torch.cat([angle.cos(), angle.sin()], dim=1)


class TimeEmbedding(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(256, dim), nn.Linear(dim, dim)

    def forward(self, t):
        return self.fc2(F.silu(self.fc1(sinusoid(t, 256))))


class Attention(nn.Module):
    def __init__(self, dim, source, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = nn.Linear(dim, dim), nn.Linear(source, dim), nn.Linear(source, dim), nn.Linear(dim, dim)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

    def forward(self, x, source, bias=None):
        y = F.scaled_dot_product_attention(self.split(self.q(x)), self.split(self.k(source)), self.split(self.v(source)), bias)
        return self.o(y.transpose(-2, -3).flatten(-2))


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.position = nn.Embedding(VOCAB, TEXT_DIM), nn.Parameter(torch.randn(TEXT_LENGTH, TEXT_DIM) * 0.02)
        self.blocks = nn.ModuleList()
        for _ in range(2):
            self.blocks.append(nn.ModuleDict({
                "norm1": nn.LayerNorm(TEXT_DIM), "attn": Attention(TEXT_DIM, TEXT_DIM, 4), "norm2": nn.LayerNorm(TEXT_DIM),
                "fc1": nn.Linear(TEXT_DIM, 4 * TEXT_DIM), "fc2": nn.Linear(4 * TEXT_DIM, TEXT_DIM)}))
        self.norm = nn.LayerNorm(TEXT_DIM)

    def forward(self, ids):
        x = self.token(ids) + self.position
        for b in self.blocks:
            h = b["norm1"](x)
            x = x + b["attn"](h, h)
            x = x + b["fc2"](F.gelu(b["fc1"](b["norm2"](x)), approximate="tanh"))
        return self.norm(x)


class PoolWords(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.query, self.fc = nn.Parameter(torch.randn(1, 1, TEXT_DIM)), nn.Linear(TEXT_DIM, dim)

    def forward(self, text):
        q, kv = (x.unflatten(-1, (4, -1)).transpose(1, 2) for x in (self.query.expand(len(text), -1, -1), text))
        return self.fc(F.scaled_dot_product_attention(q, kv, kv).transpose(1, 2).flatten(2)[:, 0])


# ---- vdit -------------------------------------------------------------------------------------------------------------

def rotary(grid, head_dim):
    """Cosines and sines [N, head_dim/2] of the three axes."""
    sizes = [head_dim - 4 * (head_dim // 6), 2 * (head_dim // 6), 2 * (head_dim // 6)]
    parts = []
    for axis, (count, dim) in enumerate(zip(grid, sizes)):
        angle = torch.outer(torch.arange(count).float(), 1.0 / torch.pow(10000, torch.arange(0, dim, 2).float() / dim))
        shape = [1, 1, 1, -1]
        shape[axis] = count
        parts.append(angle.view(*shape).expand(*grid, -1))
    angle = torch.cat(parts, -1).reshape(math.prod(grid), -1)
    return angle.cos(), angle.sin()


def turn(x, cos, sin):
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


class RMSNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * (x.float().square().mean(-1, keepdim=True) + 1e-6).rsqrt().to(x.dtype) * self.weight


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.modulation = heads, nn.Parameter(torch.randn(6 * dim) * 0.02)
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))
        self.norm_q, self.norm_k, self.norm_cross = RMSNorm(dim), RMSNorm(dim), nn.LayerNorm(dim, eps=1e-6)
        self.cross = Attention(dim, TEXT_DIM, heads)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    @staticmethod
    def modulate(x, shift, scale):
        return F.layer_norm(x, (x.shape[-1],), eps=1e-6) * (1 + scale[:, None]) + shift[:, None]

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, c6, text, cos, sin):
        shift1, scale1, gate1, shift2, scale2, gate2 = (c6 + self.modulation).chunk(6, dim=1)
        h = self.modulate(x, shift1, scale1)
        q, k = turn(self.split(self.norm_q(self.q(h))), cos, sin), turn(self.split(self.norm_k(self.k(h))), cos, sin)
        v = self.split(self.v(h))
        h = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v).transpose(1, 2).flatten(2)
        x = x + gate1[:, None] * self.o(h)
        x = x + self.cross(self.norm_cross(x), text)
        h = self.fc2(F.gelu(self.fc1(self.modulate(x, shift2, scale2)), approximate="tanh"))
        return x + gate2[:, None] * h


class VDiT(nn.Module):
    def __init__(self, size, dim=384, depth=12, heads=6, patch=(2, 4, 4)):
        super().__init__()
        self.patch, self.grid = patch, [n // p for n, p in zip(size, patch)]
        self.text, self.time = TextEncoder(), TimeEmbedding(dim)
        self.time_proj, self.embed = nn.Linear(dim, 6 * dim), nn.Linear(math.prod(patch) * IN_CHANNELS, dim)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.modulation, self.out = nn.Parameter(torch.randn(2 * dim) * 0.02), nn.Linear(dim, math.prod(patch) * RGB)
        for name, x in zip(("cos", "sin"), rotary(self.grid, dim // heads)):
            self.register_buffer(name, x)

    def forward(self, x, t, ids):
        (nt, nh, nw), (pt, ph, pw) = self.grid, self.patch
        text, c = self.text(ids), self.time(t)
        c6 = self.time_proj(F.silu(c))
        x = x.unflatten(4, (nw, pw)).unflatten(3, (nh, ph)).unflatten(2, (nt, pt))      # B C t pt h ph w pw
        x = self.embed(x.permute(0, 2, 4, 6, 3, 5, 7, 1).flatten(4).flatten(1, 3))
        for block in self.blocks:
            x = block(x, c6, text, self.cos, self.sin)
        shift, scale = (torch.cat([c, c], 1) + self.modulation).chunk(2, dim=1)
        x = self.out(Block.modulate(x, shift, scale)).reshape(-1, nt, nh, nw, pt, ph, pw, RGB)
        return x.permute(0, 7, 1, 4, 2, 5, 3, 6).reshape(len(x), RGB, nt * pt, nh * ph, nw * pw)


# ---- unet3d -----------------------------------------------------------------------------------------------------------

class ResBlock(nn.Module):
    def __init__(self, width_in, width, cond):
        super().__init__()
        self.norm1, self.norm2, self.norm_t = nn.GroupNorm(8, width_in), nn.GroupNorm(8, width), nn.GroupNorm(8, width)
        self.conv1 = nn.Conv3d(width_in, width, (1, 3, 3), padding=(0, 1, 1))
        self.conv2 = nn.Conv3d(width, width, (1, 3, 3), padding=(0, 1, 1))
        self.conv_t = nn.Conv3d(width, width, (3, 1, 1), padding=(1, 0, 0))
        self.cond = nn.Linear(cond, 2 * width)
        self.skip = nn.Conv3d(width_in, width, 1) if width_in != width else nn.Identity()

    def forward(self, x, c):
        scale, shift = (s[:, :, None, None, None] for s in self.cond(c).chunk(2, dim=1))
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        x = self.skip(x) + h
        return x + self.conv_t(F.silu(self.norm_t(x)))


class GridAttention(nn.Module):
    """Over space (one frame) or over time (one pixel), with a learned bias per clipped offset."""

    def __init__(self, width, size, clip, head_dim=32):
        super().__init__()
        self.space, heads = len(size) == 2, width // head_dim
        self.norm, self.attn = nn.LayerNorm(width), Attention(width, width, heads)
        self.table = nn.Parameter(torch.randn((2 * clip + 1) ** len(size), heads) * 0.02)
        cells = torch.cartesian_prod(*[torch.arange(n) for n in size]).reshape(-1, len(size))
        offset = (cells[None, :, :] - cells[:, None, :]).clamp(-clip, clip) + clip
        row = torch.zeros(offset.shape[:2], dtype=torch.long)
        for axis in range(len(size)):
            row = row * (2 * clip + 1) + offset[:, :, axis]
        self.register_buffer("row", row)

    def forward(self, x):
        b, c, t, h, w = x.shape
        bias = self.table[self.row].permute(2, 0, 1)
        z = x.permute(0, 2, 3, 4, 1).flatten(2, 3).flatten(0, 1) if self.space else x.permute(0, 3, 4, 2, 1).flatten(0, 2)
        z = self.norm(z)
        z = self.attn(z, z, bias.to(z.dtype))
        return x + (z.view(b, t, h, w, c).permute(0, 4, 1, 2, 3) if self.space else z.view(b, h, w, t, c).permute(0, 4, 3, 1, 2))


class UNet3d(nn.Module):
    def __init__(self, size, widths=(64, 128, 256), blocks=2, attn_space=(0, 0, 1), attn_time=(0, 1, 1)):
        super().__init__()
        cond, (t, h, w), last = 4 * widths[0], size, len(widths) - 1
        self.text, self.time, self.pool = TextEncoder(), TimeEmbedding(cond), PoolWords(cond)
        self.stem = nn.Conv3d(IN_CHANNELS, widths[0], (1, 3, 3), padding=(0, 1, 1))
        self.frame = nn.Linear(8, widths[0], bias=False)
        angle = torch.arange(t)[:, None] * (2 * math.pi / torch.tensor([8.0, 16, 32, 64]))
        self.register_buffer("waves", torch.stack([angle.cos(), angle.sin()], -1).flatten(1))

        def attentions(i):
            pick = []
            if attn_space[i]:
                pick.append(GridAttention(widths[i], (h >> i, w >> i), 15))
            if attn_time[i]:
                pick.append(GridAttention(widths[i], (t,), 31))
            return nn.Sequential(*pick)

        self.down, self.down_attn, self.shrink = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.up, self.up_attn, self.grow = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(widths):
            self.down.append(nn.ModuleList(ResBlock(width, width, cond) for _ in range(blocks)))
            self.up.append(nn.ModuleList(ResBlock(2 * width, width, cond) for _ in range(blocks)))
            self.down_attn.append(attentions(i))
            self.up_attn.append(attentions(i))
            if i < last:
                self.shrink.append(nn.Conv3d(width, widths[i + 1], (1, 4, 4), (1, 2, 2), (0, 1, 1)))
                self.grow.append(nn.Conv3d(widths[i + 1], width, 1))
        self.mid, self.mid_attn = nn.ModuleList(ResBlock(widths[-1], widths[-1], cond) for _ in range(2)), attentions(last)
        self.norm, self.out = nn.GroupNorm(8, widths[0]), nn.Conv3d(widths[0], RGB, (1, 3, 3), padding=(0, 1, 1))

    def forward(self, x, t, ids):
        c = F.silu(self.time(t) + self.pool(self.text(ids)))
        x = self.stem(x) + self.frame(self.waves).T[None, :, :, None, None]
        skips = []
        for i, level in enumerate(self.down):
            for block in level:
                x = block(x, c)
                skips.append(x)
            x = self.down_attn[i](x)
            if i < len(self.shrink):
                x = self.shrink[i](x)
        x = self.mid[1](self.mid_attn(self.mid[0](x, c)), c)
        for i in reversed(range(len(self.up))):
            if i < len(self.grow):
                x = F.interpolate(self.grow[i](x), scale_factor=(1, 2, 2), mode="nearest")
            for b, block in enumerate(self.up[i]):
                x = block(torch.cat([x, skips[i * len(self.up[i]) + b]], 1), c)
            x = self.up_attn[i](x)
        return self.out(F.silu(self.norm(x)))


# ---- MoCoGAN's image generator and video critic -----------------------------------------------------------------------

class Generator(nn.Sequential):
    def __init__(self):
        layers, width = [], 66
        for k, out in enumerate((512, 256, 128, 64)):
            layers += [nn.ConvTranspose2d(width, out, 4, 1 if k == 0 else 2, 0 if k == 0 else 1, bias=False),
                       nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
            width = out
        super().__init__(*layers, nn.ConvTranspose2d(width, RGB, 4, 2, 1, bias=False), nn.Tanh())


class Critic(nn.Sequential):
    def __init__(self):
        layers, width = [], RGB
        for k, out in enumerate((64, 128, 256, 512)):
            layers += [nn.Conv3d(width, out, 4, (1, 2, 2), (0, 1, 1), bias=False)]
            layers += [nn.BatchNorm3d(out)] if k else []
            layers += [nn.LeakyReLU(0.2, inplace=True)]
            width = out
        super().__init__(*layers, nn.Conv3d(width, 1, 4, bias=False))


class GAN(nn.Module):
    """The hinge losses of critic and generator."""

    def __init__(self, size):
        super().__init__()
        self.generator, self.critic = Generator(), Critic()

    def groups(self):
        return [list(self.critic.parameters()), list(self.generator.parameters())]

    def inputs(self, batch, form):
        return torch.randn(batch * 16, 66, 1, 1), torch.randn(batch, RGB, 16, 64, 64).contiguous(memory_format=form)

    def sampler(self):
        return self.generator

    def sample_inputs(self, batch, form):
        return (torch.randn(batch * 16, 66, 1, 1),)

    def forward(self, z, real):
        fake = self.generator(z).unflatten(0, (-1, 16)).transpose(1, 2)
        of_fake, of_real = self.critic(torch.cat([fake, real])).flatten().chunk(2)
        return F.relu(1 - of_real).mean() + F.relu(1 + of_fake).mean(), -of_fake.mean()


# ---- causal VAE -------------------------------------------------------------------------------------------------------

class Causal(nn.Module):
    def __init__(self, width_in, width, stride=(1, 1, 1)):
        super().__init__()
        self.conv = nn.Conv3d(width_in, width, 3, stride, (0, 1, 1))

    def forward(self, x):
        return self.conv(F.pad(x, (0, 0, 0, 0, 2, 0)))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, width), nn.GroupNorm(8, width)
        self.conv1, self.conv2 = Causal(width, width), Causal(width, width)

    def forward(self, x):
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


class VAE(nn.Module):
    def __init__(self, size, widths=(48, 96, 192, 192), time=(1, 2, 2), latent=8):
        super().__init__()
        encoder, decoder, last = [Causal(RGB, widths[0])], [Causal(latent, widths[-1])], len(widths) - 1
        for k, width in enumerate(widths):
            encoder += [Residual(width)] + ([Causal(width, widths[k + 1], (time[k], 2, 2))] if k < last else [])
        for k in reversed(range(len(widths))):
            decoder += [Residual(widths[k])]
            if k:
                decoder += [nn.Upsample(scale_factor=(time[k - 1], 2, 2), mode="nearest"), Causal(widths[k], widths[k - 1])]
        self.encoder = nn.Sequential(*encoder, nn.GroupNorm(8, widths[-1]), nn.SiLU(), Causal(widths[-1], 2 * latent))
        self.decoder = nn.Sequential(*decoder, nn.GroupNorm(8, widths[0]), nn.SiLU(), Causal(widths[0], RGB))
        self.latent = latent

    def groups(self):
        return [list(self.parameters())]

    def inputs(self, batch, form):
        return (torch.randn(batch, RGB, 16, 128, 128).contiguous(memory_format=form), torch.randn(batch, self.latent, 4, 16, 16))

    def sampler(self):
        return self.decoder

    def sample_inputs(self, batch, form):
        return (torch.randn(batch, self.latent, 4, 16, 16).contiguous(memory_format=form),)

    def forward(self, x, noise):
        mean, logvar = self.encoder(x).chunk(2, dim=1)
        y = self.decoder(mean + (0.5 * logvar).exp() * noise)
        kl = 0.5 * (mean.float().square() + logvar.float().exp() - 1 - logvar.float()).sum()
        return ((y.float() - x).square().mean() + 1e-6 * kl,)


# As the rows of `zoe bench` with the same names.
SIZES = {"vdit-S": (VDiT, 1, (16, 64, 64)), "unet3d-64": (UNet3d, 2, (16, 64, 64)), "gan": (GAN, 4, None), "vae": (VAE, 1, None)}
