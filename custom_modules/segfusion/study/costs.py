"""What every combination costs, measured side by side in one process and kept until something changes."""
import json
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import torch
from mmengine.config import Config

from ..datasets.files import write_whole
from ..diagnosis.cost import build_segmentor, environment, measure
from .configs import fingerprint
from .plan import Study

REPEATS = 7
UNCOUNTED = 'resizing, warping (grid_sample), pooling, norms, activations, CRF filtering'


def input_size(study: Study, config: Config) -> Tuple[int, int]:
    """Height and width to measure at: the study's, or what the base config trains at.

    Raises:
        ValueError: If neither says.
    """
    size = study.measure.get('size') or (config.model.get('data_preprocessor') or {}).get('size')
    if size is None:
        raise ValueError(f'{study.path.name}: write measure=dict(size=(height, width)); the base config does not say')
    return tuple(size)


def measure_costs(study: Study, configs: Dict[str, Config], out: Path,
                  report: Callable[[str], None]) -> Tuple[Dict[str, Dict[str, float]], Dict[str, str], str]:
    """Costs by combination, the environment they were measured in, and what to know about them.

    The timed forwards of all networks take turns in one process, so that a busy moment hits all alike. The figures are
    kept in ``cost.json``; if any network, the size or the device changes, all are measured again.
    """
    repeats = study.measure.get('repeats', REPEATS)
    device = study.measure.get('device') or ('cuda' if torch.cuda.is_available() else 'cpu')
    if study.measure.get('threads'):
        torch.set_num_threads(study.measure['threads'])
    firsts = {group: configs[members[0].name] for group, members in study.groups.items()}
    size = input_size(study, next(iter(firsts.values())))
    place = environment(device)
    key = fingerprint(dict(models={g: c.model.to_dict() for g, c in firsts.items()}, size=size, repeats=repeats,
                           place=place))
    path = out / 'cost.json'
    if path.exists():
        kept = json.loads(path.read_text())
        if kept['key'] == key:
            return kept['costs'], kept['environment'], kept['note']
    models, broken = {}, []
    for group, config in firsts.items():
        try:
            model = build_segmentor(Config(config.to_dict()))
            measure({group: model}, size, repeats=0)
            models[group] = model
        except Exception as error:  # a member that cannot be built is in the report as failed
            broken.append(f'{group} could not be measured ({type(error).__name__})')
    report(f'measuring {len(models)} networks at {size[0]}x{size[1]} on {device}')
    costs: Dict[str, Dict[str, float]] = {}
    for cost in measure(models, size, device, repeats):
        costs[cost.name] = dict(params=cost.params, macs=cost.macs)
        if cost.times:
            costs[cost.name].update(latency=cost.latency, fastest=min(cost.times))
        if cost.peak_memory is not None:
            costs[cost.name]['memory'] = cost.peak_memory
    note = _note(size, device, repeats, broken)
    write_whole(path, json.dumps(dict(key=key, costs=costs, environment=place, note=note), indent=1) + '\n')
    return costs, place, note


def _note(size: Tuple[int, int], device: str, repeats: int, broken: List[str]) -> str:
    note = (f'One {size[0]}x{size[1]} image on {device}, in evaluation, without auxiliary heads. GMACs are multiply-'
            f'adds of convolutions and matrix products; not counted: {UNCOUNTED}.')
    if repeats:
        note += (f' Latency is the median of {repeats} forwards after a warm-up, all networks taking turns in one '
                 'process; memory is the peak above the resting level of the first forward.')
    return ' '.join([note] + [f'{text}.' for text in broken])
