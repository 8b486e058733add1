"""What stands where: a street drawn by lot, in metres, without any image yet."""
from dataclasses import dataclass
from functools import partial
from typing import Callable, List, Tuple

import numpy as np

from .canvas import BUILDING, PAVEMENT, TREE, Camera, Light
from .facades import WALLS, House, draw_house
from .furniture import (
    METAL,
    draw_bin,
    draw_boards,
    draw_hedge,
    draw_pole,
    draw_railing,
    draw_sign,
    draw_traffic_light,
    draw_tree,
    draw_wires,
)
from .ground import Street
from .traffic import draw_car, draw_person, draw_rider

FAR = 150  # metres of street that are built

# zenith, horizon, cloud colour; cover; shade, haze a metre, tint, exposure
WEATHER = {
    'noon': ((92, 142, 206), (196, 216, 232), (244, 246, 248), -.5, .5, .0016, (1., 1., .98), 1.12),
    'morning': ((120, 158, 200), (244, 226, 196), (250, 236, 216), -.2, .46, .0030, (1.06, 1., .9), 1.05),
    'overcast': ((176, 182, 190), (224, 226, 228), (236, 238, 240), .7, .85, .0028, (.97, 1., 1.03), .98),
    'fog': ((206, 210, 212), (216, 218, 220), (216, 218, 220), 1., .92, .022, (1., 1., 1.01), .98),
    'dusk': ((72, 84, 112), (214, 168, 140), (142, 124, 126), .1, .66, .0035, (.98, .97, 1.03), .72),
}
CHANCES = (('noon', .34), ('morning', .2), ('overcast', .26), ('fog', .08), ('dusk', .12))


@dataclass
class World:
    """Everything an image is painted from; ``things`` are (distance, painter) and painted far to near."""
    camera: Camera
    light: Light
    street: Street
    sky: tuple
    things: List[Tuple[float, Callable]]
    leafy: List[tuple]  # crowns that throw shadows: x, z, radius
    blobs: List[tuple]  # posts and cars that do: x, z, half width, height
    skyline: List[tuple]
    seed: int

    def add(self, distance: float, painter: Callable, **kwargs):
        """Something that ``painter`` paints, after all that is further away than ``distance``."""
        self.things.append((distance, partial(painter, **kwargs)))


def draw_world(rng: np.random.Generator) -> World:
    """One street. Only ``rng`` decides, so a scene is the same at every size of the image."""
    names, chances = zip(*CHANCES)
    weather = str(rng.choice(names, p=chances))
    zenith, horizon, cloud, cover, shade, haze, tint, exposure = WEATHER[weather]
    dull = shade > .7
    sun = 0 if dull else int(rng.choice([-1, 1]))
    light = Light(sun, rng.uniform(.35, 1.6), rng.uniform(-.8, .8), shade * rng.uniform(.85, 1.1),
                  haze * rng.uniform(.7, 1.4), horizon, tint, exposure * rng.uniform(.85, 1.12),
                  float(weather == 'dusk'))
    drive = int(rng.choice([-1, 1]))
    parking = rng.random(2) < .45
    road = (-rng.uniform(3., 4.) - 2.1 * parking[0], rng.uniform(3., 4.) + 2.1 * parking[1])
    walk = tuple(rng.uniform(1.6, 4., 2))
    camera = Camera(rng.uniform(.72, 1.1), drive * rng.uniform(1.2, 2.), rng.uniform(1.25, 1.9), rng.uniform(.37, .5),
                    rng.uniform(.28, .72), float(rng.choice([0., 1.])) * rng.normal(0, .004))
    street = Street(road, walk, tuple(int(v) for v in rng.choice([TREE, PAVEMENT], 2)), [],
                    float(rng.uniform(7, 25)) if rng.random() < .25 else 0.,
                    str(rng.choice(['asphalt', 'asphalt', 'asphalt', 'setts', 'concrete'])),
                    str(rng.choice(['slabs', 'slabs', 'asphalt', 'brick'])),
                    str(rng.choice(['centre', 'centre', 'lanes', 'double', 'none'])))
    world = World(camera, light, street, (zenith, horizon, cloud, cover + rng.normal(0, .5)), [], [], [], [],
                  int(rng.integers(1 << 31)))
    season = str(rng.choice(['summer', 'summer', 'dark', 'autumn', 'bare', 'bare']))
    for side in (-1, 1):
        _row(world, rng, side, season)
        _furniture(world, rng, side, season)
        _people(world, rng, side)
    _vehicles(world, rng, drive, parking)
    for distance in (420., 260., 165.):
        kind = BUILDING if rng.random() < .55 else TREE
        colour = WALLS[int(rng.integers(len(WALLS)))] if kind == BUILDING else (76, 92, 58)
        world.skyline.append((kind, colour, distance))
    world.things.sort(key=lambda thing: -thing[0])
    return world


def _seed(rng) -> int:
    return int(rng.integers(1 << 31))


def _edges(world, side):
    """Kerb and building line of a side, metres."""
    i = (side + 1) // 2
    return world.street.road[i], world.street.road[i] + side * world.street.walk[i]


def _tree(world, rng, x, z, season, small=False):
    height = rng.uniform(4, 7) if small else rng.uniform(6, 13)
    spread = height * rng.uniform(.25, .4)
    leaves = season if rng.random() < .75 else str(rng.choice(['summer', 'dark', 'bare']))
    world.add(z, draw_tree, x=x, z=z, height=height, spread=spread, leaves=leaves, seed=_seed(rng))
    if leaves != 'bare':
        world.leafy.append((x, z, spread, height * .6))
    world.blobs.append((x, z, .16, height * .5))


def _row(world, rng, side, season):
    """Houses, gaps with gardens, and side streets along one side."""
    _, line = _edges(world, side)
    roofline = np.zeros(FAR + 2, np.float32)
    z, before = -rng.uniform(2, 8), 0.  # height of the house before this one
    town = rng.uniform(.35, 1.)  # how closely built
    tall, style = rng.uniform(5, 14), str(rng.choice(['brick', 'plain', 'plain', 'glass']))
    setback = 0. if rng.random() < .55 else rng.uniform(1.5, 7)
    while z < FAR:
        lot = rng.random()
        if lot < .12 and z > 6:
            width = rng.uniform(6, 9)
            world.street.junctions.append((side, z, z + width))
            z, before = z + width, 0.
            continue
        length = rng.uniform(5, 20)
        if lot < .12 + .6 * (1 - town):
            length = rng.uniform(8, 28)
            _garden(world, rng, side, line, z, z + length, season)
            z, before = z + length, 0.
            continue
        height = float(np.clip(tall + rng.normal(0, 1.5), 3.5, 20)) * (1.8 if rng.random() < .06 else 1)
        wall = np.multiply(WALLS[int(rng.integers(len(WALLS)))], rng.uniform(.8, 1.15))
        house = House(side, line + side * setback, z, z + length, height, rng.choice([0, rng.uniform(2, 4)]),
                      tuple(wall), style if rng.random() < .7 else 'plain', setback < .5 and rng.random() < .5,
                      rng.uniform(7, 12), height > before, _seed(rng))
        world.add(z + length, draw_house, house=house)
        lo, hi = int(max(z, 0)), int(max(z + length, 0))
        roofline[lo:hi] = max(height - setback, 0)
        if setback > 1:
            _boundary(world, rng, line, z, z + length)
            if rng.random() < .4:
                _tree(world, rng, line + side * setback * .5, rng.uniform(z, z + length), season, True)
        z, before = z + length, height
    world.street.roofline[side] = roofline


def _boundary(world, rng, line, z0, z1):
    kind = rng.choice(['railing', 'boards', 'hedge', 'none'], p=[.38, .2, .27, .15])
    key = max(z1, .1) - .01
    line = line + .05 * np.sign(line)
    if kind == 'railing':
        colour = METAL[int(rng.integers(len(METAL)))]
        world.add(key, draw_railing, x=line, z0=z0, z1=z1, height=rng.uniform(.9, 1.6), colour=colour)
    elif kind == 'boards':
        colour = ((140, 104, 70), (110, 92, 76), (88, 100, 84), (170, 160, 146))[int(rng.integers(4))]
        world.add(key, draw_boards, x=line, z0=z0, z1=z1, height=rng.uniform(1., 1.9), colour=colour, seed=_seed(rng))
    elif kind == 'hedge':
        world.add(key, draw_hedge, x=line, z0=z0, z1=z1, height=rng.uniform(.7, 2.), seed=_seed(rng))


def _garden(world, rng, side, line, z0, z1, season):
    _boundary(world, rng, line, z0, z1)
    for z in np.arange(max(z0, 2) + 2, z1, rng.uniform(4, 9)):
        _tree(world, rng, line + side * rng.uniform(1, 6), z + rng.uniform(-1, 1), season)
    world.add(z1 + .5, draw_hedge, x=line + side * rng.uniform(9, 16), z0=z0, z1=z1, height=rng.uniform(2, 5),
              seed=_seed(rng))


def _furniture(world, rng, side, season):
    kerb, line = _edges(world, side)
    walk = abs(line - kerb)
    if rng.random() < .65:
        tall, arm = rng.uniform(5, 9), -side * rng.uniform(.8, 2.2)
        colour, pitch = METAL[int(rng.integers(len(METAL)))], rng.uniform(18, 32)
        for z in np.arange(rng.uniform(4, 20), FAR, pitch):
            x = kerb + side * .4
            world.add(z, draw_pole, x=x, z=z, height=tall, thick=.15, colour=colour, arm=arm, lamp=True)
            world.blobs.append((x, z, .1, tall))
    if rng.random() < .3:  # telegraph poles and their wires
        x, tall, pitch = line + side * .2, rng.uniform(7, 9), rng.uniform(22, 34)
        stops = np.arange(rng.uniform(-15, 12), 130, pitch)
        for a in stops:
            if a > 2:
                world.add(a, draw_pole, x=x, z=a, height=tall, thick=.22, colour=(84, 70, 58))
            for dy in (0, .35, .8):
                world.add(a + pitch, draw_wires, x0=x, z0=max(a, 1.5), x1=x, z1=a + pitch, height=tall - dy, sag=.5)
            if rng.random() < .4:
                world.add(a, draw_wires, x0=x, z0=max(a, 2.), x1=-x * 1.1, z1=a + 4, height=tall - .2, sag=.35)
    if rng.random() < .4 and walk > 1.9:  # a row of trees
        for z in np.arange(rng.uniform(6, 18), 120, rng.uniform(8, 16)):
            _tree(world, rng, kerb + side * .7, z, season)
    for _ in range(rng.poisson(2.6)):
        z = float(np.exp(rng.uniform(np.log(5), np.log(70))))
        kind = str(rng.choice(['ring', 'blue', 'triangle', 'stop', 'board', 'panel'], p=[.25, .17, .2, .06, .18, .14]))
        size = rng.uniform(.28, .42) * (1.9 if kind == 'board' else 1)
        world.add(z, draw_sign, x=kerb + side * rng.uniform(.3, 1.), z=z, height=rng.uniform(2.2, 3.2), size=size,
                  kind=kind, seed=_seed(rng))
        world.blobs.append((kerb + side * .5, z, .06, 2.6))
    stops = [start for where, start, _ in world.street.junctions if where == side and start < 60]
    if world.street.crossing:
        stops.append(world.street.crossing)
    for z in stops:
        if rng.random() < .6:
            arm = -side * rng.uniform(2, 4) if rng.random() < .3 else 0.
            world.add(z, draw_traffic_light, x=kerb + side * .4, z=z, height=rng.uniform(3, 3.8) + (arm != 0) * 2,
                      state=int(rng.integers(3)), arm=arm)
    if rng.random() < .3:
        colour, tall = METAL[int(rng.integers(len(METAL)))], rng.uniform(.8, 1.1)
        start = rng.uniform(3, 20)
        for z in np.arange(start, start + rng.uniform(5, 25), rng.uniform(1.4, 2.5)):
            world.add(z, draw_pole, x=kerb + side * .35, z=z, height=tall, thick=.16, colour=colour)
    if rng.random() < .35:  # guard rail at the kerb
        start = rng.uniform(3, 25)
        world.add(start + .1, draw_railing, x=kerb + side * .25, z0=start, z1=start + rng.uniform(5, 20), height=1.05,
                  colour=METAL[int(rng.integers(len(METAL)))])
    if rng.random() < .3:
        z = rng.uniform(5, 30)
        world.add(z, draw_bin, x=line - side * .5, z=z, colour=tuple(rng.uniform(20, 120, 3)))


def _people(world, rng, side):
    kerb, line = _edges(world, side)
    for _ in range(rng.poisson(3.2)):
        z = float(np.exp(rng.uniform(np.log(4.5), np.log(75))))
        x = rng.uniform(*sorted((kerb + side * .3, line - side * .3)))
        for friend in range(1 + (rng.random() < .3)):
            world.add(z, draw_person, x=x + .6 * friend, z=z, height=rng.uniform(1.5,
                      1.9) * (.65 if rng.random() < .08 else 1), seed=_seed(rng))
            world.blobs.append((x + .6 * friend, z, .22, 1.7))
    if world.street.crossing and rng.random() < .5:
        z = world.street.crossing + rng.uniform(.5, 2.5)
        world.add(z, draw_person, x=rng.uniform(*world.street.road), z=z, height=rng.uniform(1.5, 1.9), seed=_seed(rng))


def _vehicles(world, rng, drive, parking):
    left, right = world.street.road
    cars: List[tuple] = []
    for side, edge, parked in ((-1, left, parking[0]), (1, right, parking[1])):
        lane = (abs(edge) - 2.1 * parked) / 2
        if parked:
            z, full = rng.uniform(1.5, 9), rng.uniform(.35, .95)
            while z < 90:
                if rng.random() < full:
                    cars.append((edge - side * 1.05, z, rng.random() < .8 if side == drive else rng.random() < .2))
                z += rng.uniform(5.3, 7)
        z = rng.uniform(7, 30) if side == drive else rng.uniform(5, 25)
        gap = rng.uniform(9, 45)
        while z < 120:
            cars.append((side * lane + rng.normal(0, .15), z, side == drive))
            z += 6 + rng.exponential(gap)
    for x, z, away in cars:
        body = str(rng.choice(['car', 'hatch', 'van', 'bus'], p=[.45, .33, .16, .06]))
        if body == 'bus' and abs(x) > 3:
            body = 'hatch'
        world.add(z, draw_car, x=x, z=z, body=body, away=bool(away), seed=_seed(rng))
        world.blobs.append((x, z + 2, 1., 1.4))
    for _ in range(rng.poisson(1.5)):
        side = int(rng.choice([-1, 1]))
        edge = world.street.road[(side + 1) // 2]
        z = float(np.exp(rng.uniform(np.log(4.5), np.log(50))))
        x = edge - side * (rng.uniform(.4, 1.1) + 2.1 * parking[(side + 1) // 2] * (rng.random() < .8))
        facing = 1. if rng.random() < .18 else rng.uniform(0, .5)
        world.add(z, draw_rider, x=x, z=z, facing=facing, seed=_seed(rng))
        world.blobs.append((x, z, .3, 1.6))
