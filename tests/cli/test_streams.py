"""Not even compiled code reaches standard output while it is reserved."""

import subprocess
import sys

NOISE = """
import ctypes, os, subprocess, sys
from regime.cli.streams import reserved_stdout
print("before")
try:
    with reserved_stdout():
        print("python")
        os.write(1, b"descriptor\\n")
        ctypes.CDLL(None).printf(b"compiled\\n")
        subprocess.run(["echo", "child"])
        if len(sys.argv) > 1:
            raise KeyError("fault")
except KeyError:
    pass
print("after")
"""


def _streams(*arguments: str) -> tuple[list[str], list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", NOISE, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.split(), sorted(done.stderr.split())


def test_all_noise_goes_to_standard_error() -> None:
    assert _streams() == (["before", "after"], ["child", "compiled", "descriptor", "python"])


def test_standard_output_is_given_back_after_a_fault() -> None:
    assert _streams("fault") == (["before", "after"], ["child", "compiled", "descriptor", "python"])
