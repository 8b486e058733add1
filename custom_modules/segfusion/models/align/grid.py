"""What every aligner expects."""
from torch import Tensor, nn


def require_larger_fine(part: nn.Module, coarse: Tensor, fine: Tensor) -> None:
    """ValueError unless the fine level has at least the coarse one's height and width."""
    if coarse.shape[2] > fine.shape[2] or coarse.shape[3] > fine.shape[3]:
        raise ValueError(f'{type(part).__name__} expects the fine level to be at least as large as the coarse one, got '
                         f'coarse {tuple(coarse.shape)} and fine {tuple(fine.shape)}; levels run fine to coarse')
