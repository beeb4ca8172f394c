#!/usr/bin/python3
"""bench/engine/hold.py: it finds the questions that ONNX Runtime asks the processor, answers them as a processor with AVX2 does, and refuses
a library that asks otherwise; a report without ONNX Runtime says so.

The answers are run here, in memory. Writes to a temporary folder only.
"""
# SPDX-License-Identifier: Apache-2.0
import ctypes
import json
import mmap
import os
import platform
import sys
import tempfile
import unittest

TOP = os.environ["top_srcdir"]
sys.path.insert(0, os.path.join(TOP, "bench", "engine"))
import hold  # noqa: E402
import section  # noqa: E402

FILLER = bytes(range(256)) * 8


def library():
    """Bytes in which every question is asked as often as it should be."""
    return FILLER + b"".join(bytes.fromhex(asked) + FILLER for _, asked, _, times in hold.QUESTIONS for _ in range(times))


def run(code):
    """What machine code leaves in RAX; it may change RBX and R14."""
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("53 4156") + code + bytes.fromhex("415e 5b c3"))  # push rbx; push r14; ...; pop r14; pop rbx; ret
    begin = ctypes.c_char.from_buffer(page)
    found = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(begin))()
    del begin
    page.close()
    return found


class Hold(unittest.TestCase):
    def test_questions_are_answered_and_the_rest_is_as_it_was(self):
        asked = library()
        held = hold.hold(asked)
        self.assertEqual(len(held), len(asked))
        at = 0
        for _, question, answer, times in hold.QUESTIONS:
            for _ in range(times):
                self.assertEqual(held[at:at + len(FILLER)], FILLER)
                at += len(FILLER)
                self.assertEqual(held[at:at + len(bytes.fromhex(question))], bytes.fromhex(answer))
                at += len(bytes.fromhex(answer))
        self.assertEqual(held[at:], FILLER)

    @unittest.skipUnless(platform.machine() == "x86_64", "the answers are x86-64's instructions")
    def test_answers_are_sse_and_avx_registers_and_no_avx_vnni(self):
        kept, kept_32, leaf = (run(bytes.fromhex(answer)) for _, _, answer, _ in hold.QUESTIONS)
        self.assertEqual((kept, kept_32, leaf), (7, 7, 0))

    def test_a_library_that_asks_otherwise_is_refused(self):
        for name, question, _, _ in hold.QUESTIONS:
            question = bytes.fromhex(question)
            for wrong in (library().replace(question, FILLER, 1), library() + question):
                with self.assertRaises(hold.Unknown) as refused:
                    hold.hold(wrong)
                self.assertIn(name, str(refused.exception))

    def test_the_copy_leaves_the_library_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            path, held = os.path.join(folder, "libonnxruntime.so.1"), os.path.join(folder, "held")
            with open(path, "wb") as f:
                f.write(library())
            hold.copy(path, held)
            with open(path, "rb") as installed, open(os.path.join(held, "libonnxruntime.so.1"), "rb") as copied:
                self.assertEqual(installed.read(), library())
                self.assertEqual(copied.read(), hold.hold(library()))


class LeftOut(unittest.TestCase):
    def test_a_report_without_onnx_runtime_says_why(self):
        with open(os.path.join(TOP, "bench", "results", "engine-avx2.json")) as f:
            report = json.load(f)
        self.assertIn("ONNX Runtime fp32", "\n".join(section.lines(report)))
        report.update({"held": ["ours"], "left_out": {"ONNX Runtime": "for a reason"}})
        for network in report["networks"]:
            network["rows"] = [r for r in network["rows"] if not r["rival"].startswith("onnx")]
            for row in network["rows"]:
                del row["over_onnx_fp32"]
            network["ratios"] = {k: v for k, v in network["ratios"].items() if "onnx" not in k}
            del network["onnx_int8_agrees_with_fp32"]
        lines = section.lines(report)
        self.assertIn("ONNX Runtime is left out: for a reason.", lines)
        self.assertFalse([line for line in lines if line.startswith("| ") and "ONNX" in line])


if __name__ == "__main__":
    unittest.main()
