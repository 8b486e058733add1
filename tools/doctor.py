"""Say what is installed, what of it does not work together, and the command that repairs it.

    python tools/doctor.py                  # the installation
    python tools/doctor.py my_config.py     # also: does this config load and build, are its data there?

Needs nothing to be importable. Exit code 0 if nothing is broken, 1 otherwise.
"""
import argparse
import importlib
import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
# in a checkout beside this folder; in an installed wheel this is custom_modules/.mim/tools
PACKAGE = HERE / 'custom_modules' / 'segfusion' if (HERE / 'custom_modules').is_dir() else HERE.parent
CONFIG = HERE / 'configs' / 'sfnet' / 'sfnet_r18_1xb4-demo_street-scenes-128x192.py'


def load_by_path(name: str):
    """``segfusion.diagnosis.<name>`` without ``segfusion``, whose import may be what is broken."""
    if 'diagnosis' not in sys.modules:
        folder = PACKAGE / 'diagnosis'
        spec = importlib.util.spec_from_file_location(
            'diagnosis', folder / '__init__.py', submodule_search_locations=[str(folder)])
        sys.modules['diagnosis'] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f'diagnosis.{name}')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', default=str(CONFIG), help='what to load and build; default: the demo')
    parser.add_argument('--versions-only', action='store_true', help='import nothing, a fraction of a second')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='overrides of the config, key=value')
    args = parser.parse_args()
    report = load_by_path('report')
    if sys.path[0] == str(Path(__file__).resolve().parent):  # tools/ is on the path of this process only
        del sys.path[0]
    return report.examine_and_print(args.config, args.cfg_options, PACKAGE.parent, args.versions_only)


if __name__ == '__main__':
    sys.exit(main())
