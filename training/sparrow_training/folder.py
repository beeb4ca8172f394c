"""A folder of anyone's own recordings, FOLDER/WORD/*.wav (or flac, ogg), as a corpus.

Who speaks is told by a recording's name (SPEAKER_nohash_N, speaker-NAME) or by a folder,
WORD/SPEAKER/*.wav. Speakers are shared out over training, validation and test; where they are not
told, recordings are, and the figures flatter. Unknown words are those that the caller names, the
folder _unknown_, words borrowed from the project's data and, in training only, words spoken by
espeak-ng. Noise is in _background_noise_, or borrowed, or made.

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import os
import re

from . import clips, noises, speechcommands, voices

SOUNDS = (".wav", ".flac", ".ogg", ".opus")
UNKNOWN = "_unknown_"
SHARE = 0.1  # of the clips, for validation and for test each
FEW = 20  # speakers of a word, in training, validation and test together
BORROWED = {"train": 3000, "valid": 300, "test": 300}


def speaker_of(path):
    """Who speaks in WORD/.../FILE, as its name tells; None if it does not."""
    parts = path.split("/")
    base = os.path.splitext(parts[-1])[0]
    told = re.match(r"(.+)_nohash_", base) or re.search(r"speaker[-_ ]?([A-Za-z0-9]+)", base)
    if told:
        return told.group(1)
    return parts[1] if len(parts) > 2 else None


def order(name):
    return hashlib.sha1(name.encode()).hexdigest()


def share_out(owners, needed):
    """Splits by owner. owners: the words of each owner's clips; needed: words that each part
    should have. Training keeps at least half of the owners."""
    total, left = sum(map(len, owners.values())), sorted(owners, key=order)
    result = {}
    for split in ("test", "valid"):
        count, missing = 0, set(needed)
        for owner in list(left):
            if len(left) <= max(1, len(owners) // 2) or (count >= SHARE * total and not missing):
                break
            if count < SHARE * total or missing & set(owners[owner]):
                result[owner] = split
                left.remove(owner)
                count += len(owners[owner])
                missing -= set(owners[owner])
    result.update((owner, "train") for owner in left)
    return result


class Folder:
    """lender: a Project to borrow unknown words and noise from, or None. fill: how many training
    clips espeak-ng brings each keyword to. training: whether there have to be unknown words."""

    def __init__(
        self, data, keywords=None, unknown=(), lender=None, fill=0, language="en", training=True
    ):
        if not os.path.isdir(data):
            raise ValueError(f"{data} is not a folder")
        if fill and not voices.available():
            raise ValueError("filling thin words wants the program espeak-ng")
        self.data, self.lender, self.fill, self.language = data, lender, fill, language
        self.files = self.scan()
        found = {path.split("/")[0] for path in self.files}
        if not found:
            raise ValueError(f"{data} has no recordings WORD/*.wav (or flac, ogg)")
        self.keywords = tuple(keywords or sorted(found - {*unknown, UNKNOWN}))
        self.check(found, unknown, training)
        self.splits, self.warnings = self.split()
        self.warnings += tuple(self.thin())

    def scan(self):
        """Recordings as paths below the folder, sorted."""
        files = []
        for word in sorted(e.name for e in os.scandir(self.data) if e.is_dir()):
            if word.startswith(".") or word == speechcommands.NOISE:
                continue
            for folder, _, names in os.walk(os.path.join(self.data, word)):
                inside = os.path.relpath(folder, self.data).replace(os.sep, "/")
                files += [f"{inside}/{n}" for n in names if n.lower().endswith(SOUNDS)]
        return sorted(files)

    def check(self, found, unknown, training):
        for word in (*self.keywords, *unknown):
            if word not in found:
                raise ValueError(
                    f"{self.data} has no recordings {word}/*.wav (or flac, ogg); "
                    f"it has {' '.join(sorted(found))}"
                )
        if training and not (found - set(self.keywords) or self.lender or self.fill):
            raise ValueError(
                "there are no unknown words: name some with --unknown, record any words into "
                f"{self.data}/{UNKNOWN}, borrow them with --borrow, or add --fill"
            )

    def split(self):
        """The split of each recording, and warnings."""
        speakers = {path: speaker_of(path) for path in self.files}
        silent, warnings = [p for p, s in speakers.items() if s is None], []
        if len(set(speakers.values()) - {None}) < 3:
            silent, speakers = self.files, dict.fromkeys(self.files)
            warnings.append(
                "names tell of fewer than three speakers: recordings are shared out one by one, "
                "so that validation and test have the voices of training and flatter"
            )
        elif silent:
            warnings.append(
                f"{len(silent)} recordings do not tell their speaker, as {silent[0]}: "
                "each counts as a speaker of its own"
            )
        owner = {path: speaker or path for path, speaker in speakers.items()}
        owners = {}
        for path in self.files:
            owners.setdefault(owner[path], []).append(path.split("/")[0])
        if not silent or len(silent) < len(self.files):
            splits = share_out(owners, self.keywords)
        else:  # word by word, so that each has some everywhere
            splits = {}
            for word in {words[0] for words in owners.values()}:
                splits.update(share_out({o: w for o, w in owners.items() if w[0] == word}, [word]))
        return {path: splits[owner[path]] for path in self.files}, tuple(warnings)

    def thin(self):
        """Warnings about keywords of few speakers, or without validation or test clips."""
        for word in self.keywords:
            mine = [p for p in self.files if p.split("/")[0] == word]
            train = sum(self.splits[p] == "train" for p in mine)
            speakers = len({speaker_of(p) for p in mine} - {None})
            if speakers < FEW:
                yield (
                    f"{word}: {len(mine)} recordings of {speakers or 'nobody knows how many'} "
                    f"speakers, {train} of them to train on; it will do worse on other voices. "
                    "Record more people" + ("" if self.fill else ", or add --fill 300")
                )
            for split in ("valid", "test"):
                if not any(self.splits[p] == split for p in mine):
                    yield f"{word}: no clip for {'validation' if split == 'valid' else split}"

    def words(self):
        lent = self.lender.words() if self.lender else ()
        return {*(p.split("/")[0] for p in self.files), *lent, *(w for w, _ in self.spoken())}

    def names(self, split):
        return [path for path in self.files if self.splits[path] == split]

    def borrowed(self, split):
        """Rows of the lender's manifest: other words, so many of each that they come out even."""
        if not self.lender:
            return []
        mine, piles = {word.lower() for word in self.keywords}, {}
        for row in sorted(self.lender.rows(split), key=lambda r: order(r["file"])):
            if row["word"] not in mine and row["split"] != "extra":
                piles.setdefault(row["word"], []).append(row)
        longest = max(map(len, piles.values()), default=0)
        turns = [p[i] for i in range(longest) for p in piles.values() if i < len(p)]
        return turns[: BORROWED[split]]

    def spoken(self):
        """(word, how often) that espeak-ng says, in training: what keywords lack, their single
        words if they have several, and as many others."""
        if not self.fill:
            return []
        wanted = []
        for word in self.keywords:
            have = sum(p.split("/")[0] == word for p in self.names("train"))
            wanted.append((word, max(0, self.fill - have)))
        parts = {p for word in self.keywords for p in re.split("[_ -]", word)}
        others = sorted((parts | set(voices.OTHERS)) - {w.lower() for w in self.keywords} - {""})
        each = max(2, sum(n for _, n in wanted) // len(others))
        return [(w, n) for w, n in wanted if n] + [(w, each) for w in others]

    def count(self, split):
        made = sum(n for _, n in self.spoken()) if split == "train" else 0
        return len(self.names(split)) + len(self.borrowed(split)) + made

    def clips(self, split):
        for path in self.names(split):
            samples = clips.read_file(os.path.join(self.data, path))
            yield path.split("/")[0], clips.one_second(samples)
        yield from self.lender.chosen(self.borrowed(split)) if self.lender else ()
        if split == "train":
            for word, count in self.spoken():
                for samples in voices.takes(word, count, self.language):
                    yield word, samples

    def noise(self, part):
        own = speechcommands.noise_in(os.path.join(self.data, speechcommands.NOISE), part)
        return own or (self.lender.noise(part) if self.lender else noises.made(part))

    @property
    def trained_on(self):
        train = self.names("train")
        own = [p for p in train if p.split("/")[0] in self.keywords]
        speakers = len({speaker_of(p) for p in own} - {None})
        text = f"{len(own):,} recordings of {', '.join(self.keywords)}" + (
            f" by {speakers} speakers." if speakers else "."
        )
        if self.lender:
            lent = [r for r in self.borrowed("train") if r["word"] not in self.held_out]
            text += f" {len(lent):,} clips of other words from Speech Commands."
        made = sum(n for word, n in self.spoken() if word not in self.held_out)
        if made:
            text += f" {made:,} clips of synthetic voices (espeak-ng), in training only."
        return text

    own, held_out = True, ()
    licence = "The recordings are their owner's, whose terms hold for the model."

    def identity(self):
        lines = [os.path.abspath(self.data), repr(self.keywords), str(self.fill), self.language]
        lines.append(self.lender.data if self.lender else "")
        for path in self.files:
            state = os.stat(os.path.join(self.data, path))
            lines.append(f"{path} {state.st_size} {state.st_mtime_ns}")
        return "\n".join(lines)
