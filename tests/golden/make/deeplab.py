"""DeepLab v2 on ResNet, run by kazuto1011/deeplab-pytorch at 4219467f, whose numbers are those of the caffemodel.

Fifty layers instead of 101: the blocks are the same. ``output`` is one scale, ``output_msc`` the maximum over three.
"""
import sys

from tests.golden.make.common import checkout, described, fill, image, main

REPOSITORY = 'kazuto1011/deeplab-pytorch'
SIZES = ((65, 97), (64, 96))  # of the form 8 k + 1, and even, where rounding up shows
# Without this a residual stack grows by orders of magnitude.
SCALE_OF = ('.increase.bn.weight', .25)


def deeplabv2(code):
    checkout(code, REPOSITORY)
    from libs.models.deeplabv2 import DeepLabV2
    from libs.models.msc import MSC
    net = MSC(DeepLabV2(n_classes=21, n_blocks=[3, 4, 6, 3], atrous_rates=[6, 12, 18, 24]), scales=[.5, .75])
    scale = {key: SCALE_OF[1] for key in net.state_dict() if key.endswith(SCALE_OF[0])}
    fill(net, scale=scale)
    arrays = described(net, scale=scale, src=f'{REPOSITORY}@4219467fa5de MSC(DeepLabV2(21, [3, 4, 6, 3], ...))')
    for height, width in SIZES:
        arrays[f'output_{height}x{width}'] = net.base(image(height, width)).numpy()
        arrays[f'output_msc_{height}x{width}'] = net(image(height, width)).numpy()
    return arrays


if __name__ == '__main__':
    sys.exit(main(dict(deeplabv2_r50=deeplabv2), __doc__))
