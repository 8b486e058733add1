"""Write a trained network as an ONNX file, and check its numbers in ONNX Runtime before the file is kept.

    python tools/export_onnx.py CONFIG CHECKPOINT sfnet.onnx --size 360 480
    python tools/export_onnx.py CONFIG CHECKPOINT sfnet.onnx --dynamic --warp gather
    python tools/export_onnx.py CONFIG CHECKPOINT sfnet-int8.onnx --int8             # calibrated on the training set

The input is an RGB image (N, 3, H, W) in 0..255, float32; normalisation is inside. The output are logits of that size.
"""
import argparse
import sys

from mmengine.config import DictAction

from segfusion import register_all
from segfusion.deploy import ConfigImages, ExportError, export_int8, export_onnx, load_segmentor
from segfusion.engine.checkpoints import trust_checkpoints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', help='trained weights; "none" exports the initial ones')
    parser.add_argument('out', help='file to write')
    parser.add_argument('--size', type=int, nargs=2, metavar=('H', 'W'), help='default: the size of the config')
    parser.add_argument('--dynamic', action='store_true', help='any batch, height and width')
    parser.add_argument('--warp', choices=['grid_sample', 'gather'], default='grid_sample',
                        help='gather: for runtimes without GridSample')
    parser.add_argument('--exporter', choices=['auto', 'torchscript', 'dynamo'], default='auto')
    parser.add_argument('--opset', type=int)
    parser.add_argument('--tolerance', type=float, default=1e-4, help="in the logits' standard deviation")
    parser.add_argument('--allowed', type=float, default=0., help='share of the logits that may differ by more')
    parser.add_argument('--int8', action='store_true', help='convolve in eight bits')
    parser.add_argument('--calibration-images', type=int, default=64, metavar='N', help='of the training set, which '
                        'give the scales of --int8')
    parser.add_argument('--held-out-images', type=int, default=20, metavar='N', help='of the validation set, on which '
                        '--int8 is compared with float')
    parser.add_argument('--agreement', type=float, default=0.97, help='least share of their pixels whose class stays')
    parser.add_argument('--seed', type=int, default=0, help='of the choice of images')
    parser.add_argument('--trust', action='store_true', help='allow the checkpoint to run code while it is read')
    parser.add_argument('--overwrite', action='store_true')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='changes of the config, key=value')
    args = parser.parse_args()
    register_all()
    if args.trust:
        trust_checkpoints()
    try:
        checkpoint = None if args.checkpoint == 'none' else args.checkpoint
        model = load_segmentor(args.config, checkpoint, options=args.cfg_options)
        size = tuple(args.size or model.cfg.get('crop_size') or (512, 1024))
        options = dict(
            dynamic=args.dynamic, warp=args.warp, exporter=args.exporter, opset=args.opset, tolerance=args.tolerance,
            allowed=args.allowed, overwrite=args.overwrite)
        if args.int8:
            calibration, held_out = (
                ConfigImages(model.cfg, split, count, None if args.dynamic else size, args.seed)
                for split, count in (('train', args.calibration_images), ('val', args.held_out_images)))
            report = [export_int8(model, args.out, size, calibration=calibration, held_out=held_out,
                                  agreement=args.agreement, **options)]
        else:
            report = [f'checked in ONNX Runtime at {difference}'
                      for difference in export_onnx(model, args.out, size, **options)]
    except (ValueError, OSError, ImportError, TypeError, ExportError) as error:
        print(f'export_onnx: {error}', file=sys.stderr)
        return 1
    print(*report, sep='\n')
    if hasattr(model, 'refiner'):
        print('note: the refiner is not in the file; use --crf of tools/predict.py')
    print(f'wrote {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
