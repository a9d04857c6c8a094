"""`regime run` says on the terminal that it found no skill."""

import json
from typing import Any

import pytest

from regime.cli import main

TEXT = "no skill over vix: -3.3% of its log loss, 90% interval -20.0% to 10.0%"


@pytest.mark.parametrize(("passed", "said"), [(False, True), (True, False)])
def test_a_run_without_skill_says_so(
    straw: Any, capsys: pytest.CaptureFixture[str], passed: bool, said: bool
) -> None:
    straw.summary["gate"] = {"required": False, "passed": passed, "rival": "vix", "text": TEXT}
    assert main(["run", "demo.yaml"]) == 0
    out = capsys.readouterr().out
    assert (f"Gate: {TEXT}" in out) is said
    assert main(["run", "demo.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["gate"]["text"] == TEXT
