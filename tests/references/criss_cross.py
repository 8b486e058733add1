"""Criss-cross attention of CCNet (https://arxiv.org/abs/1811.11721, Sec. 3.2), position by position."""
import torch


def criss_cross_attention(query, key, value):
    """Every position attends to its column and its row, itself counted once; (N, C', H, W), C' and C channels."""
    n, channels, height, width = value.shape
    out = torch.zeros_like(value)
    for i in range(n):
        for y in range(height):
            for x in range(width):
                cross = [(j, x) for j in range(height)] + [(y, j) for j in range(width) if j != x]
                scores = torch.stack([query[i, :, y, x] @ key[i, :, v, u] for v, u in cross])
                weights = scores.softmax(0)
                out[i, :, y, x] = sum(w * value[i, :, v, u] for w, (v, u) in zip(weights, cross))
    return out
