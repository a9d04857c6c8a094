"""A mechanism is one file and one line of the registry: everything else takes its part from it."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd
import pytest

from regime.cli import main
from regime.errors import ConfigError
from regime.feature import FeatureFamily
from regime.features.feature_set import FeatureSet
from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import (
    Chart,
    DataFile,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
)
from regime.mechanisms.number_formats import SHARE
from regime.pipeline import mechanism_inputs
from regime.pipeline.mechanism_inputs import mechanism_series, read_view
from regime.pipeline.mechanism_readings import read_mechanisms
from regime.pipeline.settings import load_settings
from regime.report.sections.mechanisms import mechanism_sections, reading_tables
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource
from regime.transforms import rolling_percentile

ADDED = f"{__name__}:FearGauge"
AS_OF = "2009-06-12"


@dataclass(frozen=True, kw_only=True)
class FearFeatures:
    """The whole of the features of the planted mechanism."""

    lookback: int = 60

    def features(self):
        make = FeatureFamily("positioning", "fear")
        return (
            make(
                "fear_rank",
                self.lookback,
                1,
                ("vix",),
                lambda v: rolling_percentile(v["vix"], self.lookback),
            ),
        )


@dataclass(frozen=True, kw_only=True)
class FearGauge(Mechanism):
    """The planted mechanism: where the VIX stands among a quarter, and what a file says of it."""

    key = "fear"
    title = "Fear gauge"
    group = "Planted"
    inputs = ("vix", "skew")
    files = (DataFile(name="notes", columns=("mood", "released"), paths=("own/notes.csv",)),)
    family = FearFeatures
    numbers = (KeyNumber("rank", "rank in a quarter", SHARE),)
    chart = Chart("Rank", ".0%", {"rank": "Rank of the VIX"})

    lookback: int = 60

    def read(self, view):
        rank = rolling_percentile(view.values["vix"], self.lookback)
        if rank.isna().iloc[-1]:
            return NoReading(name=self.key, reason="the VIX is not known")
        return MechanismReading(
            name=self.key,
            sentence=f"The VIX is higher than on {rank.iloc[-1]:.0%} of the days of a quarter.",
            values={"rank": rank.iloc[-1], "notes": len(view.files.get("notes", ()))},
            history=rank.to_frame("rank"),
        )


@pytest.fixture
def added():
    """The one line of the registry; the file is this one."""
    with MECHANISMS.added("fear", ADDED):
        yield


@pytest.fixture(scope="module")
def settings():
    source = SimulatedSource(years=4)
    return replace(load_settings("demo.yaml"), source=source, start=date(2006, 1, 2))


def test_its_columns_join_the_feature_set(added):
    features = FeatureSet(mechanisms=True)
    (spec,) = [spec for spec in features.specs if spec.mechanism == "fear"]
    assert spec.name == "positioning_fear_rank_60" and "vix" in features.inputs
    changed = FeatureSet(mechanisms=True, mechanism_parameters={"fear": {"lookback": 90}})
    assert "positioning_fear_rank_90" in {spec.name for spec in changed.specs}
    assert "fear" not in {spec.mechanism for spec in FeatureSet().specs}


def test_its_series_join_the_list_that_is_read(added):
    catalogue = load_catalogue()
    assert {"vix", "skew"} & set(catalogue.series) <= set(mechanism_series(catalogue))


def test_its_file_is_read_from_the_data_folder(added, tmp_path):
    (tmp_path / "own").mkdir()
    lines = "date,mood,released\n2009-01-02,low,2009-01-02\n"
    (tmp_path / "own" / "notes.csv").write_text(lines, encoding="utf-8")
    tables = mechanism_inputs._read_files(tmp_path, mechanism_inputs.UserFiles())
    assert tables["notes"]["mood"].tolist() == ["low"]


def test_its_reading_joins_the_flows_and_the_page(added, settings):
    view = read_view(settings, None, AS_OF)
    result = read_mechanisms(view)
    assert list(result.readings)[-1] == "fear"
    rank = view.values["vix"].tail(60).rank(pct=True).iloc[-1]
    content = result.to_dict()
    assert content["fear"]["rank"] == pytest.approx(rank) and content["fear"]["available"]
    json.dumps(content, allow_nan=False)
    sentences, numbers = reading_tables(result.readings)[-2:]
    assert sentences.title == "Planted" and sentences.rows[0].name == "Fear gauge"
    assert numbers.rows[0].cells == (f"{rank:.0%}",)
    section = mechanism_sections(result.readings)[-1]
    assert section.key == "mechanism-fear" and section.title == "Fear gauge"
    assert list(section.figure.columns) == ["date", "rank"] and section.tables[0].rows
    slow = read_mechanisms(view, {"fear": FearGauge(lookback=250)}).readings["fear"]
    assert slow.values["rank"] != content["fear"]["rank"]


def test_the_command_shows_it(added, capsys):
    short = ["source.SimulatedSource.years=4", "start=2006-01-02"]
    arguments = ["flows", "demo.yaml", *short, "--as-of", AS_OF]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fear"]["available"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "Planted" in out and "rank in a quarter" in out


def test_every_mechanism_keeps_the_contract():
    catalogue = load_catalogue().with_bars(["spy", "qqq"])
    titles = [mechanism.title for mechanism in MECHANISMS.values()]
    assert len(set(titles)) == len(titles)
    for key, mechanism in MECHANISMS.items():
        assert mechanism.key == key and mechanism.title and mechanism.group
        assert not mechanism.within or mechanism.within in MECHANISMS
        assert set(mechanism.inputs) & set(catalogue.series), key
        assert set(mechanism.revised) <= set(mechanism.inputs) & set(catalogue.series), key
        assert mechanism.numbers and mechanism.chart is not None
        if mechanism.family is not None:
            assert mechanism.family().features()


def test_a_view_without_data_makes_every_mechanism_unavailable():
    dates = pd.bdate_range("2024-01-01", periods=5, name="date")
    readings = read_mechanisms(MarketView(values=pd.DataFrame(index=dates))).readings
    assert not any(reading.available for reading in readings.values())


def test_an_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean `crypto`"):
        MECHANISMS.resolve("crypo")


@pytest.mark.parametrize("module", ["long_end", "crypto", "dollar.mechanism"])
def test_importing_one_mechanism_does_not_load_the_others(module):
    code = (
        f"import regime.mechanisms.{module}, sys\n"
        "print(*[name for name in sys.modules if name.startswith('regime.mechanisms.')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[2] for name in run.stdout.split()}
    assert loaded == {"base", "number_formats", module.split(".")[0]}
