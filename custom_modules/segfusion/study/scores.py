"""Scores of finished tests, as ``mim test`` leaves them in its work directory."""
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Tuple, Union

_ROW = re.compile(r'^\|\s*(?P<name>[^|]+?)\s*\|\s*(?P<iou>[\d.]+|nan)\s*\|\s*(?P<acc>[\d.]+|nan)\s*\|$')


@dataclass
class Scores:
    """``summary``: mIoU, aAcc, ... in percent; ``classes``: name to (IoU, accuracy) in percent."""
    summary: Dict[str, float]
    classes: Dict[str, Tuple[float, float]]


def read_scores(work_dir: Union[str, Path]) -> Scores:
    """Scores of the newest test in a work directory.

    Raises:
        FileNotFoundError: If no test has finished there.
    """
    runs = [p for p in Path(work_dir).glob('*/*.json') if p.stem == p.parent.name and 'mIoU' in p.read_text()]
    if not runs:
        raise FileNotFoundError(f'no finished test in {work_dir}: expected <time>/<time>.json with an mIoU, as '
                                '`mim test ... --work-dir` writes it')
    newest = max(runs, key=lambda p: p.stem)
    summary = json.loads(newest.read_text().strip().splitlines()[-1])
    summary = {k: v for k, v in summary.items() if k in ('aAcc', 'mIoU', 'mAcc', 'mDice', 'mFscore')}
    log = newest.with_suffix('.log')
    classes = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        row = _ROW.match(line.strip())
        if row:
            classes[row['name']] = (float(row['iou']), float(row['acc']))
    return Scores(summary, classes)


def scores_table(scores: Scores) -> str:
    """Markdown table, one row a class, the mean last."""
    rows = ['| class | IoU (%) | accuracy (%) |', '| --- | --- | --- |']
    rows += [f'| {name} | {iou:.2f} | {acc:.2f} |' for name, (iou, acc) in scores.classes.items()]
    s = scores.summary
    rows.append(f'| **mean** | **{s["mIoU"]:.2f}** | **{s.get("mAcc", float("nan")):.2f}** |')
    return '\n'.join(rows) + f'\n\nPixel accuracy {s.get("aAcc", float("nan")):.2f} %.'
