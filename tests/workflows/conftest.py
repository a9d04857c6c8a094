"""A data folder of a simulated market, and commands run on it inside the test's process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from regime.cli import main
from regime.panel.release_times import release_times
from regime.pipeline.settings import load_settings
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource

YEARS = 8
QUICK = (
    "splits.first_test=2012-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
)


class Answer(NamedTuple):
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def summary(self) -> dict[str, Any]:
        """The object of summary.json."""
        return json.loads((self.out / "summary.json").read_text(encoding="utf-8"))

    def frame(self, name: str) -> pd.DataFrame:
        """One of the two tables."""
        return pd.read_parquet(self.out / f"{name}.parquet")


@pytest.fixture(scope="session")
def simulated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated world in the catalogue's layout; not to be changed."""
    folder, names = tmp_path_factory.mktemp("simulated"), load_settings("us_macro.yaml").series
    catalogue = load_catalogue().only(names)
    rows = SimulatedSource(years=YEARS).read(catalogue, release_times=release_times).observations
    tables: dict[str, pd.DataFrame] = {}
    for name, own in rows.groupby("series", observed=True):
        spec = catalogue.series[str(name)]
        keys = {column: [text] * len(own) for column, text in (spec.where or {}).items()}
        table = pd.DataFrame(
            {"date": own["period"], **keys, spec.column: own["value"] / spec.scale}
        )
        known = tables.get(spec.path)
        tables[spec.path] = table if known is None else known.merge(table, how="outer")
    for path, table in tables.items():
        (folder / path).parent.mkdir(exist_ok=True)
        table.sort_values("date").to_csv(folder / path, index=False, date_format="%Y-%m-%d")
    return folder


@pytest.fixture
def own_folder(simulated_folder: Path, tmp_path: Path) -> Path:
    """A copy of the data folder that a test may spoil."""
    return Path(shutil.copytree(simulated_folder, tmp_path / "data"))


@pytest.fixture
def command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Answer]:
    """Run a command in a fresh working directory; ``--out`` is its folder `out`."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([*map(str, arguments), "--out", "out"])
        return Answer(code, *capsys.readouterr(), place / "out")

    return run


@pytest.fixture
def run_folder(command: Callable[..., Answer], own_folder: Path) -> Callable[..., Answer]:
    """`regime run us_macro.yaml` on the test's own folder, quickly."""
    return lambda *arguments: command(
        "run", "us_macro.yaml", "--data", own_folder, *QUICK, *arguments
    )


@pytest.fixture(scope="session")
def whole_run(simulated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """The run on the unspoilt folder, made once."""
    out = tmp_path_factory.mktemp("whole") / "out"
    code = main(
        ["run", "us_macro.yaml", "--data", str(simulated_folder), "--out", str(out), *QUICK]
    )
    assert code == 0
    return Answer(code, "", "", out)
