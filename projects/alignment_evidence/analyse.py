"""Where the trained networks move, and what it gains: tables, a figure and pictures beside this file.

    python projects/alignment_evidence/analyse.py             # after tools/study.py, also while it goes on
    python tools/update_tables.py                             # into README.md

Every network sees the test set once, at half size; what was found is kept in displacement.json beside this file, so
that networks trained on another machine take part.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmseg.registry import DATASETS

from segfusion import register_all
from segfusion.datasets.files import write_whole
from segfusion.deploy import load_segmentor
from segfusion.diagnosis.race import ResultFile
from segfusion.study.configs import lasting_fingerprints, merged_configs
from segfusion.study.costs import measure_costs
from segfusion.study.displacement import EDGES, measure
from segfusion.study.plan import load_study
from segfusion.study.state import DONE, Folder
from segfusion.study.statistics import paired, spread
from segfusion.study.summary import summarise
from segfusion.visualization import draw_panel, inspect

HERE = Path(__file__).resolve().parent
BINS = [*(f'{low}-{high} px' for low, high in zip(EDGES, EDGES[1:])), f'{EDGES[-1]} px-']
SCORES = dict(mIoU='mIoU', mBIoU='Boundary IoU', trimap_mIoU_3px='trimap 3 px', mBF_3px='boundary F 3 px')


def look(study, configs, out, path):
    """What :func:`measure` finds for every finished member that is here or was elsewhere: name -> found."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    for name, config in configs.items():
        folder, key = Folder(out, name), lasting_fingerprints(config, study.checkpoint)
        state, checkpoint = folder.read(), folder.last_checkpoint()
        if name in kept and kept[name]['fingerprints'] != key:
            del kept[name]  # of a config that is no more
        if state.status != DONE or not checkpoint or kept.get(name, {}).get('trained') == state.changed:
            continue
        print(f'analyse: looking at {name}', file=sys.stderr)
        found = measure(*network(config, checkpoint), config.test_evaluator)
        kept[name] = dict(fingerprints=key, trained=state.changed, found=found)
        write_whole(path, json.dumps(kept) + '\n')
    return {name: one['found'] for name, one in kept.items()}


def network(config, checkpoint):
    """A member and the test set, both at half size."""
    config = Config(config.to_dict())
    data = dict(config.test_dataloader.dataset, pipeline=config.half_pipeline)
    return load_segmentor(config, str(checkpoint)), DATASETS.build(data)


def text(values, digits=2, signed=False):
    found = spread([v for v in values if v is not None])
    return None if found is None else found.text(digits, signed)


def tables(file, summary, found):
    """``found``: combination -> seed -> result of :func:`measure`."""
    rows = [row for row in summary.rows if row.name in found]
    half = {name: {seed: one['scores'] for seed, one in seeds.items()} for name, seeds in found.items()}
    full = {row.name: {seed: result.metrics for seed, result in row.results.items()} for row in rows}
    file.add('scores', ['network', 'seeds', *(f'{name}, 360x480' for name in SCORES.values()), 'mIoU, 180x240',
                        'Boundary IoU, 180x240', 'params (M)', 'GMACs', 'latency (ms)'], [
        [row.name, len(found[row.name]), *(text([m[key] for m in full[row.name].values()]) for key in SCORES),
         *(text([m[key] for m in half[row.name].values()]) for key in ('mIoU', 'mBIoU')),
         *(row.cost[key] * scale if key in row.cost else None
           for key, scale in (('params', 1e-6), ('macs', 1e-9), ('latency', 1)))] for row in rows],
        [''] * 8 + ['.2f', '.2f', '.1f'])
    cells = []
    for row in rows:
        for size, scores in (('360x480', full), ('180x240', half)):
            base = scores.get(summary.baseline, {})
            change = [paired(*({s: m[key] for s, m in one.items()} for one in (scores[row.name], base)))
                      for key in SCORES]
            if row.name != summary.baseline and change[0]:
                cells.append([row.name, size, change[0].n, *(c.text(signed=True) for c in change)])
    file.add('differences', ['network', f'scored at; against {summary.baseline}', 'pairs', *SCORES.values()], cells)
    widths = [name for name in summary.metrics if name.startswith('trimap_mIoU_')]
    for size, scores in (('360x480', full), ('180x240', half)):
        file.add(f'trimap-{size}', ['network', *(name.split('_')[-1].replace('px', ' px') for name in widths)],
                 [[row.name, *(text([m[w] for m in scores[row.name].values()]) for w in widths)] for row in rows])
    for what, digits in (('length', 2), ('away', 2), ('cosine', 2)):
        cells = []
        for row in rows:
            seeds = [one['profiles'] for one in found[row.name].values()]
            for field in seeds[0]:
                each = [profiles[field] for profiles in seeds]
                cells.append([row.name, field, each[0]['scale'],
                              *(text([p[what][i] for p in each], digits) for i in range(len(BINS)))])
        file.add(what, ['network', 'field', 'a fine pixel (px)', *BINS], cells, ['', '', '.1f', *[''] * len(BINS)])


def figure(found, what, title, path):
    """A profile against the distance to the boundary, one curve a seed, one panel a field."""
    from matplotlib.figure import Figure
    every = [one['profiles'] for seeds in found.values() for one in seeds.values()]
    names = list(dict.fromkeys(name for profiles in every for name in profiles))
    if not names:
        return
    at = [(low + high) / 2 for low, high in zip(EDGES, [*EDGES[1:], 2 * EDGES[-1]])]
    across = min(len(names), 4)
    down = -(-len(names) // across)
    drawing = Figure(figsize=(3.6 * across, 2.8 * down), layout='constrained')
    for number, name in enumerate(names, 1):
        axes = drawing.add_subplot(down, across, number)
        for i, (network_, seeds) in enumerate(found.items()):
            curves = [one['profiles'][name][what] for one in seeds.values() if name in one['profiles']]
            for k, curve in enumerate(curves):
                axes.plot(at, [np.nan if v is None else v for v in curve], f'C{i}', marker='.', lw=1,
                          label=None if k else network_)
        axes.set(title=name, xscale='symlog', xlabel='distance to the nearest boundary (px)')
        axes.axhline(0, color='0.7', lw=0.8, zorder=0)
        axes.legend(fontsize=7)
    drawing.supylabel(f'{title} (px of 180x240)')
    drawing.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--study', default=HERE / 'study.py', type=Path)
    parser.add_argument('--out', default='work_dirs/alignment_evidence', type=Path, help='of the study')
    parser.add_argument('--to', default=HERE, type=Path, help='folder of analysis.json and the pictures')
    parser.add_argument('--index', default=100, type=int, help='test image of the pictures')
    args = parser.parse_args()
    register_all()
    study = load_study(args.study)
    configs, found, drawn = merged_configs(study), {}, {}
    looks = look(study, configs, args.out, args.to / 'displacement.json')
    for member in study.members:
        folder = Folder(args.out, member.name)
        if member.name in looks and folder.read().status == DONE:
            found.setdefault(member.group, {})[member.seed] = looks[member.name]
            if folder.last_checkpoint():
                drawn.setdefault(member.group, (configs[member.name], folder))
    summary = summarise(study, args.out)
    costs = measure_costs(study, configs, args.out, print)[0] if found else {}
    for row in summary.rows:
        row.cost = costs.get(row.name, {})
    file = ResultFile(args.to / 'analysis.json', 'python projects/alignment_evidence/analyse.py', image='180x240')
    tables(file, summary, found)
    if not found:
        print(f'analyse: no member of {args.study.name} is finished in {args.out}, so the tables are empty; run '
              'tools/study.py first', file=sys.stderr)
        return 1
    figure(found, 'length', 'mean displacement', args.to / 'displacement.png')
    figure(found, 'away', 'part away from the boundary', args.to / 'away.png')
    for name, (config, folder) in drawn.items():
        if found[name][next(iter(found[name]))]['profiles']:
            model, dataset = network(config, folder.last_checkpoint())
            panel = draw_panel(*inspect(model, dataset[args.index]), dataset.metainfo['palette'],
                               dataset.metainfo['classes'], show=('prediction', 'boundary', 'offset', 'arrows'))
            panel.quantize(256).save(args.to / f'fields_{name}.png', optimize=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
