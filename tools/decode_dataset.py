"""Copy a data set so that it costs little to decode: the same pixels as PNG without compression.

    python tools/decode_dataset.py SRC DST

A Cityscapes image takes 6.3 MB instead of 2.3 and loads in a fraction of the time (docs/speed.md); only what one trains
on is worth it, so SRC may be leftImg8bit/train. DST has the folders and names of SRC, images with the suffix .png;
files that are there stay, so a run that was cut off is continued by the same command. Name DST where the config names
the data, e.g. CITYSCAPES_ROOT=DST.
"""
import argparse
import sys

from segfusion.datasets.decoded import decode_folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('src')
    parser.add_argument('dst')
    args = parser.parse_args()
    try:
        done = decode_folder(args.src, args.dst)
    except (ValueError, OSError) as error:
        print(f'decode_dataset: {error}', file=sys.stderr)
        return 1
    print(f'{args.dst}: {done["images"]} images decoded, {done["others"]} files copied, {done["kept"]} were there')
    return 0


if __name__ == '__main__':
    sys.exit(main())
