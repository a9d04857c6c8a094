"""The folder of real data through catalogue, files and panel, against facts that were published."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.panel.as_of import AsOf
from regime.panel.calendar import business_days, session_closes, to_days
from regime.panel.release_times import release_times
from regime.schema import Panel
from regime.sources.catalogue import Catalogue, load_catalogue
from regime.sources.file_source import FileSource, SourceReading

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class World:
    catalogue: Catalogue
    reading: SourceReading
    known: AsOf
    panel: Panel

    def value(self, name: str, date: str) -> float:
        """What the decision of this date knows."""
        return float(self.panel.values.at[pd.Timestamp(date), name])

    def history(self, name: str) -> pd.Series:
        """All periods, as known at the last session."""
        return self.known.history(name, self.reading.sessions[-1])


@pytest.fixture(scope="module")
def world(real_data: Path) -> World:
    catalogue = load_catalogue()
    reading = FileSource().read(catalogue, real_data, release_times=release_times)
    known = AsOf(reading.observations, catalogue.max_age)
    return World(catalogue, reading, known, known.panel(reading.sessions))


def rewrite(
    source: Path, target: Path, paths: set[str], change: Callable[[str], str | None]
) -> None:
    """Copy the files with each data line passed through `change`; None leaves the line out."""
    for path in sorted(paths):
        header, *lines = (source / path).read_text(encoding="utf-8").splitlines()
        (target / path).parent.mkdir(exist_ok=True)
        kept = [changed for line in lines if (changed := change(line)) is not None]
        (target / path).write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")


def paths_of(catalogue: Catalogue) -> set[str]:
    return {part.path for spec in catalogue.series.values() for part in spec.parts}


def test_every_series_is_there_and_nothing_is_refused(world: World) -> None:
    assert set(world.reading.status) == set(world.catalogue.series)
    assert {status.verdict for status in world.reading.status.values()} <= {"ok", "stale"}
    assert {
        name: status.note for name, status in world.reading.status.items() if status.refused
    } == {}
    assert all(world.reading.status[name].verdict == "ok" for name in world.catalogue.required)


def test_sessions_are_those_of_the_exchange(world: World) -> None:
    days = to_days(world.reading.sessions[world.reading.sessions >= "1970"])
    known = business_days(int(days[0]), int(days[-1]), False)
    assert np.array_equal(days, known[(known >= days[0]) & (known <= days[-1])])
    assert world.reading.sessions[0] == pd.Timestamp("1927-12-30")


def test_repo_spike_of_september_2019_is_known_the_day_after(world: World) -> None:
    assert world.history("sofr").loc["2019-09-16":"2019-09-17"].tolist() == [2.43, 5.25]
    assert world.value("sofr", "2019-09-17") == 2.43
    assert world.value("sofr", "2019-09-18") == 5.25
    assert world.value("sofr99", "2019-09-18") == 9.00


def test_closes_are_known_on_their_day(world: World) -> None:
    assert world.value("vix", "2020-03-16") == 82.69
    assert world.value("sp500", "2020-03-23") == pytest.approx(2237.40, abs=0.005)
    assert world.panel.age.at[pd.Timestamp("2020-03-16"), "vix"] == 0
    assert world.value("crude", "2020-04-20") == pytest.approx(-37.63)


def test_reverse_repo_peak_is_known_at_the_close_of_its_day(world: World) -> None:
    assert world.history("rrp").idxmax() == pd.Timestamp("2022-12-30")
    assert world.value("rrp", "2022-12-30") == 2553.716


def test_balance_sheet_peak_is_known_after_good_friday(world: World) -> None:
    assert world.history("fed_assets").idxmax() == pd.Timestamp("2022-04-13")
    assert world.history("fed_assets").max() == 8_965_487
    assert world.value("fed_assets", "2022-04-14") < 8_965_487  # H.4.1 came at 16:30
    assert world.value("fed_assets", "2022-04-18") == 8_965_487


def test_dealer_gamma_was_negative_and_known_the_day_after(world: World) -> None:
    gex = world.history("gex")
    for day, following in (("2018-02-05", "2018-02-06"), ("2020-03-16", "2020-03-17")):
        assert gex.loc[day] < 0
        assert world.value("gex", following) == gex.loc[day]


@pytest.mark.parametrize(
    ("date", "trigger"), [("2017-10-03", 2534.6), ("2019-07-01", 2964.3), ("2019-11-25", 3133.6)]
)
def test_trend_triggers_are_the_price_months_ago(world: World, date: str, trigger: float) -> None:
    assert world.value("sp500", date) == pytest.approx(trigger, abs=0.05)


def test_buy_and_hold(world: World) -> None:
    spy = world.panel.values["spy"].loc["2006-12-29":"2023-12-29"]
    returns = spy.pct_change().dropna()
    excess = returns - 0.011 / 252
    assert np.sqrt(252) * excess.mean() / excess.std() == pytest.approx(0.497, abs=0.01)
    assert (spy / spy.cummax() - 1).min() == pytest.approx(-0.5519, abs=5e-4)


def test_splices_meet_without_a_hole(world: World) -> None:
    assert world.reading.status["sofr"].note.endswith("2018-04-02")
    assert world.reading.status["effr"].note.endswith("2000-07-02")
    assert world.reading.status["iorb"].proxy_rows == 0
    assert world.history("iorb").loc["2021-07-28":"2021-07-29"].tolist() == [0.15, 0.15]
    spread = world.panel.values["sofr"] - world.panel.values["iorb"]
    assert spread.loc["2014-09":].notna().all()


def test_consolidated_futures_are_in_minis_throughout(world: World) -> None:
    net, interest = (
        world.history("cot_tff_sp500_lev_net"),
        world.history("cot_tff_sp500_open_interest"),
    )
    assert interest.loc["2023-05-02"] == 2_304_633
    assert interest.loc["2023-04-25"] == 5 * 453_159
    share = net / interest
    assert share.loc["2023-05-02"] == pytest.approx(share.loc["2023-04-25"], abs=0.03)
    assert "672 rows multiplied by 5" in world.reading.status["cot_tff_sp500_open_interest"].note


def test_the_stale_days_of_the_move_are_left_out(world: World) -> None:
    assert world.reading.status["move"].repaired == 2
    assert not {pd.Timestamp("2023-03-15"), pd.Timestamp("2023-06-20")} & set(
        world.history("move").index
    )


def test_required_series_have_no_hole_and_ages_are_never_negative(world: World) -> None:
    for name in world.catalogue.required:
        column = world.panel.values[name]
        assert column.loc[column.first_valid_index() :].notna().all(), name
    assert world.panel.age.min(axis=None) >= 0
    limit = pd.Series(world.catalogue.max_age)
    assert (world.panel.age.where(world.panel.values.notna()).max() <= limit).all()


def test_releases_follow_their_periods_and_orders_of_magnitude(world: World) -> None:
    rows = world.reading.observations
    delay = rows["released"] - rows["period"].dt.tz_localize("UTC")
    typical = delay.groupby(rows["series"], observed=True).median().dt.total_seconds() / 86_400
    assert typical["sp500"] < 1 < typical["sofr"] < 2 < typical["cot_sp500_spec_net"] < 4
    assert 25 <= typical["margin_debt"] < 29
    assert (delay >= pd.Timedelta(0)).all()


@pytest.mark.parametrize("date", ["2008-10-10", "2019-09-17", "2021-07-29"])
def test_panel_of_what_was_released_equals_the_panel(world: World, date: str) -> None:
    rows, sessions = world.reading.observations, world.reading.sessions
    sessions = sessions[sessions <= date]
    short = AsOf(
        rows[rows["released"] <= session_closes(sessions)[-1]], world.catalogue.max_age
    ).panel(sessions)
    assert short.values.to_numpy().tobytes() == world.panel.values.loc[:date].to_numpy().tobytes()
    assert short.age.to_numpy().tobytes() == world.panel.age.loc[:date].to_numpy().tobytes()


@pytest.mark.parametrize("date", ["2012-06-29", "2018-06-15"])
def test_a_folder_cut_at_a_date_gives_the_same_panel(
    world: World, real_data: Path, tmp_path: Path, date: str
) -> None:
    rewrite(
        real_data,
        tmp_path,
        paths_of(world.catalogue),
        lambda line: line if line[:10] <= date else None,
    )
    reading = FileSource().read(world.catalogue, tmp_path, release_times=release_times)
    short = AsOf(reading.observations, world.catalogue.max_age).panel(reading.sessions)
    assert short.values.index[-1] == pd.Timestamp(date)
    assert short.values.to_numpy().tobytes() == world.panel.values.loc[:date].to_numpy().tobytes()


def test_a_folder_of_later_dates_reads_unedited(
    world: World, real_data: Path, tmp_path: Path
) -> None:
    """All dates 1,456 days (four years of weeks) on: nothing looks at the clock."""
    names = ["sp500", "spy", "vix", "dgs3mo", "reserves", "cot_sp500_spec_net", "btc"]

    def shift(line: str) -> str | None:
        later = pd.Timestamp(line[:10]) + pd.Timedelta(days=1456)
        return f"{later:%Y-%m-%d}{line[10:]}" if line >= "2015" else None

    rewrite(real_data, tmp_path, paths_of(world.catalogue.only(names)), shift)
    reading = FileSource().read(world.catalogue, tmp_path, names, release_times=release_times)
    assert {status.verdict for status in reading.status.values()} == {"ok"}
    assert reading.sessions[-1] == pd.Timestamp("2024-12-31") + pd.Timedelta(days=1456)
