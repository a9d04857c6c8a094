"""Damage of any kind is found before anything is parsed."""

import json
import os
from pathlib import Path

import pytest

from regime.errors import BundleError, MissingDataError
from regime.runtime.manifest import MANIFEST, make_manifest, parse_json, read_files

FILES = {"model.json": b"{}\n", "stress_0.txt": b"tree\n"}


@pytest.fixture
def listed_folder(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name, content in {**FILES, MANIFEST: make_manifest(FILES)}.items():
        (folder / name).write_bytes(content)
    return folder


def rewrite(folder, change):
    content = json.loads((folder / MANIFEST).read_bytes())
    change(content)
    (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n")


def test_an_untouched_folder_is_read_whole(listed_folder):
    assert read_files(listed_folder) == FILES


def test_a_missing_folder_is_missing_data(tmp_path):
    with pytest.raises(MissingDataError, match="no such folder"):
        read_files(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name",
    [
        "../model.json",
        "/etc/passwd",
        "a/b.json",
        "..",
        ".hidden.json",
        "C:\\x.txt",
        "model.json\n",
        "MODEL.json",
        "model.pkl",
        "",
    ],
)
def test_a_name_that_is_not_plain_is_refused(listed_folder, name):
    rewrite(
        listed_folder,
        lambda content: content["files"].update({name: {"bytes": 0, "sha256": "0" * 64}}),
    )
    with pytest.raises(BundleError, match="not a plain file name"):
        read_files(listed_folder)


def test_every_missing_and_extra_file_is_named(listed_folder):
    (listed_folder / "stress_0.txt").rename(listed_folder / "stress_1.txt")
    with pytest.raises(BundleError) as error:
        read_files(listed_folder)
    assert len(error.value.faults) == 2
    assert (
        "stress_0.txt: listed" in error.value.faults[0]
        and "stress_1.txt: not listed" in error.value.faults[1]
    )


def test_links_and_folders_are_refused_unread(listed_folder, tmp_path):
    (listed_folder / "inner").mkdir()
    target = tmp_path / "outside.txt"
    target.write_bytes(FILES["stress_0.txt"])
    (listed_folder / "stress_0.txt").unlink()
    (listed_folder / "stress_0.txt").symlink_to(target)
    os.mkfifo(listed_folder / "pipe.txt")  # reading it would wait for ever
    with pytest.raises(BundleError) as error:
        read_files(listed_folder)
    assert len(error.value.faults) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(version=2),
        lambda content: content.update(version=True),
        lambda content: content.update(format="other"),
        lambda content: content.update(note="x"),
        lambda content: content.update(files=[]),
        lambda content: content["files"].pop("model.json"),
        lambda content: content["files"]["model.json"].update(sha256="0" * 64),
        lambda content: content["files"]["model.json"].update(bytes=4),
        lambda content: content["files"].update({"model.json": None}),
        lambda content: content["files"]["model.json"].update(
            sha256=content["files"]["model.json"]["sha256"].upper()
        ),
    ],
)
def test_a_changed_manifest_is_refused(listed_folder, change):
    rewrite(listed_folder, change)
    with pytest.raises(BundleError):
        read_files(listed_folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": NaN}',
        b'{"format": ' + b"9" * 10_000 + b"}",
    ],
)
def test_a_manifest_that_is_no_manifest_is_refused(listed_folder, content):
    (listed_folder / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError):
        read_files(listed_folder)


def test_white_space_in_the_manifest_counts(listed_folder):
    path = listed_folder / MANIFEST
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n", 1))
    with pytest.raises(BundleError, match="altered"):
        read_files(listed_folder)


def test_an_unreadable_file_is_named(listed_folder, monkeypatch):
    read = Path.read_bytes

    def refuse(path):
        if path.name == "stress_0.txt":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(BundleError, match=r"stress_0.txt: cannot be read \(Permission denied\)"):
        read_files(listed_folder)


def test_json_is_strict():
    assert parse_json(b'{"a": [1.5, null]}', "x") == {"a": [1.5, None]}
    with pytest.raises(BundleError, match="x: not strict JSON"):
        parse_json(b'{"a": Infinity}', "x")
