"""Files and folders are whole or absent, whatever call fails."""

import json
import os
import shutil
from pathlib import Path

import pytest

from regime import artifacts
from regime.artifacts import (
    file_lock,
    output_file,
    output_folder,
    publish,
    replaced_folder,
    to_json,
    write_bytes,
    write_json,
)
from regime.errors import ConfigError


class Fault(OSError):
    pass


def content_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def fail_at(patch, owner, name, count):
    original, calls = getattr(owner, name), []

    def call(*args, **kwargs):
        calls.append(args)
        if len(calls) == count:
            raise Fault(28, "No space left on device")
        return original(*args, **kwargs)

    patch.setattr(owner, name, call)
    return calls


def until_no_fault(owner, name, act, check):
    """Repeat `act` with the first, second, ... call failing.

    `check` after each fault that was felt.
    """
    count, calls, felt = 0, [None], 0
    while len(calls) >= count:
        count += 1
        with pytest.MonkeyPatch.context() as patch:
            calls = fail_at(patch, owner, name, count)
            try:
                act()
                continue
            except (Fault, ConfigError):
                felt += 1
        check()
    return felt


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "new" / "folder" / "a.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [found.name for found in path.parent.iterdir()] == ["a.bin"]


def test_an_error_inside_the_block_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_bytes(path, b"old")
    with pytest.raises(KeyboardInterrupt), output_file(path) as staged:
        staged.write_bytes(b"half")
        raise KeyboardInterrupt
    assert content_of(tmp_path) == {"a.txt": b"old"}


@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_fault_at_any_call_leaves_the_old_file_or_none(tmp_path, name, old):
    path = tmp_path / "deep" / "a.txt"
    if old:
        write_bytes(path, old)
    before = content_of(tmp_path)
    renamed = {
        "deep/a.txt": b"new"
    }  # the folder's own fsync comes after the file is whole and in place

    def check():
        assert content_of(tmp_path) in ((before,) if name == "replace" else (before, renamed))

    assert until_no_fault(os, name, lambda: write_bytes(path, b"new"), check) >= 1
    assert content_of(tmp_path) == renamed


def test_json_is_strict_and_exact(tmp_path):
    write_json(tmp_path / "a.json", {"ü": [0.1 + 0.2, 5e-324, None]})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {
        "ü": [0.1 + 0.2, 5e-324, None]
    }
    with pytest.raises(ValueError, match="JSON"):
        to_json({"a": float("nan")})


def test_an_output_folder_keeps_what_is_not_its_own(tmp_path):
    out = tmp_path / "out"
    (out / "model").mkdir(parents=True)
    (out / "model" / "old.txt").write_text("old")
    (out / "thesis.txt").write_text("mine")
    (out / "summary.json").write_text("old")
    with output_folder(out) as staged:
        (staged / "model").mkdir()
        (staged / "model" / "new.txt").write_text("new")
        (staged / "summary.json").write_text("new")
        assert (out / "summary.json").read_text() == "old"
    assert content_of(out) == {
        "thesis.txt": b"mine",
        "model/new.txt": b"new",
        "summary.json": b"new",
    }
    assert sorted(path.name for path in out.iterdir()) == ["model", "summary.json", "thesis.txt"]


def test_an_error_inside_the_block_leaves_no_output_folder(tmp_path):
    with pytest.raises(ValueError), output_folder(tmp_path / "a" / "out") as staged:
        (staged / "half.txt").write_text("half")
        raise ValueError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("owner", "name"),
    [(os, "fsync"), (os, "replace"), (os, "rename"), (os, "mkdir"), (shutil, "copy2")],
    ids=["fsync", "replace", "rename", "mkdir", "copy"],
)
@pytest.mark.parametrize("older", [False, True])
def test_a_fault_at_any_call_leaves_all_old_entries_or_all_new(tmp_path, owner, name, older):
    out, entries = tmp_path / "out", ("a.parquet", "b.parquet", "model/part.txt", "summary.json")

    def act(word="new"):
        with output_folder(out) as staged:
            (staged / "model").mkdir()
            for entry in entries:
                (staged / entry).write_text(word)

    if older:
        act("old")
        (out / "mine.txt").write_text("mine")
    before = content_of(tmp_path)
    after = {**before, **{f"out/{entry}": b"new" for entry in entries}}
    seen = []
    until_no_fault(owner, name, act, lambda: seen.append(content_of(tmp_path)))
    assert all(found in (before, after) for found in seen)
    assert content_of(tmp_path) == after
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_the_summary_moves_last(tmp_path, monkeypatch):
    order = []
    original = os.replace
    monkeypatch.setattr(
        os, "replace", lambda *args: (order.append(Path(args[1]).name), original(*args))
    )
    with output_folder(tmp_path / "out") as staged:
        for name in ("a.txt", "summary.json", "z.txt"):
            (staged / name).write_text(name)
    assert order == ["a.txt", "z.txt", "summary.json"]


def test_what_a_killed_run_left_is_cleared_and_a_living_one_is_not(tmp_path):
    left = tmp_path / ".partial-dead"
    left.mkdir()
    (left / "half.parquet").write_text("half")
    with output_folder(tmp_path) as living:
        (living / "a.txt").write_text("a")
        with output_folder(tmp_path) as other:
            (other / "b.txt").write_text("b")
        assert not left.exists() and living.exists()
    assert content_of(tmp_path) == {"a.txt": b"a", "b.txt": b"b"}


def test_a_replaced_folder_holds_only_the_new(tmp_path):
    folder = tmp_path / "model"
    for word in ("one", "two"):
        with replaced_folder(folder) as staged:
            (staged / f"{word}.txt").write_text(word)
    assert content_of(tmp_path) == {"model/two.txt": b"two"}


@pytest.mark.parametrize(
    ("old", "new"), [("file", "folder"), ("folder", "file"), ("link", "folder"), ("link", "file")]
)
def test_an_entry_of_another_kind_is_replaced_or_restored(tmp_path, old, new):
    target, staged, elsewhere = tmp_path / "x", tmp_path / "staged", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep.txt").write_text("keep")

    def make(path, kind):
        if kind == "link":
            path.symlink_to(elsewhere)
        elif kind == "folder":
            path.mkdir()
            (path / "in.txt").write_text(kind)
        else:
            path.write_text(kind)

    make(target, old)
    make(staged, new)
    with pytest.raises(FileNotFoundError):
        publish([(staged, target), (tmp_path / "nothing", tmp_path / "y")])
    assert (
        staged.exists()
        and target.is_symlink() == (old == "link")
        and target.is_dir() == (old != "file")
    )
    publish([(staged, target)])
    assert not target.is_symlink() and target.is_dir() == (new == "folder")
    assert (elsewhere / "keep.txt").read_text() == "keep"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "x"]


@pytest.mark.parametrize("manager", [output_folder, replaced_folder, output_file])
def test_a_place_that_cannot_be_written_is_answered(tmp_path, manager):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(ConfigError, match=r"cannot write there .*choose another path"),
        manager(tmp_path / "file" / "out"),
    ):
        pass
    assert content_of(tmp_path) == {"file": b"x"}


def test_new_files_have_the_usual_rights(tmp_path):
    with output_folder(tmp_path / "out") as staged:
        (staged / "model").mkdir()
    plain = tmp_path / "plain"
    plain.mkdir()
    assert (tmp_path / "out" / "model").stat().st_mode == plain.stat().st_mode


def test_a_lock_excludes_and_is_let_go(tmp_path):
    for path in (tmp_path / "lock", tmp_path):
        with file_lock(path) as held:
            assert held
            with file_lock(path, wait=False) as second:
                assert not second
        with file_lock(path, wait=False) as held:
            assert held


def test_without_flock_the_answer_is_what_was_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "fcntl", None)
    with file_lock(tmp_path / "lock") as held, file_lock(tmp_path / "lock", wait=False) as free:
        assert held and not free
    with output_folder(tmp_path / "out") as staged:
        (staged / "a.txt").write_text("a")
    shutil.rmtree(tmp_path / "out")
