_base_ = './structtoken-cse_vit-s16_8xb2-160k_ade20k-512x512.py'
model = dict(decode_head=dict(type='SelfSliceStructTokenHead'))
