"""The page in headless Chromium: every figure drawn, nothing on the console, no script of others, phone width."""

import dataclasses
import json
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from regime.report.page import ReportContent, render
from regime.report.world_figures import SimulatedView

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=20000",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1280,900", "--dump-dom")
HACK = "document.documentElement.dataset.hacked=1"
HOSTILE = f'<img src=x onerror="{HACK}"><script>{HACK}</script>'
# A page of the same folder looks into the report in a frame of the given width and writes down what it finds.
PROBE = """<!doctype html>
<iframe id="frame" src="report.html" style="width: {width}px; height: 3000px; border: 0"></iframe>
<output id="found"></output><script>
frame.onload = async () => {{
  const page = frame.contentDocument, root = page.documentElement;
  for (let i = 0; i < 200 && !root.dataset.drawn; i += 1) await new Promise((done) => setTimeout(done, 50));
  const plots = [...page.querySelectorAll(".plot")];
  const whole = plots.map((plot) => plot.layout.xaxis.range);
  page.querySelector('[data-years="1"]').click();
  await new Promise((done) => setTimeout(done, 500));
  found.textContent = JSON.stringify({{
    data: {{...root.dataset}}, whole, year: plots.map((plot) => plot.layout.xaxis.range),
    lines: plots.map((plot) => plot.querySelectorAll(".scatterlayer .trace").length),
    strips: page.querySelectorAll(".heatmaplayer image").length, price: plots[0].data[0].line.color,
    words: plots[0].data[0].text[0], overflow: root.scrollWidth - root.clientWidth,
    legend: plots[2].querySelector(".legend").textContent }});
}};
</script>"""


def _probe(folder: Path, content: ReportContent, width: int, *flags: str) -> dict[str, Any]:
    (folder / "report.html").write_text(render(content), encoding="utf-8")
    (folder / "probe.html").write_text(PROBE.format(width=width), encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS, *flags, f"--user-data-dir={folder / 'profile'}", (folder / "probe.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    return dict(json.loads(unescape(done.stdout.split('<output id="found">')[1].split("</output>")[0])))


def test_every_figure_is_drawn_and_zooms_on_a_desktop(tmp_path: Path, report_content: ReportContent) -> None:
    found = _probe(tmp_path, report_content, 1280, "--blink-settings=preferredColorScheme=1")
    assert found["data"]["drawn"] == "3"
    assert found["lines"] == [1, 4, 9] and found["strips"] == 2
    assert found["whole"] == [["2005-01-03", "2025-03-14"]] * 3
    assert found["year"] == [["2024-03-14", "2025-03-14"]] * 3
    assert found["words"] == "Model: Deleveraging<br>After the fact: Calm"
    assert found["price"] == "#1c2126"


def test_a_simulated_worlds_figures_zoom_with_the_rest_but_for_the_one_without_dates(
        tmp_path: Path, report_content: ReportContent, simulated_view: SimulatedView) -> None:
    found = _probe(tmp_path, dataclasses.replace(report_content, world=simulated_view), 1280)
    assert found["data"]["drawn"] == "7"
    assert found["year"][:6] == [["2024-03-14", "2025-03-14"]] * 6
    assert found["year"][6] == found["whole"][6] and 0 < found["whole"][6][0] < found["whole"][6][1] < 30
    assert found["lines"][3:] == [7, 2, 5, 4] and found["strips"] == 3


def test_a_phone_in_the_dark_needs_no_sideways_scroll_and_runs_no_strange_script(
        tmp_path: Path, report_content: ReportContent) -> None:
    content = dataclasses.replace(report_content, notes=(HOSTILE,), title=HOSTILE,
                                  equity=report_content.equity.rename(columns={"200dma": HOSTILE}))
    found = _probe(tmp_path, content, 390, "--blink-settings=preferredColorScheme=0")
    assert found["data"]["drawn"] == "3" and "hacked" not in found["data"]
    assert found["overflow"] == 0
    assert found["price"] == "#e9e7e2"
    assert "<img src=x onerror=" in found["legend"]
