"""The arrows of the architecture: who may import whom."""
import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'custom_modules'
PARTS = {'ops', 'align', 'fusion', 'context', 'refine'}
MODELS = PARTS | {'backbones', 'decode_heads', 'segmentors'}

# folder -> our own folders it may import; whatever is not named here is not restricted
ALLOWED = {
    'ops': set(),
    'align': {'ops'},
    'fusion': {'ops'},
    'context': {'ops'},
    'refine': {'ops'},
    'backbones': {'ops'},
    'decode_heads': PARTS | {'decode_heads', 'names'},
    'segmentors': {'names'},
    'datasets': set(),
    'evaluation': set(),
    'hooks': {'datasets', 'visualization'},
    'loops': set(),
    'losses': set(),
    'convert': set(),
    'visualization': {'ops', 'evaluation'},
    'deploy': {'ops', 'refine', 'visualization', 'datasets', 'hooks', 'segmentors', 'version'},
    'analysis': {'optional'},
    'diagnosis': {'analysis', 'datasets', 'names', 'optional', 'segmentors'},
    'study': {'analysis', 'visualization', 'version'},  # imported by nothing but tools/study.py
}
# folder -> third-party packages it may import besides torch and the standard library
HOSTS = {
    'ops': {'numpy'},
    'align': {'mmcv', 'mmengine', 'mmseg', 'torchvision'},
    'fusion': {'mmcv', 'mmengine', 'mmseg'},
    'context': {'mmcv', 'mmengine', 'mmseg'},
    'refine': {'mmcv', 'mmengine', 'mmseg'},
}


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


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path):
    folder = path.relative_to(PACKAGE).parts[0]
    for module, names in imports(path):
        parts = module.split('.')
        if parts[0] == 'custom_modules':
            ours = {parts[1]} if len(parts) > 1 else set(names)
            assert ours <= ALLOWED[folder] | {folder}, f'{path.name} imports {module} {names}'
            if folder == 'decode_heads' and path.stem != '__init__' and ours == {folder}:
                shared = {'top_down_head', 'deep_supervision'}
                reached = set(parts[2:3]) or set(names)
                assert reached <= shared, f'{path.name} imports another head: {module} {names}'
        assert 'mmcv.ops' not in module and not (module == 'mmcv' and 'ops' in names), 'mmcv.ops needs a compiler'
        if folder in HOSTS and parts[0] in {'mmcv', 'mmengine', 'mmseg', 'mmpretrain', 'torchvision', 'cv2'}:
            assert parts[0] in HOSTS[folder], f'{folder}/ may not import {parts[0]}'
        if folder in {'datasets', 'evaluation', 'hooks'} and parts[0] == 'mmseg':
            assert parts[1:2] != ['models'], f'{folder}/ may not import models'
