"""ADA's pipeline written plainly: one image, one transformation, one homogeneous matrix at a time.

Margins are the largest, the resampling filters are convolutions with inserted zeros, and the filter
bank is a convolution. Only `Draws` are shared with the package.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from stylesmith.augment.draws import Draws
from stylesmith.augment.warp import SYM6

V = torch.ones(3, dtype=torch.float64) / math.sqrt(3)
"""The gray axis."""
EYE = torch.eye(3, dtype=torch.float64)


def falls(draws: Draws, n: int, name: str, p: float) -> bool:
    """Whether a coin falls; one of two rotations happens with chance p."""
    chance = 1 - math.sqrt(1 - p) if "rotation" in name else p
    return draws.coins[n, draws.plan.coins.index(name)].item() < chance


def ada_reference(images: Tensor, draws: Draws, p: float, groups: set[str]) -> Tensor:
    """The pipeline on float64 images `(N, C, H, W)`."""
    return torch.cat([one_image(images[n : n + 1], draws, n, p, groups) for n in range(len(draws))])


def one_image(x: Tensor, draws: Draws, n: int, p: float, groups: set[str]) -> Tensor:
    height, width = x.shape[2:]
    uniform = {name: draws.uniform(name)[n].double().item() for name in draws.plan.uniform}
    normal = {name: draws.normal(name)[n].double().item() for name in draws.plan.normal}

    def coin(name: str) -> bool:
        return falls(draws, n, name, p)

    if "blit" in groups:
        if coin("flip") and uniform["flip"] >= 0.5:
            x = x.flip(3)
        if coin("quarter turns"):
            k = int(uniform["quarter turns"] * 4)
            x = x.rot90(k if height == width else 2 * (k % 2), (2, 3))
    if groups & {"blit", "geom"}:
        matrix = torch.eye(3, dtype=torch.float64)
        if "blit" in groups and coin("integer shift"):
            tx, ty = ((uniform[f"integer shift {axis}"] - 0.5) / 4 for axis in "xy")
            matrix = shift(round(tx * width), round(ty * height)) @ matrix
        if "geom" in groups:
            s, a = 2 ** (0.2 * normal["scale"]), 2 ** (0.2 * normal["stretch"])
            angles = [(2 * uniform[f"{t} rotation"] - 1) * math.pi for t in ("first", "second")]
            steps = {
                "scale": scale(s, s),
                "first rotation": rotation(angles[0]),
                "stretch": scale(a, 1 / a),
                "second rotation": rotation(angles[1]),
                "shift": shift(normal["shift x"] * width / 8, normal["shift y"] * height / 8),
            }
            for name, step in steps.items():
                matrix = step @ matrix if coin(name) else matrix
        x = warp_reference(x, matrix)
    if "color" in groups:
        x = color_reference(x, uniform, normal, coin)
    if "filter" in groups:
        x = filter_reference(x, normal, coin)
    if "noise" in groups and coin("noise"):
        x = x + draws.noise[n].double() * abs(normal["noise"]) * 0.1
    if "cutout" in groups and coin("cutout"):
        rows = ((torch.arange(height) + 0.5) / height - uniform["cutout y"]).abs() < 0.25
        columns = ((torch.arange(width) + 0.5) / width - uniform["cutout x"]).abs() < 0.25
        x = x * ~(rows[:, None] & columns[None])
    return x


def shift(x: float, y: float) -> Tensor:
    return torch.tensor([[1, 0, x], [0, 1, y], [0, 0, 1]], dtype=torch.float64)


def scale(x: float, y: float) -> Tensor:
    return torch.diag(torch.tensor([x, y, 1], dtype=torch.float64))


def rotation(angle: float) -> Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=torch.float64)


def warp_reference(x: Tensor, matrix: Tensor) -> Tensor:
    """Show `x` through a matrix from input to output, in pixels from the center."""
    height, width = x.shape[2:]
    fine = double(F.pad(x, (width - 1, width - 1, height - 1, height - 1), mode="reflect"))
    rows, columns = 2 * (height + 6), 2 * (width + 6)
    across = torch.arange(columns).double() / 2 - 3 - (width - 1) / 2
    down = torch.arange(rows).double() / 2 - 3 - (height - 1) / 2
    inverse = matrix.inverse()
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)
    source = grid @ inverse[:2, :2].T + inverse[:2, 2]
    center = torch.tensor([1.5 * (width - 1), 1.5 * (height - 1)], dtype=torch.float64)
    position = 2 * (source + center)
    size = torch.tensor([fine.shape[3] - 1, fine.shape[2] - 1])
    sampled = F.grid_sample(
        fine, (position / size * 2 - 1)[None], padding_mode="zeros", align_corners=True
    )
    return halve(sampled)[:, :, 3:-3, 3:-3]


def double(x: Tensor) -> Tensor:
    """Insert zeros and filter: sample i adds sqrt2 h[n] at 2i + n - 5."""
    for axis in (2, 3):
        x = x.movedim(axis, -1)
        wide = F.pad(x[..., None], (0, 1)).flatten(-2)
        taps = torch.tensor(SYM6, dtype=x.dtype) * math.sqrt(2)
        wide = F.pad(wide, (6, 5))
        x = (wide.unfold(-1, 12, 1) @ taps.flip(0)).movedim(-1, axis)
    return x


def halve(x: Tensor) -> Tensor:
    """Output i is the sum over n of h[n] / sqrt2 * x[2i + n - 5]."""
    for axis in (2, 3):
        x = F.pad(x.movedim(axis, -1), (5, 6))
        taps = torch.tensor(SYM6, dtype=x.dtype) / math.sqrt(2)
        x = (x.unfold(-1, 12, 2) @ taps).movedim(-1, axis)
    return x


def color_reference(x: Tensor, uniform: dict, normal: dict, coin) -> Tensor:
    """One homogeneous 4x4 matrix after the other."""
    matrix = torch.eye(4, dtype=torch.float64)
    gray = torch.outer(V, V)
    if coin("brightness"):
        step = torch.eye(4, dtype=torch.float64)
        step[:3, 3] = 0.2 * normal["brightness"]
        matrix = step @ matrix
    if coin("contrast"):
        c = 2 ** (0.5 * normal["contrast"])
        matrix = torch.diag(torch.tensor([c, c, c, 1], dtype=torch.float64)) @ matrix
    if coin("luma flip") and uniform["luma flip"] >= 0.5:
        matrix = homogeneous(EYE - 2 * gray) @ matrix
    if coin("hue"):
        matrix = homogeneous(about_gray((2 * uniform["hue"] - 1) * math.pi)) @ matrix
    if coin("saturation"):
        step = gray + 2 ** normal["saturation"] * (EYE - gray)
        matrix = homogeneous(step) @ matrix
    if x.shape[1] == 1:
        mean = matrix[:3].mean(0)
        return x * mean[:3].sum() + mean[3]
    rgb = torch.einsum("ij,njhw->nihw", matrix[:3, :3], x[:, :3]) + matrix[:3, 3, None, None]
    return torch.cat([rgb, x[:, 3:]], 1)


def homogeneous(matrix: Tensor) -> Tensor:
    result = torch.eye(4, dtype=torch.float64)
    result[:3, :3] = matrix
    return result


def about_gray(angle: float) -> Tensor:
    """Rodrigues' formula."""
    x, y, z = V
    zero = torch.zeros((), dtype=torch.float64)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
    return (
        math.cos(angle) * EYE + math.sin(angle) * cross + (1 - math.cos(angle)) * torch.outer(V, V)
    )


def filter_reference(x: Tensor, normal: dict, coin) -> Tensor:
    """Kernels by their responses: products of a half-band filter and its complement."""
    low = torch.tensor([-1, 0, 9, 16, 9, 0, -1], dtype=torch.float64) / 32
    high = -low
    high[3] += 1
    w = torch.arange(64).double() * 2 * math.pi / 64

    def response(taps: Tensor, stretch: int) -> Tensor:
        phase = torch.arange(-3, 4)[:, None] * w * stretch
        return (taps[:, None] * phase.cos()).sum(0)

    one, two, four = (response(low, k) for k in (1, 2, 4))
    bands = [four * two * one, response(high, 4) * two * one, response(high, 2) * one]
    bands.append(response(high, 1))
    weights = torch.tensor([10, 1, 1, 1], dtype=torch.float64) / 13
    gains = torch.ones(4, dtype=torch.float64)
    for i in range(4):
        u = torch.ones(4, dtype=torch.float64)
        if coin(f"band {i}"):
            u[i] = 2 ** normal[f"band {i}"]
        gains = gains * u / (weights * u**2).sum().sqrt()
    total = sum(gain * band for gain, band in zip(gains, bands, strict=True))
    kernel = torch.fft.ifft(total.to(torch.complex128)).real.roll(21)[:43]
    x = F.pad(x, (21, 21, 21, 21), mode="reflect")
    for axis in (2, 3):
        x = (x.movedim(axis, -1).unfold(-1, 43, 1) @ kernel).movedim(-1, axis)
    return x
