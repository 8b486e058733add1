"""The claim of learned alignment, in the small: a coarse level is shifted by a known sub-pixel flow; does training on
the fused result alone bring the flow to light?"""
import pytest
import torch
import torch.nn.functional as F

from segfusion.models.expose import watch
from segfusion.models.slots import build_part
from segfusion.ops import warp

TEXTURES, SIZE = 8, (32, 48)


def displacement():
    """The hidden flow in fine pixels, (1, 2, H, W): a shift that drifts across the image, 1.8 pixels on average."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in SIZE), indexing='ij')
    return torch.stack([1.4 + 0.5 * x, -1.1 + 0.4 * y]).unsqueeze(0)


def scene(generator, n=4):
    """Fine level, its misaligned coarse level (half the size), and what a perfectly aligned coarse level looks like.

    The last three channels say where a pixel is: as in a real network, that is what a flow can be predicted from.
    """
    texture = F.interpolate(
        torch.randn(n, TEXTURES, 9, 13, generator=generator), size=SIZE, mode='bicubic', align_corners=True)
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, s) for s in SIZE), indexing='ij')
    where = torch.stack([torch.ones_like(x), x, y]).expand(n, 3, *SIZE)
    shifted = warp(texture, -displacement().expand(n, -1, -1, -1), align_corners=True)
    half = [s // 2 for s in SIZE]
    coarse = F.interpolate(torch.cat([shifted, where], 1), size=half, mode='bilinear', align_corners=True)
    fine = torch.cat([torch.zeros_like(texture), where], 1)  # knows where, but not what
    return coarse, fine, texture


def train(name, steps):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    offered = dict(channels=TEXTURES + 3, align_corners=True, norm_cfg=dict(type='BN'), act_cfg=dict(type='ReLU'))
    align = build_part('align', dict(type=name), None, offered)
    optimizer = torch.optim.Adam(align.parameters(), lr=0.02) if list(align.parameters()) else None
    for _ in range(steps):
        coarse, fine, target = scene(generator)
        aligned, _ = align(coarse, fine)
        loss = F.mse_loss(aligned[:, :TEXTURES], target)
        if optimizer:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    align.eval()
    coarse, fine, target = scene(torch.Generator().manual_seed(1))
    with torch.no_grad(), watch(align) as seen:
        aligned, _ = align(coarse, fine)
    return F.mse_loss(aligned[:, :TEXTURES], target).item(), seen.get('offset')


# DualOffsetAlign resizes the coarse level before it warps it: interpolated twice, some blur stays.
@pytest.mark.parametrize('name, left', [('DualOffsetAlign', 0.25), ('FlowAlign', 0.2)])
def test_learned_offsets_find_the_hidden_flow(name, left):
    blind, nothing = train('BilinearAlign', 1)
    error, offset = train(name, 150)
    assert nothing is None
    inner = (..., slice(4, -4), slice(4, -4))  # at the border the shifted texture has left the image
    endpoint = (offset[:, :2] - displacement())[inner].norm(dim=1).mean().item()
    shift = displacement()[inner].norm(dim=1).mean().item()
    assert shift > 1.7
    assert endpoint < 0.15 * shift, f'{name}: endpoint error {endpoint:.2f} of {shift:.2f} pixels'
    assert error < left * blind, f'{name}: {error:.4f} against {blind:.4f} without alignment'
