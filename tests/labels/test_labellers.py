"""The registry of labellers: each keeps the law, and a new one is one file and one line."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from regime.config import build
from regime.evaluation.scores import score_table
from regime.evaluation.truth import truth_from_labels
from regime.labels import LABELLERS
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.schema import Labels

NEW_FILE = '''
from dataclasses import dataclass

import numpy as np

from regime.labels.basket import make_labels


@dataclass(frozen=True, kw_only=True)
class EveryTenth:
    """Every tenth session is a deleveraging, known on the day."""

    first: int = 0

    def __call__(self, market, as_of=None):
        rows = np.arange(len(market if as_of is None else market[:as_of]))
        stress = (rows % 10 == self.first).astype(int)
        return make_labels(np.eye(4)[2 * stress], rows, market.index)
'''


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(2)
    dates = pd.bdate_range("2010-01-04", periods=800, name="date")
    return pd.DataFrame({"sp500": 100 * np.exp(0.02 * rng.standard_normal(800).cumsum())}, dates)


@pytest.mark.parametrize("name", list(LABELLERS))
def test_every_labeller_is_a_frozen_dataclass_that_gives_labels(name, market):
    labeller = LABELLERS[name]()
    assert type(labeller).__name__ == name and dataclasses.is_dataclass(labeller)
    with pytest.raises(dataclasses.FrozenInstanceError):
        labeller.any = 1
    labels = labeller(market, market.index[600])
    assert isinstance(labels, Labels) and labels.weights.index.equals(market.index)
    assert not labels.known_by(market.index[600])[601:].any()


@pytest.fixture
def with_one_more(tmp_path, monkeypatch):
    """The settings as they are read with one more line in the registry."""
    (tmp_path / "my_labels.py").write_text(NEW_FILE)
    monkeypatch.syspath_prepend(tmp_path)
    with LABELLERS.added("EveryTenth", "my_labels:EveryTenth"):
        yield EnsembleLabels


def test_one_file_and_one_line_change_what_is_scored(with_one_more, market):
    config = {"labellers": [{"EveryTenth": {"first": 3}}, {"EpisodeLabels": {"depth": 1.0}}]}
    mixed = build(with_one_more, config | {"weights": [3, 1]}, "my.yaml")
    truth = truth_from_labels(mixed(market))
    known = truth.stress.notna()
    assert truth.stress[known].iloc[3:].sum() >= known.sum() // 10 - 1
    forecast = pd.Series((np.arange(800) % 10 == 3) * 0.8 + 0.1, market.index)
    alone = truth_from_labels(EpisodeLabels(depth=1.0)(market))
    better = score_table(truth, {"model": forecast}).loc["model", "log_loss"]
    assert better < score_table(alone, {"model": forecast}).loc["model", "log_loss"]
