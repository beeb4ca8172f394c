"""The clips of a test list (training/make-eval-list writes it, its head says what the columns
mean).

SPDX-License-Identifier: Apache-2.0
"""
import csv
import os

import numpy as np

from .clips import RATE, read_archive


def read(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f, delimiter="\t"))


def members(rows, data):
    """Samples by (archive, member) of all that the rows name."""
    found = {}
    for archive in sorted({r["archive"] for r in rows} - {"-"}):
        wanted = {r["member"] for r in rows if r["archive"] == archive}
        found.update(
            ((archive, name), clip)
            for name, clip in read_archive(os.path.join(data, archive), wanted)
        )
    return found


def samples(rows, data):
    """s16 [rows, RATE]"""
    clips, found = np.zeros((len(rows), RATE), np.int16), members(rows, data)
    for clip, row in zip(clips, rows):
        if row["archive"] == "-":
            continue
        first, count, gain = (int(row[name]) for name in ("start", "samples", "gain"))
        cut = found[row["archive"], row["member"]][first : first + count].astype(np.int64)
        clip[: len(cut)] = (cut * gain + 32768) >> 16
    return clips
