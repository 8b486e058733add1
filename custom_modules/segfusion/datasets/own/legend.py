"""Which value is which class. What the files cannot tell is asked for."""
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Set

import numpy as np

from ..checks import few
from ..colour_map import read_colours, voc_palette
from .survey import Survey
from .truth import Truth, unpack

IGNORED = 255
RARE = 1e-3  # share of the pixels


@dataclass
class Legend:
    """Classes, palette, and value (or code of a colour, if ``colours``) -> label in 0..K-1 or 255."""
    classes: List[str]
    palette: List[List[int]]
    table: Dict[int, int]
    colours: bool = False
    notes: List[str] = field(default_factory=list)

    def labels(self, truth: Truth) -> np.ndarray:
        """Labels of one image, (H, W), uint8."""
        values, place = np.unique(truth.values, return_inverse=True)
        keys = truth.colours(values) if self.colours else values
        return np.array([self.table[k] for k in keys.tolist()], np.uint8)[place].reshape(truth.values.shape)

    def pixels(self, seen: Survey) -> Dict[str, np.ndarray]:
        """Pixels of every class, by name of the image; void left out."""
        counted = {}
        for stem, pixels in (seen.colours if self.colours else seen.pixels).items():
            counted[stem] = np.zeros(IGNORED + 1, np.int64)
            for value, count in pixels.items():
                counted[stem][self.table[value]] += count
            counted[stem] = counted[stem][:len(self.classes)]
        return counted


def make_legend(seen: Survey, classes: Optional[Sequence[str]] = None, void: Sequence[str] = (),
                colours: Optional[Path] = None, unknown_colours: Optional[str] = None,
                unlabelled: Optional[str] = None) -> Legend:
    """Decide what the files say, and raise ValueError with the option that answers what they do not."""
    if seen.truth.labels is not None:
        if colours or unknown_colours:
            raise ValueError('polygons have labels, not colours: leave out --colours and --unknown-colours')
        return _of_polygons(seen, classes, void, unlabelled)
    if unlabelled:
        raise ValueError('--unlabelled is for polygons; in masks every pixel has a value, see --void')
    palettes_differ = any(len(found) > 1 for found in seen.palettes.values())
    if colours or seen.kinds['colour'] or palettes_differ:
        return _of_colours(seen, classes, void, colours, unknown_colours, palettes_differ)
    if unknown_colours:
        raise ValueError('--unknown-colours goes with --colours; these masks hold numbers')
    return _of_numbers(seen, classes, void)


def _shares(total: Counter, name=str, limit: int = 12) -> str:
    pixels = sum(total.values())
    rows = [f'{name(value)} ({count / pixels:.3%}{", rare" if count < RARE * pixels else ""})'
            for value, count in (sorted(total.items()) if len(total) <= limit else total.most_common())]
    return few(rows, limit)


def _of_numbers(seen: Survey, classes: Optional[Sequence[str]], void: Sequence[str]) -> Legend:
    total = seen.total()
    if not all(v.lstrip('-').isdigit() for v in void):
        raise ValueError(f'these masks hold numbers: expected numbers after --void but got {" ".join(void)}')
    ignored = {int(v) for v in void}
    absent = sorted(ignored - total.keys() - {255, 65535})
    if absent:
        raise ValueError(f'--void names {absent}, which no mask holds: the values are {_shares(total)}')
    usual = {v for v in (255, 65535) if v in total and total.keys() - {v} != {0}}  # 0 and 255 alone are two classes
    ignored |= usual
    values = sorted(total.keys() - ignored)
    if classes is None:
        rest = f' ({", ".join(map(str, sorted(usual)))} is ignored)' if usual else ''
        raise ValueError(f'the masks hold {_shares(total)}{rest}: name the classes in the order of these values, '
                         f'--classes {" ".join(f"NAME{v}" for v in values[:6])}{" ..." if len(values) > 6 else ""}; '
                         'values that count for nothing: --void VALUE. Values between 0 and 255 at the borders of '
                         'shapes come from anti-aliasing or JPEG: --colours and --unknown-colours nearest')
    _check_classes(classes)
    if values and 0 <= values[0] and values[-1] < len(classes):
        table = {v: v for v in values}
    elif len(values) == len(classes):
        table = {v: i for i, v in enumerate(values)}
    else:
        raise ValueError(f'--classes names {len(classes)} classes, but without {sorted(ignored) or "void"} the masks '
                         f'hold {len(values)} values: {_shares(total)}. Name them all, or pass --void for those that '
                         'count for nothing')
    notes = [f'value {v} -> label {i}' for v, i in table.items() if v != i]
    notes += [f'value {v} is ignored' for v in sorted(ignored & total.keys())]
    palette = voc_palette(len(classes), 0)
    if seen.palettes and set(seen.kinds) == {'palette'}:
        for value, label in table.items():
            palette[label] = list(unpack(next(iter(seen.palettes[value]))))
    return Legend(list(classes), palette, {**table, **dict.fromkeys(ignored, IGNORED)}, notes=notes)


def _of_colours(seen: Survey, classes, void, path, unknown_colours, palettes_differ) -> Legend:
    if seen.kinds['wide']:
        raise ValueError(f'{seen.kinds["wide"]} masks hold 16-bit or 1-bit numbers, which have no colour, and others '
                         'are colours: expected masks of one kind')
    total = seen.total(colours=True)
    if path is None:
        why = ('the palettes of the masks give one number several colours, so colours count'
               if palettes_differ and not seen.kinds['colour'] else 'the masks are colours')
        rows = [f'NAME,{",".join(map(str, unpack(code)))},{i}' for i, (code, _) in enumerate(total.most_common(24))]
        few_more = f' (the {len(rows)} most frequent of {len(total)})' if len(total) > len(rows) else ''
        shown = _shares(Counter(dict(total.most_common(24))), lambda c: str(unpack(c)), 24)
        raise ValueError(f'{why}: {shown}{few_more}. Say which is which: save the lines below as colours.csv, with '
                         'names, and index 255 for what counts for nothing, and pass --colours colours.csv. Leave out '
                         'colours that only blend two others at borders, and pass --unknown-colours nearest or void\n'
                         + '\n'.join(['name,r,g,b,index', *rows]))
    if classes or void:
        raise ValueError('with --colours, the CSV file names the classes, and index 255 in it is void: leave out '
                         '--classes and --void')
    names, palette, by_colour = read_colours(Path(path).read_text(encoding='utf-8'), str(path))
    _check_classes(names)
    table = {r << 16 | g << 8 | b: index for (r, g, b), index in by_colour.items()}
    notes, strange = [], Counter({c: n for c, n in total.items() if c not in table})
    if strange:
        share = sum(strange.values()) / sum(total.values())
        text = (f'{len(strange)} colours are not in {path}, {share:.3%} of all pixels: '
                f'{few([f"{unpack(c)} {n} pixels" for c, n in strange.most_common(6)])}')
        if unknown_colours is None:
            raise ValueError(f'{text}. Add them, or, if they come from anti-aliasing or JPEG, pass --unknown-colours '
                             'nearest (the most similar colour of the file) or void (ignored)')
        notes.append(f'{text}; taken as {"the nearest colour" if unknown_colours == "nearest" else "void"}')
        known = np.array([unpack(c) for c in table])
        labels = list(table.values())
        for code in strange:
            nearest = ((known - unpack(code)) ** 2).sum(1).argmin()
            table[code] = labels[nearest] if unknown_colours == 'nearest' else IGNORED
    return Legend(names, palette, table, colours=True, notes=notes)


def _of_polygons(seen: Survey, classes, void, unlabelled) -> Legend:
    labels, total = seen.truth.labels, seen.total()
    strange = sorted(set(void) - set(labels))
    if strange:
        raise ValueError(f'--void names {", ".join(strange)}, but the labels are {", ".join(labels)}')
    if total[0] and not unlabelled:
        raise ValueError(f'{total[0] / sum(total.values()):.3%} of all pixels are in no polygon: pass --unlabelled '
                         'background to make them a class (or the name of another), or --unlabelled void to ignore '
                         'them')
    used: Set[str] = {labels[v - 1] for v in total if v} - set(void)
    wanted = used | ({unlabelled} if total[0] and unlabelled != 'void' else set())
    if classes is None:  # what pixels belong to by default comes first
        classes = [label for label in labels if label not in void]
        if unlabelled and unlabelled != 'void':
            classes = [unlabelled, *(c for c in classes if c != unlabelled)]
    _check_classes(classes)
    lost = sorted(wanted - set(classes))
    if lost:
        raise ValueError(f'--classes leaves out {", ".join(lost)}: name them too, or pass --void {" ".join(lost)}')
    index = {name: i for i, name in enumerate(classes)}
    table = {i + 1: index.get(label, IGNORED) if label not in void else IGNORED for i, label in enumerate(labels)}
    table[0] = index.get(unlabelled, IGNORED)
    return Legend(list(classes), voc_palette(len(classes), 0), table,
                  notes=[f'label {label} is ignored' for label in void])


def _check_classes(classes: Sequence[str]) -> None:
    twice = [name for name, count in Counter(classes).items() if count > 1]
    if twice or not all(name.strip() for name in classes):
        raise ValueError(f'expected names of classes that differ but got {", ".join(classes)}')
    if not 2 <= len(classes) <= IGNORED:
        raise ValueError(f'expected 2 to {IGNORED} classes but got {", ".join(classes) or "none"}: what is no object '
                         'is a class too, e.g. background')
