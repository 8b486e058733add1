"""Trees, hedges, lamps, signs, traffic lights, railings and wires."""
import numpy as np

from .canvas import FENCE, POLE, SIGN, TREE, VOID, Camera, Canvas, Light
from .noise import ROUGH, SMOOTH, patch

LEAVES = dict(summer=(74, 98, 44), dark=(48, 70, 40), autumn=(164, 112, 46), bare=(92, 80, 68))
METAL = ((92, 96, 98), (60, 64, 66), (150, 152, 150), (44, 60, 52), (34, 34, 38))


def _crown(canvas: Canvas, rng, light: Light, centre, rx, ry, colour, z: float, number: int, holes: float):
    """A ragged, mottled ellipse; ``holes`` is how much of what is behind shows through."""
    box = canvas.window(centre[0] - rx, centre[1] - ry, centre[0] + rx, centre[1] + ry)
    if box is None:
        return
    x0, y0, x1, y1 = box
    h, w = y1 - y0, x1 - x0
    x = ((np.arange(x0, x1, dtype=np.float32) + .5 - centre[0]) / rx)[None]
    y = ((np.arange(y0, y1, dtype=np.float32) + .5 - centre[1]) / ry)[:, None]
    clump = patch(rng, h, w, max(rx / 28, .25), SMOOTH)
    leaf = patch(rng, h, w, max(rx / 90, .5), ROUGH)
    radius = x * x + y * y
    mask = radius + .22 * clump + .10 * leaf * (holes + .5) < .78
    if holes:
        mask &= clump * .6 + leaf * .7 < 1.5 - holes
    sun = light.sun or 0
    shape = 1 - .22 * y + .16 * sun * x - .2 * clump + .13 * leaf
    shape = shape * (.8 if light.sun else .88) + .08
    through = float(light.through(z))
    image = np.float32(colour) * shape[..., None]
    image = image * through + np.float32(light.haze_colour) * (1 - through)
    canvas.stamp((x0, y0), image, mask, number)


def _branches(canvas, rng, start, angle, length, width, depth, colour, number):
    """A bare crown, one generation of branches at a time."""
    start, angle = np.tile(start, (len(angle), 1)), np.asarray(angle)
    length = np.full(len(angle), float(length))
    for _ in range(depth):
        step = length[:, None] * np.stack([np.cos(angle), -np.sin(angle)], -1)
        canvas.lines(list(canvas._fixed(np.stack([start, start + step], 1))), max(width, .3), colour,
                     number if width >= .75 else None)
        twigs = 3
        share = rng.uniform(.5, 1, (len(angle), twigs, 1))
        start = (start[:, None] + share * step[:, None]).reshape(-1, 2)
        angle = (angle[:, None] + rng.normal(0, .5, (len(angle), twigs))).ravel()
        length = (length[:, None] * rng.uniform(.5, .8, (len(length), twigs))).ravel()
        width *= .6


def draw_tree(canvas: Canvas, cam: Camera, light: Light, x, z, height, spread, leaves, seed):
    rng = np.random.default_rng(seed)
    number = canvas.stroke(TREE)
    metre = cam.scale(z)
    foot, colour = cam.project(x, 0, z), light.seen((82, 70, 58), z, .8 if light.sun else .9)
    bole = height * rng.uniform(.28, .42)
    top = foot - [0, bole * metre]
    lean = rng.normal(0, .02) * height * metre
    wide = max(.028 * height * metre, 1.)
    canvas.polygon([foot - [wide / 1.6, 0], top - [wide / 2.4 - lean, 0], top + [wide / 2.4 + lean, 0],
                    foot + [wide / 1.6, 0]], colour, number)
    crown = height - bole
    if leaves == 'bare':
        deep = 5 if metre > 10 else 4 if metre > 5 else 3
        angles = np.linspace(.9, 2.3, 3) + rng.normal(0, .12, 3)
        _branches(canvas, rng, top + [lean, 0], angles, crown * metre * .42, wide * .55, deep, colour, number)
        return
    tone = np.multiply(LEAVES[leaves], rng.uniform(.8, 1.25)) + rng.normal(0, 6, 3)
    holes = rng.uniform(.2, .9)
    for dx, dy, size in ((-.3, .35, .62), (.32, .4, .6), (0., .55, .8)):
        centre = top + np.array([dx * spread, -dy * crown]) * metre + [lean, 0]
        _crown(canvas, rng, light, centre, spread * size * metre * .72, crown * size * metre * .72, tone, z, number,
               holes)


def draw_hedge(canvas, cam, light, x, z0, z1, height, seed, colour=LEAVES['dark']):
    """A vegetated wall along the street."""
    rng = np.random.default_rng(seed)
    z0 = max(z0, 1.)
    if z1 <= z0:
        return
    metre = min(12., cam.scale(max(z0, 3.)))
    h, w = max(int(height * metre), 3), max(int((z1 - z0) * metre), 3)
    tone = 1 + .25 * patch(rng, h, w, 1, ROUGH) + .15 * np.linspace(1, -1, h)[:, None]
    image = np.float32(colour) * tone[..., None]
    ends = (z0, z1) if x < 0 else (z1, z0)
    quad = np.stack([cam.project(x, y, z) for y, z in zip((height, height, 0, 0), (*ends, *ends[::-1]))])
    canvas.texture(image.astype(np.float32), quad, ends, canvas.stroke(TREE))


def draw_boards(canvas, cam, light, x, z0, z1, height, colour, seed):
    """A solid wooden fence."""
    rng = np.random.default_rng(seed)
    z0 = max(z0, 1.)
    if z1 <= z0:
        return
    metre = min(16., cam.scale(max(z0, 3.)))
    h, w = max(int(height * metre), 3), max(int((z1 - z0) * metre), 3)
    tone = np.repeat(rng.uniform(.8, 1.1, int(w / (.15 * metre)) + 1), max(int(.15 * metre), 1))
    tone = np.resize(tone, w)[None] * (1 + .06 * patch(rng, h, w, 1, ROUGH))
    image = (np.float32(colour) * tone[..., None]).astype(np.float32)
    ends = (z0, z1) if x < 0 else (z1, z0)
    quad = np.stack([cam.project(x, y, z) for y, z in zip((height, height, 0, 0), (*ends, *ends[::-1]))])
    canvas.texture(image, quad, ends, canvas.stroke(FENCE))


def draw_railing(canvas: Canvas, cam: Camera, light: Light, x, z0, z1, height, colour):
    """Bars one sees through; the whole panel is labelled, as annotators do."""
    z0 = max(z0, 1.2)
    if z1 <= z0:
        return
    number = canvas.stroke(FENCE)
    panel = np.concatenate([cam.project(x, height, [z0, z1]), cam.project(x, .08, [z1, z0])])
    canvas.polygon(panel, None, number)
    pitch = .16 if cam.scale(z0) > 20 else .3
    z = np.arange(z1, z0, -pitch)
    if len(z) > 150:
        z = z[::len(z) // 150 + 1]
    bars = np.stack([cam.project(x, height, z), cam.project(x, .1, z)], 1)
    tone = light.seen(colour, (z0 + z1) / 2)
    gap = np.abs(np.diff(bars[:, 0, 0], append=bars[-1:, 0, 0]))
    for near, width in ((z < 12, 1.), (z >= 12, .4)):  # bars that merge are left out: the panel would turn solid
        chosen = bars[near & (gap > 1.6)]
        if len(chosen):
            canvas.lines(list(canvas._fixed(chosen)), width, tone)
    for post in bars[::12]:
        canvas.line(post, max(.06 * cam.scale(z0) * .5, .8), tone)
    for y in (height, height * .12):
        pieces = np.linspace(z0, z1, 6)
        for a, b in zip(pieces[:-1], pieces[1:]):
            canvas.line(cam.project(x, y, [a, b]), .05 * cam.scale(a), light.seen(colour, a))


def draw_pole(canvas: Canvas, cam: Camera, light: Light, x, z, height, thick, colour, arm=0., lamp=False):
    """A post, with an arm over the road if ``arm`` (signed metres)."""
    number = canvas.stroke(POLE)
    foot, top = cam.project(x, [0, height], z)
    metre = cam.scale(z)
    tone = light.seen(colour, z, .9)
    half = max(thick * metre / 2, .55)
    canvas.polygon([foot - [half, 0], top - [half * .7, 0], top + [half * .7, 0], foot + [half, 0]], tone, number)
    if half > 2:
        canvas.polygon([foot - [half, 0], top - [half * .7, 0], top - [half * .3, 0], foot - [half * .4, 0]],
                       light.seen(np.multiply(colour, 1.3), z))
    if arm:
        tip = cam.project(x + arm, height + .35, z)
        canvas.line([top, (top + tip) / 2 - [0, .1 * metre], tip], max(thick * .6 * metre, 1.), tone, number)
        if lamp:
            glow = (255, 225, 160) if light.night > .3 else np.multiply(colour, 1.2)
            head = np.array([tip - [.3 * metre * np.sign(arm), 0], tip + [.4 * metre * np.sign(arm), .12 * metre]])
            canvas.polygon([head[0], [head[1][0], head[0][1]], head[1], [head[0][0], head[1][1]]],
                           light.seen(glow, z), number)
            if light.night > .3:
                canvas.lamp(tip, metre * 1.5, (255, 200, 120), number)
    if height < 1.5:
        canvas.disc(top, half, half * .6, tone, number)


def _polygon_sign(kind, centre, r):
    if kind == 'triangle':
        return [centre + r * np.array(p) for p in ((0, -1.1), (1, .7), (-1, .7))]
    if kind in ('board', 'panel'):
        w, h = (1.3, .7) if kind == 'board' else (.6, .9)
        return [centre + r * np.array(p) for p in ((-w, -h), (w, -h), (w, h), (-w, h))]
    angle = np.linspace(0, 2 * np.pi, 8 if kind == 'stop' else 18, endpoint=False) + np.pi / 8
    return [centre + r * np.array((np.cos(a), np.sin(a))) for a in angle]


def draw_sign(canvas: Canvas, cam: Camera, light: Light, x, z, height, size, kind, seed):
    """A pole with one or two plates; ``kind``: ring, blue, triangle, stop, board, panel."""
    rng = np.random.default_rng(seed)
    draw_pole(canvas, cam, light, x, z, height, .07, METAL[int(rng.integers(3))])
    number = canvas.stroke(SIGN)
    metre = cam.scale(z)
    shade = 1.05 if light.slant <= 0 else .8
    centre = cam.project(x, height, z)
    back = rng.random() < .15  # seen from behind: grey, the colour says nothing
    for _i in range(1 + (rng.random() < .35)):
        outer, inner = {'ring': ((200, 30, 36), (236, 234, 228)), 'blue': ((30, 74, 170), (30, 74, 170)),
                        'triangle': ((200, 30, 36), (236, 234, 228)), 'stop': ((196, 26, 32), (196, 26, 32)),
                        'board': ((228, 228, 224), ((20, 90, 60), (24, 60, 140), (40, 40, 44))[int(rng.integers(3))]),
                        'panel': (tuple(rng.uniform(40, 230, 3)), tuple(rng.uniform(40, 230, 3)))}[kind]
        if back:
            outer = inner = (140, 142, 142)
        r = size * metre
        canvas.polygon(_polygon_sign(kind, centre, max(r, 1.)), light.seen(outer, z, shade), number)
        canvas.polygon(_polygon_sign(kind, centre, r * (.74 if kind != 'board' else .92)),
                       light.seen(inner, z, shade))
        if r > 5 and not back:
            ink = (30, 30, 34) if np.mean(inner) > 128 else (236, 236, 232)
            for row in np.linspace(-.3, .3, 2 if kind != 'board' else 3):
                canvas.line([centre + r * np.array([-.4, row]), centre + r * np.array([.4, row])], r * .13,
                            light.seen(ink, z, shade))
        centre = centre + [0, 2.1 * r]
        kind = ('panel', 'ring', 'triangle')[int(rng.integers(3))]


def draw_traffic_light(canvas, cam, light, x, z, height, state, arm=0.):
    draw_pole(canvas, cam, light, x, z, height, .12, (58, 62, 62), arm)
    number = canvas.stroke(SIGN)
    metre = cam.scale(z)
    for centre in [cam.project(x, height - .4, z)] + ([cam.project(x + arm, height + .2, z)] if arm else []):
        w, h = .22 * metre, .5 * metre
        canvas.polygon([centre + [-w, -h], centre + [w, -h], centre + [w, h], centre + [-w, h]],
                       light.seen((24, 26, 26), z), number)
        for i, (lit, dark) in enumerate((((255, 60, 40), (70, 24, 20)), ((255, 190, 60), (80, 60, 24)),
                                         ((60, 255, 170), (20, 66, 48)))):
            at = centre + [0, (i - 1) * .3 * metre]
            canvas.disc(at, .11 * metre, .11 * metre, light.seen(lit if i == state else dark, z))
            if i == state:
                canvas.lamp(at, .35 * metre, lit, number)


def draw_wires(canvas, cam, light, x0, z0, x1, z1, height, sag):
    """Overhead wires: in the image, not in the label (nobody labels them)."""
    t = np.linspace(0, 1, 12)
    z = z0 + (z1 - z0) * t
    points = cam.project(x0 + (x1 - x0) * t, height - 4 * sag * t * (1 - t), z)
    for a, b, depth in zip(points[:-1], points[1:], z):
        canvas.line([a, b], float(np.clip(.025 * cam.scale(depth), .3, 1.2)), light.seen((40, 40, 44), depth))


def draw_bin(canvas, cam, light, x, z, colour):
    """Litter bins and cabinets are void, as in the data set whose classes these are."""
    number = canvas.stroke(VOID)
    a, b, c, d = (cam.project(x + dx, y, z) for dx, y in ((-.28, 0), (-.25, 1.1), (.25, 1.1), (.28, 0)))
    canvas.polygon([a, b, c, d], light.seen(colour, z), number)
    canvas.polygon([b, c, (c * 3 + d) / 4, (b * 3 + a) / 4], light.seen(np.multiply(colour, .6), z))
