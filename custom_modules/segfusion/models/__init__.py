"""The four questions, and what is built from their answers.

image -> backbones -> align, fusion, context (inside decode_heads) -> refine -> logits; ``segmentors`` hold it together.
"""
from .align import *  # noqa: F401, F403
from .backbones import *  # noqa: F401, F403
from .context import *  # noqa: F401, F403
from .decode_heads import *  # noqa: F401, F403
from .fusion import *  # noqa: F401, F403
from .losses import *  # noqa: F401, F403
from .refine import *  # noqa: F401, F403
from .segmentors import *  # noqa: F401, F403
