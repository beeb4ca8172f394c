"""A rival: a network like BC-ResNet-1 (Kim et al., Broadcasted Residual Learning for Efficient
Keyword Spotting, 2021, arXiv:2106.04140), dense, in floating point.

Kept of the paper: the stem, four stages of 2, 2, 4 and 4 blocks with 8, 12, 16 and 20 channels, the
block (a 3-tap convolution over bands, sub-spectral normalisation, the mean over bands, a 3-tap
convolution over time, swish, a 1x1 convolution, and its result added to every band), strides over
bands, the head, dropout.
Not kept: 32 bands and 32 frames in place of 40 and 101, so that the bands fall into 4 groups in
place of 5, the stages go on with 16, 8 and 4 bands, and the frames that a tap reaches back are a
third as many (1, 1, 1, 3 in place of 1, 2, 4, 8), since a frame is three times as long; recipe and
augmentation are those of our networks. The paper's own figures are for other clips.

The engine has no such layers: training/export writes it for ONNX Runtime.

SPDX-License-Identifier: Apache-2.0
"""
import torch
import torch.nn.functional as F
from torch import nn

from .network import MIDDLE, SPREAD

STEM, HEAD, DROPPED = 16, 32, 0.1
GROUPS = 4  # of bands, normalised apart
# channels, blocks, stride over bands, frames from tap to tap
STAGES = ((8, 2, 1, 1), (12, 2, 2, 1), (16, 4, 2, 1), (20, 4, 1, 3))
BANDS_LEFT = 4


class SubSpectral(nn.Module):
    """Batch normalisation of each channel in each group of neighbouring bands apart."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels * GROUPS)

    def forward(self, x):
        n, channels, bands, frames = x.shape
        return self.norm(x.reshape(n, channels * GROUPS, bands // GROUPS, frames)).reshape(x.shape)


def depthwise(channels, size, **how):
    return nn.Conv2d(channels, channels, size, groups=channels, bias=False, **how)


class Block(nn.Module):
    """A normal block; where channels or bands change, a transition block, which has a 1x1
    convolution before it and no way around it."""

    def __init__(self, channels_in, channels, stride, reach):
        super().__init__()
        self.around = channels_in == channels and stride == 1
        self.widen = None
        if not self.around:
            self.widen = nn.Conv2d(channels_in, channels, 1, bias=False)
            self.widen_norm = nn.BatchNorm2d(channels)
        self.bands = depthwise(channels, (3, 1), stride=(stride, 1), padding=(1, 0))
        self.bands_norm = SubSpectral(channels)
        self.time = depthwise(channels, (1, 3), padding=(0, reach), dilation=(1, reach))
        self.time_norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.drop = nn.Dropout2d(DROPPED)

    def forward(self, x):
        y = x if self.widen is None else F.relu(self.widen_norm(self.widen(x)))
        y = self.bands_norm(self.bands(y))
        broad = self.drop(self.mix(F.silu(self.time_norm(self.time(y.mean(2, keepdim=True))))))
        return F.relu(x + y + broad if self.around else y + broad)


class BCResNet(nn.Module):
    def __init__(self, labels=12):
        super().__init__()
        self.stem = nn.Conv2d(1, STEM, 5, (2, 1), 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(STEM)
        self.blocks, before = nn.ModuleList(), STEM
        for channels, count, stride, reach in STAGES:
            for i in range(count):
                self.blocks.append(Block(before, channels, stride if i == 0 else 1, reach))
                before = channels
        self.ends = depthwise(before, (BANDS_LEFT, 5), padding=(0, 2))
        self.head = nn.Conv2d(before, HEAD, 1, bias=False)
        self.head_norm = nn.BatchNorm2d(HEAD)
        self.linear = nn.Linear(HEAD, labels)

    def forward(self, features):
        x = ((features - MIDDLE) / SPREAD).transpose(1, 2)[:, None]  # [n, 1, bands, frames]
        x = F.relu(self.stem_norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        x = F.relu(self.head_norm(self.head(self.ends(x))))
        return self.linear(x.mean((2, 3)))

    def set_winners(self, left):
        """There are none: every positive value stays."""


@torch.no_grad()
def cost(net):
    """(weights, biases, multiply-adds for a word) with the normalisations folded away; what
    normalises bands apart stays as a factor and a term for each channel and group."""
    seen, hooks = [], []

    def note(layer, _, out):
        positions = out[0].numel() // out.shape[1]
        seen.append((layer.weight.numel(), out.shape[1], layer.weight.numel() * positions))

    def note_norm(_, inputs, __):
        channels = inputs[0].shape[1] * GROUPS
        seen.append((channels, channels, inputs[0][0].numel()))

    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            hooks.append(layer.register_forward_hook(note))
        elif isinstance(layer, SubSpectral):
            hooks.append(layer.register_forward_hook(note_norm))
    net.eval()(torch.zeros(1, 32, 32))
    for hook in hooks:
        hook.remove()
    return tuple(sum(row[i] for row in seen) for i in range(3))
