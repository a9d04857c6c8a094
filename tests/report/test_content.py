"""What a page shows goes to a folder and comes back to the same page; what is damaged is named."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError, MissingDataError, RegimeError
from regime.report.content import ReportContent, load_content, save_content
from regime.report.figures import Figure
from regime.report.page import render
from regime.report.sections.section import Section
from regime.report.simulation_figures import SimulatedView
from regime.schema import Regime


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, full_content: ReportContent) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "report"
    save_content(full_content, folder)
    return folder


@pytest.fixture
def own_copy(saved: Path, tmp_path: Path) -> Path:
    for path in saved.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_the_page_of_what_was_saved_is_the_same_byte_for_byte(
    tmp_path: Path, full_content: ReportContent, simulated_view: SimulatedView
) -> None:
    content = dataclasses.replace(full_content, simulation=simulated_view)
    save_content(content, tmp_path)
    assert render(load_content(tmp_path)) == render(content)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".parquet"}


def test_a_bare_page_comes_back_too(tmp_path: Path, report_content: ReportContent) -> None:
    bare = ReportContent(
        title="bare",
        summary={},
        prices=pd.Series(dtype=float),
        truth=pd.Series(dtype=object),
        probabilities=report_content.probabilities.iloc[:1],
        exposure=pd.Series(dtype=float),
        equity=pd.DataFrame(),
    )
    save_content(bare, tmp_path / "a")
    assert render(load_content(tmp_path / "a")) == render(bare)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "content.json",
        "probabilities.parquet",
    ]


def test_frames_and_words_come_back_as_they_were(saved: Path, full_content: ReportContent) -> None:
    found = load_content(saved)
    for name in (
        "probabilities",
        "equity",
        "member_range",
        "baselines",
        "reliability",
        "episodes",
        "sweep",
    ):
        pd.testing.assert_frame_equal(
            getattr(found, name), getattr(full_content, name), check_freq=False
        )
    for name in ("prices", "exposure"):
        pd.testing.assert_series_equal(
            getattr(found, name), getattr(full_content, name), check_freq=False
        )
    assert (
        list(found.stress) == list(full_content.stress)
        and found.limitations == full_content.limitations
    )
    assert found.sections[0].tables == full_content.sections[0].tables
    assert json.loads(json.dumps(full_content.summary)) == found.summary


def test_numbers_of_numpy_paths_and_members_of_the_enum_are_saved(
    tmp_path: Path, report_content: ReportContent
) -> None:
    truth = pd.Series(
        [Regime.CALM, None, Regime.DELEVERAGING], index=report_content.probabilities.index[:3]
    )
    content = dataclasses.replace(
        report_content,
        truth=truth,
        families={"dollar": np.float32(0.25)},
        lineage={"seed": np.int64(7), "folder": Path("a/b")},
    )
    save_content(content, tmp_path)
    assert render(load_content(tmp_path)) == render(content)


def test_saving_twice_leaves_what_the_second_said(
    own_copy: Path, report_content: ReportContent
) -> None:
    save_content(report_content, own_copy)
    assert render(load_content(own_copy)) == render(report_content)


@pytest.mark.parametrize(
    "name",
    ["content.json", "baselines.parquet", "stress-0.parquet", "sections-0-figure-columns.parquet"],
)
def test_a_missing_file_is_named(own_copy: Path, name: str) -> None:
    (own_copy / name).unlink()
    with pytest.raises(MissingDataError, match=name.replace(".", r"\.")):
        load_content(own_copy)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="nowhere"):
        load_content(tmp_path / "nowhere")


@pytest.mark.parametrize("at", [0, 100, -20])
def test_a_damaged_frame_is_named_wherever_the_damage_is(own_copy: Path, at: int) -> None:
    path = own_copy / "equity.parquet"
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidDataError, match=r"equity\.parquet: its bytes are not those"):
        load_content(own_copy)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "\x00",
        lambda text: text.replace('"content"', '"contents"', 1),
        lambda text: text.replace('"frames"', '"frame"', 1),
        lambda text: text.replace('"frame": "prices"', '"name": "prices"', 1),
        lambda text: text.replace('"frame": "prices"', '"frame": "price"', 1),
        lambda text: text.replace('"sections"', '"parts"', 1),
        lambda text: text.replace('"schema_version": 2', '"schema_version": 1', 1),
    ],
)
def test_a_damaged_index_is_named(own_copy: Path, spoil: object) -> None:
    path = own_copy / "content.json"
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(RegimeError, match=r"content\.json|parquet"):
        load_content(own_copy)


@pytest.mark.parametrize("version", [3, 9, 0, "2", None])
def test_an_unknown_version_is_refused_with_the_remedy(own_copy: Path, version: object) -> None:
    path = own_copy / "content.json"
    saved = json.loads(path.read_text(encoding="utf-8")) | {"schema_version": version}
    path.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(
        InvalidDataError, match=r"schema version .* reads 1 to 2; install .* or run"
    ):
        load_content(own_copy)


@pytest.mark.parametrize("name", ["../../prices", "/tmp/prices", "a.b", ""])
def test_no_name_in_the_index_leads_out_of_the_folder(own_copy: Path, name: str) -> None:
    path = own_copy / "content.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved["content"]["prices"]["frame"] = name
    saved["frames"][name] = saved["frames"].pop("prices")
    path.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(InvalidDataError, match="not a whole saved report"):
        load_content(own_copy)


def test_a_figure_without_columns_comes_back(tmp_path: Path, report_content: ReportContent) -> None:
    figure = Figure(
        key="bars",
        title="",
        caption="",
        alternative="",
        height=1,
        columns={},
        traces=[{"type": "bar", "x": ["a"], "y": [1.0]}],
        layout={"xaxis": {"type": "category"}},
        fit=("yaxis",),
    )
    section = Section(key="own", title="", sentence="", figure=figure)
    save_content(dataclasses.replace(report_content, sections=(section,)), tmp_path)
    assert load_content(tmp_path).sections[0] == section


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("summary", {"a": float("nan")}, "write None for NaN"),
        ("lineage", {"a": pd.Timestamp("2020-01-02")}, "cannot be saved"),
        ("stress", {"a": pd.DataFrame({"x": [1, "one"]})}, "one kind of value"),
    ],
)
def test_what_cannot_be_saved_is_refused(
    tmp_path: Path, report_content: ReportContent, part: str, value: object, words: str
) -> None:
    with pytest.raises(InvalidDataError, match=words):
        save_content(dataclasses.replace(report_content, **{part: value}), tmp_path)
    assert not (tmp_path / "content.json").exists()


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        (
            "member_range",
            pd.DataFrame({"low": [0.1]}),
            "member_range: lacks the columns high; it has low",
        ),
        (
            "reliability",
            pd.DataFrame({"forecast": [0.1]}),
            "lacks the columns forecaster, observed, sessions",
        ),
        ("reasons", pd.DataFrame({"name": ["a"]}), "lacks the columns now"),
        ("episodes", pd.DataFrame({"name": ["a"], "first": [0]}), "lacks the columns last"),
        ("sweep", pd.DataFrame({"a": [1], "chosen": [True]}), "lacks the columns robust_sharpe"),
        (
            "sweep",
            pd.DataFrame({"a": [1], "robust_sharpe": 1.0, "chosen": [True]}),
            "needs two parameters",
        ),
        (
            "sweep",
            pd.DataFrame({"a": [1, 1], "b": [2, 2], "robust_sharpe": 1.0, "chosen": True}),
            "occurs twice",
        ),
        ("sections", (Section(key="a", title="", sentence=""),) * 2, "the key 'a' occurs twice"),
    ],
)
def test_frames_of_another_form_are_refused(
    report_content: ReportContent, part: str, value: object, words: str
) -> None:
    with pytest.raises(InvalidDataError, match=words):
        dataclasses.replace(report_content, **{part: value})


@pytest.mark.parametrize(
    "key", ["Own", "a b", "", "9", "wealth", "simulation-prices", 'a"', "today"]
)
def test_a_section_keeps_off_the_pages_own_ids(key: str) -> None:
    with pytest.raises(InvalidDataError, match="choose another"):
        Section(key=key, title="", sentence="")
    figure = Figure(
        key=key, title="", caption="", alternative="", height=1, columns={}, traces=[], layout={}
    )
    with pytest.raises(InvalidDataError, match="choose another"):
        Section(key="fine", title="", sentence="", figure=figure)


def test_a_section_and_its_figure_may_share_a_key(report_content: ReportContent) -> None:
    figure = Figure(
        key="own",
        title="",
        caption="A caption.",
        alternative="",
        height=100,
        columns={},
        traces=[],
        layout={"xaxis": {"type": "linear"}},
    )
    content = dataclasses.replace(
        report_content,
        sections=(Section(key="own", title="Own", sentence="It says so.", figure=figure),),
    )
    page = render(content)
    assert page.count('id="own"') == 1 and 'data-figure="own"' in page and "It says so." in page
