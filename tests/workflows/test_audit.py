"""`regime audit` as a user calls it.

Clean on what is honest, exit 5 with name, place and size on what is not.
"""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.cli import main
from regime.config import find_config
from regime.feature import FeatureFamily
from regime.parallel import NoProgress, Parallel
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.sources.catalogue import load_catalogue
from regime.splits.walk_forward import PurgedWalkForward
from regime.studies.leakage.builders import feature_builders
from regime.workflows.audit import _Account, _probed, audit_run, subject_of
from regime.workflows.audit_targets import workflow_builders

SHORT = (
    "splits.first_test=2012-01-01",
    "parallel.backend=serial",
)  # tests have every processor busy already


@pytest.fixture(scope="module")
def demo():
    settings = load_settings(
        "demo.yaml",
        [
            "source.SimulatedSource.years=8",
            "source.SimulatedSource.start=2006-01-02",
            "start=2006-01-02",
            *SHORT,
        ],
    )
    world = read_market_data(settings, None, NoProgress())
    return settings, world, settings.features(world.panel)


def answer(capsys, *arguments):
    capsys.readouterr()
    code = main(["audit", *map(str, arguments), "--quiet"])
    return code, *capsys.readouterr()


def leaks(report):
    return {(finding.kind, finding.name) for finding in report.leaks}


def test_builders_are_probed_alike_on_any_number_of_processes(demo):
    """A few of them, one of which looks ahead."""
    settings, world, _ = demo
    make = FeatureFamily("positioning", "planted")
    bad = make(
        "planted", 5, 1, ("sp500",), lambda v: v["sp500"].pct_change(fill_method=None).shift(-3)
    )
    few = feature_builders(
        [*settings.features.features[:11], bad], subject_of(settings, world, load_catalogue())
    )
    told = []
    for parallel in (Parallel(backend="serial"), Parallel(jobs=2)):
        account = _Account()
        _probed(account, few, 2, NoProgress(), parallel=parallel)
        told.append([str(finding) for finding in account.report().findings])
    assert told[0] == told[1] and any("positioning_planted_5" in words for words in told[0])


def test_a_folder_is_clean_and_its_report_plain(simulated_folder, capsys):
    code, out, err = answer(
        capsys, "us_macro.yaml", "--data", simulated_folder, "--dates", 1, "--json", *SHORT
    )
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["verdict"] == "clean" and report["checks"]["series"]["checked"] > 40
    assert [finding for finding in report["findings"] if finding["severity"] == "leak"] == []
    assert list(report["checks"]) == ["builders", "label use", "folds", "releases", "series"]
    probed = report["checks"]["builders"]
    assert probed["probes"] >= (probed["checked"] - 5) * 2


def spoil(folder, path, change, column="value"):
    file = folder / path
    table = pd.read_csv(file)
    table[column] = change(pd.Series(table[column].to_numpy(dtype=float)))
    table.dropna().to_csv(file, index=False)


def filled(values):
    result = values.copy()
    for start in range(100, len(values) - 100, 200):
        result.iloc[start : start + 15] = np.nan
    return result.interpolate()


def test_leaks_in_files_and_rules_are_named_together(own_folder, tmp_path, capsys):
    spoil(
        own_folder, "prices/SPY.csv", lambda x: x.shift(-2), "adj_close"
    )  # dated two sessions too early
    spoil(own_folder, "macro/DGS30.csv", filled)  # gaps filled from their ends
    catalogue = tmp_path / "series.yaml"
    text = find_config("series.yaml").read_text(encoding="utf-8")
    text = re.sub(
        r"  h41: +\{days: 1,", "  h41: {days: 0,", text
    )  # Wednesday's balance sheet on Wednesday
    catalogue.write_text(text, encoding="utf-8")
    code, out, err = answer(
        capsys,
        "us_macro.yaml",
        "--data",
        own_folder,
        "--dates",
        1,
        f"catalogue={catalogue}",
        *SHORT,
    )
    assert code == 5
    assert "Verdict: leaks" in out
    assert re.search(r"spy \(series.yaml, series.spy: prices/SPY.csv\): lead, \d+ sessions?", err)
    assert re.search(r"dgs30 \(.*DGS30.csv\): straight line, \d+ rows", err)
    assert re.search(r"fed_assets \(.*WALCL.csv\): release, 1 day\.", err)
    assert "Traceback" not in err


def test_a_leaky_feature_is_named_with_file_and_reach(demo):
    settings, world, _ = demo
    make = FeatureFamily("positioning", "planted")
    bad = make(
        "planted", 5, 1, ("sp500",), lambda v: v["sp500"].pct_change(fill_method=None).shift(-3)
    )
    features = _Features(settings.features, bad)
    spoiled = replace(settings, features=features)
    report = audit_run(spoiled, world, features(world.panel), settings.splits.folds(world.sessions))
    found = next(finding for finding in report.leaks if finding.kind == "look-ahead")
    assert (found.name, found.size, found.unit) == ("positioning_planted_5", 3, "sessions")
    assert "test_audit.py:" in found.place


def test_the_label_as_a_feature_is_named(demo):
    settings, world, features = demo
    flag = settings.labels(world.market).weights["deleveraging"].round()
    report = audit_run(settings, world, features.assign(positioning_vix=flag))
    assert ("label use", "positioning_vix") in leaks(report)


def test_an_honest_run_is_clean_and_says_so(demo):
    settings, world, features = demo
    report = audit_run(settings, world, features, settings.splits.folds(world.sessions))
    assert leaks(report) == set()
    assert report.to_dict()["verdict"] == "clean" and report.seconds < 30


def test_a_splitter_without_purge_is_named(demo, monkeypatch):
    settings, world, features = demo
    monkeypatch.setattr(
        PurgedWalkForward, "train_rows", lambda self, fold, labels: np.arange(300, fold.test[0])
    )
    report = audit_run(settings, world, features, settings.splits.folds(world.sessions))
    assert {("purge", "walk-forward"), ("embargo", "walk-forward")} <= leaks(report)


def test_stages_meet_without_a_leak_and_a_same_bar_fill_is_one(demo, monkeypatch):
    from regime.studies.leakage.probes import probe
    from regime.workflows import audit_targets as probed

    settings, world, _ = demo
    catalogue = load_catalogue()
    made = {item.name: item for item in workflow_builders(settings, catalogue, world)}
    for item in made.values():
        assert probe(item, dates=3) == [], item.name
    real = probed.backtest
    monkeypatch.setattr(probed, "backtest", lambda *arguments: real(*arguments, same_bar=True))
    cheating = {item.name: item for item in workflow_builders(settings, catalogue, world)}
    found = probe(cheating["backtest.engine.backtest"], dates=3)
    assert found and found[0].kind == "look-ahead"


class _Features:
    """A feature set with one more, which need not be a feature of the config."""

    def __init__(self, honest, bad):
        self.features = (*honest.features, bad)
        self.specs = tuple(feature.spec for feature in self.features)
        self.inputs = honest.inputs
        self.__dataclass_fields__ = {}

    def __call__(self, panel):
        return pd.DataFrame({feature.spec.name: feature(panel.values) for feature in self.features})
