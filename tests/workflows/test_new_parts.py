"""A label, a baseline and a rule of one file each, entered by one line each, change a whole run."""

import numpy as np

from regime.labels import LABELLERS
from regime.models import BASELINES
from regime.rules import RULES
from tests.workflows.conftest import QUICK

PARTS = '''
from dataclasses import dataclass

import numpy as np

from regime.labels.basket import make_labels
from regime.rules.base import Rule, signal


@dataclass(frozen=True, kw_only=True)
class BelowAverage:
    """Deleveraging below the average of some sessions, calm above it, known 21 sessions later."""

    sessions: int = 100

    def __call__(self, market, as_of=None):
        close = market["sp500"] if as_of is None else market["sp500"].loc[:as_of]
        below = (close < close.rolling(self.sessions).mean()).to_numpy().astype(int)
        ends = np.arange(len(close)) + 21
        known = np.where(ends < len(close), ends, -1)
        return make_labels(np.eye(4)[2 * below], known, market.index)


def month(close):
    """The month as a score: September is worst."""
    return (close.index.month == 9).astype(float) + close * 0


@dataclass(frozen=True, kw_only=True)
class Halved(Rule):
    """Half of what the rules before it propose."""

    def __str__(self):
        return "half of it"

    @property
    def needs(self):
        return ()

    def start(self):
        return None

    def step(self, state, row, proposed):
        return None, proposed / 2
'''


def test_a_run_with_new_parts(command, simulated_folder, whole_run, tmp_path, monkeypatch):
    (tmp_path / "my_parts.py").write_text(PARTS)
    monkeypatch.syspath_prepend(tmp_path)
    with (
        LABELLERS.added("BelowAverage", "my_parts:BelowAverage"),
        BASELINES.added("month", "my_parts:month"),
        RULES.added("Halved", "my_parts:Halved"),
    ):
        answer = command(
            "run",
            "us_macro.yaml",
            "--data",
            simulated_folder,
            *QUICK,
            "labels={BelowAverage: {sessions: 50}}",
            "rule={rules: [{Threshold: {level: 0.5}}, Halved]}",
        )
    assert answer.code == 0, answer.stderr
    before = whole_run.frame("probabilities")
    after = answer.frame("probabilities")
    assert after.index.equals(before.index)
    assert np.abs(after["deleveraging"] - before["deleveraging"]).max() > 0.05
    assert answer.frame("exposure")["exposure"].isin([0.0, 0.5]).all()
    assert answer.summary["rule"].endswith("half of it")
    scores = answer.summary["scores"]["baselines"]
    assert list(scores) != list(whole_run.summary["scores"]["baselines"]) and "month" in scores
    page = (answer.out / "report.html").read_text(encoding="utf-8")
    assert "Month" in page and "Halved" in page
