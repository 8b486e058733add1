"""Buildings: a facade is drawn flat, in metres, and hung on its plane."""
from dataclasses import dataclass

import numpy as np

from .canvas import BUILDING, NEAR, Camera, Canvas, Light
from .noise import ROUGH, SMOOTH, patch

WALLS = ((168, 140, 104), (150, 96, 74), (118, 82, 68), (196, 184, 160), (214, 206, 194), (150, 146, 140),
         (122, 118, 116), (176, 160, 130), (196, 150, 120), (160, 172, 180), (104, 96, 90))
ROOFS = ((92, 74, 66), (80, 82, 88), (120, 78, 60), (64, 62, 64))
SHOPS = ((32, 60, 52), (120, 30, 34), (28, 36, 78), (40, 40, 42), (190, 150, 50), (200, 196, 186), (36, 96, 130),
         (150, 60, 110))
GLASS = ((46, 54, 62), (70, 82, 92), (30, 34, 40), (118, 132, 142))


@dataclass
class House:
    """A box on one side of the street, in metres: facade from ``z0`` to ``z1`` at ``x``, ``height`` to the eaves."""
    side: int
    x: float
    z0: float
    z1: float
    height: float
    roof: float
    wall: tuple
    style: str  # 'brick', 'plain', 'glass', 'church'
    shop: bool
    depth: float
    exposed: bool  # its end wall is not hidden by the next house
    seed: int


def facade(house: House, length: float, light: Light, metre: float, front: bool) -> np.ndarray:
    """The flat image of a wall ``length`` metres long at ``metre`` pixels a metre, float32 RGB, lit."""
    rng = np.random.default_rng([house.seed, int(front)])
    h, w = max(int(house.height * metre), 4), max(int(length * metre), 4)
    wall = np.float32(house.wall)
    image = np.empty((h, w, 3), np.float32)
    image[:] = wall * (1 + .07 * patch(rng, h, w, 1, SMOOTH)[..., None])
    if house.style == 'brick' and metre > 7:
        course = max(int(.25 * metre), 2)
        image[::course] *= .87
        image *= (1 + .06 * patch(rng, h, w, max(metre / 14, 1), ROUGH))[..., None]
    storey = rng.uniform(2.7, 3.6) * metre
    ground = storey * 1.25
    glass = np.float32(GLASS[rng.integers(len(GLASS))])
    if light.night > .3:
        glass = glass * .4
    pitch = rng.uniform(1.9, 3.6) * metre
    if house.style == 'glass':
        pitch, wide, tall = rng.uniform(1.1, 1.8) * metre, .86, .84
    else:
        wide, tall = rng.uniform(.32, .6), rng.uniform(.42, .66)
    frame = wall * rng.uniform(.6, .8) if rng.random() < .4 else np.float32((214, 212, 206))
    y = h - ground - storey
    while y > -.3 * storey:
        x = pitch * .3
        while x + pitch * wide < w:
            _window(image, rng, x, y + storey * (1 - tall) * .5, pitch * wide, storey * tall, glass, frame, metre,
                    light, house.style)
            x += pitch
        y -= storey
    if house.shop and front:
        _shop(image, rng, ground, metre, light)
    else:
        _doors(image, rng, ground, storey, pitch, wide, tall, glass, frame, metre, light, house.style)
    cornice = max(int(.25 * metre), 1)
    image[:cornice] *= rng.uniform(.7, 1.2)
    if rng.random() < .5:
        band = int(max(h - ground, 0))
        image[band:band + cornice] *= .8
    return image


def _fill(image, x, y, w, h, colour):
    x0, y0, x1, y1 = max(int(x), 0), max(int(y), 0), int(x + w), int(y + h)
    if x1 > x0 and y1 > y0:
        image[y0:y1, x0:x1] = colour


def _window(image, rng, x, y, w, h, glass, frame, metre, light, style):
    edge = max(.09 * metre, .5)
    if style != 'glass' and metre > 3.5:
        _fill(image, x - edge, y - edge, w + 2 * edge, h + 2.4 * edge, frame)
    pane = glass * rng.uniform(.7, 1.35)
    if light.night > .3 and rng.random() < .45:
        pane = np.float32((250, 214, 140)) * rng.uniform(.5, 1)
    elif rng.random() < .2:
        pane = np.float32(light.haze_colour) * rng.uniform(.6, .95)  # the sky mirrored
    _fill(image, x, y, w, h, pane)
    if metre < 4:
        return
    _fill(image, x, y, w, h * rng.uniform(.15, .5), pane * .75)
    if metre > 8 and style != 'glass':
        _fill(image, x + w / 2 - edge / 3, y, edge * .7, h, frame)
        _fill(image, x, y + h / 2, w, edge * .7, frame)


def _doors(image, rng, ground, storey, pitch, wide, tall, glass, frame, metre, light, style):
    h, w = image.shape[:2]
    x, door = pitch * .3, rng.integers(1, 4)
    i = 0
    while x + pitch * wide < w:
        if i % 3 == door - 1:
            colour = np.float32(SHOPS[rng.integers(len(SHOPS))])
            _fill(image, x, h - 2.2 * metre, 1. * metre, 2.2 * metre, colour)
        else:
            _window(image, rng, x, h - ground + storey * (1 - tall) * .6, pitch * wide, storey * tall, glass, frame,
                    metre, light, style)
        x += pitch
        i += 1


def _shop(image, rng, ground, metre, light):
    h, w = image.shape[:2]
    x = 0.
    while x < w:
        width = rng.uniform(4, 8) * metre
        colour = np.float32(SHOPS[rng.integers(len(SHOPS))])
        _fill(image, x, h - ground, width, ground, colour * .8)
        lit = np.float32((235, 215, 165)) if light.night > .3 else np.float32((60, 64, 68)) * rng.uniform(.6, 1.8)
        left = x + .25 * metre
        while left + 1.2 * metre < x + width:
            pane = lit * rng.uniform(.75, 1.2)
            _fill(image, left, h - ground + 1. * metre, 1.25 * metre, ground - 1.5 * metre, pane)
            for _ in range(3):  # goods in the window
                _fill(image, left + rng.uniform(0, .9) * metre, h - rng.uniform(.7, 1.6) * metre,
                      rng.uniform(.15, .4) * metre, rng.uniform(.2, .7) * metre, rng.uniform(30, 220, 3))
            left += 1.45 * metre
        _fill(image, x, h - ground + .15 * metre, width, .7 * metre, colour)
        letters = np.float32((235, 230, 210)) if colour.mean() < 120 else np.float32((40, 30, 30))
        at = x + rng.uniform(.4, 1.2) * metre
        for _ in range(int(rng.integers(4, 10))):  # a name over the door: a sign to the eye, a building to the label
            _fill(image, at, h - ground + .3 * metre, rng.uniform(.1, .28) * metre, .4 * metre, letters)
            at += .38 * metre
        if rng.random() < .35:
            stripes = np.float32(rng.uniform(60, 230, 3))
            _fill(image, x + .2 * metre, h - ground + .85 * metre, width - .4 * metre, .5 * metre, stripes)
        x += width + .15 * metre


def _lit(light: Light, side: int, front: bool) -> float:
    """Brightness of a wall: the sun reaches walls that face it."""
    if light.sun == 0:
        return .92 if front else .84
    facing = light.sun == -side if front else light.slant < 0
    return 1.08 if facing else light.shade * 1.15


def draw_house(canvas: Canvas, cam: Camera, light: Light, house: House):
    near = max(house.z0, NEAR)
    if house.z1 <= near + .1:
        return
    detail = min(24., max(1.5, 1.2 * cam.scale(max(near, 6.))))
    number = canvas.stroke(BUILDING)
    roof = ROOFS[house.seed % len(ROOFS)]

    ends = [(near, house.z1), (house.z1, near)][house.side > 0]  # left wall: its near end is the image's left
    quad = np.stack([cam.project(house.x, house.height, ends[0]), cam.project(house.x, house.height, ends[1]),
                     cam.project(house.x, 0, ends[1]), cam.project(house.x, 0, ends[0])])
    span = abs(quad[1, 0] - quad[0, 0])
    if max(quad[0, 0], quad[1, 0]) < 0 or min(quad[0, 0], quad[1, 0]) > canvas.width:
        return
    if house.roof:
        back = house.x + house.side * house.roof
        ridge = [cam.project(back, house.height + house.roof * .8, z) for z in ends]
        middle = (near + house.z1) / 2
        canvas.polygon(np.stack([quad[0], ridge[0], ridge[1], quad[1]]),
                       light.seen(roof, middle, _lit(light, house.side, True)), number)
        for i in range(2):
            z = near + (house.z1 - near) * (.3 + .5 * i)
            a, b = cam.project(back, house.height + house.roof * .8, [z, z + 1.])
            up = cam.scale(z) * 1.2
            canvas.polygon([a + [0, up * .4], a - [0, up], b - [0, up], b + [0, up * .4]],
                           light.seen(np.multiply(house.wall, .8), z, .9), number)
    if span < 5:  # a sliver far away
        canvas.polygon(quad, light.seen(house.wall, near, _lit(light, house.side, True) * .85), number)
        return
    front = facade(house, house.z1 - near, light, detail, True)
    if house.side > 0:
        front = front[:, ::-1]
    front *= _lit(light, house.side, True)
    if light.sun == -house.side:  # the other row's shadow climbs this wall
        climb = (house.seed % 7) / 7 * 5 - 1
        rows = int(np.clip(climb, 0, house.height) * detail)
        if rows:
            front[-rows:] *= light.shade
    canvas.texture(np.ascontiguousarray(front), quad, ends, number)

    if house.exposed and house.z0 > NEAR * 1.5:  # the end wall that looks at the camera
        far = house.x + house.side * house.depth
        edges = sorted((house.x, far))
        quad = np.stack([cam.project(x, y, house.z0) for y, xs in ((house.height, edges), (0, edges[::-1]))
                         for x in xs])
        if house.roof:
            tip = cam.project((house.x + house.side * min(house.roof, house.depth)), house.height + house.roof * .8,
                              house.z0)
            canvas.polygon(np.stack([quad[0], tip, quad[1]]),
                           light.seen(house.wall, house.z0, _lit(light, house.side, False)), number)
        wall = facade(house, house.depth, light, detail, False) * _lit(light, house.side, False)
        canvas.texture(np.ascontiguousarray(wall), quad, (house.z0, house.z0), number)


def draw_skyline(canvas: Canvas, cam: Camera, light: Light, rng: np.random.Generator, label: int, colour, distance):
    """Roofs or crowns along the horizon, which close the view."""
    number = canvas.stroke(label)
    metre = cam.scale(distance)
    x = -.05 * canvas.width
    while x < 1.05 * canvas.width:
        width = rng.uniform(5, 16) * metre
        tall = rng.uniform(4, 11) * metre
        tone = light.seen(np.multiply(colour, rng.uniform(.75, 1.15)), distance)
        base = cam.horizon + cam.height * metre
        if label == BUILDING:
            top = base - tall
            roof = [(x, top), (x + width / 2, top - rng.uniform(0, 3) * metre), (x + width, top)]
            canvas.polygon([(x, base), *roof, (x + width, base)], tone, number)
        else:
            canvas.disc((x, base - tall * .4), width * .8, tall * .6, tone, number)
        x += width * rng.uniform(.7, 1.1)
