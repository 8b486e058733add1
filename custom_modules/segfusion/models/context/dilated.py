"""The dilated context module of Yu and Koltun."""
from typing import Dict, Optional, Sequence

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class DilatedContext(BaseModule):
    r"""Widen the view exponentially without losing resolution, starting as the identity.

    .. math:: x_{l+1} = ReLU(W_l *_{d_l} x_l), \quad d = 1, 1, 2, 4, 8, 16, 1, \quad y = W_{1 \times 1} * x_L

    Initially :math:`W_l(b, a) = \frac{C}{c_{l+1}} [\lfloor aC/c_l \rfloor = \lfloor bC/c_{l+1} \rfloor]` at the centre
    (Eq. 4 and 5), plus :math:`N(0, \sigma^2)` everywhere, so that maps without negative values pass unchanged.

    Paper: `Multi-Scale Context Aggregation by Dilated Convolutions <https://arxiv.org/abs/1511.07122>`_, Table 1.
    Checked against: fyu/dilation, models/dilation8_camvid_deploy.prototxt and dilation8_pascal_voc_deploy.prototxt,
    0f105742 (transcribed).
    Differs: nothing known. Dilation7, 8 and 10 are ``dilations`` up to 8, 16 and 64.

    Args:
        channels (int): C, channels of the result.
        in_channels (int, optional): Channels of the map, if a 1x1 convolution shall bring them to ``channels`` first.
            Defaults to None, the same.
        dilations (Sequence[int]): One 3x3 layer each. Defaults to (1, 1, 2, 4, 8, 16, 1), Dilation8.
        widths (Sequence[int], optional): Channels of each layer in units of C; the paper's "large" is
            (2, 2, 4, 8, 16, 32, 32). Defaults to None, 1 throughout ("basic").
        pad_once (bool): Pad the input by the sum of all dilations and no later map, as the released VOC network does.
            What the layers make of the margin then differs from the zeros that padding each of them puts there.
            Defaults to False.
        noise (float): :math:`\sigma` of the initial weights. Defaults to .01.

    Raises:
        ValueError: If ``widths`` and ``dilations`` differ in length.

    Shape:
        - x (N, in_channels, H, W) -> (N, channels, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 in_channels: Optional[int] = None,
                 dilations: Sequence[int] = (1, 1, 2, 4, 8, 16, 1),
                 widths: Optional[Sequence[int]] = None,
                 pad_once: bool = False,
                 noise: float = 0.01,
                 init_cfg: Optional[Dict] = None):
        super().__init__(init_cfg)
        widths = tuple(widths or [1] * len(dilations))
        if len(widths) != len(dilations):
            raise ValueError(f'expected one width for each of the {len(dilations)} dilations, got {len(widths)}')
        same = in_channels in (None, channels)
        self.project = nn.Identity() if same else nn.Conv2d(in_channels, channels, 1)
        self.channels, self.noise = channels, noise
        layers, width = [], channels
        for i, (dilation, multiple) in enumerate(zip(dilations, widths)):
            padding = (0 if i else sum(dilations)) if pad_once else dilation
            layers += [nn.Conv2d(width, multiple * channels, 3, padding=padding, dilation=dilation), nn.ReLU()]
            width = multiple * channels
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weights to the identity plus noise."""
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                self._set_identity(layer)

    @torch.no_grad()
    def _set_identity(self, layer: nn.Conv2d) -> None:
        out_channels, in_channels, size, _ = layer.weight.shape
        sources = torch.arange(in_channels) * self.channels // in_channels
        targets = torch.arange(out_channels) * self.channels // out_channels
        nn.init.normal_(layer.weight, std=self.noise)
        nn.init.zeros_(layer.bias)
        # Each of the in/C copies of a channel carries C/in of it, so C/out of their sum is what each new copy takes.
        same = (targets[:, None] == sources[None, :]).to(layer.weight)
        layer.weight[:, :, size // 2, size // 2] += same * self.channels / out_channels

    def init_weights(self) -> None:
        """The identity, unless ``init_cfg`` says otherwise."""
        if self.init_cfg:
            return super().init_weights()
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(self.project(x))
