"""The bytes of a file before anything is read.

Encoding, byte-order mark, torn end, lines of another width.
"""

from __future__ import annotations

import csv

from regime.sources.checks.findings import Finding, listed, plural

__all__ = ["check_form"]

WIDE_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
MARK = b"\xef\xbb\xbf"


def check_form(content: bytes) -> list[Finding]:
    """What is wrong with the form of a CSV file, before its dates and numbers are looked at.

    Parameters
    ----------
    content : bytes
        The whole file.
    """
    if not content.strip():
        return []
    for mark, name in WIDE_MARKS.items():
        if content.startswith(mark):
            return [_fault("encoding", f"written in {name}; save the file as UTF-8")]
    if b"\x00" in content:
        return [
            _fault(
                "encoding",
                f"{plural(content.count(0), 'NUL byte')}; the file is damaged: fetch it again",
            )
        ]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [
            _fault(
                "encoding",
                f"line {line}: byte 0x{content[error.start]:02x} is no UTF-8; save it as UTF-8",
            )
        ]
    if text.lstrip().startswith("<"):
        return [_fault("html", "a page of HTML, not CSV; the vendor refused: fetch the file again")]
    found = (
        []
        if not content.startswith(MARK)
        else [
            Finding(
                check="byte_order_mark",
                severity="note",
                text="begins with a byte-order mark, which is skipped",
            )
        ]
    )
    return found + _widths(text) + _end(text)


def _fault(check: str, text: str) -> Finding:
    return Finding(check=check, severity="fault", text=text)


def _widths(text: str) -> list[Finding]:
    """Lines whose number of fields is not the header's; a short last line is a torn one."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line]
    width = _fields(lines[0][1])
    odd = [(number, fields) for number, line in lines if (fields := _fields(line)) != width]
    if not odd:
        return []
    if len(odd) == 1 and odd[0][0] == lines[-1][0] and odd[0][1] < width:
        return [
            _fault(
                "torn",
                f"line {odd[0][0]}: the last line has {odd[0][1]} of {width} fields: the file was "
                "cut",
            )
        ]
    told = [f"line {number} has {fields}" for number, fields in odd]
    return [
        Finding(
            check="ragged",
            severity="fault",
            count=len(odd),
            text=(
                f"{plural(len(odd), 'line')} with another number of fields than the header's "
                f"{width}: {listed(told, 3)}"
            ),
        )
    ]


def _fields(line: str) -> int:
    if '"' not in line:
        return line.count(",") + 1
    try:
        return len(next(csv.reader([line]), []))
    except csv.Error:
        return 1


def _end(text: str) -> list[Finding]:
    if text.endswith(("\n", "\r")):
        return []
    return [
        Finding(
            check="no_newline",
            severity="warning",
            text=(
                f"the last line `{text.splitlines()[-1][:60]}` has no end: it may have been cut "
                "inside its last field"
            ),
        )
    ]
