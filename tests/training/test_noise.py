#!/usr/bin/python3
"""Noise has the level it should have, pairs of models are compared as by hand, and training/noise
agrees with `sparrow eval` on the clean clips.

On made-up sounds. Writes to a temporary folder only. Exit status 77 (skipped) without numpy,
soundfile, matplotlib or protobuf.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest

TOP = os.environ["top_srcdir"]
sys.path.insert(0, os.path.join(TOP, "training"))
try:
    import matplotlib  # noqa: F401 (looked for, not used)
    import numpy as np
    import soundfile
    from google import protobuf  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from sparrow_training import noises, noisetest, paired  # noqa: E402 (numpy is asked for first)

SPARROW = os.path.join(os.environ["top_builddir"], "sparrow")
RATE = 16000


def bursts(n, seed=3):
    """Sounds of half a second in a second, s16 [n, RATE]."""
    rng = np.random.default_rng(seed)
    time = np.arange(RATE) / RATE
    clips = np.zeros((n, RATE))
    for clip in clips:
        tones = sum(np.sin(2 * np.pi * hz * time) for hz in rng.uniform(150, 3000, 5))
        clip[:] = tones * (np.abs(time - 0.5) < 0.25) * rng.uniform(300, 3000)
    return noises.to_s16(clips)


class Mixing(unittest.TestCase):
    def test_ratio_is_that_to_the_active_part(self):
        clips = bursts(6)
        for name, kind in noises.kinds({"hum": np.arange(3 * RATE) % 97 - 48.0}).items():
            for db in (20, 10, 0):
                with self.subTest(noise=name, db=db):
                    noise = noises.at_ratio(clips, kind, db, 1).astype(float) - clips
                    speech = clips[:, RATE // 4 : 3 * RATE // 4].astype(float)
                    ratio = (speech**2).mean(1) / (noise**2).mean(1)
                    np.testing.assert_allclose(10 * np.log10(ratio), db, atol=0.4)

    def test_uniform_noise_is_a_share(self):
        clips = bursts(4)
        self.assertTrue((noises.uniform(clips, 0, 1) == clips).all())
        half = noises.uniform(clips, 0.5, 1).astype(float) - 0.5 * clips
        self.assertLess(np.abs(half).max(), 0.5 * noises.FULL + 1)
        self.assertAlmostEqual(half.std() / noises.FULL, 0.5 / 3**0.5, delta=0.003)
        self.assertTrue((noises.uniform(clips, 0.3, 1) == noises.uniform(clips, 0.3, 1)).all())
        self.assertTrue((noises.uniform(clips, 0.3, 1) != noises.uniform(clips, 0.3, 2)).any())

    def test_pink_noise_falls_by_three_decibels_an_octave(self):
        power = (np.abs(np.fft.rfft(noises.pink(20, np.random.default_rng(1)))) ** 2).mean(0)
        low, high = power[200:400].mean(), power[3200:6400].mean()
        self.assertAlmostEqual(10 * np.log10(low / high), 12, delta=0.7)


class Pairs(unittest.TestCase):
    def test_mcnemar_by_hand(self):
        first = np.array([True] * 8 + [False] * 2 + [True] * 50)
        second = np.array([False] * 8 + [True] * 2 + [True] * 50)
        self.assertAlmostEqual(paired.mcnemar(first, second), 2 * (1 + 10 + 45) / 1024)
        self.assertEqual(paired.mcnemar(first, first), 1)

    def test_interval_holds_the_difference(self):
        rng = np.random.default_rng(5)
        first, second = rng.random(2000) < 0.9, rng.random(2000) < 0.8
        mean, low, high = paired.interval(first, second)
        self.assertLess(low, mean)
        self.assertLess(mean, high)
        half = 1.96 * (0.9 * 0.1 + 0.8 * 0.2) ** 0.5 / 2000**0.5
        self.assertAlmostEqual((high - low) / 2, half, delta=0.15 * half)


class Command(unittest.TestCase):
    """training/noise on a data folder of a few made-up clips."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.words = ["yes", "no", "up", "house", "silence", "silence"]
        self.list = self.path("list.tsv")
        rows = [(w, "clips.tar", f"{w}/{i}.flac") for i, w in enumerate(self.words[:5])]
        rows.append(("silence", "-", "-"))
        with open(self.list, "w", encoding="utf-8", newline="") as f:
            table = csv.writer(f, delimiter="\t", lineterminator="\n")
            table.writerow(["label", "archive", "member", "start", "samples", "gain"])
            table.writerows((*row, 0, RATE, 65536) for row in rows)
        self.archive("clips.tar", {r[2]: clip for r, clip in zip(rows, bursts(5))})
        hum = {"_noise_/test/hum.flac": noises.to_s16(bursts(1).repeat(3, 1)[0] / 3)}
        self.archive("noise.tar", hum)
        with gzip.open(self.path("manifest.tsv.gz"), "wt", encoding="utf-8") as f:
            f.write("split\tword\tarchive\tfile\tseconds\n")
            f.write("test\t_noise_\tnoise.tar\t_noise_/test/hum.flac\t3\n")

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def archive(self, name, clips):
        with tarfile.open(self.path(name), "w") as tar:
            for member, samples in clips.items():
                file = io.BytesIO()
                soundfile.write(file, samples, RATE, format="FLAC")
                entry = tarfile.TarInfo(member)
                entry.size = len(file.getvalue())
                file.seek(0)
                tar.addfile(entry, file)

    def test_curves_of_the_shipped_models(self):
        models = [os.path.join(TOP, "models", n + ".sparrow") for n in ("commands", "published")]
        subprocess.run(
            [sys.executable, os.path.join(TOP, "training/noise"), *models, "--sparrow", SPARROW]
            + ["--data", self.folder.name, "--list", self.list, "--out", self.path("noise")],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with open(self.path("noise.json"), encoding="utf-8") as f:
            written = json.load(f)
        for name, model in zip(("commands", "published"), models):
            told = json.loads(
                subprocess.run(
                    [SPARROW, "eval", "--json", "--model", model]
                    + ["--data", self.folder.name, self.list],
                    check=True,
                    stdout=subprocess.PIPE,
                ).stdout
            )
            result = written["models"][name]
            rights = noisetest.rights(result)
            self.assertEqual(rights[0].sum(), told["groups"]["all"]["right"])
            self.assertEqual(rights.shape, (11, 6))
            self.assertEqual(result["score"], rights.sum())
            self.assertEqual(result["spoken"], 4)
            self.assertEqual(set(result["ratios_db"]), {"white", "pink", "background"})
        self.assertEqual(len(written["pairs"]), 1)
        with open(self.path("noise.tsv"), encoding="utf-8") as f:
            self.assertEqual(len(f.readlines()), 1 + 2 * (11 + 3 * 4))
        with open(self.path("noise.png"), "rb") as f:
            self.assertEqual(f.read(4), b"\x89PNG")


if __name__ == "__main__":
    unittest.main(verbosity=2)
