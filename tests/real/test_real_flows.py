"""`regime flows` on real data.

The ten dates of the issue through the command, against what was expected of each.

Every mechanism's expectations stand in tests/golden/flows_expectations.NAME.yaml, written before
its first run, with every miss explained beside it. Here the whole command reads as they say; each
mechanism's own real test holds its golden numbers.
"""

import json
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from regime.cli import main
from regime.features.feature_set import FeatureSet
from regime.mechanisms import MECHANISMS
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.file_source import FileSource

pytestmark = pytest.mark.real

DATES = (
    "2008-09-16",
    "2011-08-09",
    "2018-02-06",
    "2019-09-18",
    "2020-02-25",
    "2020-03-13",
    "2021-05-20",
    "2022-06-13",
    "2023-03-13",
    "2024-08-06",
)
KEYS = [
    "schema_version",
    "as_of",
    *(key for key, mechanism in MECHANISMS.items() if not mechanism.within),
]
GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(path.name.split(".")[1] for path in GOLDEN.glob("flows_expectations.*.yaml"))
COMPARED = {">=": operator.ge, "<=": operator.le, "above": operator.gt, "below": operator.lt}
Claim = tuple[str, bool, bool]  # what is claimed, whether it holds, whether a miss is known


@pytest.fixture(scope="module")
def told(real_data: Path) -> Any:
    """JSON of one date, made once."""
    made: dict[str, dict[str, Any]] = {}

    def one(day: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        if day not in made:
            capsys.readouterr()
            assert main(["flows", "--data", str(real_data), "--as-of", day, "--json"]) == 0
            out, err = capsys.readouterr()
            assert err == "" and out.count("\n") == 1
            made[day] = json.loads(out)
        return made[day]

    return one


def at(told: Any, path: str) -> Any:
    for key in path.split("."):
        told = told[int(key)] if isinstance(told, list) else told[key]
    return told


def holds(value: Any, expected: Any) -> bool:
    """Whether a value has a sign, is beyond a bound, one of some words, unknown, or equal."""
    words = str(expected).split()
    if words[0] in ("positive", "negative"):
        return value is not None and (value > 0 if words[0] == "positive" else value < 0)
    if words[0] in COMPARED:
        return value is not None and bool(COMPARED[words[0]](value, float(words[1])))
    if words[0] == "not":
        return value is not None and value != " ".join(words[1:])
    if words[0] == "in":
        return value in [word.strip() for word in " ".join(words[1:]).split("|")]
    if words[0] == "is":
        return str(value).lower() == " ".join(words[1:])
    return value is None if expected == "unknown" else bool(value == expected)


def claims(name: str, day: str, reading: dict[str, Any]) -> Iterator[Claim]:
    """Every expectation of one mechanism on one date, whatever form its file has."""
    content = yaml.safe_load(
        (GOLDEN / f"flows_expectations.{name}.yaml").read_text(encoding="utf-8")
    )
    if "readings" in content:
        row = next(row for row in content["readings"] if str(row["date"]) == day)
        missed = {*row.get("missed", ()), *row.get("misses", ())}
        yield from (
            (path, holds(at(reading, path), word), path in missed)
            for path, word in row["expect"].items()
        )
        return
    row = content[pd.Timestamp(day).date()]
    if isinstance(row, list):
        yield from (
            (one["at"], holds(at(reading, one["at"]), one["expect"]), "outcome" in one)
            for one in row
        )
    elif name == "cta":
        yield from trend_claims(row, reading["sp500"])
    elif row.get("expect") == "absent":
        yield "available", not reading["available"], False
    else:
        yield "sign", reading["sign"] == row["sign"], "sign" in row.get("missed", ())
        rank = reading["percentile"]
        level = (
            "none"
            if rank is None
            else "low"
            if rank <= 0.2
            else "high"
            if rank >= 0.8
            else "middle"
        )
        yield "level", row["level"] in ("any", level), "level" in row.get("missed", ())


def trend_claims(row: dict[str, Any], own: dict[str, Any]) -> Iterator[Claim]:
    missed = row.get("missed", ())
    if row["exposure"] is not None:
        yield "exposure", holds(own["exposure"], row["exposure"]), "exposure" in missed
    yield (
        "percentile",
        row["percentile"][0] <= own["percentile"] <= row["percentile"][1],
        "percentile" in missed,
    )
    for speed, broken in row["broken"].items():
        if broken is not None:
            yield (
                f"broken {speed}",
                (own["close"] < own["triggers"][speed]) == broken,
                "broken" in missed,
            )
    for place, word in row["flows"].items():
        span, scenario = place.split("_")
        yield (
            place,
            (own["flows_usd_bn"][span][scenario]["mid"] > 0) == (word == "buy"),
            "flows" in missed,
        )
    if row["seller_in_every_scenario"] is not None:
        same = own["seller_in_every_scenario"] == row["seller_in_every_scenario"]
        yield "seller_in_every_scenario", same, "seller_in_every_scenario" in missed


def test_every_mechanism_wrote_down_what_it_expects() -> None:
    assert set(FILES) == set(MECHANISMS)


@pytest.mark.parametrize("day", DATES)
def test_the_json_has_the_form_of_the_issue(
    told: Any, capsys: pytest.CaptureFixture[str], day: str
) -> None:
    found = told(day, capsys)
    assert list(found) == KEYS and found["as_of"] == day
    for name in KEYS[2:]:
        reading = found[name]
        assert isinstance(reading["available"], bool)
        assert (
            bool(reading["sentence"])
            if reading["available"]
            else (set(reading) - {"crypto"} == {"available", "reason"})
        )
    own = found["cta"]["sp500"]
    assert -1 <= own["exposure"] <= 1 and 0 <= own["percentile"] <= 1
    for scenarios in own["flows_usd_bn"].values():
        assert list(scenarios) == ["up", "flat", "down"]
        assert all(flow["low"] <= flow["mid"] <= flow["high"] for flow in scenarios.values())


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("day", DATES)
def test_it_reads_as_the_story_says(
    told: Any, capsys: pytest.CaptureFixture[str], day: str, name: str
) -> None:
    found = told(day, capsys)
    reading = found["cross_asset"]["crypto"] if name == "crypto" else found[name]
    checked = list(claims(name, day, reading))
    wrong = [(claim, held) for claim, held, missed in checked if held == missed]
    assert checked and not wrong, reading


def test_a_312_a_519_and_a_shock_are_told_apart(
    told: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    episodes = {day: told(day, capsys)["analogs"]["episode"] for day in DATES}
    kinds = {day: episode["type"] for day, episode in episodes.items()}
    assert (
        kinds["2020-03-13"] == "312"
        and kinds["2021-05-20"] == "519"
        and kinds["2024-08-06"] == "volatility shock"
    )
    assert max(episodes, key=lambda day: episodes[day]["score"]) == "2020-03-13"
    assert all(len(episode["reasons"]) >= 5 for episode in episodes.values())


@pytest.mark.parametrize("day", DATES)
def test_analogs_read_the_golden_numbers(
    told: Any, capsys: pytest.CaptureFixture[str], day: str
) -> None:
    content = yaml.safe_load(
        (GOLDEN / "flows_expectations.analogs.yaml").read_text(encoding="utf-8")
    )
    (row,) = [row for row in content["readings"] if str(row["date"]) == day]
    for path, value in row["read"].items():
        close = pytest.approx(value, abs=2e-3) if isinstance(value, float) else value
        assert at(told(day, capsys)["analogs"], path) == close, path


def test_nearest_windows_are_those_that_were_named_or_the_miss_is_known(
    told: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    content = yaml.safe_load(
        (GOLDEN / "flows_expectations.analogs.yaml").read_text(encoding="utf-8")
    )
    for row in content["nearest"]:
        windows = told(str(row["date"]), capsys)["analogs"]["all"]["windows"]
        months = {window["last"][:7] for window in windows}
        assert bool(months & set(row["among"])) != ("outcome" in row), months


def test_features_of_real_data_are_the_same_twice_and_none_is_constant(real_data: Path) -> None:
    whole, catalogue = FeatureSet().with_mechanisms, load_catalogue()
    reading = FileSource().read(catalogue, real_data, whole.inputs, release_times=release_times)
    panel = AsOf(
        reading.observations, catalogue.only({*whole.inputs, *catalogue.required}).max_age
    ).panel(reading.sessions[-9000:])
    table = whole(panel)
    pd.testing.assert_frame_equal(table, whole(panel), check_exact=True)
    assert table.notna().any().all() and (table.nunique() > 1).all()
    assert not np.isinf(table.to_numpy(dtype=float)).any()
