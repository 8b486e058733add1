"""A batch as a data loader gives it."""
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample


def batch(num_classes, n=2, size=(65, 97)):
    """Random images with random labels and edges; the first five rows are void."""
    image = torch.randint(0, 256, (n, 3, *size), dtype=torch.uint8)
    label = torch.randint(0, num_classes, (n, 1, *size))
    label[:, :, :5] = 255
    edge = torch.randint(0, 2, (n, 1, *size))
    meta = dict(img_shape=size, ori_shape=size, pad_shape=size, scale_factor=(1., 1.))
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=label[i]), gt_edge_map=PixelData(data=edge[i]), metainfo=meta)
        for i in range(n)
    ]
    return dict(inputs=list(image), data_samples=samples)
