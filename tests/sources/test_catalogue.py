"""The catalogue: the shipped one keeps its rules, and a wrong one is answered fault by fault."""

from pathlib import Path

import pytest

from regime.errors import ConfigError
from regime.sources.catalogue import Catalogue, Release, SeriesSpec, SplicePart, load_catalogue

ENTRY = {
    "name": "x",
    "title": "X",
    "unit": "percent",
    "frequency": "daily",
    "release": Release(days=1),
    "low": 0.0,
    "high": 1.0,
    "max_age_days": 7,
    "path": "a/x.csv",
    "column": "value",
}


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load_catalogue()


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_only_four_series_are_required(shipped: Catalogue) -> None:
    assert shipped.required == ("sp500", "spy", "vix", "dgs3mo")


def test_every_entry_carries_all_that_the_issue_asks(shipped: Catalogue) -> None:
    assert len(shipped.series) >= 110
    for name, spec in shipped.series.items():
        assert spec.name == name
        assert spec.title and spec.unit
        assert spec.path.endswith(".csv")


def test_max_age_keeps_catalogue_order(shipped: Catalogue) -> None:
    assert list(shipped.max_age) == list(shipped.series)
    assert shipped.max_age["sp500"] == shipped.series["sp500"].max_age_days


@pytest.mark.parametrize(
    ("name", "path", "proxy"),
    [
        ("iorb", "macro/IOER.csv", False),
        ("sofr", "macro/OFR_REPO_TRI_AR_OO.csv", True),
        ("effr", "macro/DFF.csv", True),
    ],
)
def test_splices_say_whether_they_are_proxies(
    shipped: Catalogue, name: str, path: str, proxy: bool
) -> None:
    (part,) = shipped.series[name].splice
    assert (part.path, part.proxy) == (path, proxy)


@pytest.mark.parametrize("name", ["nfci", "stlfsi", "term_premium", "broad_dollar", "cape", "gprd"])
def test_single_vintage_series_are_tagged(shipped: Catalogue, name: str) -> None:
    assert shipped.series[name].revised


def test_crude_may_be_negative_and_a_stock_index_may_not(shipped: Catalogue) -> None:
    assert shipped.series["crude"].low < -37.63
    assert shipped.series["sp500"].low > 0


def test_a_kind_gives_what_the_entry_does_not_write(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
releases: {h15: {days: 1, time: "09:00"}}
kinds: {yield: {unit: percent, frequency: daily, release: h15, low: -5, high: 20,
                max_age_days: 10, column: value}}
series:
  a: {kind: yield, title: A, path: a.csv}
  b: {kind: yield, title: B, path: b.csv, high: 99, release: {weekday: monday, time: "16:15"},
      splice: [{path: c.csv, scale: 100, release: h15}]}
""",
    )
    series = load_catalogue(path).series
    assert series["a"].release == Release(days=1, time="09:00")
    assert (series["a"].high, series["b"].high) == (20, 99)
    assert series["b"].release.weekday == "monday"
    assert series["b"].splice == (
        SplicePart(path="c.csv", scale=100.0, release=Release(days=1, time="09:00")),
    )


def test_faults_of_all_series_come_together(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
serie: {}
series:
  a: {kind: nothing}
  b: {titel: B, unit: u, frequency: daily, release: {days: 1}, low: 0, high: 1, max_age_days: 7,
      path: b.csv, column: v}
  C: {title: C, unit: u, frequency: daily, release: {days: 1}, low: 0, high: 1, max_age_days: 7,
      path: c.csv, column: v}
  d: 7
""",
    )
    with pytest.raises(ConfigError) as error:
        load_catalogue(path)
    message = str(error.value)
    assert "unknown section `serie`" in message
    assert "series.a: kind: `nothing` is not among kinds" in message
    assert "unknown key `titel`; did you mean `title`?" in message
    assert "series.C: name: must be snake_case, got `C`" in message
    assert "series.d: must be a mapping, got `7`" in message
    assert all(str(path) in fault for fault in error.value.faults)


@pytest.mark.parametrize("text", ["[1, 2]", "series: 3", ""])
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="section `series`"):
        load_catalogue(written(tmp_path, text))


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({}, "exactly one"),
        ({"days": 1, "at_close": True}, "exactly one"),
        ({"days": -1}, "days: must lie in"),
        ({"calendar_days": 401}, "calendar_days: must lie in"),
        ({"weekday": "Thursday"}, "weekday: must be one of"),
        ({"days": 1, "time": "9:00"}, "time: write"),
        ({"days": 1, "time": "24:00"}, "time: write"),
        ({"days": 1, "zone": "New York"}, "zone: no such"),
        ({"days": 1, "zone": "../etc"}, "zone: no such"),
    ],
)
def test_an_impossible_release_is_refused(arguments: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        Release(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"low": 1.0}, "low: must be below high"),
        ({"low": float("nan")}, "low: must be below high"),
        ({"max_age_days": 0}, "max_age_days: must lie in"),
        ({"path": "/etc/passwd"}, "path: must stay inside"),
        ({"path": "a/../../b.csv"}, "path: must stay inside"),
        ({"splice": (SplicePart(path="../b.csv"),)}, "path: must stay inside"),
        ({"scale": 0.0}, "scale: must be a positive"),
        ({"max_step": 1.0}, "max_step: must be above 1"),
    ],
)
def test_an_impossible_series_is_refused(change: dict[str, object], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        SeriesSpec(**{**ENTRY, **change})  # type: ignore[arg-type]


def test_only_keeps_catalogue_order_and_refuses_strangers(shipped: Catalogue) -> None:
    assert list(shipped.only(["vix", "sp500"]).series) == ["sp500", "vix"]
    with pytest.raises(ConfigError, match="series `vixx`: not in the catalogue"):
        shipped.only(["vixx"])


def test_bars_are_series_only_for_who_asks(shipped: Catalogue) -> None:
    assert not [name for name in shipped.series if name.endswith("_open")]
    barred = shipped.with_bars(["spy", "btc", "usdjpy"])
    assert list(barred.series)[: len(shipped.series)] == list(shipped.series)
    own = list(barred.series)[len(shipped.series) :]
    assert own == [
        f"{name}_{column}" for name in ("spy", "btc") for column in ("open", "high", "low", "close")
    ]
    assert barred.required == shipped.required
    with pytest.raises(ConfigError, match="series `spyy`: not in the catalogue"):
        shipped.with_bars(["spyy"])


@pytest.mark.parametrize("name", ["spy", "bil", "nvda", "btc", "eth"])
def test_a_bar_is_public_when_its_value_is(shipped: Catalogue, name: str) -> None:
    spec = shipped.series[name]
    assert list(spec.bar) == ["open", "high", "low", "close"]
    for column, part in spec.bar.items():
        assert (part.column, part.path, part.release, part.max_age_days) == (
            column,
            spec.path,
            spec.release,
            spec.max_age_days,
        )
        assert (part.required, part.bar) == (False, {})
    assert spec.release.at_close == (name not in ("btc", "eth"))


@pytest.mark.parametrize("name", ["btc_funding", "btc_open_interest", "dgs10", "gold", "vix"])
def test_what_is_not_traded_has_no_bars(shipped: Catalogue, name: str) -> None:
    assert shipped.series[name].bar == {}
