"""Where words to train on come from: the project's data folder, the Google Speech Commands
archive, or a folder of anyone's own recordings.

A corpus has
  keywords            what the network is to know; every other word is unknown
  count(split)        clips of "train", "valid" or "test"
  clips(split)        their words and samples (s16 [RATE]) in turn; the same ones at each call
  noise(part)         recordings s16 by name: "train" or "test"
  identity()          text that changes when the clips do
  trained_on, licence what a model's card says
  warnings            what its user should know
  own                 whether the clips are someone's own recordings
  words()             all that are said in it
  held_out            words that Without leaves out, which trained_on does not count

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import os

import numpy as np

from . import arguments, clips, folder, speechcommands
from .vocabulary import COMMANDS

DEFAULT = os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/data")
)
LICENCE = """
    Model: Apache-2.0. Trained on Speech Commands, copyright Google, licence CC BY 4.0
    (https://creativecommons.org/licenses/by/4.0/); Pete Warden, Speech Commands: A Dataset for
    Limited-Vocabulary Speech Recognition, 2018, arXiv:1804.03209."""
EXTRA_LICENCE = """
    Also trained on the Free Spoken Digit Dataset, Zohar Jackson and contributors, licence CC BY-SA
    4.0 (https://creativecommons.org/licenses/by-sa/4.0/)."""


SPLITS = ("train", "valid", "test")


def speakers(rows):
    return len({row["speaker"] for row in rows})


class Project:
    """The data folder: archives with a manifest. extra: with the spoken digits of a few more
    speakers in training."""

    warnings, own, held_out = (), False, ()

    def __init__(self, data, keywords=None, extra=False):
        self.data, self.keywords, self.extra = data, tuple(keywords or COMMANDS), extra
        self.manifest = clips.read_manifest(data)
        self.licence = LICENCE + " A subset was used and partly transcoded."
        if extra:
            self.licence += EXTRA_LICENCE

    def check(self):
        missing = [word for word in self.keywords if word not in self.words()]
        if missing:
            raise ValueError(f"{self.data} has no clips of {', '.join(missing)}")

    def words(self):
        return {row["word"] for split in SPLITS for row in self.of_split(split)}

    @property
    def trained_on(self):
        rows, extra = (
            [r for r in self.of_split(split) if r["word"] not in self.held_out]
            for split in ("train", "extra")
        )
        extra = extra if self.extra else []
        text = (
            "Speech Commands by Pete Warden, Google (v0.01 of 2017 and v0.02 of 2018): "
            f"{len(rows):,} training clips of {speakers(rows):,} speakers, Opus-coded, and its "
            "background recordings; no speaker is in two of training, validation and test."
        )
        if extra:
            text += (
                f" {len(extra):,} clips of {speakers(extra)} more speakers, of telephone "
                "bandwidth, from the Free Spoken Digit Dataset, in training only."
            )
        if self.keywords != COMMANDS:
            text += " Training speakers of each keyword: " + self.behind(rows + extra) + "."
        return text

    def behind(self, rows):
        """How many speakers stand behind each keyword."""
        return ", ".join(
            f"{word} {speakers(r for r in rows if r['word'] == word):,}" for word in self.keywords
        )

    def of_split(self, split):
        return [
            r
            for r in self.manifest
            if r["split"] == split and r["archive"].endswith(".tar") and r["word"] != "_noise_"
        ]

    def rows(self, split):
        more = self.of_split("extra") if self.extra and split == "train" else []
        return self.of_split(split) + more

    def count(self, split):
        return len(self.rows(split))

    def clips(self, split):
        return self.chosen(self.rows(split))

    def chosen(self, rows):
        for archive in sorted({r["archive"] for r in rows}):
            wanted = {r["file"]: r["word"] for r in rows if r["archive"] == archive}
            for name, clip in clips.read_archive(os.path.join(self.data, archive), wanted):
                yield wanted[name], clips.padded(clip)

    def noise(self, part):
        prefix = f"_noise_/{part}/"
        names = {r["file"] for r in self.manifest if r["file"].startswith(prefix)}
        return dict(sorted(clips.read_archive(os.path.join(self.data, "noise.tar"), names)))

    def identity(self):
        # one such folder; keywords are sorted out after the features are made
        return "with extra speakers" if self.extra else ""


class Without:
    """A corpus with some words left out of training and validation."""

    def __init__(self, corpus, held_out):
        self.inner, self.held_out = corpus, tuple(held_out)
        keywords = set(held_out) & set(corpus.keywords)
        if keywords:
            raise ValueError(f"a keyword cannot be held out: {', '.join(sorted(keywords))}")
        missing = set(held_out) - corpus.words()
        if missing:
            raise ValueError(f"there are no clips of {', '.join(sorted(missing))} to hold out")
        self.keywords, self.licence, self.own = corpus.keywords, corpus.licence, corpus.own
        self.warnings, corpus.held_out = corpus.warnings, self.held_out
        self.trained_on = (
            corpus.trained_on + " Words held out of all of it: " + (", ".join(self.held_out) + ".")
        )

    def clips(self, split):
        for word, samples in self.inner.clips(split):
            if split == "test" or word not in self.held_out:
                yield word, samples

    def count(self, split):
        return self.inner.count(split)  # at most

    def noise(self, part):
        return self.inner.noise(part)

    def identity(self):
        return self.inner.identity() + "\nwithout " + " ".join(sorted(self.held_out))


def comma_list(text):
    return [word for word in text.split(",") if word]


def add_arguments(parser):
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        help="the project's data folder (default ../shared/data), the unpacked Speech Commands "
        "archive, or a folder with WORD/*.wav (or flac, ogg) of your own words",
    )
    group.add_argument(
        "--keywords",
        type=comma_list,
        help="comma list (default: the ten commands; for your own folder, all its words)",
    )
    group.add_argument(
        "--unknown",
        type=comma_list,
        default=[],
        help="comma list of folders whose words are to be answered with unknown (your own folder)",
    )
    group.add_argument(
        "--borrow",
        metavar="DATA",
        help="project's data folder from which your own words borrow unknown words and "
        "background noise (default ../shared/data if it exists; none: no borrowing)",
    )
    group.add_argument(
        "--fill",
        type=arguments.at_least(0),
        default=0,
        metavar="N",
        help="let espeak-ng speak words of your own folder until they have N training clips each",
    )
    group.add_argument("--language", default="en", help="that espeak-ng speaks (default en)")
    group.add_argument(
        "--extra",
        action="store_true",
        help="train on the data folder's extra speakers of the digits too (--net digits does)",
    )
    group.add_argument(
        "--hold-out",
        type=comma_list,
        default=[],
        help="comma list of words that are left out of training and validation altogether",
    )


def options(args):
    """Those of add_arguments() as a dictionary that a checkpoint can keep."""
    names = ("data", "keywords", "unknown", "borrow", "fill", "language", "extra", "hold_out")
    return {name: getattr(args, name) for name in names}


def is_project(data):
    return os.path.exists(os.path.join(data, "manifest.tsv.gz"))


def lender(borrow):
    """The project's data folder to borrow from, or None."""
    if borrow == "none" or (not borrow and not is_project(DEFAULT)):
        return None
    return Project(borrow or DEFAULT)


def find(data=None, keywords=None, unknown=(), borrow=None, fill=0, language="en", **more):
    """The corpus that a folder holds; more: extra, hold_out, training (False: only to test on).
    ValueError if it holds none, or not what is asked for."""
    data, hold_out = data or DEFAULT, more.get("hold_out", ())
    if is_project(data):
        corpus = Project(data, keywords, more.get("extra", False))
        corpus.check()
    elif speechcommands.is_archive(data):
        corpus = speechcommands.Archive(data, keywords or COMMANDS)
        corpus.licence = LICENCE
    else:
        corpus = folder.Folder(
            *(data, keywords, unknown, lender(borrow), fill, language, more.get("training", True))
        )
        if corpus.lender:
            corpus.licence += " Unknown words: " + LICENCE.split("Trained on ")[1]
    return Without(corpus, hold_out) if hold_out else corpus


def cache(base, corpus):
    """The folder for what is made of a corpus: base itself for the project's data."""
    base, identity = os.path.abspath(base), corpus.identity()
    if not identity:
        return base
    return os.path.join(base, hashlib.sha256(identity.encode()).hexdigest()[:16])


def read(corpus, split):
    """All clips of a split at once."""
    words, samples = [], []
    for word, clip in corpus.clips(split):
        words.append(word)
        samples.append(clip)
    shape = (len(samples), clips.RATE)
    return clips.Clips(np.array(samples, np.int16).reshape(shape), np.array(words))
