"""Kinds of competition between channels, with boosting, in place of block winners: for comparison
with the published networks, and to keep channels alive in training.

block   the `left` largest of each 8 neighbouring channels at a position (network.BlockWinners)
local   of all channels at a position as large a share: left / 8
global  of all channels and positions together as large a share, as published

Boosting: channels that win often rank lower while training lasts, by exp(-boost x how often it
was alive). Only the ranking changes, never the values; at evaluation nothing is boosted, so that
the boost has to be gone by the end of training (set_boost).

SPDX-License-Identifier: Apache-2.0
"""
import torch
import torch.nn.functional as F

from .network import BLOCK, BlockWinners

KINDS = ("block", "local", "global")
PERIOD = 20000  # samples over which the duty cycle is a running mean
HISTORY = (".duty", ".seen")  # ends of the names of Competition's buffers
BOOST_UNTIL = 0.7  # part of the training after which nothing is boosted


class Competition(BlockWinners):
    """left: of each 8, as for block winners; boost: how strongly frequent winners are held back."""

    def __init__(self, kind, channels):
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"a competition of kind {kind}; there are {', '.join(KINDS)}")
        self.kind, self.boost = kind, 0.0
        self.register_buffer("duty", torch.zeros(channels))
        self.register_buffer("seen", torch.zeros(()))

    def wins(self, rank):
        """1 where a value stays, else 0; rank: [n, channels, positions]."""
        n, channels, positions = rank.shape
        if self.kind == "block":
            shape, axis, k = (n, channels // BLOCK, BLOCK, positions), 2, self.left
        elif self.kind == "local":
            shape, axis, k = rank.shape, 1, round(channels * self.left / BLOCK)
        else:
            shape, axis, k = (n, -1), 1, round(channels * positions * self.left / BLOCK)
        rank = rank.reshape(shape)
        best = rank.topk(max(k, 1), axis, sorted=False)[1]
        return torch.zeros_like(rank).scatter_(axis, best, 1).reshape(n, channels, positions)

    def forward(self, x):
        x = F.relu(x)
        if self.left < BLOCK:
            with torch.no_grad():
                rank = x
                if self.training and self.boost:
                    rank = x * torch.exp(-self.boost * self.duty)[None, :, None]
                wins = self.wins(rank)
            x = x * wins
        if self.training:
            self.note(x.detach())
        return x

    def note(self, x):
        """Takes a batch into the duty cycle: the share of positions at which a channel is alive."""
        self.seen += len(x)
        alive = (x > 0).to(x.dtype).mean((0, 2))
        self.duty.lerp_(alive, float(len(x) / min(max(float(self.seen), len(x)), PERIOD)))


def install(net, kind):
    """Puts competitions of a kind where a Temporal network has block winners."""
    places = [(net, "act", net.stem)]
    for block in net.blocks:
        places += [(block, "act_a", block.a), (block, "act", block.b)]
    for owner, name, conv in places:
        competition = Competition(kind, conv.conv.out_channels)
        competition.left = getattr(owner, name).left
        setattr(owner, name, competition)
    return net


def load(net, state):
    """Takes the state of a network that may have competitions where this one has none, or none
    where it has some: how often channels were alive is then forgotten."""
    own = net.state_dict()
    history = {k: v for k, v in own.items() if k.endswith(HISTORY)}
    told = {k: v for k, v in state.items() if k in own or not k.endswith(HISTORY)}
    net.load_state_dict({**history, **told})


def set_boost(net, strength, part):
    """The boost when `part` (0 .. 1) of the training is done: from strength down to nothing."""
    for module in net.modules():
        if isinstance(module, Competition):
            module.boost = strength * max(0.0, 1 - part / BOOST_UNTIL)


def idle(net, least=0.005):
    """How many channels are alive in less than the share `least` of all positions."""
    duties = [m.duty for m in net.modules() if isinstance(m, Competition)]
    return int(sum((duty < least).sum() for duty in duties))
