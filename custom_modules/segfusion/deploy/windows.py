"""Windows over an image that is too large to be looked at at once."""
from typing import List, NamedTuple, Tuple

AT_ONCE = 2**22  # pixels, 2048x2048
LOGITS_AT_ONCE = 2**28  # numbers, 1 GiB: fewer pixels if there are more than 64 classes
HALO = 256  # pixels
GRID = 64  # pixels; windows start at multiples, so that strides up to this see the same cells as in the whole


class Box(NamedTuple):
    """Pixels ``top <= y < bottom``, ``left <= x < right``."""
    top: int
    bottom: int
    left: int
    right: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.right)

    def inside(self, outer: 'Box') -> 'Box':
        """The same pixels, counted from the corner of ``outer``."""
        return Box(self.top - outer.top, self.bottom - outer.top, self.left - outer.left, self.right - outer.left)


def pixels_at_once(num_classes: int) -> int:
    """Size of the largest image that is looked at in one piece, by default: 4.2 megapixels up to 64 classes."""
    return min(AT_ONCE, LOGITS_AT_ONCE // num_classes)


def windows(height: int, width: int, pixels: int, halo: int = HALO) -> List[Tuple[Box, Box]]:
    """(window, centre) boxes: the centres tile the image, a window is its centre and up to ``halo`` pixels around.

    One window if the image has at most ``pixels`` pixels; otherwise none has more.

    Raises:
        ValueError: If ``pixels`` are too few for a halo and a centre as wide.
    """
    if height * width <= pixels:
        whole = Box(0, height, 0, width)
        return [(whole, whole)]
    side = int(max(pixels, 0)**0.5) // GRID * GRID
    step = (side - 2 * halo) // GRID * GRID
    if step < GRID:
        raise ValueError(f'expected at least {(2 * halo + GRID)**2} pixels at once, for windows with {halo} pixels '
                         f'around their centres, got {pixels}')
    found = []
    for top in range(0, height, step):
        for left in range(0, width, step):
            centre = Box(top, min(top + step, height), left, min(left + step, width))
            found.append((Box(max(top - halo, 0), min(centre.bottom + halo, height), max(left - halo, 0),
                              min(centre.right + halo, width)), centre))
    return found
