"""Test the trained members also at several scales and mirrored: scales.json beside this file.

    python projects/camvid_flagship/scales.py             # after tools/study.py; members that are trained here
    python tools/update_tables.py                         # into README.md

Scales are those of the training. Members in scales.json that are not trained here stay.
"""
import argparse
import subprocess
import sys
from pathlib import Path

from segfusion import register_all
from segfusion.diagnosis.race import ResultFile
from segfusion.study.configs import merged_configs
from segfusion.study.plan import load_study
from segfusion.study.results import read_test
from segfusion.study.state import Folder

HERE = Path(__file__).resolve().parent
RATIOS = (0.75, 1., 1.25, 1.5, 1.75)
SCORES = dict(mIoU='mIoU', mBIoU='Boundary IoU', trimap_mIoU_3px='trimap 3 px', mBF_3px='boundary F 3 px')


def at_scales(config):
    """The config of a member with ``RATIOS`` in its test-time augmentation."""
    config.tta_pipeline[-1].transforms[0] = [
        dict(type='Resize', scale_factor=ratio, keep_ratio=True) for ratio in RATIOS]
    return config


def test(config, folder):
    """Scores of ``mim test --tta``; not tested again."""
    work, path = folder.root / 'scales', folder.root / 'scales.py'
    scores, _ = read_test(work)
    if scores:
        return scores
    at_scales(config).dump(str(path))
    subprocess.run([sys.executable, '-m', 'mim', 'test', 'mmseg', str(path), '--checkpoint',
                    str(folder.last_checkpoint()), '--work-dir', str(work), '--tta'], check=True)
    return read_test(work)[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', default='work_dirs/camvid_flagship', type=Path, help='of the study')
    parser.add_argument('--to', default=HERE / 'scales.json', type=Path)
    args = parser.parse_args()
    register_all()
    study = load_study(HERE)
    file = ResultFile(args.to, 'python projects/camvid_flagship/scales.py', update=True, ratios=RATIOS, mirrored=True)
    for name, config in merged_configs(study).items():
        folder = Folder(args.out, name)
        if folder.read().trained and folder.last_checkpoint():
            one, many = read_test(folder.test)[0], test(config, folder)
            file.extend('scales', ['member', *(f'{title}, {how}' for title in SCORES.values()
                                               for how in ('one scale', 'several, mirrored'))],
                        [[name, *(scores.get(key) for key in SCORES for scores in (one, many))]], ['', *['.2f'] * 8])
    return 0


if __name__ == '__main__':
    sys.exit(main())
