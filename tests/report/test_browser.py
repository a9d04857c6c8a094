"""The page in headless Chromium.

Every figure drawn in time, nothing on the console, nothing cut off, phone width.
"""

import dataclasses
import json
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regime.report.content import ReportContent
from regime.report.figures import Figure
from regime.report.page import render
from regime.report.sections.section import Section
from regime.report.simulation_figures import SimulatedView

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--enable-logging=stderr",
    "--virtual-time-budget=30000",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=1280,900",
    "--dump-dom",
)
LIGHT, DARK = "--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"
HACK = "document.documentElement.dataset.hacked=1"
HOSTILE = f'<img src=x onerror="{HACK}"><script>{HACK}</script>'
FIGURES = [
    "regimes",
    "probabilities",
    "baselines",
    "reliability",
    "cta-exposure",
    "wealth",
    "rolling",
    "sweep",
    "curves",
]
LINES = {
    "regimes": 1,
    "probabilities": 7,
    "baselines": 18,
    "reliability": 5,
    "cta-exposure": 1,
    "wealth": 9,
    "rolling": 4,
    "sweep": 0,
    "curves": 8,
}
# A page of the same folder looks into the report in a frame of the given width and writes down what
# it finds.
PROBE = """<!doctype html>
<iframe id="frame" src="report.html" style="width: WIDTHpx; height: 900px; border: 0"></iframe>
<output id="found"></output><script>
const each = (plots, look) =>
  Object.fromEntries(plots.map((plot) => [plot.dataset.figure, look(plot)]));
const overlap = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
  && a.top < b.bottom - 1 && b.top < a.bottom - 1;
const shown = (nodes) =>
  [...nodes].map((node) => node.getBoundingClientRect()).filter((box) => box.width > 0);
function layout(plot) {
  const room = plot.getBoundingClientRect();
  const words = [...plot.querySelectorAll("svg text")].filter((node) => node.textContent.trim());
  const outside = words.filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width > 0 && (box.left < room.left - 1 || box.right > room.right + 1
      || box.top < room.top - 1 || box.bottom > room.bottom + 1);
  }).map((node) => node.textContent);
  const clashes = ["g.xtick text", "g.x2tick text", "g.annotation text"].filter((query) => {
    const boxes = shown(plot.querySelectorAll(query));
    return boxes.some((box, i) => boxes.slice(i + 1).some((other) => overlap(box, other)));
  });
  const legend = shown(plot.querySelectorAll(".legend"))[0];
  const under = shown(plot.querySelectorAll(".scatterlayer .trace path, .annotation text"));
  const covered = Boolean(legend) && under.some((box) => overlap(box, legend));
  const sizes = words.map((node) => parseFloat(getComputedStyle(node).fontSize));
  return { outside, clashes, covered, small: Math.min(99, ...sizes) };
}
frame.onload = async () => {
  const page = frame.contentDocument, root = page.documentElement, inner = frame.contentWindow;
  const plots = [...page.querySelectorAll(".plot")];
  const found_ = {};
  if (PRINT) {
    inner.dispatchEvent(new Event("beforeprint"));
    found_.printed = each(plots, (plot) =>
      [plot.layout?.width, plot.querySelectorAll(".main-svg").length > 0]);
    found_.paper = plots[0].data[0].line.color;
    found_.open = [...page.querySelectorAll("details")].every((part) => part.open);
    inner.dispatchEvent(new Event("afterprint"));
  }
  for (let i = 0; i < 400 && !root.dataset.drawn; i += 1) {
    await new Promise((done) => setTimeout(done, 50));
  }
  const range = (plot) => plot.layout.xaxis.range;
  found_.whole = each(plots, range);
  found_.places = each(plots, layout);
  page.querySelector('[data-years="1"]').click();
  await new Promise((done) => setTimeout(done, 1500));
  const traces = plots.flatMap((plot) => plot.data.filter((trace) => trace.y?.length > 999));
  found.textContent = JSON.stringify({...found_, data: {...root.dataset}, year: each(plots, range),
    lines: each(plots, (plot) => plot.querySelectorAll(".scatterlayer .trace").length),
    images: each(plots, (plot) => plot.querySelectorAll(".heatmaplayer image").length),
    price: plots[0].data[0].line.color, words: plots[0].data[0].text[0],
    overflow: root.scrollWidth - root.clientWidth,
    wide: [...page.querySelectorAll("main *")]
      .filter((node) => node.getBoundingClientRect().right > root.clientWidth + 1)
      .filter((node) => !node.closest(".scroll, pre, .links, .spoken, .plot"))
      .map((node) => node.outerHTML.slice(0, 80)),
    sums: each(plots, (plot) => plot.data.map((trace) => trace.y instanceof inner.Float32Array
      ? [trace.y.length,
        trace.y.reduce((sum, value) => (Number.isNaN(value) ? sum : sum + value), 0)] : null)),
    legends: each(plots, (plot) => plot.querySelector(".legend")?.textContent ?? "") });
};
</script>"""


def _probe(
    folder: Path, content: ReportContent, width: int, *flags: str, prints: bool = False
) -> dict[str, Any]:
    (folder / "report.html").write_text(render(content), encoding="utf-8")
    probe = PROBE.replace("WIDTH", str(width)).replace("PRINT", str(prints).lower())
    (folder / "probe.html").write_text(probe, encoding="utf-8")
    command = [
        str(CHROMIUM),
        *FLAGS,
        *flags,
        f"--user-data-dir={folder / 'profile'}",
        (folder / "probe.html").as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    return dict(
        json.loads(unescape(done.stdout.split('<output id="found">')[1].split("</output>")[0]))
    )


def _nothing_is_cut_off(found: dict[str, Any]) -> None:
    assert found["overflow"] == 0 and found["wide"] == []
    for key, place in found["places"].items():
        assert place["outside"] == [] and place["clashes"] == [] and not place["covered"], (
            key,
            place,
        )
        assert place["small"] >= 10, (key, place)


def test_every_figure_is_drawn_and_zooms_on_a_desktop(
    tmp_path: Path, full_content: ReportContent
) -> None:
    found = _probe(tmp_path, full_content, 1280, LIGHT)
    assert found["data"]["drawn"] == str(len(FIGURES)) and "first" in found["data"]
    assert found["lines"] == LINES and list(found["whole"]) == FIGURES
    assert found["images"]["regimes"] == 2 and found["images"]["sweep"] == 1
    dated = [key for key in FIGURES if key not in ("reliability", "sweep", "curves")]
    assert [found["whole"][key] for key in dated] == [["2005-01-03", "2025-03-14"]] * len(dated)
    assert [found["year"][key] for key in dated] == [["2024-03-14", "2025-03-14"]] * len(dated)
    assert found["year"]["reliability"] == found["whole"]["reliability"]
    assert found["words"] == "Model: Deleveraging<br>After the fact: Calm"
    assert found["price"] == "#1c2126"
    _nothing_is_cut_off(found)


def test_twenty_years_with_everything_are_drawn_within_two_seconds(
    tmp_path: Path, full_content: ReportContent, simulated_view: SimulatedView
) -> None:
    content = dataclasses.replace(full_content, simulation=simulated_view)
    taken: list[int] = []
    while (
        len(taken) < 3 and min(taken, default=2000) >= 2000
    ):  # a busy machine gets two more chances
        taken.append(int(_probe(tmp_path, content, 1280)["data"]["milliseconds"]))
    assert min(taken) < 2000, taken


def test_columns_arrive_in_the_browser_as_they_left(
    tmp_path: Path, full_content: ReportContent
) -> None:
    found = _probe(tmp_path, full_content, 1280)["sums"]
    count = len(full_content.probabilities)
    assert found["regimes"][0] == [count, pytest.approx(full_content.prices.sum(), rel=1e-5)]
    assert found["probabilities"][4] == [
        count,
        pytest.approx(full_content.member_range["low"].sum(), abs=0.1),
    ]
    first, model = found["baselines"][:2]
    assert first == [count, pytest.approx(full_content.baselines["elastic_net"].sum(), abs=0.1)]
    assert model[1] == pytest.approx(full_content.probabilities["deleveraging"].sum(), abs=0.1)
    jump = next(
        sums
        for sums in found["baselines"][::2]
        if np.isclose(sums[1], full_content.baselines["online_jump"].sum(), atol=0.1)
    )
    assert jump[0] == count


def test_a_simulated_worlds_figures_zoom_with_the_rest_but_for_the_one_without_dates(
    tmp_path: Path, report_content: ReportContent, simulated_view: SimulatedView
) -> None:
    found = _probe(tmp_path, dataclasses.replace(report_content, simulation=simulated_view), 1280)
    assert found["data"]["drawn"] == "8"
    assert [*found["year"].values()][:7] == [["2024-03-14", "2025-03-14"]] * 7
    last = found["whole"]["simulation-reserves"]
    assert found["year"]["simulation-reserves"] == last and 0 < last[0] < last[1] < 30
    assert [*found["lines"].values()][4:] == [7, 2, 5, 4]
    assert found["images"]["simulation-prices"] == 1


def test_a_phone_in_the_dark_shows_everything_without_a_sideways_scroll(
    tmp_path: Path, full_content: ReportContent
) -> None:
    found = _probe(tmp_path, full_content, 390, DARK)
    assert found["data"]["drawn"] == str(len(FIGURES)) and found["lines"] == LINES
    assert found["price"] == "#e9e7e2"
    _nothing_is_cut_off(found)


def test_the_probe_sees_what_is_cut_off_clashing_covered_or_tiny(
    tmp_path: Path, report_content: ReportContent
) -> None:
    words = [f"a long name {place}" for place in range(12)]
    ugly = Figure(
        key="ugly",
        title="",
        caption="",
        alternative="",
        height=200,
        columns={},
        regimes=False,
        traces=[
            {"type": "scatter", "x": words, "y": [1.0] * 12, "name": "line", "showlegend": True}
        ],
        layout={
            "xaxis": {"type": "category", "tickangle": 0, "tickfont": {"size": 7}},
            "legend": {"x": 0, "y": 0.5},
            "margin": {"l": 0, "r": 0, "t": 0, "b": 20},
            "width": 300,
            "annotations": [
                {
                    "text": "far out",
                    "xref": "paper",
                    "yref": "paper",
                    "x": 1.5,
                    "y": 0.5,
                    "showarrow": False,
                }
            ],
        },
    )
    content = dataclasses.replace(
        report_content, sections=(Section(key="own", title="", sentence="", figure=ugly),)
    )
    place = _probe(tmp_path, content, 390)["places"]["ugly"]
    assert "far out" in place["outside"] and "g.xtick text" in place["clashes"]
    assert place["covered"] and place["small"] == 7


def test_no_strange_script_runs(tmp_path: Path, report_content: ReportContent) -> None:
    content = dataclasses.replace(
        report_content,
        notes=(HOSTILE,),
        title=HOSTILE,
        limitations=(HOSTILE,),
        equity=report_content.equity.rename(columns={"200dma": HOSTILE}),
    )
    found = _probe(tmp_path, content, 390, DARK)
    assert found["data"]["drawn"] == "4" and "hacked" not in found["data"]
    assert "<img src=x onerror=" in found["legends"]["wealth"] and found["overflow"] == 0


def test_a_bare_page_draws_what_it_has(tmp_path: Path, report_content: ReportContent) -> None:
    bare = dataclasses.replace(
        report_content,
        summary={},
        equity=report_content.equity.iloc[:0],
        families={},
        notes=(),
        exposure=report_content.exposure.iloc[:0],
        truth=report_content.truth.iloc[:0],
    )
    found = _probe(tmp_path, bare, 390, LIGHT)
    assert found["data"]["drawn"] == "2" and found["lines"] == {"regimes": 1, "probabilities": 4}
    _nothing_is_cut_off(found)


def test_paper_gets_every_figure_at_once_in_light_colours_and_of_its_width(
    tmp_path: Path, full_content: ReportContent
) -> None:
    found = _probe(tmp_path, full_content, 1280, DARK, prints=True)
    assert found["printed"] == {key: [680, True] for key in FIGURES}
    assert found["paper"] == "#1c2126" and found["open"]
    assert found["price"] == "#e9e7e2" and found["data"]["drawn"] == str(len(FIGURES))
    _nothing_is_cut_off(found)
