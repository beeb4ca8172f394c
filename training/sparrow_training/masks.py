"""Windows of weights that do not follow magnitude alone: static ones, chosen at random before the
first step, and dynamic ones, which start like those and move.

Moving (after RigL): every so often a share of the windows that stay, those with the least worth
(prune.py), makes room for as many whose loss gradient is the largest; a new window begins with
zeros. The rule of windows and the number of them in each convolution stay as they are.

SPDX-License-Identifier: Apache-2.0
"""
import math

import torch

from . import prune

KINDS = ("learned", "static", "dynamic")
MOVED = 0.3  # of the windows at first, less and less
MOVE_UNTIL = 0.75  # part of the training after which nothing moves


def convolutions(net):
    """Those after the stem, whose windows may move."""
    return [conv for _, convs in net.convolutions() for conv in convs if conv is not net.stem]


def scatter(net, budget, seed):
    """Random windows that cost `budget`, as many in each convolution as pruning would leave."""
    generator = torch.Generator().manual_seed(seed)
    worth = {}
    for _, convs in net.convolutions():
        for conv in convs:
            shape = windows(conv.mask, conv).shape
            worth[conv] = torch.rand(shape, generator=generator).to(conv.mask.device) + 1e-3
    prune.keep(net, worth, 1.0, budget)
    clear(net)


def windows(mask, conv):
    """A mask as one number for each window, [group, window, tap]."""
    return prune.as_windows(mask, conv.window)[:, 0, :, 0]


@torch.no_grad()
def clear(net):
    """Weights outside the masks become zero, so that a window that is grown begins with them."""
    for _, convs in net.convolutions():
        for conv in convs:
            conv.conv.weight.mul_(conv.mask)


def gradients(net, loss):
    """The energy of the loss gradient in every window, of those too that do not stay; loss():
    the loss of a batch. Weights outside the masks are zero."""
    clear(net)
    convs, masks = convolutions(net), {}
    for conv in convs:
        masks[conv] = conv.mask.clone()
        conv.mask.fill_(1.0)
    net.zero_grad()
    loss().backward()
    result = {}
    for conv in convs:
        energy = conv.conv.weight.grad.square()
        result[conv] = prune.as_windows(energy, conv.window).sum((1, 3))
        conv.mask.copy_(masks[conv])
    net.zero_grad()
    return result


def share(part):
    """Of the windows that stay, how many move when `part` (0 .. 1) of the training is done."""
    return 0.5 * MOVED * (1 + math.cos(math.pi * min(part / MOVE_UNTIL, 1.0)))


@torch.no_grad()
def exchange(stays, worth, gradient, count):
    """stays (bool), worth, gradient: [group, window, tap]. Which windows stay when the `count`
    least worthy give way to those with the largest gradient; each group keeps its best one."""
    held = worth.masked_fill(~stays, -1.0)
    best = held.flatten(1).argmax(1)
    safe = torch.zeros_like(stays)
    safe.flatten(1)[torch.arange(len(best)), best] = True
    safe &= stays
    room = int((stays & ~safe).sum())
    count = min(count, room, int((~stays).sum()))
    if count <= 0:
        return stays
    result = stays.clone().flatten()
    candidates = worth.masked_fill(~stays | safe, math.inf).flatten()
    gone = candidates.topk(count, largest=False)[1]
    # What goes may not come back at once.
    grown = gradient.masked_fill(stays, -1.0).flatten().topk(count)[1]
    result[gone], result[grown] = False, True
    return result.reshape(stays.shape)


def move(net, features, loss, part, optimiser=None):
    """Moves windows. loss(): that of a batch; optimiser: forgets its momentum where a window is
    gone or new. Returns how many moved."""
    gradient, worth, moved = gradients(net, loss), prune.worths(net, features), 0
    for conv in convolutions(net):
        stays = windows(conv.mask, conv) > 0
        after = exchange(stays, worth[conv], gradient[conv], round(share(part) * int(stays.sum())))
        moved += int((after & ~stays).sum())
        shape = prune.as_windows(conv.mask, conv.window).shape
        whole = after.to(conv.mask.dtype)[:, None, :, None, :].expand(shape)
        kept = conv.mask * whole.reshape(conv.mask.shape)
        conv.mask.copy_(whole.reshape(conv.mask.shape))
        state = optimiser.state.get(conv.conv.weight, {}) if optimiser else {}
        if state.get("momentum_buffer") is not None:
            state["momentum_buffer"].mul_(kept)
    clear(net)
    return moved
