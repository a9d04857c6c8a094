"""What the checks compare is declared, and a wrong declaration is answered fault by fault."""

from pathlib import Path

import pytest

from regime.errors import ConfigError
from regime.sources.catalogue import load_catalogue
from regime.sources.quality.expectations import (
    BarColumns,
    Expectations,
    ReferenceSeries,
    TableSpec,
    load_expectations,
)

SERIES = "series: {}\n"


def written(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    (folder / name).write_text(SERIES + text if name == "mine.yaml" else text, encoding="utf-8")
    return folder / "mine.yaml"


def test_a_catalogue_without_checks_compares_nothing(tmp_path: Path) -> None:
    assert load_expectations(written(tmp_path, "")) == Expectations()


def test_checks_are_in_the_catalogue_or_in_a_file_beside_it(tmp_path: Path) -> None:
    table = "{title: T, paths: [a.csv], references: [{path: b.csv}]}"
    inside = f"{{series: {{oil: {{bars: {{}}}}}}, tables: {{t: {table}}}}}"
    here = load_expectations(written(tmp_path, f"checks: {inside}"))
    assert here.series["oil"].bars == BarColumns()
    assert here.tables["t"] == TableSpec(
        name="t", title="T", paths=("a.csv",), references=(ReferenceSeries(path="b.csv"),)
    )
    written(tmp_path, inside, "beside.yaml")
    assert load_expectations(written(tmp_path, "checks: beside.yaml")) == here


def test_faults_of_all_entries_come_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_expectations(
            written(
                tmp_path,
                """
checks:
  serie: {}
  series: {oil: {bras: {}}, gas: {references: [{path: ../b.csv}]},
           coal: {references: [{path: b.csv, tolerance: 0}]}}
  tables: {t: {title: T, paths: []}, u: {paths: [/etc/passwd], title: U}, v: 7,
           w: {title: W, paths: [a], low: 2, high: 1}}
""",
            )
        )
    message = str(error.value)
    for part in (
        "unknown key `serie`",
        "series.oil: unknown key `bras`; did you mean `bars`?",
        "series.gas",
        "must stay inside the data folder, got `../b.csv`",
        "tolerance: must be positive",
        "tables.t: paths: name at least one file",
        "got `/etc/passwd`",
        "tables.v",
        "low: must be below high",
    ):
        assert part in message, part


@pytest.mark.parametrize("text", ["checks: 7", "checks: {series: [oil]}", "checks: nowhere.yaml"])
def test_checks_of_another_form_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load_expectations(written(tmp_path, text))


def test_the_shipped_checks_expect_series_of_the_catalogue() -> None:
    expected, catalogue = load_expectations("series.yaml"), load_catalogue()
    named = {
        name
        for name, expectation in expected.series.items()
        for name in (name, *expectation.one_unit)
    }
    assert named <= set(catalogue.series)
    paths = [path for table in expected.tables.values() for path in table.paths]
    assert len(paths) == len(set(paths))
