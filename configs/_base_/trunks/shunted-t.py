# A trunk for any head: inherit this beside a model, and backbone=dict(_delete_=True, **_base_.trunk).
# From the authors' ImageNet file by tools/convert_checkpoint.py.
checkpoint = '{{$CONVERTED_ROOT:checkpoints}}/shunted_t.pth'
trunk = dict(
    type='ShuntedTransformer',
    arch='t',
    norm_cfg=dict(type='SyncBN', requires_grad=True),
    init_cfg=dict(type='Pretrained', checkpoint=checkpoint))
