from mmseg.models.backbones import MixVisionTransformer
from mmseg.registry import MODELS

from .plain_vit import fuse_attention


@MODELS.register_module()
class MiT(MixVisionTransformer):
    r"""mmseg's ``MixVisionTransformer`` with two silent differences from the released Mix Transformer closed.

    * Norms behind patch embeddings and key reductions have eps 1e-5; mmseg's have the 1e-6 of all others.
    * Attention asks for no weights, so torch's fused kernels compute it: the same function, faster.

    Keys are mmseg's, and so are the initial weights that its configs name.

    Paper: `SegFormer <https://arxiv.org/abs/2105.15203>`_.

    Checked against: NVlabs/SegFormer, commit 65fa8cfa; outputs only: its licence is non-commercial.

    Differs: nothing known.

    Args:
        **kwargs: Of :class:`mmseg.models.backbones.MixVisionTransformer`.

    Shape:
        - image (N, 3, H, W) -> four levels, fine to coarse, at strides 4, 8, 16, 32, rounded up
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        for embedding, blocks, _ in self.layers:
            reductions = [block.attn.norm for block in blocks if block.attn.sr_ratio > 1]
            for norm in (embedding.norm, *reductions):
                norm.eps = 1e-5
        fuse_attention(self)
