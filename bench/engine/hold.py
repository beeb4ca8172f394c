"""hold.py - a private copy of ONNX Runtime's library that finds AVX2 and FMA, and nothing newer.

ONNX Runtime takes the newest instructions that the processor has and offers no switch. It asks twice over: XGETBV tells which registers the
system keeps (AVX-512 and AMX need bits 5 to 7 and 17, 18), CPUID's leaf 7, subleaf 1, whether there is AVX-VNNI. copy() writes a copy of
the library in which these answers are constants: "SSE and AVX registers" and "nothing". Its kernels are as they were, and the one that
is chosen is the one that a processor without the newer instructions gets. The installed file is only read.

SPDX-License-Identifier: Apache-2.0
"""
import os


class Unknown(Exception):
    """The library does not ask in the way that is known here."""


# (what asks, its instructions, what stands there instead, how often). Instead is as long as what it replaces.
QUESTIONS = (
    ("MLAS, cpuinfo: xgetbv; mov eax,eax; shl rdx,32; or rdx,rax",
     "0f01d0 89c0 48c1e220 4809c2",
     "b807000000 31d2 6690 4809c2", 2),  # mov eax,7; xor edx,edx; nop; or rdx,rax
    ("CPUIDInfo: xgetbv; mov edx,edi; mov edi,r8d; mov r14d,eax",
     "0f01d0 89fa 4489c7 4189c6",
     "6a0758 89fa 4489c7 4189c6", 1),  # push 7; pop rax
    ("MLAS, CPUIDInfo: mov eax,7; mov ecx,1; cpuid",
     "b807000000 b901000000 0fa2",
     "31c0 31db 31c9 31d2 0f1f4000", 2),  # xor eax,eax; xor ebx,ebx; xor ecx,ecx; xor edx,edx; nop
)


def hold(library):
    """The bytes of a library, its questions answered. Raises Unknown if one is not asked as often as it should be."""
    for name, asked, answer, times in QUESTIONS:
        asked, answer = bytes.fromhex(asked), bytes.fromhex(answer)
        found = library.count(asked)
        if found != times:
            raise Unknown(f"\"{name}\" is found {found} times in ONNX Runtime's library, not {times}")
        library = library.replace(asked, answer)
    return library


def copy(library, folder):
    """Writes the copy into a folder, under the library's own name."""
    with open(library, "rb") as f:
        held = hold(f.read())
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, os.path.basename(library)), "wb") as f:
        f.write(held)
