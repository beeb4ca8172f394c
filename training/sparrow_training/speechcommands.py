"""The layout of the Google Speech Commands archives, v0.01 and v0.02: a folder for each word,
validation_list.txt and testing_list.txt (what they do not name is for training) and
_background_noise_.

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import os
import re

from . import clips, noises

NOISE = "_background_noise_"
LISTS = {"valid": "validation_list.txt", "test": "testing_list.txt"}
MOST = 2**27 - 1
NOISE_SHARE = 0.7  # of each background recording, from its beginning, is for training
ONLY_SECOND = {"backward", "follow", "forward", "learn", "visual"}  # words that came with v0.02


def is_archive(data):
    return all(os.path.isfile(os.path.join(data, name)) for name in LISTS.values())


def which_set(name):
    """The split of a clip by the rule that the official lists were made with: a speaker is in one
    of them with all his words."""
    speaker = re.sub(r"_nohash_.*$", "", os.path.basename(name))
    number = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % (MOST + 1)
    percent = number * (100.0 / MOST)
    return "valid" if percent < 10 else "test" if percent < 20 else "train"


class Archive:
    """The unpacked archive; its lists decide, and the rule is compared with them."""

    licence = ""  # who opens it says
    own, held_out = False, ()

    def __init__(self, data, keywords):
        self.data, self.keywords = data, tuple(keywords)
        words = sorted(e.name for e in os.scandir(data) if e.is_dir() and e.name[0] not in "._")
        missing = [word for word in keywords if word not in words]
        if missing:
            raise ValueError(f"{data} has no folder {', '.join(missing)}")
        self.version = "v0.02" if ONLY_SECOND & set(words) else "v0.01"
        self.splits = self.read_lists()
        for word in words:
            for name in sorted(os.listdir(os.path.join(data, word))):
                if name.endswith(".wav"):
                    self.splits.setdefault(f"{word}/{name}", "train")
        self.warnings = self.check()

    def read_lists(self):
        splits = {}
        for split, file in LISTS.items():
            with open(os.path.join(self.data, file), encoding="utf-8") as f:
                for name in f.read().split():
                    if splits.setdefault(name, split) != split:
                        raise ValueError(f"{name} stands in both lists of {self.data}")
        return splits

    def check(self):
        found = []
        gone = [n for n in self.splits if not os.path.exists(os.path.join(self.data, n))]
        if gone:
            found.append(f"{len(gone)} clips of the lists are not there, as {gone[0]}")
            self.splits = {n: s for n, s in self.splits.items() if n not in set(gone)}
        other = [n for n, split in self.splits.items() if which_set(n) != split]
        if other:
            found.append(f"{len(other)} clips stand elsewhere than their rule says, as {other[0]}")
        return tuple(found)

    def words(self):
        return {name.split("/")[0] for name in self.splits}

    @property
    def trained_on(self):
        heard = [n for n in self.names("train") if n.split("/")[0] not in self.held_out]
        return (
            f"Speech Commands {self.version} by Pete Warden, Google: "
            f"{len(heard):,} training clips by the official lists."
        )

    def names(self, split):
        return sorted(name for name, of in self.splits.items() if of == split)

    def count(self, split):
        return len(self.names(split))

    def clips(self, split):
        for name in self.names(split):
            samples = clips.read_file(os.path.join(self.data, name))
            yield name.split("/")[0], clips.padded(samples)

    def noise(self, part):
        return noise_in(os.path.join(self.data, NOISE), part) or noises.made(part)

    def identity(self):
        lists = hashlib.sha256(repr(sorted(self.splits.items())).encode()).hexdigest()
        return f"{os.path.abspath(self.data)}\n{lists}"


def noise_in(folder, part):
    """The beginning or the end of each recording in a folder, by name; none if there is no such
    folder, or nothing long enough in it."""
    if not os.path.isdir(folder):
        return {}
    names = sorted(n for n in os.listdir(folder) if n.rsplit(".", 1)[-1] in ("wav", "flac", "ogg"))
    recordings = {name: clips.read_file(os.path.join(folder, name)) for name in names}
    cut = clips.cut_in_time(recordings, NOISE_SHARE, part)
    return {name: samples for name, samples in cut.items() if len(samples) >= clips.RATE}
