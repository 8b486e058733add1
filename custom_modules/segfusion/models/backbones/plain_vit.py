from typing import Dict, Tuple

import torch
from mmcv.cnn.bricks.drop import DropPath
from mmseg.models.backbones import VisionTransformer
from mmseg.registry import MODELS
from torch import nn


def fuse_attention(network: nn.Module) -> None:
    """Let every ``nn.MultiheadAttention`` in a network take torch's fused kernels: nobody reads its attention maps."""
    for module in network.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.register_forward_pre_hook(_without_weights, with_kwargs=True)


def _without_weights(module: nn.Module, args: Tuple, kwargs: Dict) -> Tuple[Tuple, Dict]:
    return args, dict(kwargs, need_weights=False)


@MODELS.register_module()
class PlainViT(VisionTransformer):
    r"""mmseg's ``VisionTransformer`` with three silent differences from the authors' networks closed.

    * ``patch_bias`` is True by default. mmseg's default is False, and with it the pretrained ``patch_embed`` bias is
      dropped without a word.
    * Stochastic depth falls on attention too, at the rate of its layer. mmseg's reaches the MLP only.
    * Attention asks for no weights, so torch's fused kernels compute it: the same function, faster.

    Keys are mmseg's.

    Paper: `An Image is Worth 16x16 Words <https://arxiv.org/abs/2010.11929>`_.

    Checked against: the backbones of fudan-zvg/SETR, commit 1361561f, and rstrudel/segmenter, commit 20d1bfad.

    Differs: nothing known. Set ``norm_cfg=dict(type='LN', eps=1e-6)`` for weights of timm, JAX and SETR; Segmenter's
    have torch's 1e-5, which is mmseg's default. Authors resize positions bilinearly (SETR, Segmenter) or bicubically.

    An image whose sides 16 does not divide is padded at the right and bottom, and mmseg's segmentor then stretches the
    padded map over the image, up to half a patch. Give the data preprocessor ``test_cfg=dict(size_divisor=16)``, which
    crops the padding off the logits, and train on crops that 16 divides.

    Args:
        patch_bias (bool): Defaults to True.
        drop_path_rate (float): Of the last layer, growing linearly from 0. Defaults to 0.
        **kwargs: Of :class:`mmseg.models.backbones.VisionTransformer`.

    Shape:
        - image (N, 3, H, W) -> maps (N, embed_dims, ceil(H / 16), ceil(W / 16)), one for each of ``out_indices``
    """

    def __init__(self, *, patch_bias: bool = True, drop_path_rate: float = 0., **kwargs):
        super().__init__(patch_bias=patch_bias, drop_path_rate=drop_path_rate, **kwargs)
        rates = torch.linspace(0, drop_path_rate, len(self.layers)).tolist()
        for layer, rate in zip(self.layers, rates):
            layer.attn.dropout_layer = DropPath(rate)
        fuse_attention(self)
