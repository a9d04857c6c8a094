import pandas as pd
import pytest

from regime.report.sentences import headline, judge_audit, refused_values, value_before
from regime.schema import REGIMES

INDEX = pd.bdate_range("2025-03-03", "2025-03-14", name="date")
DATA = {"first": "1990-01-02", "last": "2025-03-14", "series": 118}


def _probabilities(before: float, now: float) -> pd.DataFrame:
    stress = pd.Series(before, index=INDEX)
    stress.iloc[-1] = now
    rest = 1 - stress
    return pd.DataFrame(
        {"calm": rest * 0.8, "fragile": rest * 0.1, "deleveraging": stress, "recovery": rest * 0.1},
        index=INDEX,
        columns=list(REGIMES),
    )


def _exposure(before: float, now: float) -> pd.Series:
    return pd.Series([before] * (len(INDEX) - 1) + [now], index=INDEX)


def test_the_headline_names_regime_date_and_probability() -> None:
    first, second = headline(_probabilities(0.05, 0.05), _exposure(1.0, 1.0), DATA)
    assert first == (
        "At the close of 14 March 2025 the most likely regime is calm, with a probability of 76%; "
        "a deleveraging has 5%, hardly changed in a week."
    )
    assert (
        second
        == "The rule keeps all capital in equities; the data end that day and hold 118 series."
    )


def test_the_headline_says_what_changed_and_names_a_deleveraging_once() -> None:
    first, second = headline(_probabilities(0.05, 0.7), _exposure(0.9, 0.25), DATA)
    assert first.endswith(
        "regime is deleveraging, with a probability of 70%, "
        "up from 5% the day before and a week earlier."
    )
    assert second.startswith(
        "The rule moves from 90% to 25% of capital in equities, filled at the next close; "
    )


def test_the_headline_says_when_no_regime_has_the_majority_and_falls_are_falls() -> None:
    first, _ = headline(_probabilities(0.9, 0.44), _exposure(0.5, 0.5), DATA)
    assert (
        "calm, though with 45% it has no majority; a deleveraging has 44%, down from 90% the day "
        "before and a week "
        "earlier"
    ) in first


@pytest.mark.parametrize(
    ("day", "week", "words"),
    [
        (0.30, 0.30, "hardly changed in a week"),
        (0.31, 0.10, "up from 10% a week earlier"),
        (0.10, 0.31, "up from 10% the day before and where it stood a week earlier"),
        (0.10, 0.20, "up from 10% the day before and 20% a week earlier"),
        (0.10, 0.60, "up from 10% the day before but down from 60% a week earlier"),
        (0.60, 0.50, "down from 60% the day before and 50% a week earlier"),
    ],
)
def test_the_headline_compares_with_the_day_and_the_week_before(
    day: float, week: float, words: str
) -> None:
    table = _probabilities(0.3, 0.3)
    table.loc[INDEX[-2], "deleveraging"], table.loc[INDEX[-6], "deleveraging"] = day, week
    assert headline(table, _exposure(1, 1), DATA)[0].endswith(f", {words}.")


def test_the_headline_says_how_sure_the_members_are() -> None:
    first, _ = headline(_probabilities(0.05, 0.05), _exposure(1, 1), DATA, (0.004, 0.11))
    assert "; a deleveraging has 5% (less than 1% to 11% over its members), hardly" in first
    first, _ = headline(_probabilities(0.7, 0.7), _exposure(1, 1), DATA, (0.601, 0.604))
    assert "deleveraging, with a probability of 70% (60% over its members), hardly" in first


@pytest.mark.parametrize(
    ("audit", "tone", "words"),
    [
        ({}, "unknown", "Not audited"),
        ({"verdict": "clean"}, "ahead", "Audit clean: nothing looks ahead in what was checked."),
        (
            {
                "verdict": "clean",
                "checks": {"builders": {"checked": 1200, "warnings": 1}, "folds": {"checked": 4}},
            },
            "ahead",
            "Audit clean: nothing looks ahead in 1,200 builders, 4 folds; 1 known impurity.",
        ),
        (
            {"verdict": "leaks", "checks": {"builders": {"checked": 12, "leaks": 2}}},
            "behind",
            "Audit failed: 2 leaks in 12 builders; do not rely on any figure of this page.",
        ),
        (
            {"verdict": "leaks", "findings": [{}]},
            "behind",
            "Audit failed: 1 leak in what was checked",
        ),
    ],
)
def test_the_audit_has_words_of_its_own(audit: dict[str, object], tone: str, words: str) -> None:
    found = judge_audit(audit)
    assert found.tone == tone and found.text.startswith(words)


def test_earlier_stops_at_the_first_session() -> None:
    assert [value_before(pd.Series([1.0, 2.0, 3.0]), back) for back in (0, 1, 5)] == [3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "all capital in bills"), (0.5, "50% of capital in equities and the rest")],
)
def test_what_the_rule_keeps(value: float, words: str) -> None:
    assert words in headline(_probabilities(0.1, 0.1), _exposure(value, value), DATA)[1]


def test_no_rule_and_one_session_are_sentences_too() -> None:
    one = _probabilities(0.1, 0.1).iloc[:1]
    first, second = headline(one, pd.Series(dtype=float), {})
    assert "3 March 2025" in first
    assert second == "No rule was run; the data end that day."


def test_freshness_counts_what_is_missing_and_tells_when_probabilities_end_before_the_data() -> (
    None
):
    series = {"vix": {"verdict": "ok"}, "move": {"verdict": "stale"}, "gex": "absent"}
    _, second = headline(
        _probabilities(0.1, 0.1), _exposure(1, 1), {"last": "2025-03-20", "series": series}
    )
    assert second.endswith("the data end on 2025-03-20, with 2 of 3 series missing or stale.")


def test_refused_values_are_counted_by_series() -> None:
    series = {
        "vix": {"verdict": "ok", "refused": 0},
        "move": {"verdict": "ok", "refused": 3},
        "gex": "absent",
    }
    assert refused_values({"series": series}) == ("move (3)",)
    assert refused_values({}) == ()
