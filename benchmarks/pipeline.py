"""Images a second and core of the training pipelines, by transform: mmseg's transforms against ours, interleaved.

    python benchmarks/pipeline.py

CamVid is read from CAMVID_ROOT. Images of Cityscapes' size are drawn, with the file size of real ones.
"""
import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS

from segfusion import register_all
from segfusion.diagnosis.pipeline import decoded_files, drawn_files, race_pipelines, workers
from segfusion.diagnosis.race import ResultFile

ROOT = Path(__file__).resolve().parents[1]
# name, file, images of a round
PIPELINES = [('CamVid, 360x480', 'camvid', 48), ('Cityscapes, 1024x1024', 'cityscapes_1024x1024', 16),
             ('Cityscapes, SFNet\'s recipe', 'cityscapes_1024x1024_class-uniform', 8)]
HEADS = ['mmseg', 'ms', 'ours', 'ms', 'times as fast']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--draws', type=int, help='images of a round; default 48, 16, 8')
    parser.add_argument('--size', type=int, nargs=2, default=[1024, 2048], help='of the drawn images')
    parser.add_argument('--rate', type=float, default=20., help='images a second that a GPU trains')
    parser.add_argument('--json', default=str(ROOT / 'benchmarks' / 'results' / 'pipeline.json'))
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    result = ResultFile(args.json, 'python benchmarks/pipeline.py', size='x'.join(map(str, args.size)), rate=args.rate)
    summary = []
    with tempfile.TemporaryDirectory() as folder:
        drawn = drawn_files(Path(folder), 4, tuple(args.size))
        result.content['facts']['MB a drawn image'] = round(
            sum(Path(info['img_path']).stat().st_size for info in drawn) / len(drawn) / 1e6, 2)
        for name, stem, draws in PIPELINES:
            config = Config.fromfile(ROOT / 'configs' / '_base_' / 'datasets' / f'{stem}.py')
            if stem == 'camvid':
                dataset = DATASETS.build(dict(config.train_dataloader.dataset, pipeline=[]))
                infos = [dataset.get_data_info(i) for i in range(0, len(dataset), 16)]
            else:
                infos = drawn
            if 'class-uniform' in stem:  # half of its samples have a point to show
                infos = [dict(info, centroid=(1200, 500) if i % 2 else None) for i, info in enumerate(infos)]
            decoded = decoded_files(infos, Path(folder) / stem)
            times, rows = race_pipelines(config.train_pipeline, infos, decoded, args.draws or draws, args.repeats,
                                         lambda text, name=name: print(f'{name}: {text}', file=sys.stderr, flush=True))
            result.add(stem, HEADS, [[*row, row[1] / row[3]] for row in rows], ['', '.2f', '', '.2f', '.2f'])
            for files in ('published', 'decoded'):
                host, ours = times[f'stock {files}'], times[f'ours {files}']
                summary.append([name, files, 1000 / host, 1000 / ours, times['stock published'] / ours,
                                workers(host, 8, args.rate), workers(ours, 8, args.rate)])
        result.add('pipelines', ['pipeline', 'files', 'mmseg, images/s', 'ours, images/s', 'ours of mmseg, published',
                                 'workers for 8 GPUs, mmseg', 'ours'], summary, ['', '', '.1f', '.1f', '.2f', '', ''])


if __name__ == '__main__':
    main()
