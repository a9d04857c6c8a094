"""`regime flows` on the simulated world and on a folder.

One decision, blind to all that comes after it.
"""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from regime.cli import main
from regime.errors import ConfigError, InvalidDataError, MissingDataError
from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import MechanismReading, NoReading
from regime.panel.calendar import session_closes
from regime.pipeline import mechanism_inputs
from regime.pipeline.mechanism_inputs import UserFiles, decision_date, mechanism_series, read_view
from regime.pipeline.mechanism_readings import MechanismReadings, read_mechanisms
from regime.pipeline.settings import load_settings
from regime.report.sections.mechanisms import (
    mechanism_sections,
    number_rows,
    reading_tables,
    run_sections,
)
from regime.sources.simulated import SimulatedSource
from regime.workflows.flows import flows

KEYS = ["as_of", *(key for key, mechanism in MECHANISMS.items() if not mechanism.within)]
YEARS = 8
AS_OF = "2013-06-14"


@pytest.fixture(scope="module")
def settings():
    return replace(
        load_settings("demo.yaml"), source=SimulatedSource(years=YEARS), start=date(2006, 1, 2)
    )


@pytest.fixture(scope="module")
def found(settings):
    return flows(settings, as_of=AS_OF)


def test_the_keys_are_those_of_the_issue(found):
    told = found.to_dict()
    assert list(told) == KEYS and told["as_of"] == AS_OF
    for key in KEYS[1:]:
        assert isinstance(told[key]["available"], bool)
        assert (
            told[key]["available"] == ("reason" not in told[key]) == bool(told[key].get("sentence"))
        )
    assert "crypto" in told["cross_asset"]
    json.dumps(told, allow_nan=False)


def test_trend_followers_tell_what_the_issue_names(found):
    told = found.to_dict()["cta"]["sp500"]
    assert -1 <= told["exposure"] <= 1 and 0 <= told["percentile"] <= 1
    assert list(told["triggers"]) == ["short", "medium", "long"]
    for span in ("1w", "1m"):
        for scenario in ("up", "flat", "down"):
            assert set(told["flows_usd_bn"][span][scenario]) == {"low", "mid", "high"}
    assert isinstance(told["seller_in_every_scenario"], bool)


def test_most_mechanisms_read_the_simulated_world(found):
    silent = {name for name, reading in found.readings.items() if not reading.available}
    assert silent == {"depth"}  # its world has no bars


def test_nothing_after_the_decision_is_read(settings, found, monkeypatch):
    """Whatever is released later is perturbed, left out, or comes later still.

    The JSON has the same bits.
    """
    read = mechanism_inputs.read_all
    cut = session_closes(pd.DatetimeIndex([AS_OF]))[0]

    def perturbed(*arguments):
        reading = read(*arguments)
        rows, rng = reading.observations, np.random.default_rng(3)
        later = (rows["released"] > cut).to_numpy()
        assert later.sum() > 10_000
        factor = np.where(later, np.exp(rng.normal(0, 0.5, len(rows))), 1.0)
        return replace(reading, observations=rows.assign(value=rows["value"] * factor))

    def cut_off(*arguments):
        reading = read(*arguments)
        known = reading.observations[reading.observations["released"] <= cut]
        return replace(
            reading, observations=known, sessions=reading.sessions[reading.sessions <= AS_OF]
        )

    for other in (perturbed, cut_off):
        monkeypatch.setattr(mechanism_inputs, "read_all", other)
        assert json.dumps(flows(settings, as_of=AS_OF).to_dict()) == json.dumps(found.to_dict())
    # and what was known before it does matter
    monkeypatch.setattr(mechanism_inputs, "read_all", lambda *arguments: _doubled(read(*arguments)))
    assert flows(settings, as_of=AS_OF).to_dict() != found.to_dict()


def _doubled(reading):
    rows = reading.observations
    return replace(
        reading,
        observations=rows.assign(value=rows["value"] * np.where(rows["series"] == "sp500", 2, 1)),
    )


def test_a_date_that_is_no_session_is_the_session_before(settings, found):
    assert flows(settings, as_of="2013-06-16").to_dict() == found.to_dict()


def test_the_decision_date():
    sessions = pd.DatetimeIndex(["2024-08-02", "2024-08-05"], name="date")
    assert (
        decision_date(sessions, None)
        == decision_date(sessions, "2030-01-01")
        == pd.Timestamp("2024-08-05")
    )
    assert decision_date(sessions, "2024-08-04") == pd.Timestamp("2024-08-02")
    for wrong, words in (
        ("2024-08-01", "lies before the first session, 2024-08-02"),
        ("08/05/2024", "is no day"),
        ("2024-08-05 16:00", "is no day"),
        ("2024-13-01", "is no day"),
    ):
        with pytest.raises(ConfigError, match=words):
            decision_date(sessions, wrong)


def test_a_mechanism_without_data_is_unavailable_and_a_bug_does_not_hide(settings):
    view = read_view(settings, None, AS_OF)

    class Failing:
        def __init__(self, error):
            self.error = error

        def read(self, view):
            raise self.error

    told = read_mechanisms(view, {"cta": Failing(MissingDataError("no prices of futures"))})
    assert told.to_dict()["cta"] == {"available": False, "reason": "no prices of futures"}
    for error in (KeyError("sp500"), ZeroDivisionError(), InvalidDataError("own.csv: row 3")):
        with pytest.raises(type(error)):
            read_mechanisms(view, {"cta": Failing(error)})


def test_a_source_that_has_prices_alone_leaves_reasons(settings, monkeypatch):
    monkeypatch.setattr(mechanism_inputs, "mechanism_series", lambda catalogue: ("sp500",))
    told = flows(settings, as_of=AS_OF).to_dict()
    assert told["cta"]["available"] and told["vol_control"]["available"]
    silent = [key for key in KEYS[1:] if not told[key]["available"]]
    assert set(silent) >= {
        "gamma",
        "positions",
        "pension",
        "reserves",
        "dollar",
        "valuation",
        "long_end",
        "depth",
    }
    assert all(told[key]["reason"] for key in silent)


def test_every_series_that_is_read_is_in_the_catalogue_and_bars_are_asked_for():
    from regime.sources.catalogue import load_catalogue

    names = mechanism_series(load_catalogue().with_bars(["spy", "qqq"]))
    assert {
        "sp500",
        "spy_open",
        "qqq_low",
        "spy_volume",
        "gex",
        "margin_debt",
        "term_premium",
        "cot_tff_vix_lev_long",
    } <= set(names)
    assert names == tuple(sorted(names)) and len(names) > 120


def own_table(path, days, **columns):
    pd.DataFrame({"date": days, **columns}).to_csv(path, index=False)
    return path


def test_a_users_own_multiple_and_book_are_used_from_their_release_on(settings, tmp_path):
    days = pd.bdate_range("2012-01-02", "2013-12-31").strftime("%Y-%m-%d")
    rising = np.linspace(20, 40, len(days))
    own = UserFiles(
        pe=own_table(tmp_path / "pe.csv", days, forward_pe=rising, released=days),
        book=own_table(tmp_path / "book.csv", days, depth=rising, released=days),
    )
    told = flows(settings, as_of=AS_OF, user_files=own).to_dict()
    assert told["valuation"]["multiple"]["source"] == "own"
    assert told["depth"]["available"] and told["depth"]["source"] == "the user's own order book"
    last = pd.Index(days).get_loc("2013-06-13")  # what is dated alone is public in the evening
    assert told["valuation"]["multiple"]["level"] == pytest.approx(rising[last])


@pytest.mark.parametrize(
    ("name", "columns", "words"),
    [
        ("pe", {"forward_pe": 20.0}, r"own\.csv: line 1: no column `released`"),
        ("book", {"released": "2013-01-02"}, r"own\.csv: line 1: no column `depth`"),
        (
            "caps",
            {"released": "2013-01-02", "ticker": "AAPL"},
            r"own\.csv: line 1: no column `market_cap`",
        ),
    ],
)
def test_an_own_file_without_a_column_is_named(settings, tmp_path, name, columns, words):
    path = own_table(tmp_path / "own.csv", ["2013-01-02"], **columns)
    with pytest.raises(InvalidDataError, match=words):
        flows(settings, as_of=AS_OF, user_files=UserFiles(**{name: path}))
    with pytest.raises(MissingDataError, match="no such file"):
        flows(settings, as_of=AS_OF, user_files=UserFiles(**{name: tmp_path / "none.csv"}))


def test_a_chain_takes_the_place_of_the_daily_series(settings, tmp_path):
    chain = tmp_path / "chain.csv"
    chain.write_text(
        "date,spot,expiry,strike,type,iv,open_interest\n"
        f"{AS_OF},1000,2013-07-19,1000,C,0.2,500\n{AS_OF},1000,2013-07-19,950,P,0.25,900\n"
    )
    told = flows(settings, as_of=AS_OF, user_files=UserFiles(chain=chain)).to_dict()["gamma"]
    assert told["source"] == "chain" and told["spot"] == 1000
    later = flows(settings, as_of="2013-06-13", user_files=UserFiles(chain=chain)).to_dict()[
        "gamma"
    ]
    assert later["source"] == "daily" and "not yet known" in later["chain"]


def test_tables_and_sections_show_every_mechanism(found):
    assert list(found.readings) == list(MECHANISMS)
    tables = reading_tables(found.readings)
    titles = [row.name for table in tables[::2] for row in table.rows]
    assert sorted(titles) == sorted(mechanism.title for mechanism in MECHANISMS.values())
    assert all(len(table.header) == 2 for table in tables)
    for name, reading in found.readings.items():
        assert bool(number_rows(reading)) == reading.available, name
    sections = mechanism_sections(found.readings)
    assert len({section.key for section in sections}) == len(MECHANISMS)
    for name, section in zip(MECHANISMS, sections, strict=True):
        assert section.sentence
        assert (section.figure is None) == (not found.readings[name].available)
        if section.figure is not None:
            columns, past = section.figure.columns, found.readings[name].history.index
            assert {len(column) for column in columns.values()} == {len(columns["date"])}
            # Five years day by day, before them one session in five.
            assert list(columns["date"]) == [
                *past[:-1260][::5].to_numpy(),
                *past[-1260:].to_numpy(),
            ]


def test_figures_of_a_run_begin_with_it(found):
    late = mechanism_sections(found.readings, date(2011, 3, 1))
    starts = {section.figure.columns["date"][0] for section in late if section.figure is not None}
    assert starts and min(starts) >= np.datetime64("2011-03-01")


def test_a_silent_mechanism_has_words_and_no_figure():
    silent = {name: NoReading(name=name, reason="no data") for name in MECHANISMS}
    assert all(
        s.sentence == "No reading: no data." and s.figure is None
        for s in mechanism_sections(silent)
    )
    empty = MechanismReading(name="cta", sentence="Nothing.", values={})
    (section,) = mechanism_sections({"cta": empty})
    assert section.figure is None and section.tables == ()
    assert (
        MechanismReadings(as_of=pd.Timestamp(AS_OF), readings=silent).to_dict()["cta"]["available"]
        is False
    )


def test_sections_of_a_run_are_those_of_its_last_session(settings):
    from types import SimpleNamespace

    world = SimpleNamespace(sessions=settings.source.sessions)
    (last,) = [s for s in run_sections(world, settings, None) if s.key == "mechanism-cta"]
    assert last.sentence == flows(settings).readings["cta"].sentence


def test_a_folder_is_read_with_what_it_has(simulated_folder, capsys):
    code = main(["flows", "--data", str(simulated_folder), "--as-of", AS_OF, "--json"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "") and out.count("\n") == 1
    told = json.loads(out)
    assert list(told) == ["schema_version", *KEYS] and told["cta"]["available"]


def test_a_column_that_a_file_lacks_is_no_data_and_a_required_one_is_a_fault(own_folder, capsys):
    assert (
        "volume"
        not in (own_folder / "prices" / "SPY.csv").read_text(encoding="utf-8").splitlines()[0]
    )
    assert main(["flows", "--data", str(own_folder), "--as-of", AS_OF, "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["depth"]["available"]
    path = own_folder / "prices" / "SPY.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace("adj_close", "close"), encoding="utf-8"
    )
    assert main(["flows", "--data", str(own_folder), "--as-of", AS_OF, "--json"]) == 4
    assert "no column `adj_close`" in capsys.readouterr().err


def test_a_page_of_html_is_no_missing_column(own_folder, capsys):
    (own_folder / "prices" / "GC=F.csv").write_text("<html>refused</html>", encoding="utf-8")
    assert main(["flows", "--data", str(own_folder), "--as-of", AS_OF, "--json"]) == 4
    assert "a page of HTML" in capsys.readouterr().err


def test_people_get_tables_and_nothing_else(simulated_folder, capsys):
    assert main(["flows", "demo.yaml", "--data", str(simulated_folder), "--as-of", AS_OF]) == 0
    out, err = capsys.readouterr()
    assert err == "" and out.rstrip().endswith(f"As of {AS_OF}")
    for words in (
        "Positioning and forced flows",
        "Trend followers",
        "short trigger",
        "Similar past episodes",
    ):
        assert words in out
    assert max(map(len, out.splitlines())) <= 120


def test_a_date_after_the_data_is_told_as_such(simulated_folder, capsys):
    whole = ["flows", "demo.yaml", "--data", str(simulated_folder)]
    assert main([*whole, "--as-of", "2099-1-5"]) == 0
    out, err = capsys.readouterr()
    assert "days before 2099-1-5: this is no reading of that day." in out and err == ""
    assert main([*whole, "--as-of", "2099-01-05", "--json"]) == 0
    out, err = capsys.readouterr()
    assert (
        out.count("\n") == 1
        and json.loads(out)["as_of"] < "2099"
        and err.startswith("The data end on ")
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--as-of", "yesterday"], 2, "as_of: `yesterday` is no day"),
        (["--as-of", "1990-01-02"], 2, "before the first session"),
        (["--chain", "none.csv"], 3, "none.csv: no such file"),
        (["nowhere.yaml"], 2, "nowhere.yaml: no such config"),
    ],
)
def test_wrong_arguments_are_told(simulated_folder, capsys, arguments, code, words):
    assert main(["flows", "--data", str(simulated_folder), *arguments]) == code
    out, err = capsys.readouterr()
    assert out == "" and words in err


def test_files_are_needed_where_a_config_reads_them(capsys):
    assert main(["flows"]) == 2
    assert "name their folder with --data DIR" in capsys.readouterr().err
