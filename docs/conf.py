"""Builds the site: pages by hand, the methods' own README files, and the API from docstrings. ``make docs``."""
import ast
import os
import re
import sys
from pathlib import Path

from mmcv.transforms.utils import cache_randomness

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'custom_modules' / 'segfusion'
GENERATED = Path(__file__).parent / 'generated'
sys.path.insert(0, str(PACKAGE.parent))
os.environ['CUDA_VISIBLE_DEVICES'] = '-1'

project = 'segfusion'
release = re.search(r"'(.+)'", (PACKAGE / 'version.py').read_text()).group(1)
extensions = ['myst_nb', 'sphinx.ext.autodoc', 'sphinx.ext.mathjax', 'sphinx.ext.napoleon', 'sphinx.ext.viewcode']
exclude_patterns = ['_build']
html_theme = 'furo'
html_title = f'segfusion {release}'

nb_execution_mode = 'off'  # the tests execute the notebooks; their outputs are committed
myst_enable_extensions = ['dollarmath', 'amsmath']
myst_heading_anchors = 3
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_custom_sections = ['Shape', 'Side outputs']
autodoc_default_options = {'members': True, 'show-inheritance': True}
autodoc_member_order = 'bysource'
autodoc_typehints = 'none'  # the docstrings say them, with units
autodoc_inherit_docstrings = False

ROOMS = {
    'ops': 'Pure functions on tensors',
    'models/align': 'HOW do two levels line up?',
    'models/fusion': 'WHERE is each level informative?',
    'models/context': 'WHAT does the scene say?',
    'models/refine': 'What does the IMAGE still know?',
    'models/backbones': 'Trunks',
    'models/decode_heads': 'Decode heads',
    'models/segmentors': 'Segmentors',
    'models/losses': 'Losses',
    'models': 'Slots and exposed maps',
    'datasets': 'Data sets and transforms',
    'engine': 'Hooks and loops',
    'evaluation': 'Evaluation',
    'visualization': 'Visualisation',
    'convert': 'Conversion of checkpoints',
    'deploy': 'Deployment',
    'diagnosis': 'Diagnosis',
    'study': 'Studies',
}


def modules(room):
    """Module files of a room, without those of a room of its own, and without the drawn streets' brushes."""
    files = (PACKAGE / room).glob('*.py') if room == 'models' else (PACKAGE / room).rglob('*.py')
    return sorted(p for p in files if p.stem != '__init__' and not {'.mim', 'scenes', 'layouts'} & set(p.parts))


def is_public(path):
    """Whether a module defines something public with a docstring."""
    return any(isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name[0] != '_' and ast.get_docstring(n)
               for n in ast.parse(path.read_text()).body)


def write(path, text):
    """Write what has changed only, or every build would read every page again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def api_pages():
    for room, title in ROOMS.items():
        name = 'segfusion.' + room.replace('/', '.')
        lines = [f'# {title}', '', f'Package `{name}`.', '']
        for path in filter(is_public, modules(room)):
            module = '.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts)
            lines += [f'## {module[len(name) + 1:]}', '', '```{eval-rst}', f'.. automodule:: {module}', '```', '']
        write(GENERATED / 'api' / f'{name}.md', '\n'.join(lines))


def method_pages():
    """The README files of ``configs/`` and ``projects/``, with links that hold here."""
    for source in sorted([*ROOT.glob('configs/*/README.md'), *ROOT.glob('projects/*/README.md')]):
        write(GENERATED / source.parts[-3] / f'{source.parent.name}.md', relinked(source))


def relinked(source):
    """A README with links to other README files turned into pages, and links to code turned into its path."""

    def link(match):
        bang, text, target = match.groups()
        path, _, anchor = target.partition('#')
        there = (source.parent / path).resolve()
        if '://' in target or not path:
            return match.group(0)
        if bang:
            return f'![{text}]({os.path.relpath(there, GENERATED / "configs")})'
        if there.name == 'README.md' and there.parent.parent.name in ('configs', 'projects'):
            return f'[{text}](../{there.parent.parent.name}/{there.parent.name}.md)'
        if there.suffix in ('.md', '.ipynb') and there.parent == ROOT / 'docs':
            return f'[{text}](../../{there.name})'
        return f'{text} (`{there.relative_to(ROOT)}`)'

    return re.sub(r'(!?)\[([^\]]*)\]\(([^)\s]+)\)', link, source.read_text())


def setup(app):
    """Links to README files work in the repository; on the site they lead to the pages made from them."""

    def relink(app, name, source):
        up = '../' * name.count('/')
        source[0] = re.sub(r'\]\((?:\.\./)+(configs|projects)/(\w+)/README\.md\)', rf']({up}generated/\1/\2.md)',
                           source[0])

    app.connect('source-read', relink)


# mmcv's descriptor cannot be read from a class, as every documentation tool does
read = cache_randomness.__get__
cache_randomness.__get__ = lambda self, obj, owner=None: self if obj is None else read(self, obj, owner)
api_pages()
method_pages()
