_base_ = ['../_base_/models/fc-densenet56.py', '../_base_/camvid_scratch.py']
model = dict(data_preprocessor=dict(size=_base_.crop_size), backbone=dict(with_cp=True))
