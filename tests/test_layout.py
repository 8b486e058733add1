"""The arrows of the architecture: who may import whom."""
import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'custom_modules' / 'segfusion'
QUESTIONS = {'models/align', 'models/fusion', 'models/context', 'models/refine'}
SHARED = {'models/expose', 'models/slots'}
MODELS = {'models/backbones', 'models/decode_heads', 'models/segmentors', 'models/losses'}
ROOMS = {'ops', 'models', 'datasets', 'engine', 'evaluation', 'visualization'}
APPLICATIONS = {'convert', 'deploy', 'diagnosis', 'study'}

# room -> what of ours it may import besides itself
ALLOWED = {
    'ops': {'portable'},
    **{room: {'ops', 'portable', *SHARED} for room in sorted(QUESTIONS)},
    'models/backbones': {'ops'},
    'models/decode_heads': {'ops', 'portable', *QUESTIONS, *SHARED},
    'models/segmentors': {'models/slots'},
    'models/losses': set(),
    'datasets': set(),
    'engine': {'datasets', 'models/slots', 'ops', 'visualization'},
    'evaluation': set(),
    'visualization': {'ops', 'models/expose', 'evaluation'},
    'convert': {'datasets', 'engine', 'version'},
    'deploy': {'ops', 'models/refine', 'models/segmentors', 'portable', 'datasets', 'engine', 'visualization',
               'diagnosis', 'version'},
    'diagnosis': {'datasets', 'engine', 'models/segmentors', 'models/slots', 'version'},
    'study': {'datasets', 'deploy', 'diagnosis', 'engine', 'evaluation', 'visualization', 'version'},
}
# folder -> third-party packages it may import besides torch and the standard library
HOSTS = {
    'ops': {'llvmlite', 'numba', 'numpy', 'triton'},
    'models/align': {'mmcv', 'mmengine', 'mmseg', 'torchvision'},
    'models/fusion': {'mmcv', 'mmengine', 'mmseg'},
    'models/context': {'mmcv', 'mmengine', 'mmseg'},
    'models/refine': {'mmcv', 'mmengine', 'mmseg'},
}


def room(parts):
    """'ops', 'models/align', ... of a path or dotted name inside the package, as parts."""
    return '/'.join(parts[:2]) if parts[0] == 'models' and len(parts) > 1 else parts[0]


def imports(path):
    """(absolute module name, imported names) of every import statement."""
    package = path.relative_to(PACKAGE.parent).with_suffix('').parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else ()
            yield '.'.join([*base, *filter(None, [node.module])]), tuple(a.name for a in node.names)


FILES = [p for folder in ALLOWED for p in sorted((PACKAGE / folder).rglob('*.py'))]


def test_the_first_level_is_ten_rooms():
    assert {p.name for p in PACKAGE.iterdir() if (p / '__init__.py').exists()} == ROOMS | APPLICATIONS
    assert {p.name for p in PACKAGE.glob('*.py')} == {'__init__.py', 'portable.py', 'version.py'}
    assert [p.name for p in PACKAGE.parent.iterdir() if (p / '__init__.py').exists()] == ['segfusion']


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path):
    here = room(path.relative_to(PACKAGE).parts)
    for module, names in imports(path):
        parts = module.split('.')
        if parts[0] == 'segfusion':
            ours = {room(parts[1:])} if len(parts) > 1 and parts[1:] != ['models'] else {
                room([*parts[1:], name]) for name in names}
            assert ours <= ALLOWED[here] | {here}, f'{path.name} imports {module} {names}'
            if here in ROOMS or here.startswith('models/'):
                assert not ours & APPLICATIONS, f'{path.name}: nothing imports an application'
            if here == 'models/decode_heads' and path.stem != '__init__' and ours == {here}:
                shared = {'top_down_head', 'deep_supervision'}
                reached = set(parts[3:4]) or set(names)
                assert reached <= shared, f'{path.name} imports another head: {module} {names}'
        assert 'mmcv.ops' not in module and not (module == 'mmcv' and 'ops' in names), 'mmcv.ops needs a compiler'
        if here in HOSTS and parts[0] in {'mmcv', 'mmengine', 'mmseg', 'mmpretrain', 'torchvision', 'cv2'}:
            assert parts[0] in HOSTS[here], f'{here}/ may not import {parts[0]}'
        if here in {'datasets', 'evaluation', 'engine'} and parts[0] == 'mmseg':
            assert parts[1:2] != ['models'], f'{here}/ may not import models'
