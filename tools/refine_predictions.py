"""Refine a folder of saved predictions by a dense CRF; write label maps and images of what changed.

    python tools/refine_predictions.py images/ predictions/ refined/ --iterations 10

Predictions are arrays (C, H, W), .npy or .npz, of probabilities or logits, or label maps, .png (--num-classes).
"""
import argparse

from segfusion.deploy.folder import refine_folder
from segfusion.ops.crf.gaussian_filter import METHODS, NORMALIZATIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', help='folder of the images')
    parser.add_argument('predictions', help='folder of the predictions, same names')
    parser.add_argument('out', help='folder for label maps; images go to its folder "changed"')
    parser.add_argument('--iterations', type=int, default=5)
    parser.add_argument('--gaussian-sxy', type=float, default=3, help='pixels')
    parser.add_argument('--gaussian-compat', type=float, default=3)
    parser.add_argument('--bilateral-sxy', type=float, default=80, help='pixels')
    parser.add_argument('--bilateral-srgb', type=float, default=13, help='colour levels, 0..255')
    parser.add_argument('--bilateral-compat', type=float, default=10)
    parser.add_argument('--normalization', choices=NORMALIZATIONS, default='symmetric')
    parser.add_argument('--method', choices=list(METHODS), default='lattice')
    parser.add_argument('--num-classes', type=int, help='needed for label maps')
    parser.add_argument('--certainty', type=float, default=0.7, help='of the labels in label maps')
    parser.add_argument('--logits', action='store_true', default=None, help='arrays hold logits (default: find out)')
    parser.add_argument('--no-drawings', dest='draw', action='store_false')
    report = refine_folder(**vars(parser.parse_args()))
    print(f'{len(report)} predictions, {sum(r.changed for r in report) / len(report):.2%} of the pixels changed')
    for one in sorted(report, key=lambda r: -r.changed)[:10]:
        lost = f', classes lost: {one.lost}' if one.lost else ''
        print(f'  {one.name}: {one.changed:.2%}{lost}')


if __name__ == '__main__':
    main()
