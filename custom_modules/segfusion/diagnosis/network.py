"""What a config composes: the levels, who reads them, and which part answers which question."""
import inspect
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import DATASETS, MODELS
from torch import nn

from ..datasets.checks import leaf_datasets
from ..models.segmentors.fitted_encoder_decoder import (
    FittedEncoderDecoder,
    channel_problem,
    reads_levels,
    run_levels,
    wanted_channels,
)
from ..models.slots import QUESTIONS, folder_slot

# Modules of mmseg and mmcv that answer one of the questions, by class name.
STOCK = {
    'PPM': 'context', 'ASPPModule': 'context', 'DepthwiseSeparableASPPModule': 'context', 'NonLocal2d': 'context',
    'PAM': 'context', 'CAM': 'context', 'ObjectAttentionBlock': 'context', 'DAPPM': 'context', 'PAPPM': 'context',
    'EncModule': 'context', 'PSA': 'context', 'CrissCrossAttention': 'context'
}
# Heads whose labels are no classes of the data: the edges they make of them.
EDGES = ('STDCHead', )


@dataclass
class Level:
    """One map that backbone (and neck) give; ``readers`` are the heads that take it."""
    index: int
    channels: int
    size: Tuple[int, int]
    stride: str
    readers: List[str] = field(default_factory=list)


@dataclass
class Part:
    """A module that answers a question; ``count`` instances, the first of them named ``where``."""
    slot: str
    where: str
    name: str
    module: str
    params: int
    count: int = 1


@dataclass
class Network:
    """The composed network; ``problems`` are channel lists that do not fit, with the right ones."""
    segmentor: str
    backbone: str
    neck: str
    image: Tuple[int, int]
    levels: List[Level]
    parts: List[Part]
    heads: List[Tuple[str, str, str]]
    problems: List[str]


def describe_network(config: Config, size: Tuple[int, int] = (256, 256)) -> Network:
    """Build the backbone, run it once on a black image, build the whole if its channels fit; loads no weights."""
    cfg = config.model
    backbone = revert_sync_batchnorm(MODELS.build(cfg.backbone))
    neck = revert_sync_batchnorm(MODELS.build(cfg.neck)) if cfg.get('neck') else None
    maps = run_levels(backbone, neck, size)
    levels = [Level(i, m.shape[1], tuple(m.shape[2:]), _stride(size, m.shape[2:])) for i, m in enumerate(maps)]
    channels = [level.channels for level in levels]
    heads, problems = [], class_problems(config)
    fitted = issubclass(MODELS.get(_type(cfg)), FittedEncoderDecoder)
    for slot, head in head_configs(cfg):
        text = ', '.join(f'{key}={head[key]}' for key in ('channels', 'num_classes') if key in head)
        heads.append((slot, _type(head), text))
        if not reads_levels(head):
            continue
        try:
            filled_in = fitted and head.get('in_channels') is None
            problem = '' if filled_in else channel_problem(slot, head, channels)
            problems += [problem] if problem else []
            for i in _indices(head, channels):
                levels[i].readers.append(slot)
        except ValueError as error:
            problems.append(f'{slot}: {error}')
    broken = len(problems) > len(class_problems(config))  # it cannot run; wrong class counts it can
    parts = [] if broken else find_parts(revert_sync_batchnorm(MODELS.build(cfg)))
    return Network(_type(cfg), f'{_type(cfg.backbone)}{_depth(cfg.backbone)}', _type(cfg.neck) if neck else '', size,
                   levels, parts, heads, problems)


def head_configs(model: Dict) -> List[Tuple[str, Dict]]:
    """(slot, config) of every decode and auxiliary head."""
    found = []
    for slot in ('decode_head', 'auxiliary_head'):
        heads = model.get(slot) or []
        many = isinstance(heads, (list, tuple))
        found += [(f'{slot}[{i}]' if many else slot, h) for i, h in enumerate(heads if many else [heads])]
    return found


def class_problems(config: Config) -> List[str]:
    """Sentences for heads that disagree about the number of classes, with each other or with the data set."""
    heads = {slot: head for slot, head in head_configs(config.model)
             if 'num_classes' in head and _type(head) not in EDGES}
    counts = {slot: 2 if _is_sigmoid_of_one(head) else head['num_classes'] for slot, head in heads.items()}
    expected, why = next(iter(counts.values()), None), f'{next(iter(counts), "")} has'
    loader = config.get('train_dataloader')
    for leaf in leaf_datasets(loader.dataset) if loader else ():
        classes = leaf.get('metainfo', {}).get('classes') or getattr(DATASETS.get(leaf.type), 'METAINFO',
                                                                     {}).get('classes')
        if classes and not isinstance(classes, str):
            expected, why = len(classes), f'{leaf.type} has'
    return [f'{slot}.num_classes is {heads[slot]["num_classes"]}, but {why} {expected} classes: set '
            f'{slot}.num_classes={expected}' for slot, count in counts.items() if count != expected]


def _is_sigmoid_of_one(head: Dict) -> bool:
    """Whether a head config has one output that tells label 1 from label 0."""
    losses = head.get('loss_decode') or []
    losses = losses if isinstance(losses, (list, tuple)) else [losses]
    known = [inspect.signature(MODELS.get(_type(loss))).parameters.get('use_sigmoid') for loss in losses]
    given = [loss.get('use_sigmoid', one is not None and one.default) for loss, one in zip(losses, known)]
    return head['num_classes'] == 1 and bool(given) and all(given)


def find_parts(model: nn.Module) -> List[Part]:
    """Parts of a built model that answer one of the four questions, in the order they were built."""
    parts: Dict[Tuple, Part] = {}
    inside: List[str] = []
    for name, module in model.named_modules():
        slot = folder_slot(type(module)) or (STOCK.get(type(module).__name__) if
                                             type(module).__module__.startswith(('mmseg.', 'mmcv.')) else None)
        if slot is None or any(name.startswith(f'{outer}.') for outer in inside):
            continue
        inside.append(name)
        key = (slot, type(module), name.split('.')[0], name.rstrip('0123456789'))
        params = sum(p.numel() for p in module.parameters())
        if key in parts:
            parts[key].count += 1
            parts[key].params += params
        else:
            parts[key] = Part(slot, name, type(module).__name__, type(module).__module__, params)
    return list(parts.values())


def network_text(net: Network) -> str:
    """Diagram of the levels and table of the parts."""
    lines = [f'{net.segmentor}, for an image of {net.image[0]}x{net.image[1]} pixels', '',
             f'image 3 x {net.image[0]} x {net.image[1]}', f'└─ {net.backbone}{f" -> {net.neck}" if net.neck else ""}']
    for level in net.levels:
        branch = '└' if level is net.levels[-1] else '├'
        shape = f'{level.channels} x {level.size[0]} x {level.size[1]}'
        readers = ', '.join(level.readers) or 'nobody'
        lines.append(f'   {branch}─ level {level.index}  stride {level.stride:<4} {shape:<18} read by {readers}')
    lines.append('')
    lines += [f'{slot:<18} {name:<22} {text}' for slot, name, text in net.heads]
    lines += ['', f'{"question":<34} {"answer":<42} {"where":<32} {"params":>10}']
    for slot, question in QUESTIONS.items():
        answers = [p for p in net.parts if p.slot == slot]
        for i, part in enumerate(answers or [None]):
            asked = question if i == 0 else ''
            if part is None:
                lines.append(f'{asked:<34} {_default_answer(slot, not net.parts and bool(net.problems))}')
                continue
            times = f'{part.count} x ' if part.count > 1 else ''
            lines.append(f'{asked:<34} {times + part.name:<42} {part.where:<32} {part.params:>10,}')
    return '\n'.join(lines)


def _default_answer(slot: str, broken: bool) -> str:
    if broken:
        return '? (not built: see below)'
    return {
        'align': '- (plain resizing inside the head, or one level)', 'fusion': '- (inside the head, or one level)',
        'context': '-', 'refiner': '- (no refiner)'
    }[slot]


def _indices(head: Dict, channels: Sequence[int]) -> List[int]:
    wanted = wanted_channels(head, list(range(len(channels))))  # levels stand for their channels: gives the indices
    return [wanted] if isinstance(wanted, int) else list(wanted)


def _stride(size: Tuple[int, int], shape: Sequence[int]) -> str:
    strides = {str(round(a / b)) if a >= b else f'1/{round(b / a)}' for a, b in zip(size, shape)}
    return 'x'.join(sorted(strides))


def _type(cfg: Any) -> str:
    kind: Optional[Any] = cfg.get('type')
    return kind if isinstance(kind, str) else getattr(kind, '__name__', str(kind))


def _depth(cfg: Dict) -> str:
    return f'-{cfg["depth"]}' if 'depth' in cfg else ''
