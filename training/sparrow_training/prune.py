"""Which windows of weights stay: 8 neighbouring outputs look, at one tap, at 16 neighbouring
inputs (at 4 in the stem, whose inputs all count).

A window's worth is the share that it has in what its 8 outputs receive: energy of its weights
times the energy of its inputs, over the sum for those outputs. Its price is what a vector kernel
spends on it for each word: in proportion to the positions that the convolution is computed at.
Each sum of convolutions has its share of one budget (network.Shape.shares) and keeps what has the
most worth; one budget for all by worth alone starves the stem. No layer after the stem keeps more
than MOST of its windows.

SPDX-License-Identifier: Apache-2.0
"""
import torch

GROUP = 8
QUAD_PRICE = 0.66  # of a window of 4 plain inputs, against one of 16 with two winners in each 8
MOST = 0.15  # of the windows of a convolution after the stem


def target(part, goal, begin=0.12, end=0.55):
    """What is left of 1 when `part` (0 .. 1) of the training is done: a cubic from 1 to goal."""
    u = min(max((part - begin) / (end - begin), 0.0), 1.0)
    return goal + (1 - goal) * (1 - u) ** 3


def as_windows(weight, window):
    """[out, in, taps] seen as [group, output of the group, window, input of the window, tap]."""
    o, i, taps = weight.shape
    return weight.reshape(o // GROUP, GROUP, i // window, window, taps)


def price(conv, positions):
    """Of one window of a convolution."""
    return positions * (QUAD_PRICE if conv.window == 4 else 1.0)


def input_energies(net, features):
    """Mean square of each input channel of each convolution, over a batch."""
    energies, hooks = {}, []

    def note(conv, inputs):
        energies[conv] = inputs[0].detach().square().mean((0, 2))

    for _, convs in net.convolutions():
        hooks += [conv.register_forward_pre_hook(note) for conv in convs]
    training = net.training
    net.eval()
    with torch.no_grad():
        net(features)
    net.train(training)
    for hook in hooks:
        hook.remove()
    energies.setdefault(net.stem, torch.ones(net.stem.conv.in_channels, device=features.device))
    return energies


def worths(net, features):
    """For each convolution the worth of each of its windows, [group, window, tap]."""
    energies, result = input_energies(net, features), {}
    for _, convs in net.convolutions():
        parts = {}
        for conv in convs:
            power = conv.folded()[0].detach().square() * energies[conv][None, :, None]
            parts[conv] = as_windows(power, conv.window).sum((1, 3))
        total = sum(p.sum((1, 2)) for p in parts.values()) + 1e-12
        for conv, part in parts.items():
            result[conv] = part / total[:, None, None]
    return result


def cost(net):
    """What all windows that stay cost, and what all windows together would."""
    stays = full = 0.0
    for positions, convs in net.convolutions():
        for conv in convs:
            mask = as_windows(conv.mask, conv.window)[:, 0, :, 0]
            stays += float(mask.sum()) * price(conv, positions)
            full += mask.numel() * price(conv, positions)
    return stays, full


def keep_best(worth, count, most):
    """The masks, [group, window, tap], of the `count` windows with the most worth among several
    convolutions that add into the same sums; each convolution keeps at most the share `most`.
    Each group keeps its best one in the first of them."""
    ranks = []
    for w in worth:
        w[w < w.flatten().topk(max(1, int(most * w.numel())))[0][-1]] = 0
        ranks.append(w)
    best = ranks[0].flatten(1).argmax(1)
    ranks[0].flatten(1)[torch.arange(len(best)), best] += 1e3  # of a contiguous one: a view
    every = torch.cat([w.flatten() for w in ranks])
    least = every.topk(min(count, len(every)))[0][-1]
    return [(w >= least) & (w > 0) for w in ranks]


def prune(net, features, part, budget):
    """Goes on with pruning when `part` (0 .. 1) of the training is done; in the end what stays
    costs `budget`. What is gone stays gone."""
    keep(net, worths(net, features), part, budget)


def keep(net, worth, part, budget):
    """Sets the masks by the worth of each window, by convolution: [group, window, tap]."""
    for (positions, convs), share in zip(net.convolutions(), net.shape.shares):
        every = sum(worth[conv].numel() for conv in convs)
        left = target(part, min(1.0, share * budget / price(convs[0], positions) / every))
        most = 1.0 if convs[0] is net.stem else target(part, MOST)
        masks = keep_best([worth[conv] for conv in convs], round(left * every), most)
        for conv, stays in zip(convs, masks):
            shape = as_windows(conv.mask, conv.window).shape
            stays = stays.to(conv.mask.dtype)[:, None, :, None, :].expand(shape)
            conv.mask.copy_(stays.reshape(conv.mask.shape))


def stored(net):
    """Weights that stay, and all weights, of the convolutions."""
    masks = [conv.mask for _, convs in net.convolutions() for conv in convs]
    return int(sum(m.sum() for m in masks)), sum(m.numel() for m in masks)
