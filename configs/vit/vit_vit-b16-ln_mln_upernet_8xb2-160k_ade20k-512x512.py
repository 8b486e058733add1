_base_ = './vit_vit-b16_mln_upernet_8xb2-160k_ade20k-512x512.py'
model = dict(backbone=dict(final_norm=True))
