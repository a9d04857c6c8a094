"""The audit of the real config on real data: clean, and leaks in real files are detected."""

import json
import shutil

import pandas as pd
import pytest

from regime.cli import main
from regime.panel.release_times import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.file_source import FileSource
from regime.studies.leakage.series_leaks import series_findings
from tests.audit.planted.data import market_with

pytestmark = pytest.mark.real


def test_the_real_config_is_clean_on_a_sample_of_dates(real_data, capsys):
    code = main(
        [
            "audit",
            "configs/us_macro.yaml",
            "--data",
            str(real_data),
            "--dates",
            "1",
            "--json",
            "--quiet",
            "parallel.backend=serial",
        ]
    )
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["verdict"] == "clean"
    assert (
        report["checks"]["series"]["checked"] >= 150 and report["checks"]["folds"]["checked"] >= 35
    )
    names = {finding["name"] for finding in report["findings"]}
    assert (
        "nfci" in names
    )  # its one vintage leads the market, and the catalogue says that it is revised


def test_leaks_in_real_files_are_detected(real_data):
    catalogue = load_catalogue()
    names = [
        "sp500",
        "spy",
        "vix",
        "tlt",
        "ief",
        "gld",
        "eem",
        "hyg",
        "hy_oas",
        "ig_oas",
        "dgs10",
        "dgs30",
        "dgs5",
        "move",
        "dix",
        "gex",
    ]
    reading = FileSource().read(catalogue, real_data, names, release_times=release_times)
    sessions = reading.sessions[reading.sessions >= "1990-01-01"]

    def kinds(name, change):
        rows = reading.observations
        rows_of = (rows["series"] == name).to_numpy()
        values = pd.Series(rows["value"].to_numpy()[rows_of])
        table = rows.assign(
            value=rows["value"].where(
                ~rows_of, pd.Series(change(values).to_numpy(), rows.index[rows_of])
            )
        )
        findings = series_findings(table.dropna(subset=["value"]), sessions, catalogue)
        return {item.kind for item in findings if item.name == name and item.severity == "leak"}

    assert kinds("hy_oas", lambda x: x) == set()
    assert "lead" in kinds("hy_oas", lambda x: x.shift(-1))
    assert "lead" in kinds("dgs10", lambda x: x.shift(-1))
    assert "lead" in kinds("move", lambda x: x.rolling(9, center=True).mean())
    assert "whole-sample scale" in kinds("dix", lambda x: (x - x.mean()) / x.std())


def test_a_forward_multiple_of_later_earnings_is_detected(real_data, tmp_path):
    """A folder whose consensus multiple is price over the earnings of the year that followed."""
    catalogue = load_catalogue()
    names = ["sp500", "sp500_earnings", "forward_pe_sp500"]
    for name in names:
        path = tmp_path / catalogue.series[name].path
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real_data / catalogue.series[name].path, path)
    for name in catalogue.required:
        if name != "sp500":
            path = tmp_path / catalogue.series[name].path
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(real_data / catalogue.series[name].path, path)

    def kinds():
        reading = FileSource().read(catalogue, tmp_path, names, release_times=release_times)
        return {
            item.kind
            for item in series_findings(reading.observations, reading.sessions, catalogue)
            if item.name == "forward_pe_sp500"
        }

    assert kinds() == set()
    price = pd.read_csv(tmp_path / catalogue.series["sp500"].path, parse_dates=["date"]).set_index(
        "date"
    )["close"]
    earned = pd.read_csv(tmp_path / catalogue.series["sp500_earnings"].path, parse_dates=["date"])
    later = earned.set_index(earned["date"].dt.to_period("M"))["earnings"].dropna()
    ends = pd.date_range("2005-01-31", "2021-12-31", freq="ME")
    then = later.reindex(ends.to_period("M") + 12).to_numpy()
    multiple = price.reindex(ends, method="ffill").to_numpy() / then
    table = pd.DataFrame({"date": ends, "series": "SP500", "forward_pe": multiple})
    table.to_csv(tmp_path / catalogue.series["forward_pe_sp500"].path, index=False)
    assert kinds() == {"forward multiple"}


def test_real_prices_with_synthetic_series(real_data):
    """The checks of series work on real prices as on synthetic ones."""
    catalogue, names = load_catalogue(), ["sp500", "spy", "tlt", "eem", "hyg"]
    rows = FileSource().read(catalogue, real_data, names, release_times=release_times).observations
    columns = {
        str(name): rows_of.set_index("period")["value"]
        for name, rows_of in rows.groupby("series", observed=True)
    }
    prices = pd.DataFrame(columns).loc["2008":].dropna().rename_axis("date")
    clean = market_with(prices, {"injected": prices["tlt"].ewm(halflife=3).mean()})
    assert series_findings(clean.table, clean.sessions, clean.catalogue) == []
    early = market_with(prices, {"injected": prices["tlt"].rolling(5, center=True).mean().dropna()})
    assert {
        item.kind for item in series_findings(early.table, early.sessions, early.catalogue)
    } == {"lead"}
