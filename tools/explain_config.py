"""Print what a config composes, which names in it are wrong, and which line of which file set each key.

    python tools/explain_config.py CONFIG                   # the network, and the keys of `model`
    python tools/explain_config.py CONFIG --key optim_wrapper
    python tools/explain_config.py CONFIG --all

Exit code 0 if the config fits together, 1 otherwise.
"""
import argparse
import sys

from segfusion import register_all
from segfusion.diagnosis.loading import load_config
from segfusion.diagnosis.network import describe_network, network_text
from segfusion.diagnosis.provenance import explain, origin_text
from segfusion.engine.names import check_names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--all', action='store_true', help='all keys, not only those of the model')
    parser.add_argument('--key', default='model', help='print the keys below this one')
    parser.add_argument('--size', type=int, nargs=2, default=(256, 256), help='height and width of the dry run')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='overrides, key=value')
    args = parser.parse_args()
    register_all()
    try:
        return show(args)
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        print(f'explain_config: {error}', file=sys.stderr)
        return 1


def show(args: argparse.Namespace) -> int:
    config = load_config(args.config, args.cfg_options)
    problems = check_names(config)
    if not problems and 'model' in config:
        network = describe_network(config, tuple(args.size))
        print(network_text(network), end='\n\n')
        problems = network.problems
    print(origin_text(explain(args.config, '' if args.all else args.key, args.cfg_options)))
    print()
    print('\n'.join(f'FAIL {problem}' for problem in problems) or 'names, channels and class counts fit together')
    return int(bool(problems))


if __name__ == '__main__':
    sys.exit(main())
