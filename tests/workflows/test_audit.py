"""`regime audit` as a user calls it: clean, or exit 5 with name, location and size of each leak."""

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
from regime.workflows.audit import _AuditLog, _check_builders, audit_run, audit_subject
from regime.workflows.audit_targets import pipeline_builders

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
    market_data = read_market_data(settings, None, NoProgress())
    return settings, market_data, settings.features(market_data.panel)


def run_audit(capsys, *arguments):
    capsys.readouterr()
    code = main(["audit", *map(str, arguments), "--quiet"])
    return code, *capsys.readouterr()


def leaks(report):
    return {(finding.kind, finding.name) for finding in report.leaks}


def test_findings_do_not_depend_on_the_number_of_processes(demo):
    """A few of them, one of which looks ahead."""
    settings, market_data, _ = demo
    make = FeatureFamily("positioning", "planted")
    bad = make(
        "planted", 5, 1, ("sp500",), lambda v: v["sp500"].pct_change(fill_method=None).shift(-3)
    )
    few = feature_builders(
        [*settings.features.features[:11], bad],
        audit_subject(settings, market_data, load_catalogue()),
    )
    reports = []
    for parallel in (Parallel(backend="serial"), Parallel(jobs=2)):
        log = _AuditLog()
        _check_builders(log, few, 2, NoProgress(), parallel=parallel)
        reports.append([str(finding) for finding in log.report().findings])
    assert reports[0] == reports[1] and any("positioning_planted_5" in text for text in reports[0])


def test_a_folder_is_clean_and_its_report_is_json(simulated_folder, capsys):
    code, out, err = run_audit(
        capsys, "us_macro.yaml", "--data", simulated_folder, "--dates", 1, "--json", *SHORT
    )
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["verdict"] == "clean" and report["checks"]["series"]["checked"] > 40
    assert [finding for finding in report["findings"] if finding["severity"] == "leak"] == []
    assert list(report["checks"]) == ["builders", "label use", "folds", "releases", "series"]
    probed = report["checks"]["builders"]
    assert probed["probes"] >= (probed["checked"] - 5) * 2


def falsify(folder, path, change, column="value"):
    file = folder / path
    table = pd.read_csv(file)
    table[column] = change(pd.Series(table[column].to_numpy(dtype=float)))
    table.dropna().to_csv(file, index=False)


def filled(values):
    result = values.copy()
    for start in range(100, len(values) - 100, 200):
        result.iloc[start : start + 15] = np.nan
    return result.interpolate()


def test_leaks_in_files_and_rules_are_reported_together(own_folder, tmp_path, capsys):
    falsify(
        own_folder, "prices/SPY.csv", lambda x: x.shift(-2), "adj_close"
    )  # dated two sessions too early
    falsify(own_folder, "macro/DGS30.csv", filled)  # gaps filled from their ends
    catalogue = tmp_path / "series.yaml"
    text = find_config("series.yaml").read_text(encoding="utf-8")
    text = re.sub(
        r"  h41: +\{days: 1,", "  h41: {days: 0,", text
    )  # Wednesday's balance sheet on Wednesday
    catalogue.write_text(text, encoding="utf-8")
    code, out, err = run_audit(
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


def test_a_leaky_feature_is_reported_with_file_and_distance(demo):
    settings, market_data, _ = demo
    make = FeatureFamily("positioning", "planted")
    bad = make(
        "planted", 5, 1, ("sp500",), lambda v: v["sp500"].pct_change(fill_method=None).shift(-3)
    )
    features = _Features(settings.features, bad)
    leaky = replace(settings, features=features)
    report = audit_run(
        leaky, market_data, features(market_data.panel), settings.splits.folds(market_data.sessions)
    )
    finding = next(finding for finding in report.leaks if finding.kind == "look-ahead")
    assert (finding.name, finding.size, finding.unit) == ("positioning_planted_5", 3, "sessions")
    assert "test_audit.py:" in finding.location


def test_the_label_as_a_feature_is_reported(demo):
    settings, market_data, features = demo
    flag = settings.labels(market_data.market).weights["deleveraging"].round()
    report = audit_run(settings, market_data, features.assign(positioning_vix=flag))
    assert ("label use", "positioning_vix") in leaks(report)


def test_a_clean_run_is_clean(demo):
    settings, market_data, features = demo
    report = audit_run(settings, market_data, features, settings.splits.folds(market_data.sessions))
    assert leaks(report) == set()
    assert report.to_dict()["verdict"] == "clean" and report.seconds < 30


def test_a_splitter_without_purge_is_reported(demo, monkeypatch):
    settings, market_data, features = demo
    monkeypatch.setattr(
        PurgedWalkForward, "train_rows", lambda self, fold, labels: np.arange(300, fold.test[0])
    )
    report = audit_run(settings, market_data, features, settings.splits.folds(market_data.sessions))
    assert {("purge", "walk-forward"), ("embargo", "walk-forward")} <= leaks(report)


def test_the_joints_of_the_pipeline_are_clean_and_a_same_bar_fill_is_a_leak(demo, monkeypatch):
    from regime.studies.leakage.probes import probe
    from regime.workflows import audit_targets

    settings, market_data, _ = demo
    catalogue = load_catalogue()
    builders = {item.name: item for item in pipeline_builders(settings, catalogue, market_data)}
    for item in builders.values():
        assert probe(item, dates=3) == [], item.name
    real = audit_targets.backtest
    monkeypatch.setattr(
        audit_targets, "backtest", lambda *arguments: real(*arguments, same_bar=True)
    )
    cheating = {item.name: item for item in pipeline_builders(settings, catalogue, market_data)}
    findings = probe(cheating["backtest.engine.backtest"], dates=3)
    assert findings and findings[0].kind == "look-ahead"


class _Features:
    """A feature set with one more, which need not be a feature of the config."""

    def __init__(self, clean, bad):
        self.features = (*clean.features, bad)
        self.specs = tuple(feature.spec for feature in self.features)
        self.inputs = clean.inputs
        self.__dataclass_fields__ = {}

    def __call__(self, panel):
        return pd.DataFrame({feature.spec.name: feature(panel.values) for feature in self.features})
