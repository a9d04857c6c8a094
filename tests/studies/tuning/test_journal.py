"""A journal whose last line was torn, and a lock that nobody has to wait for."""

import subprocess
import sys

import pytest

from regime.studies.tuning.journal import JournalLock, repair_journal

WHOLE = b'{"op_code":0}\n{"op_code":4}\n'


@pytest.mark.parametrize(
    ("tail", "cut"),
    [
        (b"", 0),
        (b'{"op_code":6,"tri', 17),
        (b'{"op_code":6}', 13),
        (b'{"op_code":6,\n', 14),
        (b"\x00" * 40, 40),
        (b'\x00\x00\n{"op_co', 10),
    ],
)
def test_what_is_torn_is_cut_and_nothing_else(tmp_path, tail, cut):
    journal = tmp_path / "journal"
    journal.write_bytes(WHOLE + tail)
    assert repair_journal(journal) == cut
    assert journal.read_bytes() == WHOLE
    assert repair_journal(journal) == 0


def test_every_cut_of_a_journal_leaves_its_whole_lines(tmp_path):
    journal = tmp_path / "journal"
    for length in range(len(WHOLE) + 1):
        journal.write_bytes(WHOLE[:length])
        repair_journal(journal)
        assert journal.read_bytes() == WHOLE[: length - length % 14]


def test_a_journal_that_is_not_there_needs_no_mending(tmp_path):
    assert repair_journal(tmp_path / "journal") == 0
    assert list(tmp_path.iterdir()) == []


def test_a_writer_mends_what_one_that_died_beside_it_left(tmp_path):
    journal = tmp_path / "journal"
    journal.write_bytes(WHOLE + b"{torn")
    lock = JournalLock(journal)
    assert lock.acquire()
    lock.release()
    assert journal.read_bytes() == WHOLE


def test_a_lock_dies_with_its_holder(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from regime.studies.tuning.journal import "
        "JournalLock\n"
        "JournalLock(Path(sys.argv[1])).acquire(); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "journal")])
    assert done.returncode == -9
    lock = JournalLock(tmp_path / "journal")
    lock.acquire()
    lock.release()
