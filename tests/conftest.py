import os

import pytest
import torch

import segfusion

torch.set_num_threads(1 if 'PYTEST_XDIST_WORKER' in os.environ else 2)


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same numbers, alone or in any order; mmseg's names resolve without a prefix."""
    segfusion.register_all()
    torch.manual_seed(0)
