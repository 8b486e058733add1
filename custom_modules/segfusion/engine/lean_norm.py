"""Maps behind a batch norm that are computed again in the backward pass, and not kept for it.

Of convolution, batch norm and activation a network keeps two maps: what the convolution gave, for the norm, and what
the activation gave, for itself and the next convolution. The second is a cheap function of the first, and so is the end
of a residual block, of the last convolution's result and of the end of the block before.
"""
import weakref
from contextvars import ContextVar
from types import MethodType
from typing import Any, Dict, Optional, Union

import torch
import torch.distributed as dist
import torch.nn.functional as F
from mmengine.model import is_model_wrapper
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.SiLU, nn.Hardswish, nn.GELU)


def use_lean_norm(model: nn.Module) -> int:
    r"""Let a training forward keep x, and the backward pass compute y once more:

    .. math:: y = \mathrm{act}\big(\gamma \, (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta + r\big)

    with r = 0, or what a residual block adds. Gradients are the same to the bit; running statistics are updated once.
    What a backbone hands to its heads is kept as before, and what follows a norm that applies its activation itself
    (timm's) or sees other processes' batches (``SyncBN`` on several GPUs).

    Args:
        model: A segmentor, may be wrapped; changed in place.

    Returns:
        How many norms there are.

    Raises:
        ValueError: If there are none.
    """
    model = model.module if is_model_wrapper(model) else model
    norms = [m for m in model.modules() if _is_plain(m)]
    if not norms:
        raise ValueError(f'lean_norm: expected a model with batch norms, got {type(model).__name__} without; set '
                         'lean_norm=False')
    for norm in norms:
        norm.register_forward_hook(_after_norm)
    for module in model.modules():
        if type(module) in ACTIVATIONS:
            module.register_forward_pre_hook(_before_act)
            module.register_forward_hook(_after_act)
        elif isinstance(module, nn.MaxPool2d):
            module.register_forward_hook(_after_pool)
    if hasattr(model, 'backbone'):
        model.backbone.register_forward_hook(_after_backbone)
    model.forward = MethodType(_forward, model)  # a deep copy of the model binds its own
    return len(norms)


def _is_plain(module: nn.Module) -> bool:
    return isinstance(module, nn.SyncBatchNorm) or \
        isinstance(module, _BatchNorm) and type(module).forward is _BatchNorm.forward


class _Kept:
    """A tensor that is kept, and that must not change: with hooks autograd does not look itself."""

    def __init__(self, tensor: Tensor):
        self.tensor, self.version = tensor.detach(), tensor._version

    def ask(self) -> '_Kept':
        return self

    def map(self) -> Tensor:
        if self.tensor._version != self.version:
            raise RuntimeError('a tensor that the backward pass needs was changed in place after it was used; the '
                               'network cannot be trained so, or, if it can without lean_norm, set lean_norm=False')
        return self.tensor


class _Recipe:
    """How to compute a map again. It is remembered until it was had as often as it was asked for."""

    def __init__(self, norm: nn.Module, x: _Kept, added: Union[_Kept, '_Recipe', None] = None,
                 act: Optional[nn.Module] = None):
        self.norm, self.x, self.added, self.act = norm, x, added, act
        self.training, self.asked, self.value, self.given = norm.training, 0, None, False

    def ask(self) -> '_Recipe':
        if self.added is not None and not self.asked:
            self.added.ask()
        self.asked += 1
        return self

    def give(self, value: Tensor) -> None:
        """A value that is there all the time."""
        if isinstance(self.added, _Recipe) and self.asked:
            self.added.asked -= 1
        self.value, self.given = value, True

    def map(self) -> Tensor:
        value = self._compute() if self.value is None else self.value
        self.asked -= 1
        self.value = value if self.asked > 0 or self.given else None
        return value

    def _compute(self) -> Tensor:
        norm = self.norm
        statistics = (None, None) if self.training else (norm.running_mean, norm.running_var)
        with torch.no_grad():
            y = F.batch_norm(self.x.map(), *statistics, norm.weight, norm.bias,
                             self.training or statistics[0] is None, 0., norm.eps)
            if self.added is not None:
                y += self.added.map()
            return y if self.act is None else type(self.act).forward(self.act, y)


class _Ledger:
    """What is known of the maps that are alive in a forward pass: by their memory, and by their place in the graph."""

    def __init__(self):
        self.maps: Dict[int, tuple] = {}
        self.nodes: Dict[Any, Union[_Recipe, tuple]] = {}

    def note(self, out: Tensor, recipe: _Recipe, changes: int = 0) -> None:
        """``changes``: how often ``out`` will have been written to when it is what the recipe says."""
        self.maps[out.data_ptr()] = weakref.ref(out), out._version + changes, recipe

    def find(self, tensor: Tensor) -> Optional[_Recipe]:
        alive, version, recipe = self.maps.get(tensor.data_ptr(), (None, 0, None))
        out = alive and alive()
        if out is None or out._version != version:
            return None
        same = out.shape == tensor.shape and out.stride() == tensor.stride() and out.dtype == tensor.dtype
        return recipe if same else None

    def sum(self, total: Tensor) -> Optional[_Recipe]:
        """Of a batch norm and something else, if ``total`` is that."""
        node = total.grad_fn
        if node is None or node.name() != 'AddBackward0' or node._saved_alpha != 1:
            return None
        one, other = (self.nodes.get(following) for following, _ in node.next_functions)
        if not isinstance(one, _Recipe) or one.act or one.added is not None:
            one, other = other, one
        if not isinstance(one, _Recipe) or one.act or one.added is not None or other is None:
            return None
        if isinstance(other, tuple):
            alive, version = other
            tensor = alive()
            if tensor is None or tensor._version != version:
                return None
            other, like = _Kept(tensor), tensor
        else:
            like = other.x.tensor
        if like.shape != total.shape or like.dtype != total.dtype or one.x.tensor.shape != total.shape:
            return None  # broadcast or cast
        return _Recipe(one.norm, one.x, other)

    def pack(self, tensor: Tensor) -> Union[_Kept, _Recipe]:
        return (self.find(tensor) or _Kept(tensor)).ask()


_LEDGER: ContextVar[Optional[_Ledger]] = ContextVar('ledger', default=None)


def _forward(self: nn.Module, *args, **kwargs) -> Any:
    plain = type(self).forward
    if not (self.training and torch.is_grad_enabled()):
        return plain(self, *args, **kwargs)
    ledger = _Ledger()
    token = _LEDGER.set(ledger)
    try:
        with torch.autograd.graph.saved_tensors_hooks(ledger.pack, lambda packed: packed.map()):
            return plain(self, *args, **kwargs)
    finally:
        _LEDGER.reset(token)
        ledger.maps.clear()  # the graph holds the ledger by its hook
        ledger.nodes.clear()


def _after_norm(norm: nn.Module, args: Any, out: Tensor) -> None:
    ledger = _LEDGER.get()
    synced = isinstance(norm, nn.SyncBatchNorm) and dist.is_available() and dist.is_initialized()
    if ledger and out.requires_grad and not synced:
        recipe = _Recipe(norm, _Kept(args[0]))
        ledger.note(out, recipe)
        ledger.nodes[out.grad_fn] = recipe


def _before_act(act: nn.Module, args: Any) -> None:
    """Before, since an activation in place keeps its result while it runs."""
    ledger = _LEDGER.get()
    if not ledger or not args[0].requires_grad:
        return
    recipe = ledger.find(args[0]) or ledger.sum(args[0])
    act.recipe = recipe and _Recipe(recipe.norm, recipe.x, recipe.added, act)
    if recipe and getattr(act, 'inplace', False):
        ledger.note(args[0], act.recipe, changes=1)


def _after_act(act: nn.Module, args: Any, out: Tensor) -> None:
    ledger = _LEDGER.get()
    if not ledger or not out.requires_grad:
        return
    recipe = act.__dict__.pop('recipe')
    if recipe:
        ledger.note(out, recipe)
    ledger.nodes[out.grad_fn] = recipe or (weakref.ref(out), out._version)


def _after_pool(pool: nn.Module, args: Any, out: Any) -> None:
    ledger = _LEDGER.get()
    if ledger and isinstance(out, Tensor) and out.requires_grad:
        ledger.nodes[out.grad_fn] = weakref.ref(out), out._version


def _after_backbone(backbone: nn.Module, args: Any, out: Any) -> None:
    """Else the heads' backward pass would ask for the ends of all stages at once, and with them for all before."""
    ledger = _LEDGER.get()
    for tensor in (out if isinstance(out, (list, tuple)) else [out]) if ledger else ():
        recipe = ledger.find(tensor) if isinstance(tensor, Tensor) else None
        if recipe:
            recipe.give(tensor.detach())
