"""Camera and painter: world metres become pixels, and every stroke is painted as a colour and as a class."""
import math
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST, VOID = range(12)
SUPERSAMPLING = 2  # strokes are painted at twice the size and averaged, which anti-aliases them
NEAR = 0.9  # metres; nothing closer is drawn
_SHIFT = 4  # cv2 takes vertices in 1/16 pixels

Colour = Tuple[float, float, float]  # RGB, 0..255


def circle(corners: int) -> np.ndarray:
    """The unit circle as a polygon."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], -1)


_FEW, _MANY = circle(8), circle(20)


@dataclass
class Camera:
    """A pinhole camera over flat ground; the road bends as a parabola.

    World: x metres right of the road's centre line, y metres above ground, z metres ahead.

    Args:
        focal (float): Focal length in widths of the image.
        x (float): Where on the road the camera stands, metres.
        height (float): Height over ground, metres.
        horizon (float): Row of the horizon in heights of the image.
        centre (float): Column the camera looks to, in widths of the image.
        bend (float): Sideways metres of the road per squared metre ahead.
    """
    focal: float
    x: float
    height: float
    horizon: float
    centre: float
    bend: float
    shape: Tuple[int, int] = (0, 0)

    def on(self, height: int, width: int) -> 'Camera':
        """The same camera with its lengths in pixels of a ``height`` x ``width`` image."""
        return Camera(self.focal * max(width, 1.2 * height), self.x, self.height, self.horizon * height,
                      self.centre * width, self.bend, (height, width))

    def project(self, x, y, z) -> np.ndarray:
        """World points (numbers or arrays of one length) to pixels, (..., 2)."""
        if not isinstance(z, (np.ndarray, list, tuple)):
            z = max(float(z), NEAR * .5)  # plain floats: most calls are for one distance, and numpy is slow at those
            column, metre = self.centre + self.focal * (self.bend * z - self.x / z), self.focal / z
            if not isinstance(x, (np.ndarray, list, tuple)) and not isinstance(y, (np.ndarray, list, tuple)):
                return np.array((column + metre * x, self.horizon + metre * (self.height - y)))
        else:
            z = np.maximum(np.asarray(z, float), NEAR * .5)
            column, metre = self.centre + self.focal * (self.bend * z - self.x / z), self.focal / z
        u, v = column + metre * np.asarray(x, float), self.horizon + metre * (self.height - np.asarray(y, float))
        out = np.empty((max(u.size, v.size), 2))
        out[:, 0], out[:, 1] = u, v
        return out

    def scale(self, z: float) -> float:
        """Pixels per metre at distance ``z``."""
        return self.focal / max(z, NEAR)


@dataclass
class Light:
    """Time of day and weather.

    Args:
        sun (int): Side the sun stands on, -1 left, 1 right, 0 overcast.
        reach (float): Metres of shadow per metre of height, sideways.
        slant (float): Metres of shadow per metre of height, away from the camera.
        shade (float): Brightness of what the sun does not reach, 0..1.
        haze (float): Share of light scattered per metre.
        haze_colour (tuple): RGB of what is scattered in.
        tint (tuple): Factor on RGB.
        exposure (float): Factor on everything.
        night (float): 0 by day, 1 when lamps and windows glow.
    """
    sun: int
    reach: float
    slant: float
    shade: float
    haze: float
    haze_colour: Colour
    tint: Colour
    exposure: float
    night: float

    def through(self, z):
        """Share of light that survives ``z`` metres of air."""
        return np.exp(-self.haze * np.asarray(z, np.float32))

    def seen(self, colour: Sequence[float], z: float, shade: float = 1.) -> Colour:
        """``colour`` as it looks from ``z`` metres."""
        t, shade = math.exp(-self.haze * z), float(shade)
        return tuple(min(255., max(0., float(c) * shade)) * t + h * (1 - t) for c, h in zip(colour, self.haze_colour))


@dataclass
class Canvas:
    """Colours, and for every pixel the number of the stroke that was painted last.

    Strokes are numbered in painting order, far to near, so the number also tells which of two classes that
    share a pixel is in front.
    """
    height: int
    width: int
    light: Light
    classes: List[int] = field(default_factory=lambda: [SKY])

    def __post_init__(self):
        self.rgb = np.zeros((self.height, self.width, 3), np.uint8)
        self.order = np.zeros((self.height, self.width), np.uint16)
        self.lamps: List[tuple] = []  # x, y, radius in pixels, colour, stroke

    def stroke(self, label: int) -> int:
        """Number of a new stroke of class ``label``."""
        self.classes.append(label)
        return len(self.classes) - 1

    @staticmethod
    def _fixed(points) -> np.ndarray:
        points = np.asarray(points, float) * (1 << _SHIFT) + .5
        return np.floor(np.minimum(np.maximum(points, -5e5), 5e5)).astype(np.int32)

    def polygon(self, points, colour: Colour, number: Optional[int] = None):
        """Fill; without a ``number`` only the colour changes (a window in a wall, a light on a car)."""
        points = [self._fixed(points)]
        if colour is not None:
            cv2.fillPoly(self.rgb, points, colour, cv2.LINE_8, _SHIFT)
        if number is not None:
            cv2.fillPoly(self.order, points, number, cv2.LINE_8, _SHIFT)

    def line(self, points, width: float, colour: Colour, number: Optional[int] = None):
        """A stroke ``width`` pixels wide; thinner than a pixel it is blended in and not labelled."""
        if width >= 1.5:
            for (ax, ay), (bx, by) in zip(points[:-1], points[1:]):
                half = width / 2 / (math.hypot(bx - ax, by - ay) + 1e-6)
                nx, ny = (ay - by) * half, (bx - ax) * half
                self.polygon(((ax + nx, ay + ny), (bx + nx, by + ny), (bx - nx, by - ny), (ax - nx, ay - ny)), colour,
                             number)
            return
        self.lines([self._fixed(points)], width, colour, number)

    def lines(self, fixed: List[np.ndarray], width: float, colour: Colour, number: Optional[int] = None):
        """Many thin polylines at once, already in sixteenths of pixels."""
        if width >= 0.75:
            thick = max(1, int(width + .5))
            cv2.polylines(self.rgb, fixed, False, colour, thick, cv2.LINE_8, _SHIFT)
            if number is not None:
                cv2.polylines(self.order, fixed, False, number, thick, cv2.LINE_8, _SHIFT)
        elif width >= 0.2:
            cv2.polylines(self.rgb, fixed, False, colour, 1, cv2.LINE_AA, _SHIFT)

    def disc(self, centre, radius_x: float, radius_y: float, colour: Colour, number: Optional[int] = None):
        self.polygon((_FEW if radius_y < 4 else _MANY) * (radius_x, radius_y) + centre, colour, number)

    def lamp(self, point, radius: float, colour: Colour, number: int):
        """Remember a light that stroke ``number`` holds; it shines if nothing was painted over it."""
        self.lamps.append((*point, radius, colour, number))

    def visible_lamps(self):
        """(x, y, radius, colour) of the lights that nothing hides."""
        for x, y, radius, colour, number in self.lamps:
            column, row = int(x), int(y)
            if 0 <= column < self.width and 0 <= row < self.height and self.order[row, column] == number:
                yield x, y, radius, colour

    def window(self, x0: float, y0: float, x1: float, y1: float):
        """The part of a box that lies on the canvas, as (x0, y0, x1, y1) integers, or None."""
        x0, y0 = max(int(np.floor(x0)), 0), max(int(np.floor(y0)), 0)
        x1, y1 = min(int(np.ceil(x1)), self.width), min(int(np.ceil(y1)), self.height)
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def texture(self, image: np.ndarray, quad: np.ndarray, z: Tuple[float, float], number: int):
        """Hang a float RGB ``image`` on a plane: ``quad`` is its top-left, top-right, bottom-right, bottom-left.

        ``z`` are the distances of its left and right edges; the haze between follows (1 / z is linear in x).
        """
        box = self.window(*quad.min(0), *(quad.max(0) + 1))
        if box is None:
            return
        x0, y0, x1, y1 = box
        h, w = image.shape[:2]
        corners = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
        matrix = cv2.getPerspectiveTransform(corners, (quad - [x0, y0]).astype(np.float32))
        size = (x1 - x0, y1 - y0)
        warped = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mask = np.zeros(size[::-1], np.uint8)
        cv2.fillPoly(mask, [self._fixed(quad - [x0, y0])], 1, cv2.LINE_8, _SHIFT)
        left, right = quad[0, 0], quad[1, 0]
        share = np.clip((np.arange(x0, x1) + .5 - left) / (right - left if abs(right - left) > 1e-3 else 1e-3), 0, 1)
        through = self.light.through(1 / ((1 - share) / z[0] + share / z[1])).astype(np.float32)[None, :, None]
        warped = warped * through + np.float32(self.light.haze_colour) * (1 - through)
        self.stamp((x0, y0), warped, mask > 0, number)

    def stamp(self, corner: Tuple[int, int], image: np.ndarray, mask: np.ndarray, number: Optional[int]):
        """Paint ``image`` where ``mask``; both lie on the canvas wholly."""
        x, y = corner
        h, w = mask.shape
        np.copyto(self.rgb[y:y + h, x:x + w], np.clip(image, 0, 255).astype(np.uint8), where=mask[..., None])
        if number is not None:
            np.copyto(self.order[y:y + h, x:x + w], np.uint16(number), where=mask)

    def image(self) -> np.ndarray:
        """The averaged image, (H / 2, W / 2, 3) uint8."""
        size = (self.width // SUPERSAMPLING, self.height // SUPERSAMPLING)
        return cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA)

    def label(self) -> np.ndarray:
        """The class that covers most of a pixel; of two that cover half each, the one in front."""
        s = SUPERSAMPLING
        orders = np.stack([self.order[i::s, j::s] for i in range(s) for j in range(s)])
        labels = np.asarray(self.classes, np.uint8)[orders]
        label = labels[0]
        mixed = np.nonzero((labels[1:] != label).any(0))
        labels, orders = labels[(slice(None), *mixed)], orders[(slice(None), *mixed)].astype(np.int32)
        votes = (labels[:, None] == labels[None]).sum(0, dtype=np.int32)
        best = (votes * 65536 + orders).argmax(0)
        label[mixed] = np.take_along_axis(labels, best[None], 0)[0]
        return label
