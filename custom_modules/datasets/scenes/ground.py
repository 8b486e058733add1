"""Sky, road, pavement, verges and the shadows that lie on them."""
from dataclasses import dataclass, field
from typing import List, Tuple

import cv2
import numpy as np

from .canvas import NEAR, PAVEMENT, ROAD, TREE, Camera, Canvas, Light
from .noise import ROUGH, SIZE, SMOOTH, patch, tile


@dataclass
class Street:
    """The ground plan, in metres.

    Args:
        road (tuple): Road edges, left (negative) and right of the centre line.
        walk (tuple): Width of the pavement on either side.
        verge (tuple): Class of what lies behind the pavement on either side.
        junctions (list): (side, from, to): the pavement is interrupted by a side street.
        crossing (float): Where a zebra crossing starts; 0 for none.
        surface (str): 'asphalt', 'setts' or 'concrete'.
        walkway (str): 'slabs', 'asphalt' or 'brick'.
        marks (str): Style of the lane marks.
        roofline (dict): side -> height of the buildings at every metre ahead, for their shadows.
    """
    road: Tuple[float, float]
    walk: Tuple[float, float]
    verge: Tuple[int, int]
    junctions: List[Tuple[int, float, float]]
    crossing: float
    surface: str
    walkway: str
    marks: str
    roofline: dict = field(default_factory=dict)


SURFACES = dict(asphalt=(98, 98, 100), setts=(112, 104, 96), concrete=(140, 137, 130))
WALKWAYS = dict(slabs=(142, 138, 131), asphalt=(104, 103, 104), brick=(138, 108, 96))
GRASS = (92, 112, 58)


def paint_sky(canvas: Canvas, cam: Camera, rng: np.random.Generator, zenith, horizon, cloud, cover: float):
    """A gradient and clouds; ``cover`` shifts how much of the sky they fill."""
    rows = int(np.clip(cam.horizon + 2, 1, canvas.height))
    up = (1 - np.arange(rows, dtype=np.float32) / max(cam.horizon, 1))[:, None, None].clip(0, 1)
    sky = np.float32(horizon) + (np.float32(zenith) - np.float32(horizon)) * up**0.7
    small = (rows // 4 + 2, canvas.width // 4 + 2)
    field_ = patch(rng, *small, grain=max(canvas.width / 512, .5), slope=SMOOTH)
    field_ = cv2.resize(field_, (canvas.width, rows), interpolation=cv2.INTER_LINEAR)
    amount = (1 / (1 + np.exp(-(field_ * 1.3 + cover) * 2.5)))[..., None]
    relief = 1 + 0.10 * np.roll(field_, rows // 12 + 1, 0)[..., None]
    sky = sky * (1 - amount) + np.float32(cloud) * relief * amount
    canvas.rgb[:rows] = np.clip(sky, 0, 255)
    canvas.rgb[rows:] = np.clip(sky[-1:], 0, 255)


def _covered(distance: np.ndarray, half: float, pixel: np.ndarray) -> np.ndarray:
    """Share of a pixel that lies within ``half`` metres of a line ``distance`` metres away."""
    return np.clip((half - distance) / pixel + 0.5, 0, 1) * np.clip(2 * half / pixel, 0, 1)


class Ground:
    """The plane y = 0 below the horizon, one world coordinate a pixel."""

    def __init__(self, canvas: Canvas, cam: Camera):
        self.canvas, self.cam = canvas, cam
        self.top = int(np.clip(np.ceil(cam.horizon + 1), 0, canvas.height - 2))
        rows = np.arange(self.top, canvas.height, dtype=np.float32) + .5
        self.z = np.clip(cam.focal * cam.height / np.maximum(rows - cam.horizon, .5), NEAR, 400)[:, None]
        columns = np.arange(canvas.width, dtype=np.float32)[None] + .5
        self.pixel = self.z / cam.focal  # metres a pixel, sideways
        self.x = (cam.x + (columns - cam.centre) * self.pixel - cam.bend * self.z**2).astype(np.float32)

    def classes(self, street: Street) -> np.ndarray:
        x, z = self.x, self.z
        left, right = street.road
        label = np.full(x.shape, ROAD, np.uint8)
        for side, edge, walk, verge in ((-1, left, street.walk[0], street.verge[0]),
                                        (1, right, street.walk[1], street.verge[1])):
            label[side * (x - edge) > 0] = PAVEMENT
            label[side * (x - edge) > walk] = verge
            for where, start, stop in street.junctions:
                if where == side:
                    label[(side * (x - edge) > 0) & (z > start) & (z < stop)] = ROAD
        return label

    def paint(self, street: Street, light: Light, rng: np.random.Generator, shadow: np.ndarray):
        x, z, canvas = self.x, self.z, self.canvas
        label = self.classes(street)
        palette = np.zeros((12, 3), np.float32)
        palette[ROAD], palette[PAVEMENT], palette[TREE] = (SURFACES[street.surface], WALKWAYS[street.walkway], GRASS)
        palette *= rng.uniform(.82, 1.15, (12, 1)) * rng.uniform(.96, 1.04, (12, 3))

        start = rng.integers(0, SIZE, 4)
        coarse = self._noise(SMOOTH, 9, start[:2])
        fine = self._noise(ROUGH, 60, start[2:]) * np.clip(9 / z, 0, 1)
        gain = 1 + .05 * coarse + (.045 + .06 * (label == TREE)) * fine
        self._paving(gain, label, street)
        self._kerbs(gain, street)
        colour = palette[label]
        colour *= gain[..., None]
        self._marks(colour, label, street, rng, coarse)
        # the sky lights what the sun does not: shadows are bluish
        colour *= 1 - shadow[..., None] * (1 - light.shade * np.float32([.96, 1., 1.1]))
        through = light.through(z)[..., None]
        colour *= through
        colour += np.float32(light.haze_colour) * (1 - through)
        canvas.rgb[self.top:] = np.clip(colour, 0, 255, out=colour)
        numbers = np.zeros(12, np.uint16)
        for which in (ROAD, PAVEMENT, TREE):
            numbers[which] = canvas.stroke(which)
        canvas.order[self.top:] = numbers[label]

    def _noise(self, slope: float, cells: float, start: np.ndarray) -> np.ndarray:
        """Noise glued to the ground, ``cells`` cells a metre."""
        i = (self.z * cells).astype(np.int32) + start[0] & SIZE - 1
        j = (self.x * cells).astype(np.int32) + start[1] & SIZE - 1
        return tile(slope)[i, j]

    def _paving(self, gain, label, street):
        pitch = dict(slabs=(.6, .9), brick=(.22, .44), setts=(.25, .4))
        for which, name in ((PAVEMENT, street.walkway), (ROAD, street.surface)):
            if name not in pitch:
                continue
            across, along = pitch[name]
            near = self.z[:, 0] < 14
            x, z, pixel = self.x[near], self.z[near], self.pixel[near]
            joint = _covered(np.abs(x % across - across / 2), .015, pixel)
            joint = np.maximum(joint, _covered(np.abs(z % along - along / 2), .02, pixel * z / self.cam.height))
            gain[near] *= np.where(label[near] == which, 1 - .3 * joint, 1)

    def _marks(self, colour, label, street, rng, coarse):
        if street.marks == 'none':
            return
        x, z, pixel = self.x, self.z, self.pixel
        left, right = street.road
        deep = pixel * z / self.cam.height  # metres a pixel, ahead
        paint = np.zeros_like(x)

        def dashes(on, period):
            sharp = ((z % period) < on).astype(np.float32)
            return np.where(deep < period / 3, sharp, on / period)

        yellow = np.zeros_like(x)
        if street.marks in ('centre', 'lanes', 'double'):
            on, period = ((2., 6.), (4., 6.))[int(rng.integers(2))]
            paint += _covered(np.abs(x), .07, pixel) * (1 if street.marks == 'double' else dashes(on, period))
        if street.marks == 'lanes':
            for middle in (left / 2, right / 2):
                paint += _covered(np.abs(x - middle), .06, pixel) * dashes(2., 8.)
        if rng.random() < .6:
            for edge in (left + .25, right - .25):
                yellow += _covered(np.abs(x - edge), .05, pixel)
                if rng.random() < .5:
                    yellow += _covered(np.abs(x - edge - .2 * np.sign(-edge)), .05, pixel)
        elif rng.random() < .5:
            paint += sum(_covered(np.abs(x - edge), .06, pixel) for edge in (left + 1.3, right - 1.3))
        if street.crossing:
            ahead = z - street.crossing
            if rng.random() < .7:
                bars = np.clip((.3 - np.abs(x % 1.2 - .6)) / pixel + .5, 0, 1)
                paint += bars * ((ahead > 0) & (ahead < 3))
            paint += _covered(np.abs(ahead + 1.5), .15, deep) * (x * np.sign(-left - .1) < 0)
        on_road = label == ROAD
        wear = np.clip(.72 + .15 * coarse, .25, .85)
        for amount, ink in ((paint, (225, 225, 220)), (yellow, (205, 175, 70))):
            alpha = np.minimum(amount, 1) * wear
            inked = np.nonzero((alpha > .01) & on_road)
            share = alpha[inked][:, None]
            colour[inked] += (np.float32(ink) - colour[inked]) * share

    def _kerbs(self, gain, street):
        for side, edge in ((-1, street.road[0]), (1, street.road[1])):
            beyond = side * (self.x - edge)
            stone = _covered(np.abs(beyond - .08), .08, self.pixel)
            gutter = _covered(np.abs(beyond + .06), .06, self.pixel)
            for where, start, stop in street.junctions:
                if where == side:
                    stone, gutter = [a * ~((self.z > start) & (self.z < stop)) for a in (stone, gutter)]
            gain *= 1 + .22 * stone - .3 * gutter

    def shadows(self, street: Street, light: Light, blobs: List[np.ndarray], leafy: List[np.ndarray],
                rng: np.random.Generator) -> np.ndarray:
        """0 in the sun, 1 in the shadow: of the building row on the sun's side, of poles and cars, under trees."""
        mask = np.zeros(self.x.shape, np.uint8)
        if light.sun:
            profile = street.roofline[light.sun]
            wall = street.road[0] - street.walk[0] if light.sun < 0 else street.road[1] + street.walk[1]
            across = np.abs(self.x - wall)
            from_z = np.clip(self.z - light.slant / light.reach * across, 0, len(profile) - 1).astype(np.int32)
            mask[(across < profile[from_z] * light.reach) & (self.z < 150)] = 255
            for polygons, texture in ((leafy, True), (blobs, False)):
                layer = np.zeros_like(mask) if texture else mask
                for points in polygons:
                    cv2.fillPoly(layer, [Canvas._fixed(points - [0, self.top])], 255, cv2.LINE_8, 4)
                if texture and polygons:
                    gaps = self._noise(SMOOTH, 16, rng.integers(0, SIZE, 2)) > .35
                    mask |= np.where(gaps, 0, layer)
        soft = max(1, self.canvas.width // 200)
        mask = cv2.blur(mask, (2 * soft + 1, soft + 1))
        return mask.astype(np.float32) / 255


def shade_under(canvas: Canvas, points: np.ndarray, amount: float):
    """Darken what is already painted inside a polygon (the ambient shadow under a car or a person)."""
    box = canvas.window(*points.min(0), *(points.max(0) + 1))
    if box is None:
        return
    x0, y0, x1, y1 = box
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(mask, [Canvas._fixed(points - [x0, y0])], 255, cv2.LINE_8, 4)
    soft = max(1, (y1 - y0) // 6)
    mask = cv2.blur(mask, (2 * soft + 1, 2 * soft + 1))[..., None].astype(np.float32) * (amount / 255)
    view = canvas.rgb[y0:y1, x0:x1]
    view[:] = (view * (1 - mask)).astype(np.uint8)
