#!/usr/bin/python3
"""The program `sparrow` as its users meet it, without a server: what it prints, what it exits with, what it says.

Runs $top_builddir/sparrow over tests/data/samples and models/. Writes to a temporary folder only; standard library only.
"""
# SPDX-License-Identifier: Apache-2.0
import array
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import wave

TOP = os.environ["top_srcdir"]
SPARROW = os.environ.get("SPARROW", os.path.join(os.environ["top_builddir"], "sparrow"))
SAMPLES = os.path.join(TOP, "tests/data/samples")
WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]
COMMANDS = ["recognize", "models", "info", "eval", "load", "bench", "features", "scores"]
ENV = {k: v for k, v in os.environ.items() if k != "SPARROW_CPU"} | {"SPARROW_MODELS": os.path.join(TOP, "models")}


def run(*words, stdin=b"", env=None, **more):
    """Runs sparrow; text goes in and comes out as bytes, so that features are not touched."""
    return subprocess.run([SPARROW, *words], input=stdin, capture_output=True, env=env or ENV, timeout=300, check=False,
                          **more)


def sample(word):
    return os.path.join(SAMPLES, word + ".wav")


def samples_of(path):
    with wave.open(path) as file:
        pcm = array.array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm


def raw(pcm):
    """One word's samples as `features --raw` takes them."""
    pcm = array.array("h", pcm[:16000])
    pcm.extend([0] * (16000 - len(pcm)))
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm.tobytes()


class Test(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sparrow-client-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *parts):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def good(self, *words, **more):
        done = run(*words, **more)
        self.assertEqual((done.returncode, done.stderr), (0, b""), words)
        return done.stdout

    def refused(self, code, text, *words, **more):
        """It exits with code, and says one line on stderr that has the text."""
        done = run(*words, **more)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, code, (words, said))
        self.assertRegex(said, r"\Asparrow: [^\n]+\n\Z", words)
        self.assertIn(text, said, words)
        return done.stdout


class Recognize(Test):
    def test_samples_are_heard(self):
        lines = self.good("recognize", *(sample(w) for w in WORDS + ["silence"])).decode().splitlines()
        self.assertEqual(len(lines), 12)
        heard = [line.split()[1] for line in lines[1:]]
        right = sum(a == b for a, b in zip(heard, WORDS + ["silence"]))
        self.assertGreaterEqual(right, 10, heard)
        self.assertEqual(heard[0], "yes")

    def test_columns_line_up(self):
        lines = self.good("recognize", sample("yes"), sample("silence")).decode().splitlines()
        for heading in ("DECODE", "FEATURES", "NETWORK", "TOTAL"):
            end = lines[0].index(heading) + len(heading)
            for line in lines[1:]:
                self.assertRegex(line[:end], r"\d [um]?s ?\Z", line)
        self.assertFalse(any(line != line.rstrip() for line in lines[1:]), lines)

    def test_json_has_the_shape_of_the_server(self):
        reply = json.loads(self.good("recognize", "--json", "--top", "3", "-k", "yes,no", sample("yes")))
        self.assertEqual(set(reply), {"result_index", "results", "model", "request_id", "latency_us", "energy", "replica"})
        self.assertEqual(set(reply["latency_us"]), {"receive", "decode", "features", "queue", "inference", "total"})
        self.assertIsNone(reply["energy"]["joules"])
        self.assertIsNone(reply["replica"])
        result = reply["results"][0]
        self.assertEqual(len(result["alternatives"]), 3)
        sure = [a["confidence"] for a in result["alternatives"]]
        self.assertEqual(sure, sorted(sure, reverse=True))
        best = result["alternatives"][0]
        self.assertEqual(best["transcript"], "yes")
        self.assertTrue(0 <= best["start_time"] < best["end_time"] <= 1.01, best)
        self.assertEqual(list(result["keywords_result"]), ["yes"])
        self.assertEqual(result["keywords_result"]["yes"][0]["confidence"], best["confidence"])

    def test_all_alternatives_add_up_to_one(self):
        reply = json.loads(self.good("recognize", "--json", "--top", "1000", sample("go")))
        self.assertAlmostEqual(sum(a["confidence"] for a in reply["results"][0]["alternatives"]), 1, places=5)

    def long_clip(self):
        path = self.path("long.wav")
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            for word in ("silence", "yes", "silence", "no"):
                file.writeframes(raw(samples_of(sample(word))))
        return path

    def test_long_clip_gives_its_best_word_and_all_hearings(self):
        reply = json.loads(self.good("recognize", "--json", "-k", "YES,no", "--threshold", "0.4", self.long_clip()))
        self.assertEqual(len(reply["results"]), 1)
        result = reply["results"][0]
        alone = json.loads(self.good("recognize", "--json", sample("yes")))["results"][0]["alternatives"][0]
        self.assertGreaterEqual(result["alternatives"][0]["confidence"], alone["confidence"] - 0.001)
        hearing = result["keywords_result"]["YES"]
        self.assertEqual([h["normalized_text"] for h in hearing], ["yes"] * len(hearing))
        self.assertTrue(any(1 <= h["start_time"] < h["end_time"] <= 2.01 for h in hearing), hearing)

    def test_hop_tells_every_word_of_a_long_clip(self):
        results = json.loads(self.good("recognize", "--json", "--hop-ms", "1000", self.long_clip()))["results"]
        self.assertEqual(len(results), 4)
        for result, word in zip(results, ("silence", "yes", "silence", "no")):
            alone = json.loads(self.good("recognize", "--json", sample(word)))["results"][0]["alternatives"][0]
            self.assertEqual(result["alternatives"][0]["transcript"], alone["transcript"], word)

    def test_standard_input_and_raw_samples_say_the_same(self):
        with open(sample("yes"), "rb") as file:
            data = file.read()
        from_file = json.loads(self.good("recognize", "--json", sample("yes")))["results"][0]["alternatives"]
        from_stdin = json.loads(self.good("recognize", "--json", "-", stdin=data))["results"][0]["alternatives"]
        path = self.path("yes.raw")
        with open(path, "wb") as file:
            file.write(raw(samples_of(sample("yes"))))
        from_raw = json.loads(self.good("recognize", "--json", "--type", "audio/l16;rate=16000;channels=1", path))
        self.assertEqual(from_file, from_stdin)
        self.assertEqual(from_file[0]["confidence"], from_raw["results"][0]["alternatives"][0]["confidence"])

    def test_a_bad_clip_does_not_stop_the_others(self):
        path = self.path("text.wav")
        with open(path, "w") as file:
            file.write("this is no sound")
        lines = self.refused(1, path, "recognize", path, sample("yes")).decode().splitlines()
        self.assertEqual(lines[1].split()[1], "yes")
        self.refused(1, "No such file", "recognize", self.path("nothing.wav"))
        self.refused(1, "needs --type", "recognize", self.path("x.raw"))

    def test_names_from_outside_steer_no_terminal(self):
        path = self.path("a\033[31mb.wav")
        shutil.copy(sample("yes"), path)
        self.assertNotIn(b"\033", self.good("recognize", path))
        self.assertNotIn(b"\033", run("recognize", path + "x").stderr)

    def test_wrong_uses_are_told(self):
        self.refused(2, "no keyword \"maybe\"", "recognize", "-k", "yes,maybe", sample("yes"))
        self.refused(2, "did you mean --keywords", "recognize", "--keyword", "yes", sample("yes"))
        self.refused(2, "unknown option --foo (sparrow recognize --help", "recognize", "--foo")
        self.refused(2, "wants FILE...", "recognize")
        self.refused(3, "no model \"nothing\"", "recognize", "-m", "nothing", sample("yes"))
        self.refused(3, "", "recognize", "-m", sample("yes"), "--model", self.path("no.sparrow"), sample("yes"))
        self.refused(2, "wants a URL", "recognize", "--server", "127.0.0.1:80", sample("yes"))
        self.refused(3, "nosuchcpu", "recognize", "--cpu", "nosuchcpu", sample("yes"))

    def test_a_closed_port_exits_4(self):
        with socket.socket() as listener:  # bound, not listening: nothing else takes the port
            listener.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.refused(4, url, "recognize", "--server", url, sample("yes"), sample("no"))
            self.refused(4, url, "models", "--server", url)
            self.refused(4, url, "eval", "--server", url, SAMPLES)


class Exact(Test):
    """features and scores: bytes and integers that others compare with."""

    def test_raw_and_files_give_the_same_features(self):
        words = WORDS * 30  # more than one batch
        clips = b"".join(raw(samples_of(sample(w))) for w in words)
        from_raw = self.good("features", "--raw", "--front-end", "default", stdin=clips)
        from_files = self.good("features", "--front-end", "default", *(sample(w) for w in words))
        self.assertEqual(len(from_raw), 1024 * len(words))
        self.assertTrue(from_raw == from_files)
        self.assertTrue(from_raw == self.good("features", "--raw", "--front-end", "default", "--out", "/dev/stdout", stdin=clips))

    def test_raw_comes_in_parts_of_any_size(self):
        clips = b"".join(raw(samples_of(sample(w))) for w in WORDS)
        whole = self.good("features", "--raw", "--front-end", "default", stdin=clips)
        child = subprocess.Popen([SPARROW, "features", "--raw", "--front-end", "default"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, env=ENV)
        for at in range(0, len(clips), 9999):
            child.stdin.write(clips[at:at + 9999])
            child.stdin.flush()
        out, _ = child.communicate()
        self.assertTrue(out == whole)

    def test_a_clip_cut_short_is_told_after_the_whole_ones(self):
        clips = raw(samples_of(sample("yes"))) * 3
        out = self.refused(1, "the last clip has 100 bytes instead of 32000", "features", "--raw", "--front-end", "default",
                           stdin=clips + b"x" * 100)
        self.assertEqual(len(out), 3 * 1024)

    def test_longer_audio_gives_more_rows_that_begin_alike(self):
        path = self.path("long.wav")
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(raw(samples_of(sample("yes"))) + raw(samples_of(sample("no"))))
        long = self.good("features", path)
        self.assertEqual(len(long), 64 * 32)
        self.assertTrue(long.startswith(self.good("features", sample("yes"))))

    def test_features_of_the_model_are_those_of_the_default_front_end(self):
        self.assertTrue(self.good("features", sample("go")) == self.good("features", "--front-end", "default", sample("go")))

    def scores(self, features, *more):
        path = self.path("f.u8")
        with open(path, "wb") as file:
            file.write(features)
        lines = [line.split("\t") for line in self.good("scores", *more, path).decode().splitlines()]
        return lines[0][2:], [[int(cell) for cell in line[2:]] for line in lines[1:]]

    def test_scores_agree_with_recognize(self):
        labels, rows = self.scores(self.good("features", *(sample(w) for w in WORDS)))
        self.assertEqual(labels[:10], WORDS)
        replies = self.good("recognize", "--json", *(sample(w) for w in WORDS)).decode().splitlines()
        for row, reply in zip(rows, replies, strict=True):
            best = json.loads(reply)["results"][0]["alternatives"][0]["transcript"]
            self.assertEqual(labels[row.index(max(row))], best)

    def test_scores_are_the_same_with_every_kernel(self):
        features = self.good("features", *(sample(w) for w in WORDS))
        self.assertEqual(self.scores(features), self.scores(features, "--cpu", "scalar"))

    def test_scores_want_whole_words(self):
        path = self.path("f.u8")
        with open(path, "wb") as file:
            file.write(b"x" * 1025)
        self.refused(1, "1025 bytes are no whole words of 1024", "scores", path)


class Eval(Test):
    def folder_of_words(self):
        for word in WORDS + ["silence", "house"]:
            shutil.copy(sample(word), self.path("clips", word, "a.wav"))
        shutil.copy(sample("yes"), self.path("clips", "yes", "b.wav"))
        open(self.path("clips", "README.md"), "w").close()
        return self.path("clips")

    def test_folder_and_archive_of_the_same_clips_count_alike(self):
        folder = self.folder_of_words()
        archive = self.path("clips.tar")
        with tarfile.open(archive, "w") as tar:
            tar.add(folder, ".")
        one = json.loads(self.good("eval", "--json", folder))
        two = json.loads(self.good("eval", "--json", archive))
        self.assertEqual(one["count"], 13)
        self.assertEqual(one["groups"]["keywords"]["count"], 11)
        self.assertEqual(one["groups"]["unknown"]["count"], 1)  # "house" is no label
        self.assertEqual(one["confusion"], two["confusion"])
        self.assertEqual(sum(one["confusion"]["yes"].values()), 2)
        self.assertEqual(one["confusion"]["yes"]["yes"], 2)
        group = one["groups"]["all"]
        self.assertAlmostEqual(group["accuracy"], group["right"] / 13, places=8)
        self.assertTrue(group["low"] <= group["accuracy"] <= group["high"], group)
        known = json.loads(self.good("eval", "--json", "--known-only", folder))
        self.assertEqual((known["count"], known["skipped"]), (12, 1))

    def test_manifest_cuts_scales_and_fills_up(self):
        archive = self.path("data", "a.tar")
        with tarfile.open(archive, "w") as tar:
            tar.add(sample("right"), "x/right.wav")
        rows = [("right", "a.tar", "x/right.wav", 3000, 8000, 40000), ("silence", "-", "-", 0, 16000, 65536)]
        manifest = self.path("list.tsv")
        with open(manifest, "w") as file:
            file.write("label\tarchive\tmember\tstart\tsamples\tgain\n")
            for row in rows:
                file.write("\t".join(map(str, row)) + "\n")
        scores = self.path("scores.tsv")
        self.good("eval", "--data", self.path("data"), "--scores", scores, manifest)
        with open(scores) as file:
            got = [line.rstrip("\n").split("\t") for line in file][1:]
        self.assertEqual([row[:3] for row in got], [["0", "right", "x/right.wav"], ["1", "silence", "-"]])
        cut = [(s * 40000 + 32768) >> 16 for s in samples_of(sample("right"))[3000:11000]]
        features = self.good("features", "--raw", stdin=raw(cut) + raw([]))
        path = self.path("f.u8")
        with open(path, "wb") as file:
            file.write(features)
        want = [line.split("\t")[2:] for line in self.good("scores", path).decode().splitlines()[1:]]
        self.assertEqual([row[3:] for row in got], want)

    def test_report_for_people_has_every_part(self):
        text = self.good("eval", self.folder_of_words()).decode()
        for part in ("keywords ", "unknown ", "silence ", "SAID \\ HEARD", "INPUTS ALIVE", "words/s", "(measured)"):
            self.assertIn(part, text)

    def test_densities_are_shares(self):
        layers = json.loads(self.good("eval", "--json", self.folder_of_words()))["layers"]
        weighted = [layer for layer in layers if layer["weight_density"] is not None]
        self.assertGreater(len(weighted), 2)
        for layer in weighted:
            self.assertTrue(0 < layer["weight_density"] <= 1, layer)
            self.assertTrue(0 < layer["activation_density"] <= 1, layer)

    def test_wrong_sources_are_told(self):
        self.refused(1, "No such file", "eval", self.path("nothing"))
        self.refused(1, "no clips", "eval", os.path.dirname(self.path("empty", "x")))
        path = self.path("list.tsv")
        for text, why in [("hello\n", "neither a folder"),
                          ("label\tarchive\tmember\tstart\tsamples\tgain\nyes\ta\n", "line 2"),
                          ("label\tarchive\tmember\tstart\tsamples\tgain\nyes\t-\t-\t0\t16001\t1\n", "16001 samples are more"),
                          ("label\tarchive\tmember\tstart\tsamples\tgain\nyes\t-\t-\t0\t-1\t1\n", "line 2"),
                          ("label\tarchive\tmember\tstart\tsamples\tgain\nyes\tb.tar\tx\t0\t1\t1\n", "b.tar: No such file or directory; --data")]:
            with open(path, "w") as file:
                file.write(text)
            self.refused(1, why, "eval", "--data", self.folder, path)
        broken = self.path("broken.tar")
        with open(broken, "wb") as file:
            file.write(b"x" * 2048)
        self.refused(1, "no tar archive", "eval", broken)


class Others(Test):
    def test_info_fits_a_terminal(self):
        text = self.good("info").decode()
        figures = text[text.index("FIGURE"):].splitlines()
        self.assertLessEqual(max(map(len, figures)), 80)
        self.assertRegex(text, r"\ntest accuracy +0\.\d{4}  fraction  measured: ")

    def test_info_tells_both_twins(self):
        info = json.loads(self.good("info", "--json"))
        self.assertEqual(info["name"], "commands")
        self.assertRegex(info["digest"], r"\Asha256:[0-9a-f]{64}\Z")
        self.assertEqual([label["name"] for label in info["labels"]][:10], WORDS)
        stored = sum(layer["weights_stored"] for layer in info["layers"])
        dense = sum(layer["weights_dense"] for layer in info["layers"])
        self.assertTrue(0 < stored < 0.15 * dense, (stored, dense))
        text = self.good("info").decode()
        self.assertIn(f"{stored:,}", text)
        self.assertIn(f"{dense:,}", text)

    def test_front_end_parameters_are_told(self):
        front_end = json.loads(self.good("info", "--front-end", "default", "--json"))
        self.assertEqual((front_end["frames"], front_end["bands"], front_end["hop"]), (32, 32, 500))
        edges = front_end["band_edges_hz"]
        self.assertEqual(len(edges), 34)
        self.assertEqual(edges, sorted(edges))

    def test_models_are_found_by_name(self):
        names = [m["name"] for m in json.loads(self.good("models", "--json"))["models"]]
        self.assertIn("commands", names)
        self.assertIn("commands", self.good("models").decode())
        labels = json.loads(self.good("models", "--json"))["models"][0]["labels"]
        self.assertIn({"name": "silence", "kind": "silence"}, labels)
        shutil.copy(os.path.join(TOP, "models/commands.sparrow"), self.path("a", "mine.sparrow"))
        env = ENV | {"SPARROW_MODELS": f"{self.path('b')}:{self.path('a')}"}
        self.assertIn("commands", self.good("info", "mine", env=env).decode())

    def test_damaged_models_are_refused(self):
        with open(os.path.join(TOP, "models/commands.sparrow"), "rb") as file:
            model = bytearray(file.read())
        model[len(model) // 2] ^= 1
        path = self.path("damaged.sparrow")
        with open(path, "wb") as file:
            file.write(model)
        self.refused(3, f"{path}: ", "info", path)
        os.truncate(path, 1 << 30)
        self.refused(3, f"sparrow: {path}: larger than a model may be", "info", path)
        noted = self.path("notes.txt")  # no name of a model, but a file
        with open(noted, "w", encoding="utf-8") as file:
            file.write("bread, milk, butter: what a model file never begins with\n")
        self.refused(3, "notes.txt: not a model file", "info", "notes.txt", cwd=os.path.dirname(noted))

    def test_bench_measures_each_step(self):
        bench = json.loads(self.good("bench", "--json", "--seconds", "0.02"))
        self.assertIn("scalar", [line["kernels"] for line in bench["lines"]])
        for line in bench["lines"]:
            self.assertTrue(0 < line["min_us"] <= line["median_us"], line)
        scalar = ("bench", "--json", "--seconds", "0.02", "--cpu", "scalar")
        only = json.loads(self.good(*scalar, "--batch", "5", "--threads", "3"))
        self.assertEqual({line["kernels"] for line in only["lines"]}, {"scalar"})
        shapes = [(line["step"], line["batch"], line["threads"]) for line in only["lines"]]
        whole = "from WAV to keyword"
        self.assertEqual(shapes[-3:], [(whole, 1, 1), (whole, 5, 1), (whole, 5, 3)])
        one = json.loads(self.good(*scalar, "--batch", "1", "--threads", "1"))
        self.assertEqual(len(one["lines"]), 3)

    def test_load_on_a_closed_port_ends_and_says_so(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            begin = time.monotonic()
            done = run("load", "--json", "--server", url, "--rate", "50", "--duration", "0.5", "--warmup", "0", "--timeout",
                       "0.2", sample("yes"))
            self.assertLess(time.monotonic() - begin, 20)
        self.assertEqual(done.returncode, 4, done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["answered"], 0)
        self.assertEqual(result["due"], 25)
        self.assertEqual(sum(result["errors"].values()), 25)

    def test_load_refuses_what_it_cannot_do(self):
        self.refused(2, "wants a clip", "load")
        self.refused(2, "plain HTTP only", "load", "--server", "https://127.0.0.1", sample("yes"))
        self.refused(2, "--rate wants", "load", "--rate", "fast", sample("yes"))
        self.refused(2, "--connections wants", "load", "--connections", "0", sample("yes"))

    def test_help_is_there_for_everything(self):
        overview = self.good("--help").decode()
        man = self.good("--man").decode().replace("\\-", "-")
        for command in COMMANDS:
            self.assertRegex(overview, rf"(?m)^  {command} ")
            text = self.good(command, "--help").decode()
            self.assertEqual(text, self.good("help", command).decode())
            self.assertTrue(text.startswith(f"Usage: sparrow {command} "), text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80, command)
            for option in re.findall(r"^  (?:-\w, |    )--([a-z-]+)", text, re.M):
                if option != "help":
                    self.assertIn(f"--{option}\\fR", man, (command, option))
        self.assertRegex(self.good("--version").decode(), r"\Asparrow \d+\.\d+\.\d+ \(libsparrow \d+\.\d+\.\d+\)\n\Z")
        self.refused(2, 'did you mean "recognize"', "recognise")
        self.refused(2, 'no command "xyzzy"', "xyzzy")
        self.assertEqual(run().returncode, 2)

    def test_man_page_is_clean_roff(self):
        if not shutil.which("groff"):
            self.skipTest("no groff")
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=self.good("--man"), capture_output=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def complete(self, *words):
        """What bash would offer for the last word."""
        script = self.path("completion")
        with open(script, "wb") as file:
            file.write(self.good("--completion"))
        line = " ".join(f"'{word}'" for word in words)
        bash = f"compopt() {{ :; }}; source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _sparrow; " \
               'printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", bash], capture_output=True, text=True, cwd=self.folder, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_completion_offers_what_fits(self):
        self.assertEqual(self.complete("sparrow", "rec"), ["recognize"])
        self.assertEqual(self.complete("sparrow", "recognize", "--thr"), ["--threshold"])
        self.assertEqual(self.complete("sparrow", "recognize", "--cpu", "av"), ["avx2", "avxvnni", "avx512vnni", "avx512"])
        open(self.path("clip.wav"), "w").close()
        self.assertEqual(self.complete("sparrow", "recognize", "cl"), ["clip.wav"])
        self.assertIn("scores", self.complete("sparrow", ""))

    def test_a_full_disk_is_a_failure(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        for words in (["recognize", sample("yes")], ["features", sample("yes")], ["info"], ["--help"],
                      ["features", "--out", "/dev/full", sample("yes")]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([SPARROW, *words], stdout=full, stderr=subprocess.PIPE, env=ENV, check=False)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn(b"sparrow: ", done.stderr, words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
