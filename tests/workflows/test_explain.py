import json

import numpy as np
import pandas as pd
import pytest

from regime.cli import main
from regime.errors import ConfigError
from regime.workflows.explain import explain

OVERRIDES = [
    "source.SimulatedSource.years=9",
    "splits.first_test=2012-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
]


@pytest.fixture(scope="module")
def explanation():
    """The explanation of one day, with importance over refits."""
    return explain("demo.yaml", as_of="2014-06-17", stability=True, overrides=OVERRIDES)


@pytest.mark.parametrize("text", ["2014-13-01", "yesterday", "", "14-01-02 03:00"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ConfigError, match="as_of: must be a date as 2024-08-05"):
        explain("demo.yaml", as_of=text, overrides=OVERRIDES)


def test_contributions_add_up_to_the_raw_score(explanation):
    parts = explanation.mechanisms["now"].sum() + explanation.base
    odds = explanation.probabilities["deleveraging"] / (
        1 - explanation.probabilities["deleveraging"]
    )
    assert (
        abs(parts - explanation.log_odds) < 1e-9 and abs(explanation.log_odds - np.log(odds)) < 1e-9
    )
    by_feature = explanation.features.groupby("mechanism")["now"].sum()
    pd.testing.assert_series_equal(
        by_feature, explanation.mechanisms["now"].sort_index(), check_names=False
    )


def test_the_summary_is_plain_and_says_whose_model_it_is(explanation):
    summary = json.loads(json.dumps(explanation.summary, allow_nan=False))
    assert (
        summary["session"] == summary["as_of"] == "2014-06-17"
        and summary["model"]["refit"] == "2013-12-31"
    )
    assert summary["model"]["trained_to"] < "2013-12-31" and summary["data"]["last"] == "2014-12-31"
    assert sum(summary["probabilities"].values()) == pytest.approx(1.0)
    assert [row["mechanism"] for row in summary["mechanisms"]] == list(explanation.mechanisms.index)
    assert {"move", "regime", "deleveraging", "seen", "features"} <= set(summary["flips"][0])
    assert len(summary["stability"]) == 3 and summary["stability"][0]["rank_correlation"] is None
    assert len(summary["sentences"]) == 4
    assert "17 June 2014" in summary["sentences"][0]
    assert "fitted on 31 December 2013" in summary["sentences"][0]


def test_the_command_prints_one_line_of_json_or_tables(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["explain", "demo.yaml", "--as-of", "2013-04-02", "--quiet", *OVERRIDES]
    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and err == "" and json.loads(out)["stability"] is None
    assert next(iter(json.loads(out))) == "schema_version"
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert (
        "by mechanism" in out
        and "Smallest move" in out
        and "Model fitted at the close of 2012-12-31" in out
    )
    assert main([*arguments[:3], "2011-12-30", *arguments[4:]]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("regime: error: as_of: no model was in force on 2011-12-30")
    assert not list(tmp_path.iterdir())
