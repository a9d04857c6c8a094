"""`regime backtest`, `sweep` and `report` as a user calls them, on a simulated market."""

import json

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.cli import main
from regime.errors import ConfigError
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.strategy import signals

QUICK = (
    "splits.first_test=2010-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
)
GRID = """
stacks:
  - rules:
      - Hysteresis: {enter: [0.4, 0.5, 0.6], leave: [0.2, 0.3], halflife: [0, 3]}
      - MinimumHold: {days: [1, 5]}
      - VolatilityTarget: {target: [0.1, 0.12, 0.15]}
"""


@pytest.fixture(scope="module")
def forecast_file(simulated_folder, tmp_path_factory):
    """Somebody's own probabilities: high where the last month was bad; no skill is needed."""
    settings = load_settings("us_macro.yaml", QUICK)
    market_data = read_market_data(settings, simulated_folder, NoProgress())
    month = market_data.returns.rolling(21).sum().loc["2008-06-01":]
    path = tmp_path_factory.mktemp("forecast") / "p.parquet"
    pd.DataFrame({"deleveraging": 1 / (1 + np.exp(20 * (month + 0.05)))}).to_parquet(path)
    return path


def test_a_rule_on_anybodys_probabilities(command, simulated_folder, forecast_file):
    answer = command(
        "backtest",
        "us_macro.yaml",
        *QUICK,
        "--data",
        simulated_folder,
        "--probabilities",
        forecast_file,
    )
    assert answer.code == 0, answer.stderr
    for part in ("Filled later", "Costs", "Spells", "Sharpe ratio", "lifted to 1", "90% interval"):
        assert part in answer.stdout, part
    told, exposure = answer.summary, answer.frame("exposure")["exposure"]
    settings = load_settings("us_macro.yaml", QUICK)
    market_data = read_market_data(settings, simulated_folder, NoProgress())
    forecast = pd.read_parquet(forecast_file)
    pd.testing.assert_series_equal(
        exposure, settings.rule(signals(market_data, forecast)), check_freq=False
    )
    plain = backtest(
        market_data.total_return.loc[exposure.index],
        exposure,
        Costs(bps=5),
        market_data.cash.loc[exposure.index],
    )
    assert told["backtest"]["strategy"]["sharpe"] == pytest.approx(
        plain.summary()["sharpe"], abs=1e-12
    )
    assert told["stress"]["delays"][0]["sharpe"] == pytest.approx(
        told["backtest"]["strategy"]["sharpe"], abs=1e-8
    )
    orders = answer.frame("orders")
    assert (orders["date"] > orders["decided"]).loc[orders["decided"].notna()].all()


def test_json_alone_without_stress(command, simulated_folder, forecast_file):
    answer = command(
        "backtest",
        "us_macro.yaml",
        *QUICK,
        "--data",
        simulated_folder,
        "--probabilities",
        forecast_file,
        "--no-stress",
        "--json",
        "--quiet",
    )
    assert answer.code == 0 and answer.stderr == ""
    told = json.loads(answer.stdout)
    assert told["stress"] is None and len(told["intervals"]) == 3


def test_legs_are_traded_where_the_config_names_them(command, simulated_folder, forecast_file):
    legs = (
        "allocation.risk={spy: 0.7, eem: 0.3}",
        "allocation.hedge={tlt: 1.0}",
        "allocation.hedge_share=0.5",
        "timing.rebalance=monthly",
        "costs.impact_bps=2",
    )
    answer = command(
        "backtest",
        "us_macro.yaml",
        *QUICK,
        *legs,
        "--data",
        simulated_folder,
        "--probabilities",
        forecast_file,
        "--no-stress",
    )
    assert answer.code == 0, answer.stderr
    orders = answer.frame("orders")
    assert set(orders["asset"]) == {"spy", "eem", "tlt"}
    assert any("first close of each month" in note for note in answer.summary["notes"])


@pytest.mark.parametrize(
    ("extra", "code", "words"),
    [
        (["timing.same_bar=true"], 2, "same_bar"),
        (["timing.fill_delay=0"], 2, "fill_delay"),
        (["costs.bps=-1"], 2, "bps"),
        (["allocation.risk={spy: 0.5}"], 2, "risk"),
        (["allocation.risk={moon: 1.0}"], 2, "moon"),
    ],
)
def test_what_is_wrong_is_named(command, simulated_folder, forecast_file, extra, code, words):
    answer = command(
        "backtest",
        "us_macro.yaml",
        *QUICK,
        *extra,
        "--data",
        simulated_folder,
        "--probabilities",
        forecast_file,
        "--no-stress",
    )
    assert (answer.code, "Traceback" in answer.stderr) == (code, False)
    assert words in answer.stderr and not answer.out.exists()


def test_a_sweep_counts_its_trials_and_tests_their_best(
    command, simulated_folder, forecast_file, tmp_path
):
    grid = tmp_path / "grid.yaml"
    grid.write_text(GRID)
    answer = command(
        "sweep",
        "us_macro.yaml",
        *QUICK,
        "--grid",
        grid,
        "--data",
        simulated_folder,
        "--probabilities",
        forecast_file,
    )
    assert answer.code == 0, answer.stderr
    told, table = answer.summary, answer.frame("settings")
    assert told["settings"] == len(table) == 3 * 2 * 2 * 2 * 3
    assert f"{len(table)} settings were tried" in answer.stdout
    assert 0 <= told["pbo"] <= 1 and 0 <= told["deflated_sharpe"] <= 1
    # The engine confirms what the kernel said of the chosen setting.
    assert told["confirmed"]["sharpe"] == pytest.approx(told["chosen"]["sharpe"], abs=1e-9)
    assert told["confirmed"]["orders"] == told["chosen"]["orders"]
    best = table["robust_score"].max()
    assert told["chosen"]["robust_score"] == pytest.approx(best) and table["plateau"].any()


def test_a_choice_of_a_year_does_not_see_that_year(simulated_folder, forecast_file, tmp_path):
    from regime.workflows.sweep import sweep_rules

    grid = tmp_path / "grid.yaml"
    grid.write_text(GRID)
    arguments = {"grid": grid, "data": simulated_folder, "overrides": QUICK, "least_years": 2}
    whole = sweep_rules("us_macro.yaml", probabilities=forecast_file, **arguments)
    table = pd.read_parquet(forecast_file)
    cut = table.index[table.index.year == table.index[-1].year][0]
    changed = tmp_path / "changed.parquet"
    table.mask(pd.Series(table.index >= cut, table.index), 1 - table).to_parquet(changed)
    other = sweep_rules("us_macro.yaml", probabilities=changed, **arguments)
    assert len(whole.by_year) >= 2
    pd.testing.assert_series_equal(whole.by_year["setting"], other.by_year["setting"])
    assert (
        whole.outside is not None and whole.outside.returns.index[0].year == whole.by_year.index[0]
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stacks: []", "at least one stack"),
        ("stacks: [{rules: [{Hysteresis: {enter: [0.5], leav: [0.3]}}]}]", "leav"),
        ("stacks: [{rules: [{Blend: {}}]}]", "Blend"),
    ],
)
def test_a_wrong_grid_is_refused_before_any_work(
    command, simulated_folder, forecast_file, tmp_path, text, words
):
    grid = tmp_path / "grid.yaml"
    grid.write_text(text)
    answer = command(
        "sweep",
        "us_macro.yaml",
        "--grid",
        grid,
        "--data",
        simulated_folder,
        "--probabilities",
        forecast_file,
    )
    assert answer.code == 2 and words in answer.stderr and "Traceback" not in answer.stderr


def test_the_shipped_grid_is_large_and_sound():
    from regime.workflows.sweep import read_grid

    grid = read_grid("sweep.yaml")
    assert len(grid) > 50_000
    with pytest.raises(ConfigError):
        grid.rule(len(grid))


def test_a_page_is_drawn_again_from_its_folder(command, simulated_folder, capsys):
    answer = command("run", "us_macro.yaml", *QUICK, "--data", simulated_folder)
    assert answer.code == 0, answer.stderr
    first = (answer.out / "report.html").read_bytes()
    (answer.out / "report.html").unlink()
    assert main(["report", "out", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema_version": 2,
        "report": "out/report.html",
    }
    assert (answer.out / "report.html").read_bytes() == first
    page = first.decode()
    for part in ("What this model cannot do", "Why", 'id="reliability"', "cannot forecast"):
        assert part in page, part


def test_a_page_that_is_not_there_is_named(command, tmp_path, capsys):
    assert main(["report", "nothing"]) == 3
    assert "neither a folder nor the id of a run" in capsys.readouterr().err
    assert main(["report", str(tmp_path)]) == 3
    assert "holds no `page`" in capsys.readouterr().err
