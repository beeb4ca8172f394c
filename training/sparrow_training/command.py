"""The `sparrow` command: how training meets the C library.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import shutil
import subprocess
import tempfile

import numpy as np


BUILT = os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release/sparrow")
)


def add_argument(parser, help_text):
    parser.add_argument(
        "--sparrow",
        default="sparrow",
        help=f"{help_text} (default: the installed one, else what ./quickstart built)",
    )


def find(sparrow):
    """Where the command is. ValueError if it is nowhere."""
    path = shutil.which(sparrow) or (shutil.which(BUILT) if sparrow == "sparrow" else None)
    if not path:
        raise ValueError(
            f"there is no command {sparrow}: run ./quickstart --once, which builds it, or name "
            "yours with --sparrow"
        )
    return path


def run(sparrow, arguments, **how):
    """What the command prints. ValueError if it fails: it has said why itself."""
    done = subprocess.run([find(sparrow), *arguments], stdout=subprocess.PIPE, check=False, **how)
    if done.returncode:
        raise ValueError(f"{sparrow} {arguments[0]} failed (status {done.returncode})")
    return done.stdout


def features(sparrow, samples, model=None, frames=32, bands=32):
    """s16 [n, samples] -> u8 [n, frames, bands], by the front end of a model file, or the default
    one."""
    front_end = ["--model", model] if model else ["--front-end", "default"]
    made = run(sparrow, ["features", "--raw", *front_end], input=samples.astype("<i2").tobytes())
    return np.frombuffer(made, np.uint8).reshape(len(samples), frames, bands)


def scores(sparrow, model, words, cpu=None):
    """Integer scores s64 [n, labels] of features u8 [n, frames, bands]; cpu: which kernels."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "words.u8")
        words.astype(np.uint8).tofile(path)
        kernels = ["--cpu", cpu] if cpu else []
        told = run(sparrow, ["scores", "--model", model, *kernels, path], text=True)
    lines = told.splitlines()[1:]
    return np.array([[int(field) for field in line.split("\t")[2:]] for line in lines])


def bench(sparrow, model, seconds):
    """The shortest time that the network takes for a word, in microseconds, by kernels."""
    arguments = ["bench", "--json", "--seconds", str(seconds), "--model", model]
    lines = json.loads(run(sparrow, arguments, text=True))["lines"]
    return {line["kernels"]: line["min_us"] for line in lines if line["step"] == "network"}
