# A trunk for any head: inherit this beside a model, and backbone=dict(_delete_=True, **_base_.trunk).
# The authors' file, under their name for it or any other; no conversion needed.
checkpoint = '{{$CONVERTED_ROOT:checkpoints}}/shunted_t.pth'
trunk = dict(
    type='ShuntedTransformer',
    arch='t',
    norm_cfg=dict(type='SyncBN', requires_grad=True),
    init_cfg=dict(type='Pretrained', checkpoint=checkpoint))
