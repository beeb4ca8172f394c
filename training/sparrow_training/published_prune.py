"""Which weights of the published shape stay: published.py says of what form they are.

As in prune.py a window's worth is the share that it has in what its 8 outputs receive: energy of
its weights times the energy of its inputs. What is gone stays gone.

SPDX-License-Identifier: Apache-2.0
"""
import torch
import torch.nn.functional as F

from .published import CONV2_WINDOWS, GROUP, RUN, RUNS, TAPS, UNIT_WINDOWS, UNITS, WINDOW

LEAST = 3  # windows of a group of conv2


def target(part, goal, begin=0.1, end=0.5):
    """What is left of 1 when `part` (0 .. 1) of the training is done: a cubic from 1 to goal."""
    u = min(max((part - begin) / (end - begin), 0.0), 1.0)
    return goal + (1 - goal) * (1 - u) ** 3


def shares(power):
    """power: [outputs, places], energies -> [groups, places]: shares in what each output receives,
    added up. The last group may be shorter."""
    power = power / (power.sum(1, keepdim=True) + 1e-12)
    power = F.pad(power, (0, 0, 0, -len(power) % GROUP))
    return power.reshape(-1, GROUP, power.shape[1]).sum(1)


def best(worth, count):
    """[groups, places] -> 1 where one of the `count` best of its row stands."""
    return torch.zeros_like(worth).scatter_(1, worth.topk(count, 1)[1], 1)


def prune_runs(conv, part):
    """conv1: in each group runs of 4 bands, one in a frame."""
    left = target(part, 0.0)
    if left > 0.8:
        return
    power = (conv.conv.weight * conv.mask).square().flatten(1)
    taps = shares(power).reshape(-1, TAPS, TAPS)
    runs = torch.stack([taps[:, :, i : i + RUN].sum(2) for i in range(TAPS - RUN + 1)], 2)
    worth, start = runs.max(2)
    rows = best(worth, RUNS + round((TAPS - RUNS) * left))
    place = torch.arange(TAPS)[None, None, :] - start[:, :, None]
    mask = ((place >= 0) & (place < RUN)) * rows[:, :, None]
    conv.mask.copy_(mask.repeat_interleave(GROUP, 0)[:, None])


def prune_windows(conv, energies, part):
    """conv2: the windows with the most worth of all groups."""
    power = (conv.conv.weight * conv.mask).square() * energies[None, :, None, None]
    power = power.permute(0, 2, 3, 1).reshape(len(power), -1, WINDOW).sum(2)  # [output, place]
    worth = shares(power)
    every = worth.numel()
    count = round(target(part, CONV2_WINDOWS / every) * every)
    if count >= every:
        return
    rank = worth + best(worth, LEAST) * GROUP
    stays = torch.zeros_like(rank).flatten()
    stays[rank.flatten().topk(count)[1]] = 1
    mask = stays.reshape(rank.shape).repeat_interleave(WINDOW, 1).repeat_interleave(GROUP, 0)
    mask = mask.reshape(len(power), TAPS, TAPS, -1).permute(0, 3, 1, 2)
    conv.mask.copy_(mask)


def prune_units(net, energies, part):
    """The linear layer: in each group as many windows."""
    power = (net.units.weight * net.mask).square() * energies
    worth = shares(power.reshape(UNITS, -1, WINDOW).sum(2))
    places = worth.shape[1]
    count = round(target(part, UNIT_WINDOWS / places) * places)
    mask = best(worth, count).repeat_interleave(WINDOW, 1).repeat_interleave(GROUP, 0)
    net.mask.copy_(mask[:UNITS])


@torch.no_grad()
def prune(net, features, part):
    """Goes on with pruning when `part` (0 .. 1) of the training is done."""
    training = net.training
    net.eval()
    one, two, _ = net.values(features)
    net.train(training)
    prune_runs(net.conv1, part)
    prune_windows(net.conv2, one.square().mean((0, 2, 3)), part)
    prune_units(net, two.permute(0, 2, 3, 1).flatten(1).square().mean(0), part)
