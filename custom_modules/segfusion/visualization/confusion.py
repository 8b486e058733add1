"""A confusion matrix as a picture."""
from typing import List, Sequence, Tuple

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

NUMBERS_UP_TO = 40  # classes; with more, numbers in the cells would be dust


def row_shares(matrix: np.ndarray) -> np.ndarray:
    """Per cent of each class's pixels predicted as each class, NaN for classes without pixels."""
    total = matrix.sum(1, keepdims=True).astype(np.float64)
    return np.divide(100. * matrix, total, out=np.full(matrix.shape, np.nan), where=total > 0)


def confusions(matrix: np.ndarray, classes: Sequence[str], count: int = 5) -> List[Tuple[str, str, float]]:
    """The largest (class, taken for, per cent of the class's pixels) off the diagonal."""
    shares = np.nan_to_num(row_shares(matrix))
    np.fill_diagonal(shares, 0)
    order = np.argsort(-shares, axis=None)[:count]
    pairs = zip(*np.unravel_index(order, shares.shape))
    return [(classes[i], classes[j], float(shares[i, j])) for i, j in pairs if shares[i, j] > 0]


def draw_confusion(matrix: np.ndarray, classes: Sequence[str], title: str = '') -> Figure:
    """Rows are the truth, columns the prediction, colours per cent of the row; rows without pixels are grey.

    Colours follow the square root, so that confusions of a few per cent can be seen; up to 40 classes the number is
    written in its cell.

    Args:
        matrix: Pixels of class i predicted as j, (K, K).
        classes: Their names.
        title: Over the picture.

    Returns:
        Figure: ``.savefig(path, bbox_inches='tight')`` writes it; 9 inches wide for 11 classes, 29 for 150.

    Raises:
        ValueError: If there is not one name a class.
    """
    count = len(classes)
    if matrix.shape != (count, count):
        raise ValueError(f'expected a matrix of {count} x {count} for {count} class names, got {matrix.shape}')
    shares = row_shares(matrix)
    few = count <= NUMBERS_UP_TO
    cell, letters = (0.5, 9) if few else (0.16, 7)
    side = max(cell * count, 3.)
    names = [name if matrix[i].any() else f'{name} (none)' for i, name in enumerate(classes)]
    margin = 0.5 + 0.09 * max(map(len, names)) * letters / 9
    figure = Figure(figsize=(side + margin + 1.6, side + margin + 0.9), layout='constrained')
    axes = figure.add_subplot()
    axes.set_facecolor('0.85')
    picture = axes.imshow(shares, cmap='viridis', norm=PowerNorm(0.5, 0, 100), interpolation='nearest')
    axes.set_xticks(range(count), classes, rotation=90, fontsize=letters)
    axes.set_yticks(range(count), names, fontsize=letters)
    axes.tick_params(length=0, right=not few, labelright=not few, top=not few, labeltop=not few)
    axes.set_xlabel('predicted as')
    axes.set_ylabel('truth')
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which='minor', color='white', linewidth=0.5 if few else 0.2)
    axes.tick_params(which='minor', length=0)
    if few:
        for (i, j), share in np.ndenumerate(shares):
            if share >= 0.5:
                axes.text(j, i, f'{share:.0f}', ha='center', va='center', fontsize=8,
                          color='black' if share > 40 else 'white')
    axes.set_title(title, fontsize=11)
    bar = figure.colorbar(picture, ax=axes, fraction=0.03, pad=0.01, ticks=[0, 1, 5, 10, 25, 50, 75, 100])
    bar.set_label("% of the class's pixels")
    return figure
