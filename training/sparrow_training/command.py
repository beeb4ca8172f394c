"""The `sparrow` command: how training meets the C library.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import subprocess
import tempfile

import numpy as np


def features(sparrow, samples, model=None, frames=32, bands=32):
    """s16 [n, samples] -> u8 [n, frames, bands], by the front end of a model file, or the default
    one."""
    front_end = ["--model", model] if model else ["--front-end", "default"]
    done = subprocess.run(
        [sparrow, "features", "--raw", *front_end],
        input=samples.astype("<i2").tobytes(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return np.frombuffer(done.stdout, np.uint8).reshape(len(samples), frames, bands)


def scores(sparrow, model, words, cpu=None):
    """Integer scores s64 [n, labels] of features u8 [n, frames, bands]; cpu: which kernels."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "words.u8")
        words.astype(np.uint8).tofile(path)
        command = [sparrow, "scores", "--model", model, *(["--cpu", cpu] if cpu else []), path]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.splitlines()[1:]
    return np.array([[int(field) for field in line.split("\t")[2:]] for line in lines])


def bench(sparrow, model, seconds):
    """The shortest time that the network takes for a word, in microseconds, by kernels."""
    command = [sparrow, "bench", "--json", "--seconds", str(seconds), "--model", model]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = json.loads(done.stdout)["lines"]
    return {line["kernels"]: line["min_us"] for line in lines if line["step"] == "network"}
