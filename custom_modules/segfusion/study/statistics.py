"""Mean and spread over seeds, differences to the baseline, and what each choice does on average."""
import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple


@dataclass(frozen=True)
class Spread:
    """Mean, sample standard deviation (None from one value) and number of values."""
    mean: float
    sd: Optional[float]
    n: int

    def text(self, digits: int = 2, signed: bool = False) -> str:
        """``35.21 ± 0.40``; the spread is left out where there is none."""
        sign = '+' if signed else ''
        mean = f'{self.mean:{sign}.{digits}f}'
        return mean if self.sd is None else f'{mean} ± {self.sd:.{digits}f}'


def spread(values: Sequence[float]) -> Optional[Spread]:
    r"""Mean and :math:`\sqrt{\sum (x - \bar x)^2 / (n - 1)}`; values that are not numbers are left out."""
    values = [v for v in values if not math.isnan(v)]
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Spread(mean, None, 1)
    return Spread(mean, math.sqrt(math.fsum((v - mean)**2 for v in values) / (len(values) - 1)), len(values))


def paired(values: Dict[int, float], baseline: Dict[int, float]) -> Optional[Spread]:
    """Difference to the baseline over the seeds both have: pairing removes what the seed does to both."""
    return spread([values[seed] - baseline[seed] for seed in sorted(values.keys() & baseline.keys())])


@dataclass(frozen=True)
class Effect:
    """What one choice does instead of the baseline's choice on its axis, all else equal."""
    axis: str
    choice: str
    differences: Tuple[float, ...]

    @property
    def spread(self) -> Optional[Spread]:
        return spread(self.differences)


def effects(scores: Sequence[Tuple[Dict[str, str], int, float]], baseline: Dict[str, str],
            axes: Dict[str, Sequence[str]]) -> List[Effect]:
    """One :class:`Effect` for every choice that is not the baseline's.

    Args:
        scores: Choices, seed and score of every finished member.
        baseline: Choice of the baseline on every axis.
        axes: Choices of every axis, in order.
    """
    known = {(tuple(choices[axis] for axis in axes), seed): score for choices, seed, score in scores}
    result = []
    for position, (axis, names) in enumerate(axes.items()):
        for name in names:
            if name == baseline[axis]:
                continue
            differences = []
            for (choices, seed), score in known.items():
                twin = choices[:position] + (baseline[axis], ) + choices[position + 1:]
                if choices[position] == name and (twin, seed) in known:
                    differences.append(score - known[twin, seed])
            result.append(Effect(axis, name, tuple(differences)))
    return result


def pareto(points: Sequence[Tuple[float, float]]) -> List[int]:
    """Indices of points that no other beats on both counts: lower first coordinate, higher second; by the first."""
    best, front = -math.inf, []
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if points[i][1] > best:
            best = points[i][1]
            front.append(i)
    return front


def mean_curve(curves: Sequence[Sequence[Tuple[int, float]]]) -> List[Tuple[int, float]]:
    """Mean over the curves at the steps all of them have."""
    tables = [dict(curve) for curve in curves]
    steps = sorted(set.intersection(*map(set, tables))) if tables else []
    return [(step, math.fsum(table[step] for table in tables) / len(tables)) for step in steps]
