"""Which images train, which choose, which judge."""
import re
from collections import Counter
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import mmengine
import numpy as np

from ..checks import few

SPLITS = ('train', 'val', 'test')
SPELLINGS = dict(train='train', training='train', val='val', valid='val', validation='val', test='test', testing='test')
DRAWS = 200


def deal(pixels: Dict[str, np.ndarray], shares: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0,
         group_by: Optional[str] = None) -> Dict[str, List[str]]:
    """Deal names to train, val and test.

    Of ``DRAWS`` seeded draws, that one is taken whose splits are most alike: with the smallest sum of differences
    between the classes' shares in a split and in all, so that rare classes do not miss in one by chance.

    Args:
        pixels: Pixels of every class (K, ), by name.
        shares: Shares of train, val and test; none of them stays empty.
        seed: Another seed is another proposal.
        group_by: Regular expression; names whose first group (or match) is the same stay together, e.g. frames of one
            video, patients, places.
    """
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f'expected three positive shares with sum 1, e.g. 0.7 0.15 0.15, but got {list(shares)}')
    groups: Dict[str, List[str]] = {}
    for name in sorted(pixels):
        groups.setdefault(_group(name, group_by), []).append(name)
    keys = list(groups)
    if len(keys) < 3:
        raise ValueError(f'expected at least 3 {"groups" if group_by else "images"} to split but got {len(keys)}; pass '
                         'lists of your own, --split-files train.txt val.txt')
    counts = np.array([sum(pixels[n] for n in groups[k]) for k in keys], np.float64)  # (G, K)
    sizes = np.array([len(groups[k]) for k in keys])
    whole = counts.sum(0) / max(counts.sum(), 1)
    best, best_parts = np.inf, []
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        order = rng.permutation(len(keys))
        ends = np.cumsum(sizes[order])
        first, second = np.searchsorted(ends, np.cumsum(shares[:2]) * ends[-1] + 1e-6, 'right')
        first = np.clip(first, 1, len(keys) - 2)
        second = np.clip(second, first + 1, len(keys) - 1)
        parts = np.split(order, [first, second])
        off = sum(np.abs(counts[p].sum(0) / max(counts[p].sum(), 1) - whole).sum() for p in parts)
        if off < best:
            best, best_parts = off, parts
    return {split: sorted(n for i in part for n in groups[keys[i]]) for split, part in zip(SPLITS, best_parts)}


def _group(name: str, pattern: Optional[str]) -> str:
    if not pattern:
        return name
    found = re.search(pattern, name)
    if not found:
        raise ValueError(f'--group-by {pattern!r} does not match {name!r}')
    return found.group(1) if found.groups() else found.group(0)


def given(names: Sequence[str], files: Optional[Sequence[Path]]) -> Optional[Dict[str, List[str]]]:
    """Splits that the user has: lists of names, or folders train, val and perhaps test; None if neither."""
    if files:
        splits = {s: [line.strip() for line in mmengine.list_from_file(str(f)) if line.strip()]
                  for s, f in zip(SPLITS, files)}
        strange = {f: sorted(set(splits[s]) - set(names)) for s, f in zip(SPLITS, files)}
        for file, lost in strange.items():
            if lost:
                raise ValueError(f'{file} names {len(lost)} images that are not there: {few(lost)}. Expected names '
                                 'without suffix, as in the folder of the images')
    else:
        tops = {SPELLINGS.get(name.split('/')[0].lower()) if '/' in name else None for name in names}
        if None in tops or not {'train', 'val'} <= tops:
            return None
        splits = {s: [n for n in names if SPELLINGS[n.split('/')[0].lower()] == s] for s in SPLITS if s in tops}
    if len(splits) < 2 or not all(splits.values()):
        raise ValueError('expected a list for train, one for val and, if you like, one for test, none of them empty')
    twice = [n for n, count in Counter(n for part in splits.values() for n in part).items() if count > 1]
    if twice:
        raise ValueError(f'{len(twice)} images are listed twice or in two splits: {few(sorted(twice))}. Scores on '
                         'images that were trained on say nothing')
    return splits
