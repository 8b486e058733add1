"""Back ends of tools/predict.py on a CPU, quiet and busy; and what eight bits cost in mIoU.

    python benchmarks/int8.py                                    # speed -> benchmarks/results/int8.json
    python benchmarks/int8.py CONFIG CHECKPOINT [CONFIG ...]     # scores on the test set -> .../int8-scores.json

Every back end takes the same RGB image to logits of its size. "written plainly" is the authors' forward
(``benchmarks/sfnet.py``), "as trained" our network, "prepared" what ``tools/predict.py`` runs unless told otherwise.
Busy means as many processes that only count as there are cores, started here. Weights are random: speed does not ask.
"""
import argparse
import copy
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.runner import Runner
from sfnet import plain_sfnet, plain_sfnet_lite

from segfusion import register_all
from segfusion.deploy import (
    ConfigImages,
    ExportError,
    ImageToLogits,
    OnnxSegmentor,
    example_image,
    export_int8,
    export_onnx,
    load_segmentor,
    prepare_if_equal,
)
from segfusion.deploy.export import INPUT, OUTPUT, session
from segfusion.deploy.quantize import quantize
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.race import ResultFile, race

ROOT = Path(__file__).resolve().parents[1]
# Base config, and the authors' form where we have it.
NETWORKS = {
    'SFNet-R18': ('sfnet_r18', plain_sfnet),
    'SFNet-Lite-R18': ('sfnet-lite_r18', plain_sfnet_lite),
    'ENet': ('enet', None),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('trained', nargs='*', metavar='CONFIG CHECKPOINT')
    parser.add_argument('--only', nargs='+', choices=NETWORKS, help='time these, and keep the other rows of the file')
    parser.add_argument('--size', type=int, nargs=2, help='default: 512 1024; for scores that of a test image')
    parser.add_argument('--repeats', type=int, default=9, help='a third of them busy')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--calibration-images', type=int, default=64)
    parser.add_argument('--agreement', type=float, default=0., help='as for tools/export_onnx.py; 0 keeps any file')
    parser.add_argument('--out', help='result file')
    args = parser.parse_args()
    if len(args.trained) % 2:
        parser.error('expected pairs of a config and a checkpoint')
    register_all()
    torch.set_num_threads(args.threads)
    default = ROOT / 'benchmarks' / 'results' / ('int8-scores.json' if args.trained else 'int8.json')
    result = ResultFile(args.out or default, 'python benchmarks/int8.py' + ' CONFIG CHECKPOINT' * bool(args.trained),
                        update=bool(args.only or args.trained))
    if args.trained:
        compare_scores(args, result)
    else:
        compare_speed(args, result)


def compare_speed(args, result) -> None:
    size = tuple(args.size or (512, 1024))
    for name in args.only or NETWORKS:
        base, form = NETWORKS[name]
        torch.manual_seed(0)
        model = build_segmentor(ROOT / 'configs' / '_base_' / 'models' / f'{base}.py', {'model.auxiliary_head': None})
        with tempfile.TemporaryDirectory() as folder:
            files = {'ONNX, float': f'{folder}/float.onnx', 'ONNX, eight bits': f'{folder}/int8.onnx'}
            export_onnx(model, files['ONNX, float'], size, allowed=1.)
            images = [example_image(size)]
            Path(files['ONNX, eight bits']).write_bytes(quantize(Path(files['ONNX, float']).read_bytes(), images))
            megabytes = {kind: os.path.getsize(path) / 1e6 for kind, path in files.items()}
            runs = {**pytorch_runs(model, form, images[0]), **{k: onnx_run(p, images[0]) for k, p in files.items()}}
            spinning = {f'{k}, spinning': onnx_run(p, images[0], spinning=True) for k, p in files.items()}
        quiet, loaded = quiet_and_busy(runs, args.repeats)
        first = next(iter(runs))
        rows = [[name, kind, megabytes.get(kind), *(
            v for laps in (quiet, loaded) for v in (laps[kind].median, laps[first].median / laps[kind].median))]
            for kind in runs]
        result.extend('backends', ['network', 'back end', 'file (MB)', 'quiet (ms)', 'times as fast', 'busy (ms)',
                                   'times as fast, busy'], rows, ['', '', '.1f', '.0f', '.2f', '.0f', '.2f'])
        # Apart, since what spins takes from whoever comes next.
        waiting = quiet_and_busy({**{k: run for k, run in runs.items() if k in files}, **spinning}, args.repeats)
        spins = [[name, kind, *(laps[f'{kind}, spinning'].median / laps[kind].median for laps in waiting)]
                  for kind in files]
        result.extend('spinning', ['network', 'back end', 'time with spinning over without, quiet', 'busy'], spins,
                      ['', '', '.2f', '.2f'])


def pytorch_runs(model, form, image):
    """The same function in PyTorch; the authors' form where we have it."""
    plain, prepared = ImageToLogits(model).eval(), ImageToLogits(prepare_if_equal(model)).eval()
    runs = {'PyTorch, as trained': lambda: plain(image), 'PyTorch, prepared': lambda: prepared(image)}
    if form is not None:
        def written_plainly():
            logits, _ = form(model, (image - plain.mean) / plain.std)
            return F.interpolate(logits, size=image.shape[2:], mode='bilinear', align_corners=model.align_corners)

        runs = {'PyTorch, written plainly': written_plainly, **runs}
    return {kind: torch.no_grad()(run) for kind, run in runs.items()}


def onnx_run(path, image, **options):
    loaded, image = session(path, **options), image.numpy()
    return lambda: loaded.run([OUTPUT], {INPUT: image})


def quiet_and_busy(runs, repeats):
    """Laps on the machine as it is, and with other processes; fewer of these, which take longer."""
    quiet = race(runs, repeats, memory=False, report=shout)
    with busy():
        return quiet, race(runs, max(repeats // 3, 1), memory=False, report=shout)


@contextmanager
def busy():
    """As many busy processes as there are cores."""
    count = 'import os; parent = os.getppid()\nwhile os.getppid() == parent: pass'  # and ends if we are killed
    others = [subprocess.Popen([sys.executable, '-c', count]) for _ in range(os.cpu_count())]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def compare_scores(args, result) -> None:
    for config, checkpoint in zip(args.trained[::2], args.trained[1::2]):
        model = load_segmentor(config, checkpoint)
        size = tuple(args.size or ConfigImages(model.cfg, 'test', 1)[0].shape[2:])
        with tempfile.TemporaryDirectory() as folder:
            calibration = ConfigImages(model.cfg, 'train', args.calibration_images, size)
            try:
                kept = export_int8(model, f'{folder}/int8.onnx', size, calibration=calibration,
                                   held_out=ConfigImages(model.cfg, 'val', 20, size), agreement=args.agreement,
                                   allowed=1.)
            except ExportError as error:
                sys.exit(f'int8: {config}: {error}')
            export_onnx(model, f'{folder}/float.onnx', size, allowed=1.)
            scores = [score(model.cfg, OnnxSegmentor(f'{folder}/{kind}.onnx')) for kind in ('float', 'int8')]
        row = [Path(config).stem, f'{size[0]}x{size[1]}', *scores, scores[1] - scores[0], 100 * kept.labels,
               kept.bytes_float / 1e6, kept.bytes_int8 / 1e6]
        result.extend('scores', ['config', 'size', 'mIoU, float', 'mIoU, eight bits', 'difference',
                                 'labels that agree (%)', 'float (MB)', 'eight bits (MB)'], [row],
                      ['', '', '.2f', '.2f', '+.2f', '.2f', '.1f', '.1f'])


def score(config, model) -> float:
    """mIoU (%) on the config's test set, by mmengine's own loop."""
    config = copy.deepcopy(config)
    loader = dict(config.test_dataloader, num_workers=0, persistent_workers=False)
    loop = dict(config.test_cfg)
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(model, folder, test_dataloader=loader, test_cfg=loop, test_evaluator=config.test_evaluator,
                        default_scope='mmseg', log_level='WARNING', experiment_name=Path(folder).name)
        return float(runner.test()['mIoU'])


def shout(text: str) -> None:
    print(f'\r{text:<60}', end='', file=sys.stderr, flush=True)


if __name__ == '__main__':
    main()
