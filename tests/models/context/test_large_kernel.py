import pytest
import torch
import torch.nn.functional as F

from segfusion.models.context import LargeKernelContext


def test_equals_two_dense_kernels_of_rank_one():
    context = LargeKernelContext(1, kernel_size=5).double()
    with torch.no_grad():
        for p in context.parameters():
            torch.nn.init.zeros_(p) if p.dim() == 1 else torch.nn.init.normal_(p)
    column, row = (c.weight.flatten() for c in context.column_row)
    row2, column2 = (c.weight.flatten() for c in context.row_column)
    dense = torch.outer(column, row) + torch.outer(column2, row2)
    x = torch.randn(1, 1, 7, 9, dtype=torch.float64)
    torch.testing.assert_close(context(x), F.conv2d(x, dense[None, None], padding=2))


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match='odd to keep the grid, got 8; take 9'):
        LargeKernelContext(4, kernel_size=8)
