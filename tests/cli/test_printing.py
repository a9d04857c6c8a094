import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime.cli.printing import as_json, print_summary

Capture = pytest.CaptureFixture[str]

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)


TREES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.dictionaries(st.text(), TREES))
def test_plain_content_comes_back_from_its_one_line(content: dict[str, object]) -> None:
    line = as_json(content)
    assert json.loads(line) == {"schema_version": 2} | content and "\n" not in line


def test_numbers_of_numpy_dates_and_paths_are_plain_and_nan_is_null() -> None:
    content = {
        "a": np.float64(0.5),
        "b": np.int64(3),
        "c": math.nan,
        "d": np.float32("inf"),
        "e": np.array([1.0, np.nan]),
        "f": pd.Timestamp("2020-03-16"),
        "g": Path("out/x"),
        "h": (1, 2),
        "i": np.bool_(True),
    }
    assert json.loads(as_json(content)) == {
        "schema_version": 2,
        "a": 0.5,
        "b": 3,
        "c": None,
        "d": None,
        "e": [1.0, None],
        "f": "2020-03-16",
        "g": "out/x",
        "h": [1, 2],
        "i": True,
    }


def test_the_version_comes_first_and_a_list_stands_under_items() -> None:
    assert as_json({"schema_version": 2, "a": 1}) == '{"schema_version": 2, "a": 1}'
    assert list(json.loads(as_json({"b": 1, "schema_version": 2}))) == ["schema_version", "b"]
    assert as_json([1, None]) == '{"schema_version": 2, "items": [1, null]}'


def test_text_of_the_data_is_no_markup(capsys: Capture) -> None:
    scores = {"model": {"log_loss": 0.3}, "baselines": {"[red]x[/red]": {"log_loss": 0.4}}}
    print_summary({"scores": scores, "report": "[bold]r"})
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out and "Report: [bold]r" in out


def test_an_empty_summary_prints_no_table(capsys: Capture) -> None:
    print_summary({})
    assert capsys.readouterr().out.strip() == ""


def test_a_long_path_stays_on_one_line(capsys: Capture) -> None:
    path = "/".join(["folder"] * 60)
    print_summary({"report": path})
    assert f"Report: {path}\n" in capsys.readouterr().out


def test_a_terminal_of_ascii_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    print_summary(
        {
            "backtest": {"strategy": {"max_drawdown": -0.2, "turnover": 3.0, "sharpe": None}},
            "scores": {"best_baseline": "vix", "skill": 0.1, "interval": [-0.1, 0.2]},
        }
    )
    sys.stdout.flush()
    text = raw.getvalue().decode("ascii")
    assert "-20.0%" in text and "3.0x" in text and "-10.0% to 20.0%" in text


def test_a_narrow_terminal_folds_names_and_heads_but_no_number(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    scores = {
        name: {"log_loss": 0.2412, "brier": 0.0725, "average_precision": 0.631, "auc": 0.912}
        for name in ("elastic_net", "below_200dma")
    }
    print_summary(
        {
            "scores": {
                "model": scores["elastic_net"],
                "baselines": scores,
                "best_baseline": "elastic_net",
            }
        }
    )
    out = capsys.readouterr().out
    for number in ("0.2412", "0.0725", "0.631", "0.912"):
        assert out.count(number) == 3
    assert "…" not in out
