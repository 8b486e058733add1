"""Recorded displacements, one coarse cell at a time, in Python floats."""
import torch


def displacement(energy, size, align_corners, temperature):
    """The definition in ``custom_modules/segfusion/ops/recorded.py``; every fine pixel is asked whether it is near."""
    n, height, width = energy.shape
    result = torch.zeros(n, 2, *size, dtype=torch.float64)
    for b in range(n):
        for i in range(size[0]):
            for j in range(size[1]):
                window = [(y, x) for y in near(i, size[0], height, align_corners)
                          for x in near(j, size[1], width, align_corners)]
                weights = [energy[b, y, x].item()**(1 / temperature) for y, x in window]
                for k in (0, 1):  # dy, dx
                    mean = sum(w * q[k] for w, q in zip(weights, window)) / sum(weights)
                    result[b, 1 - k, i, j] = mean - sum(q[k] for q in window) / len(window)
    return result


def near(cell, cells, pixels, align_corners):
    """Pixels at most half a step from the centre of a cell."""
    step = (pixels - 1) / max(cells - 1, 1) if align_corners else pixels / cells
    centre = cell * step if align_corners else (cell + 0.5) * step - 0.5
    return [q for q in range(pixels) if abs(q - centre) <= step / 2 + 1e-6]
