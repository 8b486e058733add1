"""A world becomes an image and its label."""
import zlib
from typing import Tuple

import cv2
import numpy as np

from .canvas import SUPERSAMPLING, VOID, Canvas
from .facades import draw_skyline
from .ground import Ground, paint_sky
from .noise import WHITE, patch
from .world import World, draw_world

VERSION = 1  # raise it whenever a pixel of any scene changes: the cache is keyed by it


def render_scene(split: str, index: int, size: Tuple[int, int], seed: int = 0) -> Tuple[np.ndarray, np.ndarray]:
    """Image (H, W, 3) RGB uint8 and label (H, W) uint8 of one scene.

    The scene depends on ``(seed, split, index)`` alone, its pixels on ``size`` (height, width) too. Two runs agree
    bit for bit with the same OpenCV; another build of it may round a few pixels differently.
    """
    key = [VERSION, seed, zlib.crc32(split.encode()), index]
    world = draw_world(np.random.default_rng(key))
    height, width = size
    canvas = Canvas(height * SUPERSAMPLING, width * SUPERSAMPLING, world.light)
    paint(canvas, world, key)
    return develop(canvas, world, np.random.default_rng(key + [5])), canvas.label()


def paint(canvas: Canvas, world: World, key: list):
    """Sky, horizon, ground with shadows, then everything that stands on it from far to near.

    Every stage has a generator of its own, so that a stage that draws more numbers at another size of the image
    does not change the next one.
    """
    sky, skyline, ground_plan, bonnet = (np.random.default_rng(key + [stage]) for stage in range(1, 5))
    cam, light = world.camera.on(canvas.height, canvas.width), world.light
    paint_sky(canvas, cam, sky, *world.sky)
    for kind, colour, distance in world.skyline:
        draw_skyline(canvas, cam, light, skyline, kind, colour, distance)
    ground = Ground(canvas, cam)
    shadow = ground.shadows(world.street, light, *_cast(world, cam), ground_plan)
    ground.paint(world.street, light, ground_plan, shadow)
    for distance, painter in world.things:
        if distance > 1.:
            painter(canvas, cam, light)
    if world.seed % 3 == 0:
        _bonnet(canvas, bonnet)


def _cast(world: World, cam):
    """Outlines of the shadows of posts and cars, and of tree crowns, in pixels."""
    light = world.light
    blobs, leafy = [], []
    away = -light.sun * light.reach
    for x, z, half, tall in world.blobs:
        if z > 2:
            tip_x, tip_z = x + away * tall, max(z + light.slant * tall, 1.)
            blobs.append(cam.project([x - half, x + half, tip_x + half, tip_x - half], 0, [z, z, tip_z, tip_z + half]))
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    for x, z, radius, tall in world.leafy:
        z = z + light.slant * tall
        if z - radius > 1:
            leafy.append(cam.project(x + away * tall + radius * np.cos(angle), 0, z + radius * np.sin(angle)))
    return blobs, leafy


def _bonnet(canvas: Canvas, rng: np.random.Generator):
    """The hood of our own car at the lower edge, void."""
    h, w = canvas.height, canvas.width
    top, tone = h * rng.uniform(.95, .985), rng.uniform(15, 90)
    points = [(w * u, h + 2 - (h + 2 - top) * (1 - (2 * u - 1)**2 * .8)) for u in np.linspace(0, 1, 16)]
    number = canvas.stroke(VOID)
    canvas.polygon([(0, h + 2), *points, (w, h + 2)], (tone, tone, tone * 1.05), number)
    canvas.line(points, h / 200, (tone * 1.8,) * 3)


def _shine(image: np.ndarray, x: float, y: float, radius: float, colour: np.ndarray):
    """Add a round glow."""
    h, w = image.shape[:2]
    x0, x1 = (int(np.clip(x + s * 3 * radius, 0, w)) for s in (-1, 1))
    y0, y1 = (int(np.clip(y + s * 3 * radius + (s > 0), 0, h)) for s in (-1, 1))
    if x1 <= x0 or y1 <= y0:
        return
    across = np.exp(-(np.arange(x0, x1, dtype=np.float32) - x)**2 / (2 * radius * radius))
    down = np.exp(-(np.arange(y0, y1, dtype=np.float32) - y)**2 / (2 * radius * radius))
    image[y0:y1, x0:x1] += (down[:, None] * across)[..., None] * colour


def develop(canvas: Canvas, world: World, rng: np.random.Generator) -> np.ndarray:
    """What a camera adds: glow, glare, tint, vignette, contrast, blur and noise."""
    light = world.light
    image = canvas.image().astype(np.float32)
    h, w = image.shape[:2]
    rows, cols = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    for x, y, radius, colour in canvas.visible_lamps():
        _shine(image, x / SUPERSAMPLING, y / SUPERSAMPLING, max(radius / SUPERSAMPLING, .5),
               np.float32(colour) * (.15 + .45 * light.night))
    if light.sun and rng.random() < .18:  # the sun in or near the image
        x, y = w * (.5 + .5 * light.sun * rng.uniform(.2, 1.)), h * rng.uniform(-.05, .25)
        _shine(image, x, y, w * .22, np.float32((150, 138, 110)) * (1 - .6 * light.night))
    image *= np.float32(light.tint) * light.exposure
    radius2 = ((rows / h - .5)**2 + (cols / w - .5)**2)[..., None]
    image *= 1 - rng.uniform(.1, .5) * radius2
    contrast = rng.uniform(.9, 1.15)
    image = (image - 110) * contrast + 110
    image += rng.normal(0, 3, 3).astype(np.float32)
    blur = rng.uniform(0, .75) * (1.8 if rng.random() < .12 else 1)
    if blur > .3:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    grain = rng.uniform(1., 5.) * (1.8 if light.night else 1)
    noise = np.stack([patch(rng, h, w, 1, WHITE) for _ in range(3)], -1)
    noise = noise * .5 + noise.mean(-1, keepdims=True)
    image += noise * grain * (.6 + .4 * np.sqrt(np.clip(image, 0, 255) / 255))
    return np.clip(image, 0, 255).astype(np.uint8)
