from .monte_carlo import MonteCarloEncoderDecoder

__all__ = [
    'MonteCarloEncoderDecoder',
]
