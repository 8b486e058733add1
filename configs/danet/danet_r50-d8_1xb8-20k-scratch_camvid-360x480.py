_base_ = ['../_base_/models/danet_r50-d8.py', '../_base_/camvid_scratch.py']
model = dict(data_preprocessor=dict(size=_base_.crop_size))
