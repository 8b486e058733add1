"""Make of a trained checkpoint the small file that the package ships, test it, and note its scores.

    python tools/publish_checkpoint.py CONFIG CHECKPOINT --name street --recipe '...' --seed 0 --limits '...'

Writes custom_modules/segfusion/weights/NAME-<sha>.pth (float16, no optimiser) and NAME.json, which names recipe, seed
and the scores of `mim test` on that very file.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from segfusion.deploy.shipped import FOLDER, publish
from segfusion.study.results import read_test


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='as from the top of the checkout: configs/...')
    parser.add_argument('checkpoint')
    parser.add_argument('--name', required=True)
    parser.add_argument('--recipe', required=True, help='data, length and seed in words')
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--limits', required=True, help='what the network is not good for, one sentence')
    parser.add_argument('--out', default=FOLDER, type=Path)
    parser.add_argument('--cfg-options', nargs='+', default=[], help='of the test')
    args = parser.parse_args()
    about = dict(name=args.name, config=args.config, recipe=args.recipe, seed=args.seed, limits=args.limits)
    try:
        weights = publish(args.checkpoint, args.out, **about)
        file = args.out / weights.file
        with tempfile.TemporaryDirectory() as folder:
            options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
            subprocess.run([sys.executable, '-m', 'mim', 'test', 'mmseg', args.config, '--checkpoint', str(file),
                            '--work-dir', folder, *options], check=True)
            scores, _ = read_test(Path(folder))
        publish(args.checkpoint, args.out, scores=scores, **about)
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        print(f'publish_checkpoint: {error}', file=sys.stderr)
        return 1
    print(f'wrote {file} ({file.stat().st_size / 2**20:.1f} MiB) and {args.name}.json beside it: {scores}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
