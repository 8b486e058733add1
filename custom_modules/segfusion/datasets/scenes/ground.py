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
FAR = 110.  # metres; marks further away are thinner than a pixel
WHITE_PAINT, YELLOW_PAINT, STONE, GUTTER = 1, 2, 3, 4
INKS = np.float32([(0, 0, 0), (225, 225, 220), (205, 175, 70), (0, 0, 0), (58, 56, 54)])


def paint_sky(canvas: Canvas, cam: Camera, rng: np.random.Generator, zenith, horizon, cloud, cover: float):
    """A gradient and clouds; ``cover`` shifts how much of the sky they fill."""
    rows = int(np.clip(cam.horizon + 2, 2, canvas.height))
    h, w = rows // 2 + 1, canvas.width // 2  # painted at half the size: nothing in it is sharp
    up = (1 - np.arange(h, dtype=np.float32) * 2 / max(cam.horizon, 1))[:, None, None].clip(0, 1)
    sky = np.float32(horizon) + (np.float32(zenith) - np.float32(horizon)) * up**0.7
    puffs = patch(rng, h, w, max(canvas.width / 256, 1), SMOOTH)
    amount = (1 / (1 + np.exp(-(puffs * 1.3 + cover) * 2.5)))[..., None]
    relief = 1 + 0.10 * np.roll(puffs, rows // 24 + 1, 0)[..., None]
    sky = sky + (np.float32(cloud) * relief - sky) * amount
    sky = np.clip(sky, 0, 255).astype(np.uint8)
    canvas.rgb[:rows] = cv2.resize(sky, (canvas.width, rows), interpolation=cv2.INTER_LINEAR)
    canvas.rgb[rows:] = canvas.rgb[rows - 1:rows]


def _joints(x: np.ndarray, pitch: float, half: float, pixel: np.ndarray) -> np.ndarray:
    """Share of a pixel covered by lines ``pitch`` metres apart and ``2 * half`` wide; ``pixel`` is metres a pixel."""
    distance = np.abs(x - np.floor(x / pitch) * pitch - pitch / 2)
    return np.minimum(np.maximum((half - distance) / pixel + 0.5, 0), 1) * np.minimum(2 * half / pixel, 1)


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
        z, canvas = self.z, self.canvas
        label = self.classes(street)
        palette = np.zeros((12, 3), np.float32)
        palette[ROAD], palette[PAVEMENT], palette[TREE] = (SURFACES[street.surface], WALKWAYS[street.walkway], GRASS)
        palette *= rng.uniform(.82, 1.15, (12, 1)) * rng.uniform(.96, 1.04, (12, 3))

        start = rng.integers(0, SIZE, 4)
        coarse = self._noise(SMOOTH, 9, start[:2])
        fine = self._noise(ROUGH, 60, start[2:]) * np.clip(9 / z, 0, 1)
        gain = 1 + .05 * coarse + (.045 + .06 * (label == TREE)) * fine
        self._paving(gain, label, street)
        colour = palette[label]
        colour *= gain[..., None]
        self._marks(colour, street, rng, coarse)
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
            joint = np.maximum(_joints(x, across, .015, pixel), _joints(z, along, .02, pixel * z / self.cam.height))
            gain[near] *= np.where(label[near] == which, 1 - .3 * joint, 1)

    def _marks(self, colour, street, rng, coarse):
        """Paint and kerbs: drawn as ribbons of world width into a layer of ink numbers, then worn and blended."""
        ink = np.zeros(self.x.shape, np.uint8)
        left, right = street.road
        for side, edge in ((-1, left), (1, right)):
            gaps = sorted((a, b) for where, a, b in street.junctions if where == side)
            for a, b in zip([0.] + [b for _, b in gaps], [a for a, _ in gaps] + [FAR]):
                self._ribbon(ink, edge + side * .08, .09, a, b, STONE)
                self._ribbon(ink, edge - side * .06, .06, a, b, GUTTER)
        if street.marks != 'none':
            self._lanes(ink, street, rng)
        y, x = np.nonzero(ink)
        number = ink[y, x]
        wear = np.minimum(np.maximum(.72 + .15 * coarse[y, x], .25), .85)
        alpha = np.where(number >= STONE, .6, wear) * np.minimum(.16 / self.pixel[y, 0], 1)
        under = colour[y, x]
        target = INKS[number]
        target[number == STONE] = under[number == STONE] * 1.35
        colour[y, x] = under + (target - under) * alpha[:, None]

    def _lanes(self, ink, street, rng):
        left, right = street.road

        def dashes(x, half, on, period):
            for start in np.arange(rng.uniform(-period, 0), 80, period):
                self._ribbon(ink, x, half, start, start + on, WHITE_PAINT)

        on, period = ((2., 6.), (4., 6.))[int(rng.integers(2))]
        if street.marks == 'double':
            self._ribbon(ink, 0, .08, 0, FAR, WHITE_PAINT)
        else:
            dashes(0, .07, on, period)
        if street.marks == 'lanes':
            for middle in (left / 2, right / 2):
                dashes(middle, .06, 2., 8.)
        if rng.random() < .6:
            twice = rng.random() < .5
            for edge in (left + .25, right - .25):
                self._ribbon(ink, edge, .05, 0, 60, YELLOW_PAINT)
                if twice:
                    self._ribbon(ink, edge - .2 * np.sign(edge), .05, 0, 60, YELLOW_PAINT)
        elif rng.random() < .5:
            for edge in (left + 1.3, right - 1.3):
                self._ribbon(ink, edge, .06, 0, FAR, WHITE_PAINT)
        if street.crossing:
            if rng.random() < .7:
                for x in np.arange(left + .5, right - .3, 1.2):
                    self._ribbon(ink, x, .3, street.crossing, street.crossing + 3, WHITE_PAINT)
            side = np.sign(self.cam.x)
            self._ribbon(ink, side * max(-left, right) / 2, max(-left, right) / 2, street.crossing - 1.6,
                         street.crossing - 1.3, WHITE_PAINT, (left, right))

    def _ribbon(self, ink, x, half, z0, z1, number, limits=(-99., 99.)):
        z0, z1 = max(z0, NEAR), min(z1, FAR)
        if z1 <= z0:
            return
        steps = np.geomspace(z0, z1, 2 + int(6 * np.log(z1 / z0) * bool(self.cam.bend)))
        a, b = max(x - half, limits[0]), min(x + half, limits[1])
        outline = np.concatenate([self.cam.project(a, 0, steps), self.cam.project(b, 0, steps[::-1])])
        cv2.fillPoly(ink, [Canvas._fixed(outline - [0, self.top])], number, cv2.LINE_8, 4)

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
