"""How far ONNX Runtime is from PyTorch, for any configs: the table of docs/deployment.md.

    python benchmarks/exports.py                      # one config of every family
    python benchmarks/exports.py CONFIG ... --dynamo  # also by torch.export

Weights are random, offsets and statistics of norms not trivial. A column is the largest difference, in units of the
standard deviation of the logits; "ties" are networks with pooling indices, where equal pixels may be told apart
otherwise: there the share of differing logits follows.
"""
import argparse
import tempfile
from pathlib import Path

import torch
from torch import nn

from segfusion import register_all
from segfusion.deploy import ExportError, export_onnx, load_segmentor

ROOT = Path(__file__).resolve().parents[1] / 'configs'
FAMILIES = [
    'sfnet/sfnet_r18_8xb2-300e_cityscapes-1024x1024.py', 'sfnet_lite/sfnet-lite_r18_8xb2-1000e_cityscapes-1024x1024.py',
    'alignseg/alignseg_r50_2xb4-120k_cityscapes-872x872.py', 'gff/gff_r50-d8_1xb8-20k_camvid-360x480.py',
    'gff/gff_wrn38-d8_8xb2-175e_cityscapes-896x896.py', 'fcn_xs/fcn-8s_vgg16_1xb8-20k-scratch_camvid-360x480.py',
    'segnet/segnet_vgg16_1xb8-20k-scratch_camvid-360x480.py', 'segnet/segnet-basic_1xb8-20k-scratch_camvid-360x480.py',
    'enet/enet_1xb8-20k-scratch_camvid-360x480.py', 'linknet/linknet_r18_1xb8-20k-scratch_camvid-360x480.py',
    'refinenet/refinenet_r50_1xb8-20k-scratch_camvid-360x480.py',
    'gfrnet/gfrnet_vgg16_1xb8-20k-scratch_camvid-360x480.py',
    'large_kernel/large-kernel_r50_1xb8-20k-scratch_camvid-360x480.py',
    'fc_densenet/fc-densenet56_1xb8-20k-scratch_camvid-360x480.py',
    'deeplab/deeplabv2-aspp-l_vgg16_1xb8-20k-scratch_camvid-360x480.py',
    'dilation/dilation8_vgg16_1xb8-20k-scratch_camvid-360x480.py',
]


def settle(model: nn.Module) -> nn.Module:
    """Statistics and offsets that hide nothing."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    for name, parameter in model.named_parameters():
        if 'offset_conv' in name or 'flow_conv' in name:
            nn.init.normal_(parameter, std=0.05)
    return model


def cells(model: nn.Module, size, **options):
    """One or two cells of the table: a size each."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = export_onnx(model, f'{folder}/net.onnx', size, allowed=1., **options)
        except (ExportError, RuntimeError, AssertionError) as error:
            return [type(error).__name__]
    return [f'{d.largest:.0e}' + (f' ties, {d.beyond:.1%}' if d.beyond else '') for d in report]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='*', default=[str(ROOT / name) for name in FAMILIES])
    parser.add_argument('--size', type=int, nargs=2, default=[128, 192], metavar=('H', 'W'))
    parser.add_argument('--dynamo', action='store_true', help='also export by torch.export (minutes)')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(2)
    extra = ['torch.export'] if args.dynamo else []
    other = f'{args.size[0] + 17}x{args.size[1] + 31}'
    head = ['network', 'fixed size', 'any size', f'the same file at {other}', 'warp by look-ups', *extra]
    print(f'| {" | ".join(head)} |\n|{" --- |" * len(head)}', flush=True)
    for path in args.configs:
        model = settle(load_segmentor(path))
        row = cells(model, args.size) + cells(model, args.size, dynamic=True) + cells(model, args.size, warp='gather')
        if args.dynamo:
            row += cells(model, args.size, exporter='dynamo')
        print(f'| {Path(path).stem.split("_1x")[0].split("_2x")[0].split("_8x")[0]} | {" | ".join(row)} |', flush=True)


if __name__ == '__main__':
    main()
