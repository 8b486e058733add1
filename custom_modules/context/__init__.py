from .chained_pooling import ChainedPoolingContext

__all__ = [
    'ChainedPoolingContext',
]
