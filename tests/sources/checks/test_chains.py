"""Rows of an option chain that no sum may contain."""

import numpy as np

from regime.sources.checks.attendance import Sessions
from regime.sources.checks.chains import Chain, check_chain

SUNDAY = 19_589  # 2023-08-20
SESSIONS = Sessions(
    days=np.array([day for day in range(SUNDAY - 30, SUNDAY + 30) if (day + 3) % 7 < 5]),
    federal=np.zeros(0, dtype=np.int64),
    now=SUNDAY + 30,
)
ROWS = 12


def chain(**changes):
    columns = {
        "day": np.full(ROWS, SUNDAY - 3),
        "expiry": np.full(ROWS, SUNDAY + 20),
        "bid": np.full(ROWS, 1.0),
        "ask": np.full(ROWS, 1.1),
        "iv": np.full(ROWS, 0.2),
        "open_interest": np.full(ROWS, 10.0),
    }
    for name, (rows, value) in changes.items():
        columns[name] = columns[name].copy()
        columns[name][rows] = value
    return Chain(**columns)


def counts(quotes):
    return {found.check: found.count for found in check_chain(quotes, SESSIONS)}


def test_a_sound_chain_has_nothing():
    assert counts(chain()) == {}


def test_each_kind_of_row_is_counted():
    assert counts(chain(expiry=(slice(0, 3), SUNDAY - 4))) == {"expired": 3}
    assert counts(chain(expiry=(slice(0, 3), SUNDAY - 3))) == {"expires_today": 3}
    assert counts(chain(bid=(slice(0, 2), 1.2))) == {"crossed": 2}
    assert counts(chain(bid=(slice(0, 2), 0.0), ask=(slice(0, 2), 0.0))) == {"no_quote": 2}
    assert counts(chain(iv=(slice(0, 4), 0.0), open_interest=(slice(0, 4), 0.0))) == {"empty": 4}
    assert counts(chain(iv=(slice(0, 4), np.nan))) == {"no_volatility": 4}


def test_a_snapshot_of_a_sunday_is_of_no_session():
    (found,) = check_chain(chain(day=(slice(None), SUNDAY)), SESSIONS)
    assert (found.check, found.dates) == ("off_session", ("2023-08-20",))
    assert "2023-08-20 (Sunday)" in found.text


def test_an_option_that_expires_today_is_known_not_wrong():
    (found,) = check_chain(chain(expiry=(slice(0, 3), SUNDAY - 3)), SESSIONS)
    assert found.severity == "note"
