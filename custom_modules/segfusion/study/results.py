"""What a member left on disk: scores, scores of classes, learning curves."""
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Tuple

TIMES = ('data_time', 'time')
NOT_CURVES = ('lr', 'base_lr', 'memory', 'iter', 'epoch', 'step', *TIMES)
Curve = List[Tuple[int, float]]


@dataclass
class Result:
    """``metrics``: name to value, whatever the evaluators wrote; ``classes``: column (IoU, Acc, ...) to class to value;
    ``loss`` and ``val``: curves over iterations, ``val`` by metric."""
    metrics: Dict[str, float] = field(default_factory=dict)
    classes: Dict[str, Dict[str, float]] = field(default_factory=dict)
    loss: Curve = field(default_factory=list)
    val: Dict[str, Curve] = field(default_factory=dict)


def read_result(train: Path, test: Path) -> Result:
    """Everything found in the work directories of ``mim train`` and ``mim test``; empty where there is nothing."""
    metrics, classes = read_test(test)
    loss, val = read_curves(train)
    return Result(metrics, classes, loss, val)


def read_test(folder: Path) -> Tuple[Dict[str, float], Dict[str, Dict[str, float]]]:
    """Metrics, and tables of classes, of the newest finished test."""
    for path in sorted(folder.glob('*/*.json'), reverse=True):
        if path.stem != path.parent.name:
            continue
        lines = path.read_text().strip().splitlines()
        metrics = _numbers(json.loads(lines[-1])) if lines else {}
        metrics = {k: v for k, v in metrics.items() if k not in TIMES}
        if metrics:
            log = path.with_suffix('.log')
            return metrics, class_tables(log.read_text() if log.exists() else '')
    return {}, {}


def class_tables(log: str) -> Dict[str, Dict[str, float]]:
    """Columns of every table in a log whose first column is headed ``Class``, as mmseg's evaluators print them."""
    columns: Dict[str, Dict[str, float]] = {}
    header: List[str] = []
    rows = 0
    for line in log.splitlines():
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')] if line.strip().startswith('|') else []
        if cells and cells[0].lower() == 'class':
            header, rows = cells, 0
        elif cells and len(cells) == len(header):
            rows += 1
            for name, cell in zip(header[1:], cells[1:]):
                columns.setdefault(name, {})[cells[0]] = _number(cell)
        elif cells or rows or not re.match(r'\s*\+[-+]+\+\s*$', line):  # anything but the rule below the heading
            header = []
    return columns


def read_curves(folder: Path) -> Tuple[Curve, Dict[str, Curve]]:
    """Loss, and every validation metric, over the iterations of all attempts; a later attempt wins."""
    loss: Dict[int, float] = {}
    val: Dict[str, Dict[int, float]] = {}
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
                step = int(row['step'])
            except (ValueError, KeyError, TypeError):
                continue  # cut off when the process was killed
            row = _numbers(row)
            if 'loss' in row:
                loss[step] = row['loss']
            else:
                for key, value in row.items():
                    if key not in NOT_CURVES:
                        val.setdefault(key, {})[step] = value
    return sorted(loss.items()), {key: sorted(points.items()) for key, points in val.items()}


def _numbers(row: dict) -> Dict[str, float]:
    return {k: float(v) for k, v in row.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
