"""The page as text: whole, self-contained, escaped, and of colours that keep apart."""

import dataclasses
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import regime.report.page
from regime.errors import InvalidDataError
from regime.report.content import ReportContent
from regime.report.page import render
from regime.report.sections.section import Section
from regime.report.simulation_figures import SimulatedView
from regime.report.tables import Table
from regime.schema import REGIMES

HOSTILE = '<script>document.documentElement.dataset.hacked = "yes"</script>'
CSS = (Path(regime.report.page.__file__).parent / "page.css").read_text(encoding="utf-8")


class Outline(HTMLParser):
    """Tags, ids and visible text; the text of scripts and styles apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.raw, self._inside = "", "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += " ".join(data.split()) + " "


@pytest.fixture(scope="module")
def outline(full_content: ReportContent) -> Outline:
    return Outline(render(full_content))


def test_the_page_is_small_enough_and_the_same_twice(
    full_content: ReportContent, simulated_view: SimulatedView
) -> None:
    content = dataclasses.replace(full_content, simulation=simulated_view)
    page = render(content)
    assert page.startswith("<!doctype html>") and len(page.encode()) < 6_000_000
    assert render(content) == page


def test_what_is_not_given_is_not_on_the_page(report_content: ReportContent) -> None:
    page = render(report_content)
    ids = {str(attrs["id"]) for _, attrs in Outline(page).tags if "id" in attrs}
    assert not ids & {
        "baselines",
        "reliability",
        "why",
        "episodes",
        "sweep",
        "stress",
        "curves",
        "limitations",
        "simulation",
    }
    assert {"rolling", "months"} <= ids and "Not audited" in page


def test_nothing_is_asked_of_another_host(outline: Outline) -> None:
    fetching = [
        (tag, attrs)
        for tag, attrs in outline.tags
        if tag in ("link", "img", "iframe", "object", "embed", "base")
        or (tag == "script" and "src" in attrs)
    ]
    assert fetching == []
    assert all(str(attrs["href"]).startswith("#") for tag, attrs in outline.tags if tag == "a")
    assert not re.search(r"@import|url\(", CSS)
    policy = next(attrs["content"] for tag, attrs in outline.tags if attrs.get("http-equiv"))
    assert policy and policy.startswith("default-src 'none'")


def test_every_section_and_link_target_is_there(outline: Outline) -> None:
    ids = {attrs["id"] for _, attrs in outline.tags if "id" in attrs}
    assert {"today", "regimes", "probabilities", "scores", "families", "wealth"} <= ids
    assert {
        "performance",
        "notes",
        "lineage",
        "audit",
        "why",
        "baselines",
        "reliability",
        "mechanism-cta",
        "cta-exposure",
        "rolling",
        "months",
        "episodes",
        "sweep",
        "stress",
        "curves",
        "limitations",
    } <= ids
    assert len(ids) == len([attrs for _, attrs in outline.tags if "id" in attrs])
    assert {str(attrs["href"])[1:] for tag, attrs in outline.tags if tag == "a"} <= ids


def test_the_page_says_what_the_run_found(outline: Outline) -> None:
    for part in (
        "the most likely regime is calm",
        "The rule keeps all capital in equities",
        "this may be chance",
        "Elastic-net logistic best baseline",
        "0.2412",
        "−55.2%",
        "sofr99: absent",
        "1a2b3c4d",
        "trees: 150",
        "5c0ffee15600dcafe0123456789abcde",
        "Cross-asset selling",
        "Audit clean: nothing looks ahead in 12",
        "over its members",
        "Positioning speaks most for a deleveraging",
        "−0.90 a week ago",
        "the deflated Sharpe ratio is 0.93",
        "above 31 basis points",
        "V-shaped troughs",
        "Next trigger",
        "Volatility and the Fed, late 2018",
        "At 10 times the costs the Sharpe ratio is 0.46",
        "5,512",
        "Volatility target 12%",
        "A week ago",
    ):
        assert part in outline.text, part


def test_every_figure_has_words_for_who_cannot_see_it(outline: Outline) -> None:
    plots = [attrs for _, attrs in outline.tags if attrs.get("class") == "plot"]
    assert len(plots) == 9
    assert all(attrs["role"] == "img" and len(str(attrs["aria-label"])) > 60 for attrs in plots)


def test_a_script_in_any_text_is_inert(report_content: ReportContent) -> None:
    summary = {
        **report_content.summary,
        "config": HOSTILE,
        "events": {HOSTILE: {"caught": HOSTILE}},
        "backtest": {"strategy": {HOSTILE: 1.0}},
    }
    content = dataclasses.replace(
        report_content,
        title=HOSTILE,
        summary=summary,
        notes=(HOSTILE,),
        config_text=HOSTILE,
        families={HOSTILE: 1.0},
        lineage={HOSTILE: HOSTILE},
        equity=report_content.equity.rename(columns={"200dma": HOSTILE}),
        baselines=report_content.probabilities[["calm"]].set_axis([HOSTILE], axis=1),
        limitations=(HOSTILE,),
        reasons=pd.DataFrame({"name": [HOSTILE], "now": [1.0], "text": [HOSTILE]}),
        stress_notes=(HOSTILE,),
        stress={HOSTILE: pd.DataFrame({HOSTILE: [HOSTILE]}, index=[HOSTILE])},
        sweep_notes=(HOSTILE,),
        sweep=pd.DataFrame(
            {HOSTILE: [1, 2], "b": [HOSTILE, "x"], "robust_sharpe": 1.0, "chosen": [True, False]}
        ),
        sections=(
            Section(
                key="own",
                title=HOSTILE,
                sentence=HOSTILE,
                tables=(Table(title=HOSTILE, header=(), rows=()),),
            ),
        ),
    )
    page = render(content)
    scripts = [attrs for tag, attrs in Outline(page).tags if tag == "script"]
    assert len(scripts) == 3 and HOSTILE not in page


def test_a_bare_run_still_makes_a_page(report_content: ReportContent) -> None:
    content = ReportContent(
        title="bare",
        summary={},
        prices=pd.Series(dtype=float),
        truth=pd.Series(dtype=object),
        probabilities=report_content.probabilities.iloc[:1],
        exposure=pd.Series(dtype=float),
        equity=pd.DataFrame(),
    )
    found = Outline(render(content))
    assert (
        "No rule was run" in found.text
        and "Every series of the catalogue was present" in found.text
    )
    assert len([1 for _, attrs in found.tags if attrs.get("class") == "plot"]) == 2


def test_content_that_is_not_a_runs_is_refused(report_content: ReportContent) -> None:
    with pytest.raises(InvalidDataError, match="needs at least one session"):
        dataclasses.replace(report_content, probabilities=report_content.probabilities.iloc[:0])
    with pytest.raises(InvalidDataError, match="not probabilities that sum to 1"):
        dataclasses.replace(report_content, probabilities=report_content.probabilities * 2)
    with pytest.raises(InvalidDataError, match=r"outside \[0, 1\]"):
        dataclasses.replace(report_content, exposure=report_content.exposure + 1)


# Simulated sight on linear RGB, full strength: Machado, Oliveira, Fernandes (2009), table 1.
SIGHT = {
    "trichromat": np.eye(3),
    "protanope": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranope": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanope": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def _linear(colour: str) -> np.ndarray:
    encoded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    ratio = TO_XYZ @ linear.clip(0, 1) / (TO_XYZ @ np.ones(3))
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _colours(theme: int) -> dict[str, str]:
    block = re.findall(r":root[^{]*\{([^}]*)\}", CSS)[theme]
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_regimes_keep_apart_for_every_kind_of_sight(theme: int, sight: str) -> None:
    seen = {name: _lab(SIGHT[sight] @ _linear(_colours(theme)[name])) for name in REGIMES}
    for a, b in itertools.combinations(REGIMES, 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 20, (a, b)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "page"),
        ("ink", "card"),
        ("soft", "page"),
        ("soft", "card"),
        ("accent", "page"),
        ("accent", "card"),
    ],
)
def test_text_stands_out_by_the_ratio_that_wcag_asks(theme: int, ink: str, ground: str) -> None:
    light = sorted(float(TO_XYZ[1] @ _linear(_colours(theme)[name])) for name in (ink, ground))
    assert (light[1] + 0.05) / (light[0] + 0.05) >= 4.5
