"""Where the front end's bands lie.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np

LOWEST_HZ, HIGHEST_HZ = 60, 7600


def mel(hz):
    """On the mel scale."""
    return 2595 * np.log10(1 + hz / 700)


def hertz(mels):
    return 700 * (10 ** (mels / 2595) - 1)


def edges(bands):
    """bands + 2 edges in mel, at equal distances; the middle ones are the bands' centres."""
    return np.linspace(mel(LOWEST_HZ), mel(HIGHEST_HZ), bands + 2)


def bent(bands, factors):
    """Places of the bands, as fractional numbers of bands, at which a sound whose frequencies are
    `factors` times as high has what it had in them; [number of factors, bands]."""
    centres = edges(bands)[1:-1]
    wanted = mel(hertz(centres)[None, :] * np.asarray(factors)[:, None])
    return ((wanted - centres[0]) / (centres[1] - centres[0])).astype(np.float32)
