"""Scores of a study's trained members with images padded to other sizes: does it matter how levels are halved?

A strided convolution reads a level at 0, 2, 4, ...; resizing by the ratio of the sizes puts what it read at 0.5, 2.5,
... where the size is even: half a pixel off, the same everywhere, which a network learns. Where the size is odd,
resizing is off by half a pixel at one end of the image and by minus half a pixel at the other.
"""
import argparse
import copy
import re
import shlex
from pathlib import Path
from typing import Dict, Sequence

from mmengine.config import Config
from mmengine.runner import Runner

from ..diagnosis.race import ResultFile
from .command import select
from .configs import merged_configs
from .plan import load_study
from .short_run import own_visualizer
from .state import Folder
from .statistics import spread


def pad_settings(way: str) -> Dict:
    """``test_cfg`` of a data preprocessor for a multiple (``'32'``) or a size (``'384x480'``, height first).

    Raises:
        ValueError: If it is neither.
    """
    if re.fullmatch(r'[1-9]\d*', way):
        return dict(size_divisor=int(way))
    if re.fullmatch(r'[1-9]\d*x[1-9]\d*', way):
        return dict(size=tuple(map(int, way.split('x'))))
    raise ValueError(f"expected a multiple such as 32 or a size such as 384x480 (height first), got '{way}'")


def padded(config: Config, way: str, split: str) -> Config:
    """The config with images of ``split`` padded at the bottom and on the right, scored as in validation."""
    config = copy.deepcopy(config)
    config.model.data_preprocessor.test_cfg = pad_settings(way)
    config.test_dataloader, config.test_evaluator = config[f'{split}_dataloader'], config.val_evaluator
    return config


def score(config: Config, checkpoint: Path, work_dir: Path) -> Dict[str, float]:
    """What the evaluator of the config says of these weights."""
    own_visualizer(config)
    config.merge_from_dict(dict(load_from=str(checkpoint), work_dir=str(work_dir)))
    return Runner.from_cfg(config).test()


def means(rows: Sequence[Sequence]) -> list:
    """Rows of members (network, seed, scores) to rows of networks: name, seeds, mean and spread of every score."""
    groups: Dict[str, list] = {}
    for name, _, *scores in rows:
        groups.setdefault(name, []).append(scores)
    return [[name, len(seeds), *(spread(values).text() for values in zip(*seeds))] for name, seeds in groups.items()]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog='test_padding.py', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('study', help='a study file, or a folder with study.py')
    parser.add_argument('ways', nargs='+', help='multiples such as 32, or sizes such as 384x480; 1 is no padding')
    parser.add_argument('--split', nargs='+', choices=['val', 'test'], default=['test'])
    parser.add_argument('--only', default='*', metavar='PATTERN', help='members so named')
    parser.add_argument('--out', type=Path, help="the study's; defaults to work_dirs/<name of the study>")
    parser.add_argument('--to', type=Path, help='defaults to padding.json beside the study')
    args = parser.parse_args(argv)
    for way in args.ways:
        pad_settings(way)
    study = load_study(args.study)
    out = args.out or Path('work_dirs') / study.name
    command = f'python tools/test_padding.py {shlex.join([args.study, *args.ways, "--split", *args.split])}'
    file = ResultFile(args.to or study.path.with_name('padding.json'), command, update=True)
    configs, tested = merged_configs(study), 0
    for member in select(study, [args.only]):
        folder = Folder(out, member.name)
        checkpoint = folder.last_checkpoint()
        if not folder.read().trained or checkpoint is None:
            continue
        tested += 1
        for split in args.split:
            scores = [score(padded(configs[member.name], way, split), checkpoint, folder.root / 'padding')[study.metric]
                      for way in args.ways]
            heads = ['not padded' if way == '1' else f'to {way}' for way in args.ways]
            each = f'{split}-members'
            file.extend(each, ['network', 'seed', *heads], [[member.group, member.seed, *map(float, scores)]],
                        ['', '', *['.2f'] * len(heads)], keys=2)
            file.add(split, ['network', 'n', *heads], means(file.content['tables'][each]['rows']))
    if not tested:
        raise ValueError(f'no member of {study.path.name} named {args.only!r} is trained in {out}; run tools/study.py')
    return 0
