"""The list of a bundle's files with their SHA-256: a saved model is read whole or not at all.

The manifest finds damage and mixed-up files. It is no signature: who can rewrite every file can
rewrite the manifest too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regime.errors import BundleError, MissingDataError

__all__ = ["FORMAT", "MANIFEST", "VERSION", "make_manifest", "parse_json", "read_files"]

FORMAT = "deleverage-model"
VERSION = 1
MANIFEST = "manifest.json"
# Flat, lower-case names alone: no separator, no dot in front, nothing that two file systems read
# differently.
PLAIN = re.compile(r"[a-z0-9_]{1,40}\.(json|txt)")


def make_manifest(files: Mapping[str, bytes]) -> bytes:
    """Canonical manifest of `files`; one set of files has exactly one."""
    entries = {
        name: {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
        for name in sorted(files)
    }
    return (
        json.dumps({"format": FORMAT, "version": VERSION, "files": entries}, indent=1) + "\n"
    ).encode()


def read_files(folder: Path) -> dict[str, bytes]:
    """Bytes of every file of a bundle, each read once and checked, the manifest left out.

    Raises
    ------
    MissingDataError
        If there is no such folder.
    BundleError
        If a file is missing, extra, altered or badly named, or if the manifest itself was altered.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingDataError(
            f"{folder}: no such folder; a saved model is a folder with {MANIFEST}"
        )
    present = {path.name: path for path in folder.iterdir()}
    if MANIFEST not in present:
        raise BundleError(
            f"{folder}: {MANIFEST} is missing; this is no saved model, or a part of one"
        )
    faults = [
        f"{path}: a link or no file; a saved model holds plain files only"
        for path in present.values()
        if path.is_symlink() or not path.is_file()
    ]
    _refuse(faults)
    manifest = _read(present.pop(MANIFEST))
    listed = _listed(manifest, folder)
    _refuse(
        [
            *(
                f"{folder / name}: listed in {MANIFEST} but missing"
                for name in sorted(listed - set(present))
            ),
            *(
                f"{folder / name}: not listed in {MANIFEST}; take it away"
                for name in sorted(set(present) - listed)
            ),
        ]
    )
    files = {name: _read(path) for name, path in sorted(present.items())}
    _compare(manifest, files, folder)
    return files


def parse_json(content: bytes, name: str) -> Any:
    """Content of strict JSON: no NaN, no infinity.

    Raises
    ------
    BundleError
        If it is not JSON.
    """
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name}: not strict JSON ({error})") from None


def _listed(manifest: bytes, folder: Path) -> set[str]:
    location = f"{folder / MANIFEST}"
    content = parse_json(manifest, location)
    if (
        not isinstance(content, dict)
        or content.get("format") != FORMAT
        or not isinstance(content.get("files"), dict)
    ):
        raise BundleError(f"{location}: not the manifest of a {FORMAT}")
    if content.get("version") != VERSION:
        raise BundleError(
            f"{location}: format version {content.get('version')}, this package reads {VERSION}; "
            "use the version of the package that wrote it"
        )
    _refuse(
        [
            f"{location}: `{name}` is not a plain file name"
            for name in content["files"]
            if not PLAIN.fullmatch(name)
        ]
    )
    return set(content["files"])


def _compare(manifest: bytes, files: Mapping[str, bytes], folder: Path) -> None:
    expected = parse_json(make_manifest(files), "manifest")["files"]
    digests = parse_json(manifest, "manifest")["files"]
    _refuse(
        [
            f"{folder / name}: its SHA-256 or length is not that of {MANIFEST}; the file was "
            "altered or cut, "
            "copy the bundle again"
            for name in files
            if digests[name] != expected[name]
        ]
    )
    if manifest != make_manifest(files):
        raise BundleError(f"{folder / MANIFEST}: altered; copy the bundle again")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from None


def _refuse(faults: list[str]) -> None:
    if faults:
        raise BundleError(faults)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
