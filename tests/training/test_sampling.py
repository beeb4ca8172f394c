#!/usr/bin/python3
"""What happens to features on the way into training does what its names say.

Exit status 77 (skipped) without torch.

SPDX-License-Identifier: Apache-2.0
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "training"))
try:
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import bands, sampling  # noqa: E402 (torch is asked for first)


def hump(frame, band):
    """One clip with one smooth hump."""
    t, b = np.mgrid[0:32, 0:32]
    clip = 100 * np.exp(-((t - frame) ** 2) / 18 - ((b - band) ** 2) / 8)
    return torch.from_numpy(clip.astype(np.float32))[None]


def centre(features, axis):
    along = features.sum((0, 2 if axis == 1 else 1))
    return float((along * torch.arange(32)).sum() / along.sum())


class Warp(unittest.TestCase):
    def test_not_at_all(self):
        clip = hump(15, 12)
        self.assertTrue(torch.equal(sampling.warp(clip, torch.Generator(), share=0), clip.round()))

    def test_bands_follow_the_mel_scale(self):
        hz = bands.hertz(bands.edges(32))[1:-1]
        places = bands.bent(32, [1.0, 1.2])
        np.testing.assert_allclose(places[0], np.arange(32), atol=1e-4)
        for band in (5, 15, 25):  # the place's frequency lies 1.2 above the band's
            np.testing.assert_allclose(
                np.interp(places[1][band], range(32), hz) / hz[band], 1.2, 0.01
            )

    def test_spreads_to_both_sides(self):
        generator, bandwise, in_time = torch.Generator().manual_seed(3), [], []
        for _ in range(60):
            clip = sampling.warp(hump(24, 20), generator, share=1)
            bandwise.append(centre(clip, 2) - 20)
            in_time.append(centre(clip, 1) - 24)
        for moved, least in ((bandwise, 1.2), (in_time, 0.8)):
            self.assertLess(min(moved), -least)
            self.assertGreater(max(moved), least)
            self.assertLess(max(map(abs, moved)), 4)

    def test_stays_in_range(self):
        noise = torch.randint(0, 128, (50, 32, 32)).float()
        clip = sampling.warp(noise, torch.Generator())
        self.assertGreaterEqual(float(clip.min()), 0)
        self.assertLessEqual(float(clip.max()), 127)
        self.assertTrue(torch.equal(clip, clip.round()))


if __name__ == "__main__":
    unittest.main()
