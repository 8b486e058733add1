from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import ALIGNSEG_SAMPLERS, adaptive_avg_pool, alignseg_offset, conv_module_of_resized, warp
from ..expose import expose


@MODELS.register_module()
class AlignedContext(BaseModule):
    r"""Describe the scene by a 3x3 map, and let every position choose where in it to look (AlignSeg's AlignCM).

    .. math::
        G = \psi_g(pool_{3 \times 3}(x)), \quad L = \psi_l(x), \quad \Delta = V * \phi(norm(W * [L, up(G)]))

        y(p) = L(p) + G\big(s(p + \Delta(p))\big)

    with :math:`\psi` a 1x1 and a 3x3 convolution, each with norm and activation, :math:`V` a 3x3 convolution to two
    channels, which begins at zero, and :math:`s` the map from target pixels to the 3x3 grid.

    Paper: `AlignSeg: Feature-Aligned Segmentation Networks <https://arxiv.org/abs/2003.00872>`_, Sec. 3.3.

    Checked against: speedinghzl/AlignSeg, networks/alignseg.py ``CAM``, commit ac7582d3, with every sampler.

    Differs: the pooled half of :math:`W` runs on the 3x3 grid, before the resize; equal up to rounding.

    Convention: the offset is (dx, dy) in pixels of the grid of ``x``; with the default sampler zero offset equals
    ``resize``.

    Args:
        in_channels (int): Channels of the input.
        channels (int): Channels of the output.
        align_corners (bool): Corner convention of the resize, and of the ``'corrected'`` sampler. AlignSeg uses True.
        sampler (str): As in :class:`DualOffsetAlign`. Defaults to ``'corrected'``.
        pool_size (int): Cells a side of the pooled map. Defaults to 3.
        norm_cfg (dict, optional): Defaults to None.
        act_cfg (dict, optional): Defaults to LeakyReLU with slope 0.01.

    Raises:
        ValueError: If ``sampler`` is unknown or the input has other than ``in_channels`` channels.

    Shape:
        - x (N, in_channels, h, w) -> (N, channels, h, w)
    """

    def __init__(self,
                 in_channels: int,
                 channels: int,
                 *,
                 align_corners: bool,
                 sampler: str = 'corrected',
                 pool_size: int = 3,
                 norm_cfg=None,
                 act_cfg=dict(type='LeakyReLU', negative_slope=0.01),
                 init_cfg=None):
        super().__init__(init_cfg)
        if sampler not in ALIGNSEG_SAMPLERS:
            raise ValueError(f'unknown sampler {sampler!r}; expected one of {", ".join(ALIGNSEG_SAMPLERS)}')
        self.in_channels, self.align_corners, self.sampler = in_channels, align_corners, sampler
        conv = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.pool_size = pool_size
        self.scene = nn.Sequential(
            ConvModule(in_channels, in_channels, 1, **conv), ConvModule(in_channels, channels, 3, padding=1, **conv))
        self.local = nn.Sequential(
            ConvModule(in_channels, in_channels, 1, **conv), ConvModule(in_channels, channels, 3, padding=1, **conv))
        self.offset_reduce = ConvModule(2 * channels, channels, 1, **conv)  # over [local, scene]
        self.offset_conv = nn.Conv2d(channels, 2, 3, padding=1, bias=False)
        for module in (*self.scene, *self.local, self.offset_reduce):
            module.conv.reset_parameters()
        nn.init.zeros_(self.offset_conv.weight)

    def pool(self, x: Tensor) -> Tensor:
        """The map of the scene, (N, C, pool_size, pool_size)."""
        return adaptive_avg_pool(x, self.pool_size)

    def delta(self, scene: Tensor, local: Tensor) -> Tensor:
        """The predicted field, (N, 2, h, w), in the sampler's unit."""
        x = conv_module_of_resized(
            self.offset_reduce, (local, scene), size=local.shape[2:], align_corners=self.align_corners)
        return self.offset_conv(x)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.in_channels:
            raise ValueError(f'AlignedContext was built with in_channels={self.in_channels}, got a map with '
                             f'{x.shape[1]} channels; set in_channels of the head to what the backbone gives')
        scene, local = self.scene(self.pool(x)), self.local(x)  # (N, channels, 3, 3), (N, channels, h, w)
        offset, corners = alignseg_offset(
            self.delta(scene, local), scene.shape[2:], self.sampler, self.align_corners)
        expose(self, offset=offset)
        return local + warp(scene, offset, align_corners=corners, padding_mode='zeros')
