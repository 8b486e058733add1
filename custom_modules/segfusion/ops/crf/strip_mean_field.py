"""Mean field over strips: what :mod:`.mean_field` computes, read, softmax and splat in one pass over the pixels."""
from typing import Sequence

import torch
from torch.autograd.function import once_differentiable

from ..precision import full_precision
from .strips import NOTHING, StripKernel, StripTables, flat


class StripMeanField(torch.autograd.Function):
    """Arguments as those of :class:`.mean_field._MeanField`, in float32."""

    @staticmethod
    def forward(ctx, unary, start, kernels: Sequence[StripKernel], iterations, save, in_place, *compats):
        strips = StripTables(kernels, unary.shape[1])
        logits, mix = flat(unary), strips.padded(compats)
        out = unary if in_place and save == 'nothing' else torch.empty_like(unary)
        beliefs, tables, q = [], [], NOTHING
        for t in range(iterations):
            if t == 0 and start is not None:
                strips.splat(flat(start), strips.in_weight)
            else:
                if save == 'fast':
                    beliefs.append(torch.empty_like(unary))
                    q = flat(beliefs[-1])
                strips.update(tables[-1] if t else None, mix, logits, q)
            if save != 'nothing' or not tables:
                tables.append(strips.blur(False)[0])
            else:
                strips.blur(False, table=tables[0])
        strips.read(tables[-1], mix, strips.out_weight, logits, flat(out))
        if save != 'nothing':
            ctx.kernels, ctx.iterations, ctx.kept = kernels, iterations, len(beliefs)
            ctx.started, ctx.count = start is not None, len(compats)
            ctx.save_for_backward(unary, *compats, *beliefs, *map(torch.from_numpy, tables))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        unary, *saved = ctx.saved_tensors
        compats, beliefs, tables = (saved[:ctx.count], saved[ctx.count:ctx.count + ctx.kept],
                                    saved[ctx.count + ctx.kept:])
        strips = StripTables(ctx.kernels, unary.shape[1])
        mix, back, logits = strips.padded(compats), strips.padded(compats, transposed=True), flat(unary)
        grad_unary = grad.contiguous().clone()
        grad_compats = [torch.zeros_like(compat) for compat in compats]
        grad_start = None
        strips.splat(flat(grad_unary), strips.out_weight)
        for t in range(ctx.iterations - 1, -1, -1):
            wanted = any(ctx.needs_input_grad[6:])
            table, rows = strips.blur(True, keep=wanted)
            if wanted:
                both = zip(strips.of_kernels(rows), strips.of_kernels(tables[t].numpy()))
                with full_precision(unary.device):
                    for i, (one, other) in enumerate(both):
                        grad_compats[i] += compat_gradient(one, other, compats[i])
            if t == 0 and ctx.started:
                grad_start = torch.empty_like(unary)
                strips.read(table, back, strips.in_weight, NOTHING, flat(grad_start))
                break
            if beliefs:
                strips.update_back(table, back, flat(beliefs[t - ctx.started]), None, mix, logits, flat(grad_unary))
            else:
                strips.update_back(table, back, NOTHING, tables[t - 1].numpy() if t else None, mix, logits,
                                   flat(grad_unary))
        grad_unary = grad_unary if ctx.needs_input_grad[0] else None
        return (grad_unary, grad_start, None, None, None, None, *grad_compats)


def compat_gradient(rows, table, compat):
    """Of a compatibility, from the rows (R, C) that are multiplied with it and the gradient of the product."""
    if compat.dim() == 2:
        return rows.t() @ table
    product = (rows * table).sum(0)
    return product if compat.dim() else product.sum()
