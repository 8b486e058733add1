"""3x3 convolutions with a quarter of the products."""
import threading
from functools import lru_cache
from typing import Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..portable import portable
from .precision import full_precision

TILE = 4  # outputs a side that share their products
CELLS = TILE + 2  # inputs a side that they read
_is_compiling = getattr(torch.compiler, 'is_compiling', lambda: False)  # came after torch 2.1


def conv_keeping_size(x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, dilation: int = 1,
                      winograd: Optional[Tensor] = None) -> Tensor:
    """``conv2d`` with stride 1, padded by zeros to keep the size, for odd kernels.

    Args:
        x: (N, C_in, H, W).
        weight: (C_out, C_in, k, k).
        bias: (C_out,). Defaults to None.
        dilation: Defaults to 1.
        winograd: :func:`winograd_weight` of the weight: :func:`winograd_conv2d` may be used where it pays. Defaults to
            None.
    """
    if winograd is not None and _suits(x, winograd, bias, dilation):
        with full_precision(x.device):
            return winograd_conv2d(x, winograd, bias, dilation)
    padding = [dilation * (k // 2) for k in weight.shape[2:]]
    return F.conv2d(x, weight, bias, padding=padding, dilation=dilation)


class WinogradConv2d(nn.Conv2d):
    """A convolution that has been trained, with its weight kept in both forms; its keys are those of ``Conv2d``.

    Args:
        conv (nn.Conv2d): Of :meth:`fits`.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__(conv.in_channels, conv.out_channels, 3, padding=conv.dilation, dilation=conv.dilation,
                         bias=False)
        self.weight, self.bias = conv.weight, conv.bias
        self.register_buffer('winograd', winograd_weight(conv.weight), persistent=False)

    def _load_from_state_dict(self, *args, **kwargs):
        super()._load_from_state_dict(*args, **kwargs)
        self.winograd = winograd_weight(self.weight)

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether a module is a plain 3x3 convolution that keeps the size, wide enough to gain on some input."""
        return (
            type(module) is nn.Conv2d and module.kernel_size == (3, 3) and module.stride == (1, 1)
            and module.groups == 1 and module.padding == module.dilation and module.padding_mode == 'zeros'
            and len(set(module.dilation)) == 1
            and winograd_pays((TILE * module.dilation[0], ) * 2, module.in_channels, module.out_channels,
                              module.dilation[0]))

    def forward(self, x: Tensor) -> Tensor:
        return conv_keeping_size(x, self.weight, self.bias, self.dilation[0], self.winograd)


def _suits(x: Tensor, weight: Tensor, bias: Optional[Tensor], dilation: int) -> bool:
    if x.device.type != 'cpu' or x.dtype not in (torch.float32, torch.float64) or x.dtype != weight.dtype:
        return False
    if portable() or torch.jit.is_tracing() or _is_compiling() or (torch.is_grad_enabled() and (
            x.requires_grad or (bias is not None and bias.requires_grad))):
        return False
    return winograd_pays(x.shape[2:], *weight.shape[1:], dilation)


def winograd_weight(weight: Tensor) -> Tensor:
    """A weight (C_out, C_in, 3, 3) as :func:`winograd_conv2d` takes it, (36, C_in, C_out): four times the memory."""
    kernel = _transforms()[1]
    spread = torch.kron(kernel, kernel).to(weight.device)  # (36, 9)
    c_out, c_in = weight.shape[:2]
    taps = weight.detach().double().permute(2, 3, 1, 0).reshape(9, c_in * c_out)
    return (spread @ taps).view(CELLS**2, c_in, c_out).to(weight.dtype)


def winograd_pays(size: Tuple[int, int], c_in: int, c_out: int, dilation: int = 1) -> bool:
    """Whether fewer products outweigh what padding to whole tiles and the transforms cost, as measured."""
    padded = 1.
    for n in size:
        padded *= -(-n // (TILE * dilation)) * TILE * dilation / n
    return padded * (0.42 + 12 / c_in + 21 / c_out) < 0.69


def winograd_conv2d(x: Tensor, weight: Tensor, bias: Optional[Tensor] = None, dilation: int = 1) -> Tensor:
    r"""``conv2d(x, weight, bias, padding=dilation, dilation=dilation)`` of a 3x3 weight, in inference on a CPU.

    .. math:: y = A^\top \big[(G\,g\,G^\top) \odot (B^\top d\,B)\big] A

    for every tile :math:`y` of 4x4 outputs, the 6x6 inputs :math:`d` it reads and the kernel :math:`g`; the products
    :math:`\odot`, summed over input channels, are 36 for 16 outputs instead of 144. A dilated convolution is one
    convolution a phase. Equal up to rounding, which is some four times that of a direct convolution.

    Paper: `Fast Algorithms for Convolutional Neural Networks <https://arxiv.org/abs/1509.09308>`_, F(4x4, 3x3).

    Differs: points 0, 3/4, -3/4, 3/2, -3/2 instead of 0, 1, -1, 2, -2: a quarter of the rounding error.

    Args:
        x: (N, C_in, H, W), channels-last in memory, or copied to it.
        weight: Of :func:`winograd_weight`, (36, C_in, C_out).
        bias: (C_out,). Defaults to None.
        dilation: Of the convolution. Defaults to 1.

    Shape:
        - x (N, C_in, H, W) -> (N, C_out, H, W), channels-last
    """
    n, c_in, height, width = x.shape
    c_out, d = weight.shape[2], dilation
    to_inputs, _, to_outputs = (t.to(x.dtype) for t in _transforms())
    to_inputs, to_outputs = torch.kron(to_inputs, to_inputs), torch.kron(to_outputs, to_outputs)
    rows, columns = (-(-size // (TILE * d)) for size in (height, width))  # tiles of one phase
    lines, pixels = ((TILE * tiles + 2) * d for tiles in (rows, columns))
    at_once = min(max(64, 2**15 // max(c_in, c_out)), 256)  # tiles: what lies between two products stays in the cache
    step = max(1, min(rows, at_once // (columns * d * d)))
    room = CELLS**2 * step * columns * d * d * max(c_in, c_out)
    padded, one, other = _scratch(x, lines * pixels * c_in, room, room)
    padded = _pad_into(padded[:lines * pixels * c_in].view(lines, pixels, c_in), d, height, width)
    line, pixel, _ = padded.stride()
    out = x.new_empty(n, rows, TILE, d, columns, TILE, d, c_out)
    for image, target in zip(x, out):
        padded[d:d + height, d:d + width] = image.permute(1, 2, 0)
        for first in range(0, rows, step):
            shape = (min(step, rows - first), d, columns, d)
            tiles = shape[0] * columns * d * d
            # Two pieces of memory in turn: what was read last is free to be written.
            patches, products = (one[:CELLS**2 * tiles * c].view(CELLS**2, tiles * c) for c in (c_in, c_out))
            inputs, outputs = (
                other[:k * tiles * c].view(k, tiles * c) for k, c in ((CELLS**2, c_in), (TILE**2, c_out)))
            patches.view(CELLS, CELLS, *shape, c_in).copy_(
                padded.as_strided((CELLS, CELLS, *shape, c_in),
                                  (d * line, d * pixel, TILE * d * line, line, TILE * d * pixel, pixel, 1),
                                  padded.storage_offset() + first * TILE * d * line))
            torch.mm(to_inputs, patches, out=inputs)
            torch.bmm(inputs.view(-1, tiles, c_in), weight, out=products.view(-1, tiles, c_out))
            torch.mm(to_outputs, products, out=outputs)
            tile = outputs.view(TILE, TILE, *shape, c_out).permute(2, 0, 3, 4, 1, 5, 6)
            part = target[first:first + shape[0]]
            part.copy_(tile) if bias is None else torch.add(tile, bias, out=part)
    out = out.view(n, rows * TILE * d, columns * TILE * d, c_out)[:, :height, :width].permute(0, 3, 1, 2)
    return out.contiguous(memory_format=torch.channels_last)  # where padding was cut off


_kept = threading.local()


def _scratch(like: Tensor, *sizes: int) -> Sequence[Tensor]:
    """Pieces of memory, kept from call to call: fresh pages would cost as much time as the products save."""
    kept = getattr(_kept, 'memory', None)
    if kept is None or kept.dtype != like.dtype or kept.numel() < sum(sizes):
        kept = _kept.memory = like.new_empty(sum(sizes))
    return kept[:sum(sizes)].split(sizes)


def _pad_into(padded: Tensor, d: int, height: int, width: int) -> Tensor:
    """``padded`` (lines, pixels, C) with zeros around what is to be written at (d, d)."""
    padded[:d], padded[d + height:] = 0, 0
    padded[:, :d], padded[:, d + width:] = 0, 0
    return padded


@lru_cache(maxsize=None)
def _transforms(points: Tuple[float, ...] = (0., 0.75, -0.75, 1.5, -1.5)) -> Tuple[Tensor, Tensor, Tensor]:
    """Of inputs (6, 6), of kernels (6, 3) and to outputs (4, 6), by interpolation at points and at infinity."""
    finite = len(points)

    def times(roots):
        coefficients = torch.ones(1, dtype=torch.float64)
        for root in roots:
            coefficients = F.pad(coefficients, (1, 0)) - root * F.pad(coefficients, (0, 1))
        return F.pad(coefficients, (0, finite + 1 - len(coefficients)))

    inputs, kernel = [], []
    for i, point in enumerate(points):
        others = [p for j, p in enumerate(points) if j != i]
        scale = 1.
        for other in others:
            scale *= point - other
        inputs.append(times(others))
        kernel.append(torch.tensor([1., point, point**2], dtype=torch.float64) / scale)
    inputs.append(times(points))
    kernel.append(torch.tensor([0., 0., 1.], dtype=torch.float64))
    outputs = torch.tensor([[p**k for p in points] + [float(k == TILE - 1)] for k in range(TILE)], dtype=torch.float64)
    return torch.stack(inputs), torch.stack(kernel), outputs
