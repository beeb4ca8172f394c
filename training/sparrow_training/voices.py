"""Words spoken by espeak-ng: many voices, rates and pitches. For training only, never for a test.

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import io
import shutil
import subprocess

import numpy as np
import soundfile

from .clips import RATE, one_second, resample

ACCENTS = {"en": ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")}
SPEAKERS = tuple(
    """m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 Andy Annie Alex Alicia Andrea Denis Gene Hugo Jacky
    Lee linda Mario max Michael adam anikaRobot antonio aunty belinda benjamin boris caleb david
    ed edward grandma grandpa john marcelo miguel pablo paul pedro quincy rob robert steph sandro
    shelby travis victor zac""".split()
)
QUIET = 0.02  # of the peak: what is below at the beginning and the end is cut off
# What else people say, so that synthetic speech alone does not mean a keyword.
OTHERS = tuple(
    """about after again apple before bottle bread bridge brother candle carry change children city
    coffee colour corner dinner doctor dream early evening father finger flower friend garden gold
    green happy heavy hello holiday hundred island kitchen language lemon letter little market
    milk minute money morning mountain music never number orange paper people please question
    quiet rabbit river school second silver sister sleep something station street sugar summer
    table thank today tomorrow village water weather window winter yellow yesterday""".split()
)


def available():
    return shutil.which("espeak-ng") is not None


def speak(text, voice, rate, pitch):
    """s16 at 16 kHz, a second long. ValueError if espeak-ng does not do it."""
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(rate), "-p", str(pitch), text]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        samples, hz = soundfile.read(io.BytesIO(done.stdout), dtype="float64")
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        raise ValueError(f"espeak-ng does not say {text!r} as {voice}: {error}") from error
    loud = np.flatnonzero(np.abs(samples) > QUIET * max(np.abs(samples).max(), 1e-9))
    if len(loud) == 0:
        raise ValueError(f"espeak-ng says nothing for {text!r} as {voice}")
    word = resample(samples[loud[0] : loud[-1] + 1], hz)
    if len(word) > RATE:  # faster, as people do: the word stays whole
        word = resample(word, len(word) * RATE / (RATE - 1))[:RATE]
    return one_second(np.clip(np.rint(word * 32767), -32768, 32767).astype(np.int16))


def takes(word, count, language="en", speakers=SPEAKERS):
    """count clips of a word, each by another speaker, rate and pitch as far as they go; always the
    same ones."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    rng, accents = np.random.default_rng(seed), ACCENTS.get(language, (language,))
    text, order = word.replace("_", " ").replace("-", " "), rng.permutation(len(speakers))
    for i in range(count):
        speaker = speakers[order[i % len(order)]]
        voice = f"{accents[rng.integers(len(accents))]}+{speaker}"
        yield speak(text, voice, int(rng.integers(110, 230)), int(rng.integers(15, 90)))
