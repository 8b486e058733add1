from torch import Tensor, nn


def require_one_grid(part: nn.Module, coarse: Tensor, fine: Tensor) -> None:
    """ValueError unless both levels have one height and width, as an aligner leaves them."""
    if coarse.shape[2:] != fine.shape[2:]:
        raise ValueError(f'{type(part).__name__} expects both levels on one grid, got coarse {tuple(coarse.shape)} and '
                         f"fine {tuple(fine.shape)}; put an aligner in front, e.g. align=dict(type='BilinearAlign'), "
                         "and let your own return both at fine's size")
