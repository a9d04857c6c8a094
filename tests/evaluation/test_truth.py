import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError, MissingDataError
from regime.evaluation.truth import Truth, read_episodes, truth_from_episodes, truth_from_labels
from regime.schema import REGIMES, Labels

HEADER = "name,type,start,trough,end,counts,notes\n"


def days(first: str = "2020-01-01", last: str = "2020-12-31") -> pd.DatetimeIndex:
    return pd.bdate_range(first, last, name="date")


@pytest.fixture
def listed(tmp_path):
    def write(*rows: str):
        path = tmp_path / "episodes.csv"
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        return path

    return write


def test_stress_is_after_the_start_up_to_the_trough(listed):
    truth = truth_from_episodes(listed('a,x,2020-03-02,2020-03-06,2020-03-20,1,"a, b"'), days())
    assert truth.stress[truth.stress == 1].index.strftime("%m-%d").tolist() == [
        "03-03",
        "03-04",
        "03-05",
        "03-06",
    ]
    assert truth.stress.isin([0, 1]).all()


def test_positive_is_known_at_the_first_end_and_calm_waits_for_the_last(listed):
    path = listed(
        "long,x,2020-03-02,2020-03-31,2020-06-30,1,", "short,x,2020-03-10,2020-03-13,2020-04-15,1,"
    )
    known = truth_from_episodes(path, days()).known_at
    assert known["2020-03-05"] == pd.Timestamp("2020-06-30")  # only the long fall holds it
    assert known["2020-03-12"] == pd.Timestamp(
        "2020-04-15"
    )  # the short one suffices for a positive
    assert known["2020-04-10"] == pd.Timestamp(
        "2020-06-30"
    )  # calm, but the long one could have gone on
    assert known["2020-02-04"] == pd.Timestamp("2020-06-30")  # within 30 days before the start
    assert known["2020-01-31"] == pd.Timestamp("2020-01-31")  # earlier: known on its day
    assert known["2020-07-01"] == pd.Timestamp("2020-07-01")


def test_rows_that_do_not_count_change_nothing(listed):
    one = "a,x,2020-03-02,2020-03-06,2020-03-20,1,"
    alone = truth_from_episodes(listed(one), days())
    both = truth_from_episodes(listed(one, "b,x,2020-05-04,2020-05-29,,0,"), days())
    pd.testing.assert_series_equal(alone.stress, both.stress)
    pd.testing.assert_series_equal(alone.known_at, both.known_at)


def test_fall_without_end_is_known_at_the_last_session(listed):
    truth = truth_from_episodes(listed("a,x,2020-11-02,2020-12-15,,1,"), days())
    assert (truth.known_at["2020-11-03":] == truth.stress.index[-1]).all()


def test_touching_falls_are_one_spell_and_a_gap_makes_two(listed):
    touching = listed(
        "a,x,2020-03-02,2020-03-06,2020-03-20,1,", "b,x,2020-03-06,2020-03-12,2020-03-20,1,"
    )
    assert len(truth_from_episodes(touching, days()).spells) == 1
    apart = listed(
        "a,x,2020-03-02,2020-03-06,2020-03-20,1,", "b,x,2020-03-09,2020-03-12,2020-03-20,1,"
    )
    spells = truth_from_episodes(apart, days()).spells
    assert spells["start"].dt.strftime("%m-%d").tolist() == ["03-03", "03-10"]
    assert spells["end"].dt.strftime("%m-%d").tolist() == ["03-06", "03-12"]


def test_sessions_before_the_list_begins_are_unknown_not_calm(listed):
    truth = truth_from_episodes(
        listed("a,x,2020-03-02,2020-03-06,2020-03-20,1,"), days(), since="2020-02-03"
    )
    assert truth.stress[:"2020-01-31"].isna().all() and truth.known_at[:"2020-01-31"].isna().all()
    assert len(truth.known().stress) == len(days("2020-02-03"))


def test_cut_index_keeps_the_labels_of_the_rows_that_remain(listed):
    path = listed(
        "a,x,2020-03-02,2020-03-06,2020-03-20,1,", "b,x,2020-05-04,2020-05-29,2020-07-01,1,"
    )
    whole, cut = (
        truth_from_episodes(path, days()),
        truth_from_episodes(path, days(last="2020-05-15")),
    )
    pd.testing.assert_series_equal(whole.stress[:"2020-05-15"], cut.stress, check_freq=False)
    pd.testing.assert_series_equal(whole.known_at[:"2020-05-15"], cut.known_at, check_freq=False)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "a,x,2020-13-02,2020-03-06,,1,",
            "line 2: `start` must be a date as 2020-02-19, got `2020-13-02`",
        ),
        ("a,x,2020-03-02,,,1,", "line 2: `trough` must be a date"),
        (
            "a,x,2020-03-02,2020-03-06,soon,1,",
            "line 2: `end` must be a date as 2020-02-19, got `soon`",
        ),
        ("a,x,2020-03-02,2020-03-06,,yes,", "line 2: `counts` must be 0 or 1, got `yes`"),
        ("a,x,2020-03-06,2020-03-02,,1,", "`trough` 2020-03-02 must lie after `start` 2020-03-06"),
        (
            "a,x,2020-03-02,2020-03-06,2020-03-05,1,",
            "`end` 2020-03-05 must not lie before `trough`",
        ),
    ],
)
def test_fault_names_line_rule_and_value(listed, row, message):
    with pytest.raises(InvalidDataError, match=message):
        read_episodes(listed(row))


def test_several_faults_come_together(listed):
    with pytest.raises(InvalidDataError) as caught:
        read_episodes(listed("a,x,bad,2020-03-06,,1,", "b,x,2020-03-06,2020-03-09,,7,"))
    assert len(caught.value.faults) == 2 and "line 3" in caught.value.faults[1]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", MissingDataError, "empty"),
        (HEADER, MissingDataError, "no episode"),
        ("<html><body>403</body></html>\n", InvalidDataError, "column `name` is missing"),
        ("name,start,trough,counts\na,b,c,1\n", InvalidDataError, "column `end` is missing"),
        ('name,start\n"a,b\n', InvalidDataError, "."),
    ],
)
def test_file_that_is_no_list_of_episodes(tmp_path, content, error, message):
    path = tmp_path / "e.csv"
    path.write_text(content)
    with pytest.raises(error, match=message):
        read_episodes(path)


def test_absent_file(tmp_path):
    with pytest.raises(MissingDataError, match=r"none\.csv: no such file"):
        read_episodes(tmp_path / "none.csv")


def test_truth_from_labels_takes_the_likeliest_regime_and_leaves_unknown_rows_out():
    index = days(last="2020-01-08")
    rows = [
        [1, 0, 0, 0],
        [0.2, 0.1, 0.6, 0.1],
        [0.1, 0.1, 0.5, 0.3],
        [0.4, 0, 0.3, 0.3],
        [np.nan] * 4,
        [np.nan] * 4,
    ]
    weights = pd.DataFrame(rows, index=index, columns=list(REGIMES), dtype=float)
    known = pd.Series(index, index=index).where(weights["calm"].notna())
    truth = truth_from_labels(Labels(weights=weights, span_end=known, known_at=known))
    assert truth.stress.tolist()[:4] == [0, 1, 1, 0] and truth.stress[4:].isna().all()
    assert truth.spells["start"].tolist() == [index[1]] and truth.spells["end"].tolist() == [
        index[2]
    ]
    assert list(truth.known().regime.astype(str)) == [
        "calm",
        "deleveraging",
        "deleveraging",
        "calm",
    ]


def test_truth_refuses_fractions_and_other_dates():
    index = days(last="2020-01-03")
    known = pd.Series(index, index=index)
    with pytest.raises(InvalidDataError, match=r"2020-01-02: 0\.5 must be 0, 1 or NaN"):
        Truth(stress=pd.Series([0, 0.5, 1], index), known_at=known)
    with pytest.raises(InvalidDataError, match="share one index"):
        Truth(stress=pd.Series([0.0, 1, 1], index), known_at=known.iloc[1:])


def test_no_stress_means_no_spell():
    index = days(last="2020-01-03")
    assert Truth(stress=pd.Series(0.0, index), known_at=pd.Series(index, index=index)).spells.empty
