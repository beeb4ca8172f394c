#!/usr/bin/python3
"""Three made-up words become a served model, as training/README.md tells: train, export, evaluate,
sparrowd. The voices that it is tested on were never trained on.

The words are spoken by espeak-ng; training is short. Writes to a temporary folder only, ends what
it starts. Exit status 77 (skipped) without torch, soundfile, protobuf or espeak-ng.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import io
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

TOP = os.environ["top_srcdir"]
sys.path[:0] = [os.path.join(TOP, "training"), os.path.join(TOP, "tests/daemon")]
try:
    import numpy as np
    import soundfile
    import torch
    from google import protobuf  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from harness import Daemon  # noqa: E402 (numpy is asked for first)
from sparrow_training import clips, folder, voices  # noqa: E402

SPARROW = os.path.join(os.environ["top_builddir"], "sparrow")
KEYWORDS, OTHERS = ["blick", "marunda", "zoffoyee"], ["seven", "garden", "window", "heavily"]
SPEAKERS = voices.SPEAKERS[:14]
SMALL = "shape={'widths': (32, 32, 32, 32)}"


def record(path):
    """Each speaker says each word twice; the words to be unknown once."""
    for word in KEYWORDS + OTHERS:
        os.mkdir(os.path.join(path, word))
        for speaker in SPEAKERS:
            for take in range(1 if word in OTHERS else 2):
                said = voices.speak(word, f"en-us+{speaker}", 140 + 30 * take, 40 + 20 * take)
                name = os.path.join(path, word, f"speaker-{speaker}_{take}.wav")
                soundfile.write(name, said, clips.RATE)


class Keywords(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.data = cls.path("words")
        os.mkdir(cls.data)
        record(cls.data)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def run_tool(self, name, *arguments, status=0):
        command = [sys.executable, os.path.join(TOP, "training", name), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def train(self, out, *more):
        return self.run_tool(
            *("train", "--data", self.data, "--borrow", "none", "--sparrow", SPARROW),
            *("--unknown", ",".join(OTHERS), "--cache", self.path("cache"), "--threads", "1"),
            *("--out", self.path(out), "--takes", "2", "--steps", "14", "--set", SMALL),
            *("--set", "lookups=0", "--set", "batch=64", *more),
        )

    def test_from_recordings_to_a_served_model(self):
        said = self.train(
            "mine.pt", "--epochs", "7", "--integer-epochs", "1", "--hold-out", "heavily"
        )
        for word in KEYWORDS:
            self.assertIn(f"{word}: ", said)  # few speakers
        manner = torch.load(self.path("mine.pt"))["origin"]["manner"]
        self.assertEqual(manner, [0.3, 0.3])  # one's own words, some held out or not
        model = self.path("mine.sparrow")
        self.run_tool("export", self.path("mine.pt"), "--out", model, "--name", "mine")
        self.run_tool(
            *("evaluate", model, "--data", self.data, "--borrow", "none", "--sparrow", SPARROW),
            *("--cpu", "scalar", "--json", self.path("mine.json"), "--bench", "0.02"),
            *("--hold-out", "heavily"),
        )
        with open(self.path("mine.json"), encoding="utf-8") as f:
            told = json.load(f)
        self.assertEqual(told["labels"], [*KEYWORDS, "silence", "unknown"])
        share, count = told["shares"]["test accuracy, keywords"]
        self.assertGreaterEqual(count, 6)
        self.assertGreater(share, 0.6, told["shares"])
        self.assertEqual(told["open_set"][0][2], len(SPEAKERS))
        self.assertGreater(min(told["microseconds"].values()), 0)
        heard = self.run_tool(
            *("evaluate", model, "--data", self.data, "--borrow", "none", "--sparrow", SPARROW),
            *("--hold-out", "garden"),
            status=1,
        )
        self.assertIn("not trained with garden held out; it names heavily", heard)
        self.measure_checkpoint(told)
        self.refuse_to_begin_from_one_that_heard()
        self.serve(model)

    def refuse_to_begin_from_one_that_heard(self):
        said = self.run_tool(
            *("train", "--data", self.data, "--borrow", "none", "--sparrow", SPARROW),
            *("--unknown", ",".join(OTHERS), "--cache", self.path("cache"), "--takes", "2"),
            *("--start", self.path("mine.pt"), "--hold-out", "heavily,garden"),
            *("--out", self.path("other.pt")),
            status=1,
        )
        self.assertIn("--start was trained on words of --hold-out", said)

    def measure_checkpoint(self, told):
        """The checkpoint, through its integer stage, is as often right as its model file."""
        self.run_tool(
            *("evaluate", self.path("mine.pt"), "--data", self.data, "--borrow", "none"),
            *("--sparrow", SPARROW, "--json", self.path("checkpoint.json")),
        )
        with open(self.path("checkpoint.json"), encoding="utf-8") as f:
            again = json.load(f)
        self.assertEqual(again["right"], told["right"])

    def serve(self, model):
        """Voices of the test split get the answers of the model's labels, through the daemon."""
        corpus = folder.Folder(self.data, None, OTHERS)
        paths = [p for p in corpus.names("test") if p.split("/")[0] in KEYWORDS]
        right = 0
        with Daemon({"server.lanes": 1, "models.default": "mine"}, models=model) as daemon:
            for path in paths:
                with open(os.path.join(self.data, path), "rb") as f:
                    answer = daemon.post("/v1/recognize", f.read())
                self.assertEqual(answer.status, 200, answer)
                best = answer.json()["results"][0]["alternatives"][0]["transcript"]
                self.assertIn(best, [*KEYWORDS, "silence", "unknown"])
                right += best == path.split("/")[0]
        self.assertGreater(right / len(paths), 0.6)

    def test_a_killed_run_remembers_its_data_and_its_teacher(self):
        teacher, brief = self.path("teacher.pt"), ("--epochs", "1", "--set", "steps=2")
        self.train("teacher.pt", *brief, "--integer-epochs", "0")
        self.train("killed.pt", *brief, "--integer-epochs", "1", "--teacher", teacher)
        origin = torch.load(self.path("killed.pt"))["origin"]
        self.assertEqual(origin["teachers"], [teacher])
        taken = sorted(os.listdir(origin["cache"]))
        resumed = ("train", "--resume", "--out", self.path("killed.pt"), "--sparrow", SPARROW)
        resumed += ("--threads", "1")
        again = self.run_tool(*resumed)
        self.assertIn("blick: ", again)  # the warnings of the same corpus
        self.assertEqual(sorted(os.listdir(origin["cache"])), taken)  # as many takes as before
        found = torch.load(self.path("killed.pt"))
        self.assertTrue(found["taught"])
        self.assertEqual(found["origin"]["cache"], origin["cache"])
        os.remove(teacher)
        self.assertIn("teacher.pt", self.refused(*resumed))

    def test_with_keywords_and_synthetic_voices_alone(self):
        alone = self.path("alone")  # the guide's way without _unknown_ and nothing to borrow
        for word in KEYWORDS[:2]:
            shutil.copytree(os.path.join(self.data, word), os.path.join(alone, word))
        self.run_tool(
            *("train", "--data", alone, "--borrow", "none", "--sparrow", SPARROW, "--takes", "1"),
            *("--fill", "24", "--cache", self.path("alone-cache"), "--threads", "1"),
            *("--epochs", "1", "--integer-epochs", "1", "--set", "steps=2", "--set", SMALL),
            *("--set", "lookups=0", "--out", self.path("alone.pt")),
        )
        model = self.path("alone.sparrow")
        self.run_tool("export", self.path("alone.pt"), "--out", model)
        self.run_tool(
            *("evaluate", model, "--data", alone, "--borrow", "none", "--sparrow", SPARROW),
            *("--cpu", "scalar", "--write"),
        )
        with open(self.path("alone.md"), encoding="utf-8") as f:
            self.assertIn("| **unknown** |", f.read())

    def refused(self, name, *arguments):
        """What a tool ends with, run in this process: in another, torch takes seconds to load."""
        path, said = os.path.join(TOP, "training", name), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            with mock.patch.object(sys, "argv", [path, *arguments]):
                with self.assertRaises(SystemExit) as ended:
                    runpy.run_path(path, run_name="__main__")
        self.assertIsInstance(ended.exception.code, str)  # a sentence, and status 1
        return said.getvalue() + ended.exception.code

    def test_mistakes_are_said_in_a_line(self):
        with open(self.path("none.pt"), "w", encoding="utf-8") as f:
            f.write("no checkpoint")
        for told, part in (
            (("train", "--resume", "--out", self.path("never.pt")), "start again without"),
            (("train", "--resume", "--out", self.path("none.pt")), "not a checkpoint"),
            (("export", self.path("none.pt"), "--out", self.path("x")), "not a checkpoint"),
            (("export", self.path("never.pt"), "--out", self.path("x")), "No such file"),
            (("evaluate", self.path("never.sparrow")), "No such file"),
            (("noise", self.path("never.sparrow")), "No such file"),
            (("make-eval-list", "--data", self.path("never")), "No such file"),
            (
                ("train", "--data", self.data, "--unknown", ",".join(OTHERS), "--borrow", "none")
                + ("--sparrow", "no-such-command", "--cache", self.path("fresh"))
                + ("--out", self.path("x.pt")),
                "no command no-such-command",
            ),
        ):
            said = self.refused(*told)
            self.assertIn(part, said)
            self.assertNotIn("Traceback", said)
        self.assertFalse(os.path.exists(self.path("fresh")))  # said before clips are decoded

    def test_speakers_stay_apart_and_synthetic_voices_in_training(self):
        corpus = folder.Folder(self.data, None, OTHERS, fill=30)
        heard = {}
        for split in ("train", "valid", "test"):
            heard[split] = {folder.speaker_of(p) for p in corpus.names(split)}
            words = [word for word, _ in corpus.clips(split)]
            self.assertEqual(len(words), corpus.count(split))
            self.assertLessEqual(set(KEYWORDS), set(words))
            recorded = len(corpus.names(split))
            self.assertEqual(len(words) > recorded, split == "train")
            for word in KEYWORDS:
                self.assertEqual(words.count(word) == 30, split == "train")
        for one, two in (("train", "valid"), ("train", "test"), ("valid", "test")):
            self.assertFalse(heard[one] & heard[two])


class Recordings(unittest.TestCase):
    def test_speakers_are_told_by_names(self):
        for path, speaker in (
            ("hey/0a1b_nohash_3.wav", "0a1b"),
            ("hey/speaker-anna-07.wav", "anna"),
            ("hey/anna/07.wav", "anna"),
            ("hey/07.wav", None),
        ):
            self.assertEqual(folder.speaker_of(path), speaker, path)

    def test_any_recording_becomes_a_second(self):
        time = np.arange(44100 * 3) / 44100
        tone = 0.5 * np.sin(2 * np.pi * 400 * time) * (np.abs(time - 2.2) < 0.3)
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "a.flac")
            soundfile.write(path, np.stack([tone, tone], 1), 44100)
            samples = clips.read_file(path)
            self.assertAlmostEqual(len(samples), 3 * clips.RATE, delta=1)
            second = clips.one_second(samples)
        self.assertEqual(len(second), clips.RATE)
        energy = (second.astype(float) ** 2).sum() / (samples.astype(float) ** 2).sum()
        self.assertGreater(energy, 0.999)
        peak = np.abs(np.fft.rfft(second)).argmax()
        self.assertEqual(peak, 400)

    def test_clips_of_an_archive_have_any_rate(self):
        for rate, size in ((clips.RATE, clips.RATE), (8000, 8000)):
            tone = np.rint(9999 * np.sin(2 * np.pi * 400 * np.arange(size) / rate))
            file = io.BytesIO()
            soundfile.write(file, tone.astype(np.int16), rate, format="FLAC")
            samples = clips.decode(file.getvalue(), "a.flac")
            self.assertEqual(len(samples), clips.RATE)
            wanted = 9999 * np.sin(2 * np.pi * 400 * np.arange(clips.RATE) / clips.RATE)
            self.assertLessEqual(np.abs(samples - wanted).max(), 1)
        with self.assertRaisesRegex(ValueError, "a.flac: "):
            clips.decode(b"no sound", "a.flac")

    def test_what_is_missing_is_said(self):
        with tempfile.TemporaryDirectory() as place:
            os.mkdir(os.path.join(place, "hey"))
            soundfile.write(os.path.join(place, "hey/1.wav"), np.zeros(99), clips.RATE)
            for arguments, part in (
                (((), ()), "no unknown words"),
                ((("ho",), ()), "no recordings ho/"),
                ((None, ("ha",)), "no recordings ha/"),
            ):
                with self.assertRaisesRegex(ValueError, part):
                    folder.Folder(place, *arguments)


if __name__ == "__main__":
    if not voices.available():
        print("skipped: no espeak-ng")
        sys.exit(77)
    unittest.main(verbosity=2)
