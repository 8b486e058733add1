r"""Mean-field inference in a dense CRF as one differentiable function."""
from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..precision import full_precision
from .busy import look
from .gaussian_filter import Kernel
from .permutohedral import CHUNK, weighted_bags
from .strip_mean_field import StripMeanField, compat_gradient
from .strips import StripKernel


def mean_field(unary: Tensor, kernels: Sequence[Kernel], compats: Sequence[Tensor], iterations: int,
               start: Optional[Tensor] = None, save: str = 'fast', in_place: bool = False) -> Tensor:
    r"""Repeat the mean-field update and return logits, so that a cross-entropy sees logits.

    .. math::
        Q^t = softmax(L^t), \quad L^{t + 1} = U + \sum_k (A_k Q^t) M_k^\top, \quad L^0 = U

    with :math:`A_k` the normalised filters. Positive :math:`M` attracts: the Potts model of weight :math:`w` is
    :math:`M = w` (its usual form, :math:`-w` for different labels, differs by a constant that the softmax ignores).

    Since :math:`A_k` reads its result from a table with fewer rows than there are pixels, :math:`M_k` is applied there.
    Gradients of all :math:`M_k` come from the same tables; no filter is run twice.

    Args:
        unary (Tensor): Logits, float32 or float64, one row a pixel.
        kernels (Sequence[Kernel]): Filters over these pixels, see :func:`.gaussian_filter.gaussian_kernel`.
        compats (Sequence[Tensor]): :math:`M_k`: a scalar, a diagonal (C,), or a matrix (C, C).
        iterations (int): Number of updates.
        start (Tensor, optional): :math:`Q^0`, probabilities. Defaults to the softmax of ``unary``.
        save (str): What a training step keeps: 'fast', every :math:`Q^t`; 'lean', only the tables, and
            :math:`Q^t` is computed again in the backward pass: about half the memory. Defaults to 'fast'.
        in_place (bool): Where no gradient is wanted, ``unary`` may be overwritten. Defaults to False.

    Raises:
        ValueError: If sizes do not fit, or ``save`` is unknown.

    Shape:
        - unary (P, C), start (P, C) -> (P, C)
    """
    if unary.dim() != 2 or unary.dtype not in (torch.float32, torch.float64):
        raise ValueError(f'expected float32 or float64 unary (P, C), got {unary.dtype} of shape {tuple(unary.shape)}')
    if len(kernels) != len(compats):
        raise ValueError(f'expected one compatibility a kernel, got {len(compats)} for {len(kernels)} kernels')
    classes = unary.shape[1]
    for compat in compats:
        if tuple(compat.shape) not in ((), (classes, ), (classes, classes)):
            raise ValueError(f'expected a compatibility of shape (), ({classes},) or ({classes}, {classes}), '
                             f'got {tuple(compat.shape)}')
    for kernel in kernels:
        if len(kernel.index) != len(unary):
            raise ValueError(f'a kernel over {len(kernel.index)} pixels cannot filter {len(unary)} rows')
    if save not in ('fast', 'lean'):
        raise ValueError(f'expected save="fast" or "lean", got {save!r}')
    if iterations < 0:
        raise ValueError(f'expected iterations >= 0, got {iterations}')
    tracked = [unary, *compats] + ([] if start is None else [start])
    if not (torch.is_grad_enabled() and any(t.requires_grad for t in tracked)):
        save = 'nothing'
    if iterations == 0:
        return unary if start is None else start.clamp_min(torch.finfo(start.dtype).tiny).log()
    compats = [compat.to(unary.dtype) for compat in compats]
    in_strips = [isinstance(kernel, StripKernel) for kernel in kernels]
    if any(in_strips) != all(in_strips):
        raise ValueError('expected kernels of one method and one kind of numbers, got '
                         f'{[type(kernel).__name__ for kernel in kernels]}')
    if kernels and all(in_strips):
        return StripMeanField.apply(unary.contiguous(), start, tuple(kernels), iterations, save, in_place, *compats)
    return _MeanField.apply(unary.contiguous(), start, tuple(kernels), iterations, save, *compats)


class _Reader:
    """Reads the tables of several kernels, stacked, in one pass, and works on the result while it is in the cache."""

    def __init__(self, kernels: Sequence[Kernel], weights: Sequence[Tensor]):
        firsts, first = [], 0
        for kernel in kernels:
            firsts.append(first)
            first += kernel.rows
        self.rows, self.firsts = first, firsts
        self.index = torch.cat([k.index + f if f else k.index for k, f in zip(kernels, firsts)], 1)  # (P, n)
        self.weight = torch.cat(list(weights), 1)
        self.points, self.width = self.index.shape
        self.step = CHUNK if self.index.device.type == 'cpu' else max(self.points, 1)
        self.offset = torch.arange(
            0, self.width * min(self.step, self.points) + 1, self.width, dtype=torch.int32, device=self.index.device)

    def parts(self, table: Tensor):
        """(slice of the pixels, their sums) one after the other."""
        for first in range(0, self.points, self.step):
            part = slice(first, min(first + self.step, self.points))
            count = part.stop - part.start
            yield part, weighted_bags(table, self.index[part].view(-1), self.offset[:count + 1],
                                      self.weight[part].view(-1))


def _compat_transform(table: Tensor, compat: Tensor, out: Tensor) -> Tensor:
    """Write ``table @ compat.T`` (or ``table * compat``) to ``out``."""
    if compat.dim() < 2:
        return torch.mul(table, compat, out=out)
    return (_by_product if table.is_cuda else _by_bags)(table, compat, out)


def _by_product(table: Tensor, compat: Tensor, out: Tensor) -> Tensor:
    return out.copy_(table @ compat.t())  # not written at once: ``out`` may be ``table``


def _by_bags(table: Tensor, compat: Tensor, out: Tensor) -> Tensor:
    # As bags of the rows of compat.T: a matrix product rounds by the number of rows, and then bits of one image would
    # depend on the others in its batch. On a GPU a product is so much faster that it is worth these bits.
    classes, step = len(compat), min(4096, max(len(table), 1))
    index = torch.arange(classes, dtype=torch.int32, device=compat.device).repeat(step)
    offset = torch.arange(0, step * classes + 1, classes, dtype=torch.int32, device=compat.device)
    columns = compat.t().contiguous()
    for first in range(0, len(table), step):
        part = table[first:first + step]
        out[first:first + step] = weighted_bags(columns, index[:part.numel()], offset[:len(part) + 1], part.view(-1))
    return out


def _stack(tables: Sequence[Tensor], compats: Sequence[Tensor], reader: _Reader, out: Tensor) -> Tensor:
    for table, compat, first in zip(tables, compats, reader.firsts):
        _compat_transform(table, compat, out[first:first + len(table)])
    return out


class _MeanField(torch.autograd.Function):

    @staticmethod
    def forward(ctx, unary, start, kernels: Tuple[Kernel, ...], iterations: int, save: str, *compats):
        with full_precision(unary.device):
            reader = _Reader(kernels, [k.out_weight for k in kernels])
            stacked = unary.new_empty(reader.rows, unary.shape[1])
            q = torch.softmax(unary, 1) if start is None else start
            beliefs: List[Tensor] = []
            tables: List[Tensor] = []
            for t in range(iterations):
                blurred = [k.blur(k.splat(q)) for k in kernels]
                _stack(blurred, compats, reader, stacked)
                last = t == iterations - 1
                if save == 'fast':
                    beliefs.append(q)
                if save == 'fast' or (t == 0 and start is not None):  # never write to what the caller passed
                    q = torch.empty_like(unary)
                if save != 'nothing':
                    tables.extend(blurred)
                del blurred
                for part, message in reader.parts(stacked):
                    if last:
                        torch.add(message, unary[part], out=q[part])
                    else:
                        torch.softmax(message.add_(unary[part]), 1, out=q[part])
                look()
        if save != 'nothing':
            ctx.kernels, ctx.iterations, ctx.counts = kernels, iterations, (len(compats), len(beliefs))
            ctx.started = start is not None
            ctx.save_for_backward(unary, *compats, *beliefs, *tables)
        return q

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        kernels, iterations, (count, kept) = ctx.kernels, ctx.iterations, ctx.counts
        unary, *saved = ctx.saved_tensors
        compats, beliefs = saved[:count], saved[count:count + kept]
        tables = saved[count + kept:count + kept + iterations * count]
        del saved
        with full_precision(unary.device):
            adjoint = _Reader(kernels, [k.in_weight for k in kernels])
            reader = None if kept else _Reader(kernels, [k.out_weight for k in kernels])
            stacked = unary.new_empty(adjoint.rows, unary.shape[1])
            again = None if kept else torch.empty_like(stacked)
            flow = grad.contiguous().clone()  # gradient of L^{t + 1}, then of L^t
            grad_unary = flow.clone()
            grad_compats = [torch.zeros_like(compat) for compat in compats]
            grad_start = None
            for t in range(iterations - 1, -1, -1):
                blurred = tables[t * count:(t + 1) * count]
                for i, (kernel, compat) in enumerate(zip(kernels, compats)):
                    rows = kernel.splat_out(flow)
                    if ctx.needs_input_grad[5 + i]:
                        grad_compats[i] += compat_gradient(rows, blurred[i], compat)
                    transformed = _compat_transform(rows, compat.t() if compat.dim() == 2 else compat, rows)
                    first = adjoint.firsts[i]
                    stacked[first:first + kernel.rows] = kernel.blur(transformed, reverse=True)
                if not kept and t:
                    _stack(tables[(t - 1) * count:t * count], compats, reader, again)
                    logits = reader.parts(again)
                if t == 0 and ctx.started:
                    grad_start = torch.cat([g for _, g in adjoint.parts(stacked)])
                    break
                for part, g in adjoint.parts(stacked):
                    if kept:
                        q = beliefs[t][part]
                    else:
                        q = torch.softmax(next(logits)[1].add_(unary[part]) if t else unary[part], 1)
                    g.mul_(q)
                    g.addcmul_(q, g.sum(1, keepdim=True), value=-1)
                    flow[part] = g
                    grad_unary[part] += g
        grad_unary = grad_unary if ctx.needs_input_grad[0] else None
        return (grad_unary, grad_start, None, None, None, *grad_compats)
