"""How a network is trained: rates, losses, averages.

SPDX-License-Identifier: Apache-2.0
"""
import copy
import math

import torch
import torch.nn.functional as F


def rate(part, peak, warm=0.06):
    """Learning rate when `part` (0 .. 1) of the training is done: a short rise, then half a
    cosine."""
    if part < warm:
        return peak * (0.05 + 0.95 * part / warm)
    return peak * 0.5 * (1 + math.cos(math.pi * (part - warm) / (1 - warm)))


def optimiser(net, decay):
    """SGD with momentum; decay acts on weights, not on biases and normalisation."""
    matrices = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)


def loss(scores, labels, taught=None, temperature=2.0, share=0.6, smooth=0.1):
    """Cross entropy with smoothed labels; with a teacher's scores, mostly the distance from what
    it says."""
    own = F.cross_entropy(scores, labels, label_smoothing=smooth if taught is None else smooth / 2)
    if taught is None:
        return own
    kl = F.kl_div(
        F.log_softmax(scores / temperature, 1),
        F.softmax(taught / temperature, 1),
        reduction="batchmean",
    )
    return (1 - share) * own + share * temperature**2 * kl


class Average:
    """A running mean of a network's weights, normalisation included."""

    def __init__(self, net, decay=0.998):
        self.net, self.decay = copy.deepcopy(net).eval(), decay

    @torch.no_grad()
    def update(self, net, steps):
        decay = min(self.decay, (1 + steps) / (10 + steps))
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values()):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)
