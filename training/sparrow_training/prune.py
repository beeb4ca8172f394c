"""Which windows of weights stay: 8 neighbouring outputs look, at one tap, at 16 neighbouring
inputs.

A window's worth is the share that it has in what its 8 outputs receive: energy of its weights
times the energy of its inputs, over the sum for those outputs. Shares compare across layers, so
one budget covers them all.

SPDX-License-Identifier: Apache-2.0
"""
import torch

GROUP, WINDOW = 8, 16


def target(part, density, begin=0.12, end=0.55):
    """Share of the windows that is left when `part` (0 .. 1) of the training is done: a cubic
    from 1 to density."""
    u = min(max((part - begin) / (end - begin), 0.0), 1.0)
    return density + (1 - density) * (1 - u) ** 3


def as_windows(weight):
    """[out, in, taps] seen as [group, output of the group, window, input of the window, tap]."""
    o, i, taps = weight.shape
    return weight.reshape(o // GROUP, GROUP, i // WINDOW, WINDOW, taps)


def masked(net):
    """The convolutions after the stem; those that add into the same outputs stand together."""
    for block in net.blocks:
        yield [block.a]
        yield [block.b, block.skip]


def input_energies(net, features):
    """Mean square of each input channel of each convolution after the stem, over a batch."""
    energies, hooks = {}, []

    def note(conv, inputs):
        energies[conv] = inputs[0].detach().square().mean((0, 2))

    for block in net.blocks:
        hooks += [conv.register_forward_pre_hook(note) for conv in (block.a, block.b, block.skip)]
    training = net.training
    net.eval()
    with torch.no_grad():
        net(features)
    net.train(training)
    for hook in hooks:
        hook.remove()
    return energies


def worths(net, features):
    """For each masked convolution the worth of each of its windows, [group, window, tap]."""
    energies, result = input_energies(net, features), {}
    for convs in masked(net):
        parts = {}
        for conv in convs:
            folded = conv.folded()[0].detach()
            parts[conv] = as_windows(folded.square() * energies[conv][None, :, None]).sum((1, 3))
        total = sum(p.sum((1, 2)) for p in parts.values()) + 1e-12
        for conv, part in parts.items():
            result[conv] = part / total[:, None, None]
    return result


def prune(net, features, windows):
    """Leaves the `windows` windows with the largest worth; each group keeps its best one. What is
    gone stays gone."""
    worth = worths(net, features)
    for w in worth.values():
        best = w.flatten(1).argmax(1)
        w.flatten(1)[
            torch.arange(len(w)), best
        ] += 1  # .flatten(1) of a contiguous tensor is a view
    every = torch.cat([w.flatten() for w in worth.values()])
    least = every.topk(min(windows, every.numel()))[0][-1]
    for conv, w in worth.items():
        stays = ((w >= least) & (w > 0)).to(conv.mask.dtype)
        shape = as_windows(conv.mask).shape
        conv.mask.copy_(stays[:, None, :, None, :].expand(shape).reshape(conv.mask.shape))


def count(net):
    """Windows that stay, and all windows, of the masked convolutions."""
    masks = [as_windows(conv.mask)[:, 0, :, 0] for convs in masked(net) for conv in convs]
    return int(sum(m.sum() for m in masks)), sum(m.numel() for m in masks)
