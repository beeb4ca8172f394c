"""Two models on the same clips: is one better, and by how much at least?

SPDX-License-Identifier: Apache-2.0
"""
import math

import numpy as np

DRAWS = 4000


def pack(right):
    return np.packbits(right).tobytes().hex()


def unpack(text, count):
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))[:count].astype(bool)


def mcnemar(first, second):
    """How probable a difference like this is among equals: exact, two-sided; first, second: which
    clips each model got right."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    n, k = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0
    logs = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(k + 1)]
    return min(1.0, 2 * sum(math.exp(log - n * math.log(2)) for log in logs))


def interval(first, second, seed=0):
    """(mean, low, high) of first - second in 95 % of all draws of clips; first, second: numbers of
    the same clips [n], such as right answers."""
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    rng, n = np.random.default_rng(seed), len(difference)
    means = [difference[rng.integers(n, size=n)].mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(difference.mean()), float(low), float(high)
