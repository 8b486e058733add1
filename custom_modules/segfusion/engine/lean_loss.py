"""A loss that keeps its gradient with respect to the logits, and not the maps at full size that it was computed from.

Heads resize their logits to the labels before the loss. Of every head, deep supervision included, the resized logits'
softmax stays until the backward pass, with as many values as classes times pixels: for four heads of Cityscapes at
1024x1024, 300 MiB an image. The gradient with respect to the logits before resizing is 16 to 64 times smaller.
"""
from functools import partial
from types import MethodType
from typing import Any, Dict, List, Tuple

import torch
from mmengine.model import is_model_wrapper
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def use_lean_loss(model: nn.Module) -> int:
    """Let ``loss_by_feat`` of every head compute its gradient at once, d loss / d logits, and free everything else.

    Losses and gradients are those of before; the work is the same, in another order. One head's maps at full size are
    in memory at a time, and none in the backward pass of the rest of the network. Under float16 the gradient of the
    logits, which no loss scaling has reached yet, is kept in float32.

    Args:
        model: A segmentor, may be wrapped; changed in place. What its losses are computed from are the logits that
            ``loss_by_feat`` is given.

    Returns:
        How many heads there are.

    Raises:
        ValueError: If no head is one of mmseg's, or if a loss has parameters, which would learn nothing.
    """
    model = model.module if is_model_wrapper(model) else model
    heads = [m for m in model.modules() if hasattr(m, 'loss_by_feat') and hasattr(m, 'loss_decode')]
    if not heads:
        raise ValueError(f'lean_loss: expected a model with heads of mmseg, got {type(model).__name__}; set '
                         'lean_loss=False')
    for head in heads:
        learned = [name for name, _ in head.loss_decode.named_parameters()]
        if learned:
            raise ValueError(f'lean_loss: expected losses without parameters, got {", ".join(learned)} of '
                             f'{type(head).__name__}.loss_decode, which would learn nothing; set lean_loss=False')
        head.loss_by_feat = MethodType(_loss_and_gradient, head)  # a deep copy of the head binds its own
    return len(heads)


def _loss_and_gradient(self: nn.Module, seg_logits: Any, *args, **kwargs) -> Dict[str, Tensor]:
    compute = partial(type(self).loss_by_feat, self)
    pairs: List[Tuple[Tensor, Tensor]] = []
    leaves = _with_leaves(seg_logits, pairs)
    if not pairs or not torch.is_grad_enabled():
        return compute(seg_logits, *args, **kwargs)
    logits, inputs = zip(*pairs)
    losses = compute(leaves, *args, **kwargs)
    left = [name for name, loss in losses.items() if loss.requires_grad]
    while left:
        loss = losses[left[0]].mean()  # as mmengine takes it
        gradients = torch.autograd.grad(loss, inputs, retain_graph=len(left) > 1, allow_unused=True)
        losses[left.pop(0)] = _Known.apply(loss.detach(), gradients, *logits)
    return losses


def _with_leaves(value: Any, found: List[Tuple[Tensor, Tensor]]) -> Any:
    """``value`` with every tensor that has a gradient replaced by a leaf; both are added to ``found``."""
    if isinstance(value, (list, tuple)):
        return type(value)(_with_leaves(item, found) for item in value)
    if not isinstance(value, Tensor) or not value.requires_grad:
        return value
    leaf = value.detach()
    leaf = (leaf.float() if leaf.dtype == torch.float16 else leaf).requires_grad_()
    found.append((value, leaf))
    return leaf


class _Known(torch.autograd.Function):
    """A loss whose gradients with respect to ``logits`` are known."""

    @staticmethod
    def forward(ctx, loss: Tensor, gradients: Tuple, *logits: Tensor) -> Tensor:
        ctx.save_for_backward(*gradients)
        ctx.dtypes = [x.dtype for x in logits]
        return loss.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        return (None, None, *(known if known is None else (known * grad).to(dtype)
                              for known, dtype in zip(ctx.saved_tensors, ctx.dtypes)))
