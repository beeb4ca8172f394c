#!/usr/bin/python3
"""Where a word is: a sample clip moved inside a longer one, and inside a second, is the same keyword with bounds that moved as far.
Starts its own daemon; writes only into its temporary folder."""
# SPDX-License-Identifier: Apache-2.0
import os
import random
import struct
import sys

sys.dont_write_bytecode = True
from harness import TOP_SRC, Daemon, run_tests, wav  # noqa: E402

RATE = 16000
HEAD = len(wav(0))
TOLERANCE = 0.05


def sample(word):
    """The s16 samples of one of the clips that ship."""
    with open(os.path.join(TOP_SRC, "tests/data/samples", word + ".wav"), "rb") as file:
        data = file.read().partition(b"data")[2][4:]
    return struct.unpack(f"<{len(data) // 2}h", data)


def placed(word, at, seconds):
    """A clip of faint noise with the word's second `at` seconds after its start; what does not fit is cut off."""
    dice, clip, first = random.Random(1), sample(word), round(at * RATE)
    pcm = [dice.randint(-20, 20) for _ in range(round(seconds * RATE))]
    for i in range(max(0, first), min(len(pcm), first + len(clip))):
        pcm[i] = max(-32768, min(32767, pcm[i] + clip[i - first]))
    return wav(seconds)[:HEAD] + struct.pack(f"<{len(pcm)}h", *pcm)


def hear(d, clip, word):
    """start_time and end_time of the best alternative, and of the keyword's hit, which must both be the word."""
    a = d.post(f"/v1/recognize?keywords={word}&keywords_threshold=0.5", clip)
    assert a.status == 200, a
    result = a.json()["results"][0]
    best, (hit,) = result["alternatives"][0], result["keywords_result"][word]
    assert best["transcript"] == word == hit["normalized_text"], result
    assert (best["start_time"], best["end_time"]) == (hit["start_time"], hit["end_time"]), result
    return best["start_time"], best["end_time"]


def moved(d, word, seconds, at, later):
    start, end = hear(d, placed(word, at, seconds), word)
    then_start, then_end = hear(d, placed(word, at + later, seconds), word)
    print(f"  {word} in {seconds} s: {start} to {end}; {later} s later: {then_start} to {then_end}", flush=True)
    assert at < start < end < at + 1 and end - start < 0.9, (word, start, end)
    assert abs(then_start - start - later) < TOLERANCE and abs(then_end - end - later) < TOLERANCE, word


def test_bounds_move_with_a_word_in_a_longer_clip():
    with Daemon({"server.lanes": 1}) as d:
        for word in ("yes", "no", "down", "right", "off"):
            moved(d, word, 2.5, 0.5, 0.3)


def test_bounds_move_with_a_word_in_one_second():
    with Daemon({"server.lanes": 1}) as d:
        for word in ("down", "off", "no"):
            moved(d, word, 1.0, -0.2, 0.3)


if __name__ == "__main__":
    run_tests(globals())
