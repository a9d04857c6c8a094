"""Documents of version 1 in the words of this one; golden files were written by that version."""

import json
from pathlib import Path

import pytest
import yaml

from regime.errors import InvalidDataError
from regime.migrations import MIGRATIONS, SCHEMA_VERSION, upgrade, upgrade_names

GOLDEN = Path(__file__).parent / "golden" / "v1"
OLD_WORDS = {"luck", "honesty", "rival", "rivals", "best_rival", "gate", "ways", "aim", "world"}


def _keys(document: object) -> set[str]:
    if isinstance(document, dict):
        return set(document).union(*map(_keys, document.values()))
    if isinstance(document, list):
        return set().union(*map(_keys, document))
    return set()


def _values(document: object) -> list[object]:
    if isinstance(document, dict):
        return [leaf for value in document.values() for leaf in _values(value)]
    if isinstance(document, list):
        return [leaf for value in document for leaf in _values(value)]
    return [document]


@pytest.fixture
def old_summary() -> dict[str, object]:
    return json.loads((GOLDEN / "run" / "summary.json").read_text(encoding="utf-8"))


def test_a_summary_changes_its_keys_and_none_of_its_values(old_summary: dict[str, object]) -> None:
    summary = upgrade("summary", old_summary, "summary.json")
    assert next(iter(summary)) == "schema_version" and summary["schema_version"] == SCHEMA_VERSION
    assert _values(summary)[1:] == _values(old_summary)
    assert OLD_WORDS & _keys(old_summary) and not OLD_WORDS & _keys(summary)
    assert summary["skill_gate"]["baseline"] == old_summary["gate"]["rival"]  # type: ignore[index]
    assert summary["significance"]["skill"]["best_baseline"] == "elastic_net"
    assert "best_baseline_precision" in summary["sensitivity"]["periods"][0]
    assert "target" in summary["calibration"]["sets"]


def test_every_renamed_key_of_a_summary_occurs_in_the_golden(
    old_summary: dict[str, object],
) -> None:
    def paths(document: object, path: str = "") -> set[str]:
        if isinstance(document, dict):
            inner = {key: f"{path}.{key}" if path else key for key in document}
            return set(inner.values()).union(*(paths(v, inner[k]) for k, v in document.items()))
        if isinstance(document, list):
            return set().union(*(paths(item, f"{path}[]") for item in document))
        return set()

    # The golden run was clean; a finding of version 1 had this key among others.
    found = {"audit": {"findings": [{"place": "a.py:3"}]}}
    assert set(MIGRATIONS["summary"].renamed) <= paths(old_summary) | paths(found)


@pytest.mark.parametrize("kind", MIGRATIONS)
def test_this_version_passes_unchanged_and_others_are_refused(kind: str) -> None:
    document = {"schema_version": SCHEMA_VERSION, "gate": {"rival": 1}, "blocks": [{"rival": 2}]}
    assert upgrade(kind, document, "a.json") == document
    for version in (0, SCHEMA_VERSION + 1, "2", None):
        with pytest.raises(InvalidDataError, match=r"a\.json: schema version .* install"):
            upgrade(kind, {**document, "schema_version": version}, "a.json")


def test_a_document_is_not_changed_in_place(old_summary: dict[str, object]) -> None:
    before = json.dumps(old_summary)
    upgrade("summary", old_summary, "summary.json")
    assert json.dumps(old_summary) == before


def test_tags_and_metrics_of_an_mlflow_run_get_their_new_names() -> None:
    run = json.loads((GOLDEN / "mlflow_run.json").read_text(encoding="utf-8"))
    tags = upgrade_names("mlflow run", run["tags"])
    metrics = upgrade_names("mlflow run", run["metrics"])
    assert "skill_gate" in tags and "gate" not in tags and tags["audit"] == run["tags"]["audit"]
    assert metrics["significance.deflated_sharpe"] == run["metrics"]["luck.deflated_sharpe"]
    assert list(metrics.values()) == list(run["metrics"].values())
    assert not any(name.startswith("luck") for name in metrics)
    assert upgrade_names("mlflow run", metrics) == metrics


def test_tuned_choices_get_their_new_keys() -> None:
    text = "blocks:\n- {year: 2014, rival: vix, design: {truth: {basket: 0.5}}, trials: 3}\n"
    choices = upgrade("tuned choices", yaml.safe_load(text), "tuned.yaml")
    (block,) = choices["blocks"]
    assert list(block) == ["year", "baseline", "parameters", "trials"]
