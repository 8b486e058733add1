"""Weighted bags on a GPU by Triton. Importing this module imports Triton.

Checked by Triton's interpreter, on a processor; not yet run on a GPU (``tests/gpu/test_ops.py`` is the check to run).
"""
import torch
import triton
import triton.language as tl
from torch import Tensor

CHANNELS = 128  # at most, that one program adds up


@triton.jit
def _bags(table, index, offset, weight, out, channels, BLOCK: tl.constexpr):
    bag = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < channels
    total = tl.zeros((BLOCK, ), dtype=out.dtype.element_ty)
    for entry in range(tl.load(offset + bag), tl.load(offset + bag + 1)):
        row = tl.load(index + entry).to(tl.int64) * channels
        total += tl.load(weight + entry) * tl.load(table + row + channel, mask=inside, other=0)
    tl.store(out + bag * channels + channel, total, mask=inside)


def triton_bags(table: Tensor, index: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
    """:func:`.permutohedral.weighted_bags`; entries of a bag are added in their order, so bits repeat."""
    bags, channels = len(offset) - 1, table.shape[1]
    out = table.new_empty(bags, channels)
    if out.numel():
        block = min(triton.next_power_of_2(channels), CHANNELS)
        grid = bags, triton.cdiv(channels, block)
        with torch.cuda.device_of(table):  # Triton launches on the current device
            _bags[grid](table.contiguous(), index.contiguous(), offset.contiguous(), weight.contiguous(), out, channels,
                        BLOCK=block, num_warps=1)
    return out
