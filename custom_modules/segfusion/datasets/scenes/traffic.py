"""Cars, vans and buses as boxes with a profile; walking people; riders."""
import cv2
import numpy as np

from .canvas import BICYCLIST, CAR, PEDESTRIAN, Camera, Canvas, Light, circle
from .ground import shade_under

PAINTS = ((190, 190, 192), (226, 226, 224), (44, 46, 50), (92, 96, 100), (150, 28, 30), (36, 56, 110), (30, 74, 64),
          (176, 160, 124), (120, 130, 140), (60, 20, 28), (86, 130, 168), (200, 170, 60))
# (length, width, height), waist, and the roof line as (share of length from the front, share of height)
BODIES = {
    'car': ((4.2, 1.75, 1.45), .62, ((0., .48), (.06, .58), (.24, .66), (.42, .98), (.74, 1.), (.95, .68), (1., .62))),
    'hatch': ((3.7, 1.65, 1.5), .6, ((0., .48), (.05, .6), (.2, .66), (.38, .98), (.86, 1.), (1., .6))),
    'van': ((4.9, 1.95, 2.2), .52, ((0., .4), (.05, .5), (.16, .58), (.28, .98), (1., 1.))),
    'bus': ((10.5, 2.5, 3.), .42, ((0., .96), (.02, 1.), (1., 1.))),
}
_PUDDLE = circle(10) * (.34, .07)  # metres; the soft shadow round somebody's feet
SKIN = ((224, 180, 150), (196, 146, 112), (140, 96, 70), (92, 64, 48))
CLOTHES = ((30, 32, 40), (52, 56, 70), (90, 92, 98), (150, 40, 44), (40, 70, 130), (196, 192, 184), (70, 84, 56),
           (120, 90, 60), (176, 96, 52), (60, 60, 60), (168, 150, 60), (110, 60, 110))


def draw_car(canvas: Canvas, cam: Camera, light: Light, x, z, body, away, seed):
    """A vehicle parallel to the street, its end nearest to the camera at ``z``; ``away``: we see its rear."""
    rng = np.random.default_rng(seed)
    (length, width, height), waist, profile = BODIES[body]
    paint = np.float32(PAINTS[int(rng.integers(len(PAINTS)))]) * rng.uniform(.85, 1.1)
    glass = np.float32((48, 56, 64)) if rng.random() < .7 else np.float32(light.haze_colour) * .6
    front = z + length if away else z
    step = -length if away else length
    lines = [(front + share * step, tall * height) for share, tall in profile]
    number = canvas.stroke(CAR)
    far = z + length
    foot = [cam.project(x + dx, 0, at) for dx, at in ((-width * .56, z - .2), (width * .56, z - .2),
                                                      (width * .56, far), (-width * .56, far))]
    shade_under(canvas, np.stack(foot), .75)
    clear = .2  # metres between ground and sills
    side = -1 if x > cam.x else 1
    seen_side = abs(x - cam.x) > width / 2
    lit = 1. if light.sun == 0 else (1.1 if light.sun == side else light.shade * 1.15)
    edge = x + side * width / 2

    outline = [cam.project(edge, y, at) for at, y in lines]
    outline += [cam.project(edge, clear, at) for at in (lines[-1][0], lines[0][0])]
    low = min(lines[0][1], lines[-1][1])  # the box below the waist first, so that no seam shows what is behind
    box = np.concatenate([cam.project([x - width * .49, x + width * .49], y, [at, at])
                          for y in (clear, low) for at in (z, far)])
    canvas.polygon(cv2.convexHull(box.astype(np.float32))[:, 0], light.seen(paint * .5, z), number)
    # every cross-section, far to near, so that roof and bonnet are there whatever the height of the camera
    order = range(len(lines)) if away else range(len(lines) - 1, -1, -1)
    last = None
    for i in order:
        at, y = lines[i]
        edges = [cam.project(x - width * .495, y, at), cam.project(x + width * .495, y, at)]
        if last is not None:
            seen, was_at, was_y = last
            screen = abs(y - was_y) > .3 * abs(at - was_at) and min(y, was_y) >= waist * height * .9
            tone = glass * 1.1 if screen else paint
            canvas.polygon([seen[0], seen[1], edges[1], edges[0]], light.seen(tone, z, 1.12), number)
        last = edges, at, y
    if seen_side:
        canvas.polygon(outline, light.seen(paint, z, lit * .86), number)
    tiny = cam.scale(z) < 5  # pixels a metre: no details to see
    if seen_side and not tiny:
        _side_windows(canvas, cam, light, lines, edge, waist * height, height, glass, z, body)
        for share in (.17, .8):
            _wheel(canvas, cam, light, edge, front + share * step, .33 if body != 'bus' else .48, z, number)
    _end(canvas, cam, light, rng, x, z, width, height, waist, clear, paint, glass, away, number, body,
         lines[-1] if away else lines[0])


def _side_windows(canvas, cam, light, lines, edge, waist, height, glass, z, body):
    top = height * .93
    cabin = [at for at, y in lines if y > .9 * height]
    if not cabin:
        return
    lo, hi = min(cabin), max(cabin)
    span = max(hi - lo, .5)
    count = {'car': 2, 'hatch': 2, 'van': 1, 'bus': 7}[body]
    if body == 'van':
        hi = lo + .35 * span if lines[0][0] < lines[-1][0] else hi
        lo = hi - .3 * span if lines[0][0] > lines[-1][0] else lo
        span = hi - lo
    flare = {'car': .3, 'hatch': .25, 'van': .1, 'bus': -.03}[body]
    lo, span = lo - flare * .6, span + 1.2 * flare
    for i in range(count):
        a, b = lo + span * (i + .06) / count, lo + span * (i + .94) / count
        slant_a, slant_b = (flare if i == 0 else 0), (flare if i == count - 1 else 0)
        canvas.polygon([cam.project(edge, top, a + slant_a), cam.project(edge, top, b - slant_b),
                        cam.project(edge, waist * 1.04, b), cam.project(edge, waist * 1.04, a)], light.seen(glass, z))


def _wheel(canvas, cam, light, edge, at, radius, z, number):
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    for size, tone in ((1., (22, 22, 24)), (.58, (128, 130, 132))):
        points = cam.project(edge, radius + size * radius * np.sin(angle), at + size * radius * np.cos(angle))
        canvas.polygon(points, light.seen(tone, z), number)


def _end(canvas, cam, light, rng, x, z, width, height, waist, clear, paint, glass, away, number, body, edge_line):
    """Rear or front: body, window, lights, plate."""
    shade = .8 if light.sun == 0 else (1. if light.slant < 0 else light.shade * 1.2)

    def at(u, y):
        return cam.project(x + u * width / 2, y * height, z)

    belt = edge_line[1] / height
    tall = belt if body in ('car', 'hatch') else 1.
    canvas.polygon([at(-.92, tall), at(.92, tall), at(1, tall * .8), at(1, clear / height), at(-1, clear / height),
                    at(-1, tall * .8)], light.seen(paint, z, shade), number)
    if body in ('van', 'bus') and (away or body == 'bus'):
        low = .55 if body == 'van' else .38
        canvas.polygon([at(-.8, .93), at(.8, .93), at(.84, low), at(-.84, low)], light.seen(glass, z))
        if body == 'bus':
            canvas.polygon([at(-.6, .99), at(.6, .99), at(.6, .94), at(-.6, .94)], light.seen((230, 150, 40), z))
    if cam.scale(z) < 4:
        return
    bumper = (clear + .28) / height
    canvas.polygon([at(-.98, bumper), at(.98, bumper), at(.98, clear / height), at(-.98, clear / height)],
                   light.seen(paint * .45, z, shade))
    for u in (-.42, .42):  # tyres seen below the bumper
        tyre = [at(u - .14, clear / height), at(u + .14, clear / height), at(u + .14, 0), at(u - .14, 0)]
        tyre = [p + (at(.38 * np.sign(u), 0) - at(0, 0)) for p in tyre]
        canvas.polygon(tyre, light.seen((24, 24, 26), z), number)
    lamp_y = belt * .78 if body != 'bus' else .22
    on = light.night > .3 or rng.random() < .25
    tone = ((255, 50, 30) if on else (150, 24, 24)) if away else ((255, 250, 230) if on else (205, 208, 210))
    for u in (-.82, .82):
        a, b = at(u - .13, lamp_y + .07), at(u + .13, lamp_y - .05)
        canvas.polygon([a, [b[0], a[1]], b, [a[0], b[1]]], light.seen(tone, z))
        if on and light.night > .3:
            canvas.lamp((a + b) / 2, .5 * cam.scale(z), tone, number)
    plate = (220, 190, 60) if away else (225, 225, 220)
    canvas.polygon([at(-.26, bumper * 1.25), at(.26, bumper * 1.25), at(.26, bumper * 1.0), at(-.26, bumper * 1.0)],
                   light.seen(plate, z, shade))


def _limb(canvas, points, width, colour, number):
    canvas.line(points, max(width, .8), colour, number)


def draw_person(canvas: Canvas, cam: Camera, light: Light, x, z, height, seed):
    """Somebody walking or standing, seen from any side."""
    rng = np.random.default_rng(seed)
    metre = cam.scale(z) * height / 1.75
    foot = cam.project(x, 0, z)
    shade_under(canvas, foot + metre * _PUDDLE, .45)
    number = canvas.stroke(PEDESTRIAN)
    shade = .9 if light.sun == 0 else rng.choice([1.05, light.shade * 1.2])
    coat, legs = (light.seen(CLOTHES[int(i)], z, shade) for i in rng.integers(len(CLOTHES), size=2))
    skin = light.seen(SKIN[int(rng.integers(len(SKIN)))], z, shade)
    hair = light.seen(((40, 30, 24), (90, 66, 40), (24, 22, 22), (150, 130, 100))[int(rng.integers(4))], z, shade)
    stride, turn = rng.uniform(0, .28), rng.uniform(.55, 1.)

    def p(u, y):
        return foot + metre * np.array([u * turn, -y])

    for sign in (-1, 1):
        hip, knee, heel = p(sign * .08, .86), p(sign * (.08 + stride * .5), .46), p(sign * (.07 + stride), .03)
        _limb(canvas, [hip, knee, heel], .14 * metre, legs, number)
        canvas.polygon([heel, heel + metre * np.array([.12, 0]), heel + metre * np.array([.12, .04]),
                        heel + metre * np.array([-.06, .04])], light.seen((30, 28, 28), z), number)
    hem = .8 - .22 * (rng.random() < .35)
    canvas.polygon([p(-.23, 1.4), p(-.1, 1.5), p(.1, 1.5), p(.23, 1.4), p(.2, hem), p(-.2, hem)], coat, number)
    swing = rng.uniform(-.18, .18)
    dark = tuple(c * .85 for c in coat)
    for sign in (-1, 1):
        _limb(canvas, [p(sign * .24, 1.4), p(sign * .28 + swing * sign, 1.1), p(sign * .26 + swing, .84)], .095 * metre,
              dark, number)
    if rng.random() < .35:
        bag = light.seen(CLOTHES[int(rng.integers(len(CLOTHES)))], z, shade)
        side = rng.choice([-1, 1])
        canvas.polygon([p(side * .2, 1.05), p(side * .44, 1.05), p(side * .44, .72), p(side * .22, .72)], bag, number)
    head = p(0, 1.62)
    canvas.disc(head, .105 * metre, .135 * metre, skin, number)
    canvas.disc(head - [0, .05 * metre], .11 * metre, .095 * metre, hair, number)


def draw_rider(canvas: Canvas, cam: Camera, light: Light, x, z, facing, seed):
    """A bicycle and its rider; ``facing`` 0 along the street, 1 across it."""
    rng = np.random.default_rng(seed)
    metre = cam.scale(z)
    foot = cam.project(x, 0, z)
    shade_under(canvas, foot + metre * _PUDDLE * (1 + facing, 1), .45)
    number = canvas.stroke(BICYCLIST)
    shade = .9 if light.sun == 0 else rng.choice([1.05, light.shade * 1.2])
    coat, legs, frame = (light.seen(CLOTHES[int(i)], z, shade) for i in rng.integers(len(CLOTHES), size=3))
    skin = light.seen(SKIN[int(rng.integers(len(SKIN)))], z, shade)
    tyre = light.seen((26, 26, 28), z)
    way = rng.choice([-1, 1])
    squeeze = way * max(facing, .12)

    def p(along, y, across=0.):
        return foot + metre * np.array([along * squeeze + across, -y])

    angle = np.linspace(0, 2 * np.pi, 17)
    for hub in (-.52, .52):
        ring = np.stack([p(hub + .34 * np.cos(a), .34 + .34 * np.sin(a)) for a in angle])
        canvas.line(ring, max(.05 * metre, .8), tyre, number)
    for a, b in (((-.52, .34), (-.05, .32)), ((-.05, .32), (-.2, .86)), ((-.05, .32), (.38, .84)),
                 ((-.2, .8), (.38, .84)), ((.52, .34), (.36, 1.)), ((-.52, .34), (-.2, .8))):
        canvas.line([p(*a), p(*b)], max(.045 * metre, .8), frame, number)
    bar = .25 * (1 - facing)
    canvas.line([p(.36, 1.02, -bar), p(.36, 1.02, bar)], max(.04 * metre, .8), tyre, number)
    for sign in (-1, 1):
        across = sign * .1 * (1 - facing * .7)
        low = .2 if sign > 0 else .45
        _limb(canvas, [p(-.16, .95, across), p(.16, .62 + .12 * (sign < 0), across * 1.2), p(0, low, across)],
              .13 * metre, legs, number)
    wide = .2 * (1 - facing) + .12
    canvas.polygon([p(-.2, .92, -wide * .8), p(.12, 1.42, -wide), p(.16, 1.5, 0), p(.12, 1.42, wide),
                    p(-.2, .92, wide * .8)], coat, number)
    for sign in (-1, 1):
        _limb(canvas, [p(.12, 1.38, sign * wide), p(.3, 1.15, sign * wide * 1.2), p(.4, 1.05, sign * wide)],
              .085 * metre, tuple(c * .85 for c in coat), number)
    head = p(.22, 1.62)
    canvas.disc(head, .1 * metre, .13 * metre, skin, number)
    helmet = light.seen(((230, 230, 230), (40, 40, 44), (190, 40, 40), (70, 54, 40))[int(rng.integers(4))], z, shade)
    canvas.disc(head - [0, .05 * metre], .11 * metre, .09 * metre, helmet, number)
