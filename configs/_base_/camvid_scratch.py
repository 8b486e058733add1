# The recipe that all networks share on CamVid from random weights: inherit it beside a model of _base_/models.
_base_ = ['./datasets/camvid.py', './schedules/camvid_scratch.py', './default_runtime.py']
train_dataloader = dict(batch_size=8)
