"""Convolving resized maps without ever building them.

A pyramid is usually merged by resizing every level to the finest grid, concatenating, and convolving by 3x3. Resizing
mixes positions and a 1x1 convolution mixes channels, so the two commute; and a k x k convolution is k*k channel
mixings, each shifted and added. Mixing channels on the coarse grid first therefore gives the same result, to float
precision, with as many times fewer products as the fine grid has more cells, and the concatenation is never stored.
"""
from typing import List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from ..portable import portable
from .winograd import WinogradConv2d, conv_keeping_size

BLOCK = 128  # cells of the fine grid that are resized by one product: they read a few coarse cells only


def conv_of_resized(maps: Sequence[Tensor],
                    weight: Union[Tensor, Sequence[Tensor]],
                    bias: Optional[Tensor] = None,
                    *,
                    size: Tuple[int, int],
                    align_corners: bool,
                    dilation: int = 1,
                    winograd: Optional[Tensor] = None) -> Tensor:
    r"""``conv2d(cat([resize(m, size) for m in maps], 1), weight, bias)``, zero-padded to keep the size.

    .. math::
        y = \sum_m \sum_k S_k\,R_m\,(W_{m,k}\,x_m) + b

    with :math:`R_m` bilinear resizing, :math:`S_k` the shift by the :math:`k`-th tap and :math:`W_{m,k}` its channel
    mixing. A map that is not much smaller than ``size`` is resized first, as usual: whatever takes fewer products.
    Neighbours on one grid are mixed together and their sum is resized once.

    Args:
        maps: Maps (N, C_m, h_m, w_m), in the order of the weight's input channels.
        weight: (C_out, sum of C_m, k, k), k odd; or one weight (C_out, C_m, k, k) a map, to spare splitting it again.
        bias: (C_out,). Defaults to None.
        size: (H, W) of the grid on which the convolution is meant.
        align_corners: Corner convention of the resizing.
        dilation: Of the convolution. Defaults to 1.
        winograd: The weight as :func:`~.winograd.winograd_weight` gives it, for maps that are resized first. Defaults
            to None.

    Raises:
        ValueError: If the weight does not fit the maps, or its kernel has an even side.

    Shape:
        - maps (N, C_m, h_m, w_m), weight (C_out, sum C_m, k, k) -> (N, C_out, H, W)
    """
    channels = [m.shape[1] for m in maps]
    weights = weight if not isinstance(weight, Tensor) else _split(weight, channels)
    size = tuple(size)
    total, first = None, 0
    for group in _neighbours_on_one_grid(maps):
        grid = tuple(maps[group[0]].shape[2:])
        x, w = (t[group[0]] if len(group) == 1 else torch.cat([t[i] for i in group], dim=1) for t in (maps, weights))
        if grid == size or not _mixing_first_is_cheaper(grid, size, w.shape):
            if grid != size:
                x = F.interpolate(x, size=size, mode='bilinear', align_corners=align_corners)
            part = None if winograd is None else winograd[:, first:first + w.shape[1]]
            y, bias = conv_keeping_size(x, w, bias, dilation, part), None  # the bias is added once
        elif w.shape[2:] == (1, 1):
            y = F.interpolate(F.conv2d(x, w), size=size, mode='bilinear', align_corners=align_corners)
        else:
            y = _mix_then_resize(x, w, size, align_corners, dilation)
        first += w.shape[1]
        total = y if total is None else total.add_(y)  # in place: no convolution keeps its output for backward
    return total if bias is None else total.add_(bias.to(total.dtype).view(1, -1, 1, 1))


def _split(weight: Tensor, channels: Sequence[int]) -> Sequence[Tensor]:
    if weight.dim() != 4 or weight.shape[1] != sum(channels) or not (weight.shape[2] % 2 and weight.shape[3] % 2):
        raise ValueError(f'conv_of_resized expects a weight (C_out, {sum(channels)}, odd, odd) for maps of {channels} '
                         f'channels, got {tuple(weight.shape)}')
    return weight.split(channels, dim=1)


def _neighbours_on_one_grid(maps: Sequence[Tensor]) -> List[List[int]]:
    groups: List[List[int]] = []  # itertools.groupby breaks the graph of torch.compile
    for i, x in enumerate(maps):
        if groups and maps[groups[-1][0]].shape[2:] == x.shape[2:]:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def conv_module_of_resized(module, maps: Sequence[Tensor], *, size: Tuple[int, int], align_corners: bool) -> Tensor:
    """A conv-norm-act module (mmcv's ``ConvModule``) applied to the concatenation of resized maps.

    A module whose convolution is not a plain one (deformable, strided, grouped, unusually padded) gets what it asks
    for: the concatenation.
    """
    conv = module.conv
    plain = (
        type(conv) in (torch.nn.Conv2d, WinogradConv2d) and conv.groups == 1 and set(conv.stride) == {1}
        and len(set(conv.dilation)) == 1 and conv.padding_mode == 'zeros' and not isinstance(conv.padding, str) and all(
            k % 2 and p == d * (k // 2) for k, p, d in zip(conv.kernel_size, conv.padding, conv.dilation))
        and getattr(module, 'order', ('conv', 'norm', 'act')) == ('conv', 'norm', 'act')
        and not getattr(module, 'with_spectral_norm', False))
    if not plain:
        maps = [
            m if tuple(m.shape[2:]) == tuple(size) else F.interpolate(
                m, size=size, mode='bilinear', align_corners=align_corners) for m in maps
        ]
        return module(torch.cat(maps, dim=1))
    y = conv_of_resized(
        maps, conv.weight, conv.bias, size=size, align_corners=align_corners, dilation=conv.dilation[0],
        winograd=getattr(conv, 'winograd', None))
    if module.with_norm:
        y = module.norm(y)
    return module.activate(y) if module.with_activation else y


def _mixing_first_is_cheaper(grid, size, weight_shape) -> bool:
    (h, w), (height, width), (c_out, c_in, k_h, k_w) = grid, size, weight_shape
    if (k_h, k_w) == (1, 1):
        return c_out * h * w < c_in * height * width
    if portable():  # its interpolation matrices would be built anew in every call of an exported network
        return False
    resized = k_h * k_w * c_in * height * width
    mixed = k_h * k_w * c_in * h * w + k_h * k_w * h * _band(w, width) * width + k_h * _band(h, height) * height * width
    return 2 * mixed < resized  # its thin products run at about half the speed of a convolution


def _mix_then_resize(x: Tensor, weight: Tensor, size, align_corners: bool, dilation: int) -> Tensor:
    """The sum over taps; channels stay innermost, so the result lies channels-last in memory."""
    n, c_in, h, w = x.shape
    c_out, _, k_h, k_w = weight.shape
    height, width = size
    mixed = F.conv2d(x, weight.permute(2, 3, 0, 1).reshape(k_h * k_w * c_out, c_in, 1, 1))
    mixed = mixed.view(n, k_h, k_w, c_out, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n * k_h * h, k_w, w, c_out)
    y = _resize_and_shift(mixed, width, dilation, align_corners)  # (N * k_h * h, W, C_out)
    y = _resize_and_shift(y.view(n, k_h, h, width * c_out), height, dilation, align_corners)  # (N, H, W * C_out)
    return y.view(n, height, width, c_out).permute(0, 3, 1, 2)


def _resize_and_shift(x: Tensor, size: int, dilation: int, align_corners: bool) -> Tensor:
    """The sum over taps of resized and shifted cells, (N, taps, n, M) -> (N, size, M)."""
    batch, taps, n, inner = x.shape
    eye = torch.eye(n, device=x.device, dtype=torch.promote_types(x.dtype, torch.float32)).unsqueeze(0)
    weights = F.interpolate(eye, size=size, mode='linear', align_corners=align_corners)[0].t()  # (size, n)
    shifts = [(t - taps // 2) * dilation for t in range(taps)]
    # Outside the fine grid the convolution reads zeros.
    weights = torch.stack([F.pad(weights, (0, 0, -shift, shift)) for shift in shifts], dim=1).to(x.dtype)
    if _band(n, size) == n:
        return torch.matmul(weights.view(size, taps * n), x.reshape(batch, taps * n, inner))
    blocks = []
    for start in range(0, size, BLOCK):  # all cells at once would read mostly zeros: products grow as size squared
        stop = min(start + BLOCK, size)
        read = slice(max((start - shifts[-1]) * n // size - 1, 0), (stop + shifts[-1]) * n // size + 2)
        part = x[:, :, read]
        blocks.append(torch.matmul(weights[start:stop, :, read].reshape(stop - start, -1),
                                   part.reshape(batch, -1, inner)))
    return torch.cat(blocks, dim=1)


def _band(n: int, size: int) -> int:
    """How many of n cells a block of the fine grid reads, about; all of them where blocks would not pay."""
    return n if size < 2 * BLOCK else min(n, BLOCK * n // size + 4)
