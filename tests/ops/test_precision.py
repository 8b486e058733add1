import torch

from segfusion.ops import full_precision
from segfusion.portable import portable_operations


def product():
    x = torch.ones(2, 2)
    return (x @ x).dtype


def test_off_inside_and_on_again_behind():
    with torch.autocast('cpu', torch.bfloat16):
        with full_precision(torch.device('cpu')):
            assert product() == torch.float32
        assert product() == torch.bfloat16


def test_nothing_is_switched_in_an_export_or_where_nothing_can_be():
    with torch.autocast('cpu', torch.bfloat16):
        with portable_operations(), full_precision(torch.device('cpu')):
            assert product() == torch.bfloat16
        with full_precision(torch.device('meta')):
            assert product() == torch.bfloat16
