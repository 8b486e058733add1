"""Test-time augmentation of networks with one output."""
from typing import List

from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.utils import SampleList


@MODELS.register_module()
class ProbabilityTTAModel(SegTTAModel):
    r"""mmseg's ``SegTTAModel``, right for networks with one output, too.

    .. math:: p = \frac{1}{T} \sum_t p_t, \quad label = [p > threshold]

    Differs: of more outputs, nothing. Of one output mmseg's segmentors already give the probability :math:`p_t`, and
    its TTA model takes a sigmoid of that; the mean then lies between 0.5 and 0.73, above the default threshold of 0.3
    everywhere.
    """

    def merge_preds(self, data_samples_list: List[SampleList]) -> SampleList:
        if self.module.out_channels > 1:
            return super().merge_preds(data_samples_list)
        for samples in data_samples_list:
            probability = sum(sample.seg_logits.data for sample in samples) / len(samples)
            label = (probability > self.module.decode_head.threshold).to(probability)
            samples[0].set_data(dict(pred_sem_seg=PixelData(data=label)))
        return [samples[0] for samples in data_samples_list]
