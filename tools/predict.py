"""Segment an image, a folder of images or a video; write overlays, masks and the area of every class.

    python tools/predict.py photos/ out/         # the network that comes with the package
    python tools/predict.py photos/ out/ --config CONFIG --checkpoint CHECKPOINT
    python tools/predict.py drive.mp4 out/ --onnx sfnet-int8.onnx --crf              # float or eight bits

Writes out/overlays/*.png (or out/overlay.mp4), out/masks/*.png (class numbers), out/areas.csv and out/legend.png.
"""
import argparse
import sys

import torch
from mmengine.config import DictAction

from segfusion import register_all
from segfusion.deploy import OnnxSegmentor, find_shipped, load_segmentor, predict, prepare_if_equal
from segfusion.engine.checkpoints import trust_checkpoints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='image, folder of images, or video')
    parser.add_argument('out', help='folder to write to; must be new or empty')
    parser.add_argument('--config')
    parser.add_argument('--checkpoint')
    parser.add_argument('--onnx', help='file of tools/export_onnx.py, instead of config and checkpoint')
    parser.add_argument('--crf', action='store_true', help='refine by a dense CRF (about a second an image on a CPU)')
    parser.add_argument('--crf-iterations', type=int, default=5)
    parser.add_argument('--opacity', type=float, default=0.5, help='of the colours over the image')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--pixels', type=int, help='predict larger images in windows of so many pixels, for which '
                        'memory suffices; default: 4194304 (up to 64 classes)')
    parser.add_argument('--plain', action='store_true', help='predict with the network as it was trained: no folded '
                        'norms, not channels-last')
    parser.add_argument('--trust', action='store_true', help='allow the checkpoint to run code while it is read')
    parser.add_argument('--overwrite', action='store_true', help='write into a folder that holds something')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='changes of the config, key=value')
    args = parser.parse_args()
    if bool(args.config) != bool(args.checkpoint) or (args.onnx and args.config):
        parser.error('say --config and --checkpoint, or --onnx, or none of them for the network that is shipped')
    register_all()
    if args.trust:
        trust_checkpoints()
    try:
        if not args.onnx and not args.config:
            shipped = find_shipped()
            args.config, args.checkpoint = str(shipped.config_file), str(shipped.checkpoint)
            print(f'no network given; taking {shipped}')
        if args.onnx:
            model = OnnxSegmentor(args.onnx, args.device)
        else:
            model = load_segmentor(args.config, args.checkpoint, args.device, args.cfg_options)
            model = model if args.plain else prepare_if_equal(model)
        crf = dict(iterations=args.crf_iterations) if args.crf else None
        report = predict(model, args.source, args.out, crf=crf, opacity=args.opacity, overwrite=args.overwrite,
                         pixels=args.pixels)
    except (ValueError, OSError, ImportError) as error:
        print(f'predict: {error}', file=sys.stderr)
        return 1
    if report.areas:
        mean = sum(report.areas.values()) / len(report.areas)
        shares = sorted(zip(report.classes, mean), key=lambda pair: -pair[1])
        print(', '.join(f'{name} {share:.1%}' for name, share in shares if share > 0.0005))
    print(f'wrote {len(report.areas)} masks, overlays and areas.csv to {args.out}')
    for name, reason in report.unreadable.items():
        print(f'predict: left out {name}: {reason}', file=sys.stderr)
    return 1 if report.unreadable else 0


if __name__ == '__main__':
    sys.exit(main())
