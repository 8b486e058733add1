"""All pairs of pixels, in float64, as the papers write it (with the pixel itself, as all public code has it)."""
import torch


def gaussian_matrix(image, sigma_xy, sigma_rgb=None):
    """k_ij for one image (3, H, W); by position only without ``sigma_rgb``."""
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    features = [x.flatten().double() / sigma_xy, y.flatten().double() / sigma_xy]
    if sigma_rgb is not None:
        features += [channel.flatten().double() / sigma_rgb for channel in image]
    features = torch.stack(features, 1)
    return torch.exp(-0.5 * ((features[:, None] - features[None])**2).sum(-1))


def normalize(matrix, how):
    """Divide by what each pixel sees in total."""
    mass = matrix.sum(1)
    if how == 'symmetric':
        return matrix / (mass[:, None] * mass[None]).sqrt()
    if how == 'after':
        return matrix / mass[:, None]
    if how == 'before':
        return matrix / mass[None]
    return matrix / mass.mean() if how == 'mean' else matrix


def mean_field(logits, filters, compats, iterations):
    """Logits (C, H, W) after some updates; ``filters`` are matrices over pixels, ``compats`` matrices over classes."""
    unary = logits.double().flatten(1)
    current = unary
    for _ in range(iterations):
        belief = current.softmax(0)
        current = unary + sum(compat.double() @ (belief @ a.t()) for a, compat in zip(filters, compats))
    return current.view(logits.shape)
