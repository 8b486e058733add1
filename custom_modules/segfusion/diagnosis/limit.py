"""How far a network is from what the machine can do, and by which operators.

A large matrix product is the most a machine computes in float32, a large copy the most it moves. Everything else is
measured against these two, in the same interleaved run.
"""
import math
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Sequence, Tuple

import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.flop_counter import FlopCounterMode

KINDS = {
    'norm': ('native_batch_norm', '_native_batch_norm_legit_no_training', '_batch_norm_no_update', 'cudnn_batch_norm',
             'native_layer_norm', 'native_group_norm', 'batch_norm'),
    'activation': ('relu', 'leaky_relu', 'gelu', '_prelu_kernel', 'elu', 'hardtanh', 'hardswish', 'silu', 'sigmoid',
                   'clamp', 'clamp_min'),
    'resize': ('upsample_bilinear2d', 'upsample_nearest2d', 'upsample_linear1d', '_upsample_bilinear2d_aa',
               'upsample_bicubic2d'),
    'sampling': ('grid_sampler_2d', '_embedding_bag', '_embedding_bag_forward_only'),
    'look-up': ('index_select', 'gather', 'index', 'embedding'),
    'concatenation': ('cat', 'stack'),
    'copy': ('clone', 'copy', '_to_copy', 'constant_pad_nd', 'roll'),
    'sum, product': ('add', 'sub', 'mul', 'div', 'lerp', 'where', 'addcmul', 'rsub', 'neg'),
    'pooling': ('max_pool2d_with_indices', 'avg_pool2d', '_adaptive_avg_pool2d', 'mean', 'amax', 'max', 'sum',
                'max_unpool2d'),
    'matrix product': ('mm', 'addmm', 'bmm', 'baddbmm', 'linear'),
    'attention': ('_scaled_dot_product_flash_attention_for_cpu', '_scaled_dot_product_attention_math',
                  '_scaled_dot_product_flash_attention', '_scaled_dot_product_efficient_attention'),
    'softmax': ('_softmax', '_log_softmax'),
}
_KIND = {name: kind for kind, names in KINDS.items() for name in names}


@dataclass
class Operator:
    """All operators of one kind in a forward: calls, milliseconds, operations on floats, bytes read and written."""
    kind: str
    calls: int = 0
    ms: float = 0.
    flops: float = 0.
    bytes: float = 0.

    @property
    def gflops(self) -> float:
        """10^9 operations on floats a second."""
        return self.flops / self.ms / 1e6 if self.ms else 0.

    @property
    def gbytes(self) -> float:
        """10^9 bytes a second."""
        return self.bytes / self.ms / 1e6 if self.ms else 0.


def matrix_product(n: int = 2048, device: str = 'cpu') -> Callable[[], Tensor]:
    """A large product in float32, of ``2 * n**3`` operations."""
    a, b = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
    out = torch.empty_like(a)
    return lambda: torch.mm(a, b, out=out)


def large_copy(mebibytes: int = 128, device: str = 'cpu') -> Callable[[], Tensor]:
    """A copy that no cache holds; it reads and writes so much each."""
    source = torch.ones(mebibytes * 2**18, device=device)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def operators(run: Callable, repeats: int = 3) -> List[Operator]:
    """What a call without arguments does, by kind of operator, slowest first.

    Convolutions are told apart by kernel, stride, dilation and groups. A first run counts: operations as torch's flop
    counter, bytes of all tensors that an operator takes and gives (what a cache spares is not seen). The others are
    timed; with an operator goes what it calls itself, a change of memory format before a convolution included.

    Args:
        run: The call. It has to do the same in every run, on the CPU.
        repeats: Timed runs, of which every operator's median counts.
    """
    counted, timed = _Recorder(count=True), [_Recorder() for _ in range(repeats)]
    for recorder in (counted, *timed):
        with torch.no_grad(), recorder:
            run()
    found = {}
    for i, (kind, flops, size) in enumerate(counted.steps):
        operator = found.setdefault(kind, Operator(kind))
        operator.calls += 1
        operator.flops += flops
        operator.bytes += size
        operator.ms += statistics.median(recorder.steps[i] for recorder in timed)
    return sorted(found.values(), key=lambda operator: -operator.ms)


def heads_of_ours(folder: Path) -> List[Path]:
    """Configs of a folder whose decode head is this package's, not mmseg's."""
    found = []
    for path in sorted(Path(folder).glob('*.py')):
        head = Config.fromfile(path).get('model', {}).get('decode_head', {})
        for one in head if isinstance(head, list) else [head]:
            made = MODELS.get(one.get('type', '')) if one.get('type') else None
            if made is not None and made.__module__.startswith(__name__.split('.')[0] + '.'):
                found.append(path)
                break
    return found


def growth(sizes: Sequence[float], values: Sequence[float]) -> List[float]:
    """Exponents between neighbours: 1 if a value grows as the size does."""
    return [math.log(b / a) / math.log(m / n) for n, m, a, b in zip(sizes, sizes[1:], values, values[1:])]


def grows_fastest(before: List[Operator], after: List[Operator]) -> Tuple[str, float]:
    """The kind of operator that adds most to how much more than its share a forward takes, and its factor."""
    old = {operator.kind: operator.ms for operator in before}
    factor = sum(old.values()) and sum(operator.ms for operator in after) / sum(old.values())
    worst = max(after, key=lambda o: o.ms - factor * old.get(o.kind, 0.))
    return worst.kind, worst.ms / old[worst.kind] if old.get(worst.kind) else math.inf


def reason(found: List[Operator], limit: float, count: int = 3) -> str:
    """Where the time goes that the products alone would not need, in words.

    Args:
        found: Of :func:`operators`.
        limit: 10^9 operations a second of a large matrix product.
        count: How many kinds to name, those that lose most.
    """
    total = sum(operator.ms for operator in found)
    lost = sorted(found, key=lambda operator: operator.flops / limit / 1e6 - operator.ms)
    return ', '.join(
        f'{operator.kind} {operator.ms / total:.0%}'
        + (f' (at {operator.gflops / limit:.2f})' if operator.flops else '')
        for operator in lost[:count] if operator.ms - operator.flops / limit / 1e6 >= 0.02 * total)


class _Recorder(TorchDispatchMode):
    """Kind, operations and bytes of every operator, or its milliseconds."""

    def __init__(self, count: bool = False):
        super().__init__()
        self.steps, self.count, self.stack = [], count, ExitStack()
        self.counter = FlopCounterMode(display=False) if count else None

    def __enter__(self):
        if self.count:  # outside of this mode: it sees what this one calls
            self.stack.enter_context(self.counter)
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.stack.close()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        before = self.counter.get_total_flops() if self.count else time.perf_counter()
        out = func(*args, **(kwargs or {}))
        if not self.count:
            self.steps.append(1e3 * (time.perf_counter() - before))
            return out
        tensors = [x for x in tree_flatten((args, kwargs, out))[0] if isinstance(x, Tensor)]
        self.steps.append((_kind(func, args), self.counter.get_total_flops() - before,
                           sum(x.numel() * x.element_size() for x in tensors)))
        return out


def _kind(func, args) -> str:
    name = func.__name__.split('.')[0]
    if name != 'convolution':
        name = name[:-1] if name.endswith('_') else name
        return _KIND.get(name, name)
    weight, stride, dilation, transposed, groups = args[1], args[3], args[5], args[6], args[8]
    words = ['x'.join(map(str, weight.shape[2:])), 'transposed convolution' if transposed else 'convolution']
    if groups > 1:
        words.insert(1, 'depthwise' if weight.shape[1] == 1 else 'grouped')
    if max(stride) > 1:
        words.append(f'stride {max(stride)}')
    if max(dilation) > 1:
        words.append('dilated')
    if min(weight.shape[0], weight.shape[1] * groups) <= 8:  # an image or a flow: vectors stay half empty
        words.append('of few channels')
    return ' '.join(words)
