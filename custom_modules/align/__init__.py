from .index_unpool import IndexUnpool

__all__ = [
    'IndexUnpool',
]
