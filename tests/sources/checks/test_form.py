"""Bytes that are no sound CSV, each with its kind and line."""

import pytest

from regime.sources.checks.form import check_form

GOOD = b"date,value\n2024-01-02,1.5\n2024-01-03,2\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD + b"\n\n",
        b'date,name\n2024-01-02,"a, b"\n',
        "date,name\n2024-01-02,é\n".encode(),
    ],
)
def test_sound_forms(content):
    assert check_form(content) == []


@pytest.mark.parametrize(
    ("content", "check", "words"),
    [
        (GOOD.decode().encode("utf-16"), "encoding", "written in UTF-16"),
        (
            "date,name\n2024-01-02,é\n".encode("latin-1"),
            "encoding",
            "line 2: byte 0xe9 is no UTF-8",
        ),
        (GOOD.replace(b"1.5", b"1\x00.5"), "encoding", "1 NUL byte"),
        (b"<!DOCTYPE html>\n<p>limit</p>\n", "html", "a page of HTML"),
        (b"\xef\xbb\xbf\n <html>", "html", "a page of HTML"),
        (GOOD + b"2024-01-04", "torn", "line 4: the last line has 1 of 2 fields"),
        (
            GOOD + b"2024-01-04,1,2\n2024-01-05,1\n2024-01-06\n",
            "ragged",
            "2 lines with another number of fields",
        ),
        (GOOD + b"2024-01-04,1,2\n", "ragged", "line 4 has 3"),
    ],
)
def test_broken_forms_are_faults_of_their_kind(content, check, words):
    found = check_form(content)
    assert (found[0].check, found[0].severity) == (check, "fault")
    assert words in found[0].text


def test_a_byte_order_mark_is_a_note_and_an_open_end_a_warning():
    (mark,) = check_form(b"\xef\xbb\xbf" + GOOD)
    assert (mark.check, mark.severity) == ("byte_order_mark", "note")
    (end,) = check_form(GOOD.rstrip(b"\n"))
    assert (end.check, end.severity) == ("no_newline", "warning")
    assert "`2024-01-03,2`" in end.text


@pytest.mark.parametrize(
    "cut", [cut for cut in range(12, len(GOOD)) if GOOD[cut - 1 : cut] != b"\n"]
)
def test_a_file_cut_anywhere_after_its_header_is_told(cut):
    (found,) = {one.check for one in check_form(GOOD[:cut])} - {"no_newline"} or {"no_newline"}
    assert found == ("torn" if GOOD[:cut].rpartition(b"\n")[2].count(b",") == 0 else "no_newline")
