"""The steps from two folders to a config, all or nothing."""
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from .legend import IGNORED, Legend, make_legend
from .splits import deal, given
from .survey import Survey, survey
from .truth import open_truth
from .write import write_configs, write_masks

IMBALANCE = 100.  # most frequent to rarest class


@dataclass
class Made:
    """What was made: the config to train, where the label maps are, whether they are new, and what was seen."""
    config: Path
    masks: Path
    converted: bool
    legend: Legend
    splits: Dict[str, List[str]]
    report: List[str]


def new_dataset(images: Path, masks: Path, shipped: Path, name: str = 'mine', out: Optional[Path] = None,
                data: Optional[Path] = None, classes: Optional[Sequence[str]] = None, void: Sequence[str] = (),
                colours: Optional[Path] = None, unknown_colours: Optional[str] = None,
                unlabelled: Optional[str] = None, image_suffix: Optional[str] = None,
                mask_suffix: Optional[str] = None, skip_unpaired: bool = False,
                shares: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0, group_by: Optional[str] = None,
                split_files: Optional[Sequence[Path]] = None, weighted: bool = False) -> Made:
    """Look at image and mask pairs, and write a data set config and an SFNet config for them.

    Images stay where they are. Masks do too if they hold labels already; else index PNGs are written below ``data``.

    Args:
        images: Folder of the images.
        masks: Folder of masks (grey, palette, RGB, 16-bit), of LabelMe files, or a COCO .json file of polygons.
        shipped: The ``configs`` folder of this package.
        name: Name of the data set in file names.
        out: New folder of the configs and lists. Defaults to ``configs/<name>``.
        data: New folder of label maps, if needed. Defaults to ``data/<name>``.
        classes: Names in the order of the masks' values, or of the labels.
        void: Values (masks) or labels (polygons) that count for nothing.
        colours: CSV file name,r,g,b,index of colours; index 255 is void.
        unknown_colours: 'nearest' or 'void', for colours that ``colours`` lacks.
        unlabelled: Class of pixels in no polygon, or 'void'.
        image_suffix, mask_suffix: What the names end in, if it is not just .png and the like.
        skip_unpaired: Leave out images and masks without partner.
        shares, seed, group_by: See :func:`~.splits.deal`.
        split_files: Lists of names of train, val and perhaps test, instead.
        weighted: Whether the losses take the class weights.

    Raises:
        FileNotFoundError: If a folder is missing.
        FileExistsError: If ``out`` or ``data`` exists.
        ValueError: If something does not fit, or has to be decided; names the option.
    """
    if not re.fullmatch(r'[a-z0-9]+(-[a-z0-9]+)*', name):
        raise ValueError(f'expected a name of small letters and digits, joined by hyphens, but got {name!r}')
    out, data = Path(out or f'configs/{name}'), Path(data or f'data/{name}')
    if out.exists():
        raise FileExistsError(f'{out} exists and is not overwritten: pass another --name or --out, or remove it')
    seen = survey(Path(images), open_truth(Path(masks), mask_suffix, Path(images)), image_suffix, skip_unpaired)
    legend = make_legend(seen, classes, void, colours, unknown_colours, unlabelled)
    splits = given(list(seen.images), split_files)
    how = 'as given' if splits else f'dealt with seed {seed}'
    splits = splits or deal(legend.pixels(seen), shares, seed, group_by)
    convert = needs_conversion(seen, legend)
    if convert and data.exists():
        raise FileExistsError(f'{data} exists and is not overwritten: pass another --name or --data, or remove it')
    target = data / 'masks' if convert else seen.truth.folder
    suffix = '.png' if convert else seen.truth.suffixes[0]
    report = _report(seen, legend, splits, how, target if convert else None)
    made: List[Path] = []
    try:
        if convert:
            write_masks(seen, legend, _beside(data, made) / 'masks')
        network = write_configs(_beside(out, made), name, seen, legend, splits, target, suffix, Path(shipped), out,
                                weighted)
        for folder, final in zip(made, [data, out] if convert else [out]):
            os.rename(folder, final)
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
    return Made(out / network, target, convert, legend, splits, report)


def _beside(final: Path, made: List[Path]) -> Path:
    """A new folder on the disk of ``final``, for what is not whole yet."""
    final.parent.mkdir(parents=True, exist_ok=True)
    made.append(Path(tempfile.mkdtemp('.partial', f'{final.name}.', final.parent)))
    made[-1].chmod(0o755)  # mkdtemp's are for the owner alone
    return made[-1]


def needs_conversion(seen: Survey, legend: Legend) -> bool:
    """Whether a file holds anything but its labels as 8-bit numbers in a lossless format of one suffix."""
    plain = (seen.kinds.keys() <= {'grey', 'palette'} and not legend.colours and len(seen.truth.suffixes) == 1
             and not seen.truth.suffixes[0].lower().endswith(('.jpg', '.jpeg', '.webp')))
    return not plain or any(legend.table[value] != value for value in seen.total())


def _report(seen: Survey, legend: Legend, splits: Dict[str, List[str]], how: str, target: Optional[Path]) -> List[str]:
    widths, heights = zip(*seen.sizes.values())
    sizes = {f'{w}x{h}' for w, h in seen.sizes.values()}
    size = sizes.pop() if len(sizes) == 1 else (f'{min(widths)}..{max(widths)} x {min(heights)}..{max(heights)} '
                                               f'({len(sizes)} sizes)')
    kinds = ', '.join(f'{n} {kind}' for kind, n in seen.kinds.items())
    lines = [f'{len(seen.images)} pairs, {size} (width x height); truth: {kinds}']
    if seen.unpaired:
        lines.append(f'WARN {len(seen.unpaired)} files without partner are left out')
    lines += legend.notes
    counts = legend.pixels(seen)
    by_split = {s: sum(counts[n] for n in names) for s, names in splits.items()}
    whole = sum(counts.values())
    area = sum(w * h for w, h in seen.sizes.values())
    lines.append(f'{"label":>5}  {"class":<20} {"share":>8}  images')
    for i, name in enumerate(legend.classes):
        occurs = sum(c[i] > 0 for c in counts.values())
        lines.append(f'{i:>5}  {name:<20} {whole[i] / max(whole.sum(), 1):8.3%}  {occurs}')
    lines.append(f'{IGNORED:>5}  {"ignored":<20} {1 - whole.sum() / area:8.3%} of all pixels')
    lines.append(f'splits {how}: ' + ', '.join(f'{s} {len(names)}' for s, names in splits.items()))
    present = whole[whole > 0]
    if len(present) > 1 and present.max() > IMBALANCE * present.min():
        lines.append(f'WARN the most frequent class has {present.max() / present.min():.0f} times the pixels of the '
                     'rarest: see class_weight in the config, or pass --weighted')
    for split, pixels in by_split.items():
        lost = [legend.classes[i] for i in np.flatnonzero(pixels == 0)]
        if lost:
            lines.append(f'WARN {split} has no pixel of {", ".join(lost)}')
    lines.append(f'masks converted to labels in {target}' if target else 'masks are used where they are')
    return lines
