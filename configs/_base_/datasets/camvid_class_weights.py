# Class weights of CamVid in the order of CamVidDataset, for losses: inherit this file beside camvid.py and write
# loss_decode=dict(type='CrossEntropyLoss', class_weight={{_base_.segnet_class_weight}}).

# Median-frequency weights as released: the constants of SegNet's and G-FRNet's prototxt files. Counting the published
# labels again does not give them exactly (signsymbol 3.85 instead of 9.64), so they are a choice of the authors'.
segnet_class_weight = [
    0.2595, 0.1826, 4.5640, 0.1417, 0.9051, 0.3826, 9.6446, 1.8418, 0.6823, 6.2478, 7.3614
]
# ENet's 1 / ln(1.02 + p), p the share of a class among the labelled pixels of the training split.
enet_class_weight = [
    5.603, 4.295, 33.574, 3.335, 15.486, 8.739, 31.542, 32.012, 12.829, 38.014, 43.907
]
