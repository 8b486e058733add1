"""Skip what needs more than the plain installation, with the remedy as the reason."""
import pytest
import torch
from mmengine.utils import digit_version

from segfusion.engine.optional import NAMES, REMEDY, has_compiled_ops, has_mmdet, lacking

needs_ops = pytest.mark.skipif(not has_compiled_ops(), reason=f'needs {NAMES["ops"]}: {REMEDY}')
needs_mmdet = pytest.mark.skipif(not has_mmdet(), reason=f'needs {NAMES["mmdet"]}: {REMEDY}')


def needs_torch(version, reason):
    """Skip a test on PyTorch older than ``version``."""
    return pytest.mark.skipif(digit_version(torch.__version__) < digit_version(version), reason=reason)


def skip_if_lacking(config):
    """Skip the running test if the model of a config needs something that is not installed."""
    lost = lacking(config)
    if lost:
        pytest.skip(lost[0])
