# SETR-PUP on ViT-L/16 as released: four times 3x3 and twice as large.
_base_ = './setr_vit-l_naive.py'
model = dict(
    decode_head=dict(num_convs=4, up_scale=2, kernel_size=3),
    auxiliary_head=[
        dict(_base_.head, in_index=i, up_scale=4, kernel_size=3, loss_decode=_base_.auxiliary_loss) for i in range(4)
    ])
