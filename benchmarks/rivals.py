"""SFNet and SFNet-Lite among the real-time networks of stock mmseg: latency measured here, accuracy as published.

    python benchmarks/rivals.py                          # two threads, 512x1024 -> the table and the picture
    python benchmarks/rivals.py --device cuda --json benchmarks/results/rivals-cuda.json --picture rivals-cuda.png
    python benchmarks/rivals.py --draw-only              # the picture again, from the table

All networks run in turn in one process, one image of noise, 19 classes, each as it is and prepared by
``prepare_for_inference``. Accuracy is that of ``published.yaml``, which names the source of every figure.
"""
import argparse
import copy
import json
import sys
from functools import partial
from pathlib import Path

import torch
import yaml

from segfusion import register_all
from segfusion.deploy import prepare_for_inference
from segfusion.diagnosis.cost import build_segmentor, count
from segfusion.diagnosis.race import ResultFile, race
from segfusion.visualization import Rival, draw_trade_off

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ['network', 'params (M)', 'GMACs', 'as it is (ms)', 'prepared (ms)', 'faster by', 'mIoU (%), published',
           'split', 'source']
FORMATS = ['', '.2f', '.1f', '.0f', '.0f', '.2f', '.2f', '', '']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', type=int, nargs=2, default=[512, 1024], metavar=('H', 'W'))
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--json', type=Path, default=ROOT / 'benchmarks/results/rivals.json')
    parser.add_argument('--picture', type=Path, default=ROOT / 'docs/images/rivals.png')
    parser.add_argument('--draw-only', action='store_true', help='draw what --json holds')
    args = parser.parse_args()
    if not args.draw_only:
        measure(args)
    draw(json.loads(args.json.read_text()), args.picture)


def measure(args) -> None:
    register_all()
    torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True
    results = ResultFile(args.json, ' '.join(['python', 'benchmarks/rivals.py', *sys.argv[1:]]), args.device,
                         size=f'{args.size[0]}x{args.size[1]}', repeats=args.repeats, on_gpu=args.device != 'cpu')
    image = torch.randn(1, 3, *args.size, device=args.device)
    packed = image.contiguous(memory_format=torch.channels_last)
    published = yaml.safe_load((ROOT / 'benchmarks/published.yaml').read_text())
    costs, runs = {}, {}
    for row in published:
        report(f'preparing {row["name"]}')
        model = build_segmentor(ROOT / row['config'], {'model.auxiliary_head': None})
        costs[row['name']] = count(model, args.size)
        model = model.to(args.device)
        prepared = prepare_for_inference(copy.deepcopy(model))
        runs[row['name'], 'as it is'] = partial(model, image)
        runs[row['name'], 'prepared'] = partial(prepared, packed)
    with torch.no_grad():
        laps = race(runs, args.repeats, args.device, memory=False, report=report)
    rows = []
    for row in published:
        params, _, macs = costs[row['name']]
        times = [laps[row['name'], way].median for way in ('as it is', 'prepared')]
        link = f'[{"/".join(row["source"].split("/")[3:5])}]({row["source"]})' if 'source' in row else None
        rows.append([row['name'], params / 1e6, macs / 1e9, *times, times[0] / times[1], row.get('miou'),
                     row.get('split'), link])
    results.add('networks', COLUMNS, sorted(rows, key=lambda row: row[4]), FORMATS)


def report(text) -> None:
    print(text, file=sys.stderr, flush=True)


def draw(content: dict, path: Path) -> None:
    machine, facts = content['machine'], content['facts']
    rows = [dict(zip(COLUMNS, row)) for row in content['tables']['networks']['rows']]
    rivals = [Rival(row['network'], row['as it is (ms)'], row['prepared (ms)'], row['mIoU (%), published'],
                    row['split'], row['network'].startswith('SFNet'))
              for row in rows if row['mIoU (%), published'] is not None]
    place = machine['device']
    if not facts['on_gpu']:
        place = f'{machine["threads"]} threads of {place}'
    figure = draw_trade_off(rivals, f'ms for one image of {facts["size"]}, measured here: {place}',
                            'Cityscapes mIoU (%), as published at 1024x2048')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


if __name__ == '__main__':
    main()
