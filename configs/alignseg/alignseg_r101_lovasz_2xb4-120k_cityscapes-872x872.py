# The authors' `--ohem 1`, which mines no hard examples: it adds 0.8 of the Lovasz-Softmax loss over the whole batch.
_base_ = './alignseg_r101_2xb4-120k_cityscapes-872x872.py'
model = dict(
    decode_head=dict(loss_decode=[
        dict(type='CrossEntropyLoss', avg_non_ignore=True),
        dict(type='LovaszLoss', classes='present', per_image=False, reduction='none', loss_weight=0.8)
    ]))
