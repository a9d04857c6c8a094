"""`regime run` prints on the terminal that it found no skill."""

import json
from typing import Any

import pytest

from regime.cli import main

TEXT = "no skill over vix: -3.3% of its log loss, 90% interval -20.0% to 10.0%"


@pytest.mark.parametrize("passed", [False, True])
def test_a_run_without_skill_prints_it(
    straw: Any, capsys: pytest.CaptureFixture[str], passed: bool
) -> None:
    straw.summary["skill_gate"] = {
        "required": False,
        "passed": passed,
        "baseline": "vix",
        "text": TEXT,
    }
    assert main(["run", "demo.yaml"]) == 0
    assert (TEXT in capsys.readouterr().out) is not passed
    assert main(["run", "demo.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["skill_gate"]["text"] == TEXT
