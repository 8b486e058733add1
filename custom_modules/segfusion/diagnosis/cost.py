"""Parameters, multiply-adds, latency and peak memory of configs, measured side by side.

Multiply-adds are those of convolutions and matrix products (torch's flop counter, halved). Not counted: resizing,
warping (``grid_sample``), pooling, norms, activations, lattice filtering of a CRF. Auxiliary heads do not run in
evaluation and are neither counted nor timed; their parameters are reported apart.
"""
import contextlib
import ctypes
import gc
import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass, field
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import mmcv
import mmseg
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.utils.dl_utils import collect_env
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ..engine.optional import lacking

PREDICTION_ONLY = ('PointHead', 'MaskFormerHead', 'Mask2FormerHead')
KEPT = ('Python', 'NVCC', 'PyTorch', 'TorchVision', 'MMEngine')


@dataclass
class Cost:
    """Cost of one network on one input size; times in milliseconds, memory in MiB, parameters and MACs as counts."""
    name: str
    size: Tuple[int, int]
    params: int
    aux_params: int
    macs: float
    times: List[float] = field(default_factory=list)
    peak_memory: Optional[float] = None

    @property
    def latency(self) -> float:
        """Median of the timed forwards."""
        return statistics.median(self.times) if self.times else float('nan')

    def as_dict(self) -> dict:
        return dict(asdict(self), latency=self.latency)


def build_segmentor(config, options: Optional[dict] = None) -> nn.Module:
    """The network of a config, in evaluation mode, without downloading any initial weights.

    Raises:
        RuntimeError: If it needs operators or packages that are not installed; names the remedy.
    """
    config = config if isinstance(config, Config) else Config.fromfile(config)
    config.merge_from_dict(options or {})
    if lacking(config):
        raise RuntimeError(lacking(config)[0])
    return revert_sync_batchnorm(MODELS.build(config.model)).eval()


def count(model: nn.Module, size: Tuple[int, int]) -> Tuple[int, int, float]:
    """Parameters without and of auxiliary heads, and multiply-adds of one image (3, H, W)."""
    aux = sum(p.numel() for n, p in model.named_parameters() if n.startswith('auxiliary_head.'))
    total = sum(p.numel() for p in model.parameters())
    device = next(model.parameters()).device
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        logits(model, torch.zeros(1, 3, *size, device=device))
    return total - aux, aux, counter.get_total_flops() / 2


def logits(model: nn.Module, image: Tensor) -> Tensor:
    """What a segmentor says about an image batch, (N, C, h, w).

    That of mmseg's tensor mode, but for heads that exist in prediction only: PointRend's, which refines a map it
    makes itself, and mask heads, which ask for the size of the image.
    """
    head = getattr(model, 'decode_head', None)
    head = head[-1] if isinstance(head, nn.ModuleList) else head
    if type(head).__name__ not in PREDICTION_ONLY:
        return model(image)
    size = tuple(image.shape[2:])
    return model.encode_decode(image, [dict(img_shape=size, ori_shape=size, pad_shape=size) for _ in image])


def measure(models: Dict[str, nn.Module],
            size: Tuple[int, int],
            device: str = 'cpu',
            repeats: int = 7,
            report: Callable[[str], None] = lambda text: None) -> List[Cost]:
    """Cost of every model, the timed forwards interleaved so that a busy moment hits all of them.

    Args:
        models: Name to segmentor.
        size: Input height and width.
        device: ``'cpu'`` or ``'cuda'``.
        repeats: Timed forwards a model, after one warm-up. 0 counts only.
        report: Called with a line of progress.

    Returns:
        One :class:`Cost` a model, in order.

    Raises:
        ValueError: If ``size`` is not a height and a width.
    """
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f'expected a height and a width of at least 1 pixel, got {tuple(size)}')
    costs = []
    for name, model in models.items():
        report(f'counting {name}')
        costs.append(Cost(name, tuple(size), *count(model, size)))
        model.to(device).eval()
    if not repeats:
        return costs
    image = torch.randn(1, 3, *size, device=device)
    with torch.no_grad():
        for cost, model in zip(costs, models.values()):  # also the warm-up
            cost.peak_memory = peak_memory(lambda m=model: logits(m, image), device)
        for i in range(repeats):
            report(f'round {i + 1} of {repeats}')
            for cost, model in zip(costs, models.values()):
                cost.times.append(_time(lambda m=model: logits(m, image), device))
    return costs


def cost_table(costs: Sequence[Cost]) -> str:
    """The costs as a Markdown table."""
    lines = [
        '| network | input | params (M) | aux (M) | GMACs | median (ms) | min (ms) | peak memory (MiB) |',
        '| --- | --- | --- | --- | --- | --- | --- | --- |'
    ]
    for c in costs:
        times = f'{c.latency:.0f} | {min(c.times):.0f}' if c.times else '- | -'
        memory = '-' if c.peak_memory is None else f'{c.peak_memory:.0f}'
        lines.append(f'| {c.name} | {c.size[0]}x{c.size[1]} | {c.params / 1e6:.3f} | {c.aux_params / 1e6:.3f} | '
                     f'{c.macs / 1e9:.1f} | {times} | {memory} |')
    return '\n'.join(lines)


def environment(device: str = 'cpu') -> Dict[str, str]:
    """What the figures were measured on: of mmengine's ``collect_env`` what stays while nothing is installed, and what
    it leaves out."""
    chip = platform.processor() or platform.machine()
    if os.path.exists('/proc/cpuinfo'):
        with open('/proc/cpuinfo') as file:
            chip = next((line.split(':', 1)[1].strip() for line in file if line.startswith('model name')), chip)
    if device.startswith('cuda'):
        chip = torch.cuda.get_device_name(device)
    facts = {name: value for name, value in collect_env().items() if name in KEPT}
    return dict(device=chip, threads=str(torch.get_num_threads()), **facts, MMCV=mmcv.__version__,
                MMSegmentation=mmseg.__version__)


def wait(device: str) -> None:
    """Until what was given to a GPU is done, so that a clock may be read."""
    if device.startswith('cuda'):
        torch.cuda.synchronize()


def _time(run: Callable, device: str) -> float:
    wait(device)
    start = time.perf_counter()
    run()
    wait(device)
    return 1e3 * (time.perf_counter() - start)


def peak_memory(run: Callable, device: str) -> Optional[float]:
    """Memory above the resting level while ``run`` runs; None where the system does not tell."""
    gc.collect()
    if device.startswith('cuda'):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        torch.cuda.synchronize()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    _give_back_free_memory()
    try:
        with open('/proc/self/clear_refs', 'w') as file:  # Linux: the peak restarts from the present level
            file.write('5')
    except OSError:
        run()
        return None
    before = _status('VmRSS')
    run()
    return (_status('VmHWM') - before) / 2**10


def peak_allocated(run: Callable) -> float:
    """MiB that PyTorch has allocated on the CPU at most while ``run`` runs, what was there before not counted.

    The same in every run, where :func:`peak_memory` also sees what the system's allocator makes of it.
    """
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run()
    present = most = 0
    changes = [event for event in profile.profiler.kineto_results.events() if event.name() == '[memory]']
    for event in sorted(changes, key=lambda e: e.start_ns() if hasattr(e, 'start_ns') else e.start_us()):
        present += event.nbytes()
        most = max(most, present)
    return most / 2**20


def _give_back_free_memory() -> None:
    """Return freed pages to the system (glibc): a network that fits into them would seem to need none."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def free_memory() -> float:
    """MiB that a process may still take, infinite where the system does not tell."""
    try:
        with open('/proc/meminfo') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('MemAvailable:')) / 2**10
    except OSError:
        return float('inf')


def _status(name: str) -> int:
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ':'))
