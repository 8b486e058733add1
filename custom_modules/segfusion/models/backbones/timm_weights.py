"""Weights of timm for mmseg's ``TIMMBackbone``, fetched when a training starts."""
from mmengine.runner import CheckpointLoader
from mmseg.models.backbones import TIMMBackbone

SCHEME = 'timm://'


@CheckpointLoader.register_scheme(prefixes=SCHEME, force=True)
def load_from_timm(filename: str, map_location=None) -> dict:
    """State dict of a backbone of timm with the weights that timm has for it, by the names ``TIMMBackbone`` gives them.

    For ``init_cfg=dict(type='Pretrained', checkpoint='timm://mobilenetv3_large_100.ra_in1k')`` beside
    ``pretrained=False``. With ``pretrained=True`` mmseg fetches them whenever the network is built: for a test, a count
    of parameters, an export, on machines without a network too.

    Args:
        filename (str): ``timm://`` and a name of ``timm.list_pretrained()``.
        map_location: Of ``torch.load``; not needed, they are read on the CPU.

    Raises:
        RuntimeError: If timm is not installed, or knows no such name.
    """
    return TIMMBackbone(filename[len(SCHEME):], pretrained=True).state_dict()
