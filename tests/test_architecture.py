"""The house plan, read from the syntax trees.

Who may import whom, one door a heavy library.

Each law is a function from modules to faults, so that a planted violation shows that it can fail.
"""

import ast
import json
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import regime

PACKAGE = Path(regime.__file__).parent
ROOMS = {
    "pipeline",
    "studies",
    "sources",
    "panel",
    "features",
    "labels",
    "splits",
    "models",
    "evaluation",
    "rules",
    "backtest",
    "report",
    "runtime",
    "mechanisms",
    "workflows",
    "cli",
}
MOST_MODULES = 16
# The floors, lowest first: an import goes down, or stays in its own folder. Every folder that is
# named on no floor is a stage, and a stage never imports another.
STAGES = "stages"
FLOORS = (
    {"facade", "ground", "runtime"},
    {STAGES},
    {"models", "mechanisms"},
    {"features"},
    {"pipeline"},
    {"studies"},
    {"report"},
    {"workflows"},
    {"cli"},
)
# Beyond the floors: what is known on a day must not see labels, truths or returns of a rule.
JUDGES = {"labels", "splits", "evaluation", "rules", "backtest"}
BARRED = {
    "features": {*JUDGES, "models"},
    "mechanisms": JUDGES,
    "models": {"evaluation", "rules", "backtest"},
}
# Tables of a run, shared by the page and the terminal.
SPOKEN = {
    "regime.report.sections.mechanisms",
    "regime.report.sentences",
    "regime.report.tables",
}
DOORS = {
    "mlflow": {"regime.tracking"},
    "vectorbt": {"regime.backtest.engine"},
    "lightgbm": {"regime.models.classifier", "regime.runtime"},
    "optuna": {"regime.studies.tuning"},
}
EPISODE_READERS = {"read_episodes", "truth_from_episodes"}
EPISODE_ROOMS = {"evaluation", "workflows"}
# The one module of a study that turns a list of episodes into a truth, for the verbs.
EPISODE_MODULES = {"regime.studies.significance.scoring"}
HEAVY = {
    "pandas",
    "numpy",
    "scipy",
    "sklearn",
    "lightgbm",
    "mlflow",
    "vectorbt",
    "numba",
    "plotly",
    "pyarrow",
    "exchange_calendars",
    "pydantic",
    "yaml",
    "rich",
    "typer",
    "joblib",
}
# What the simulated world may share with mechanisms: nothing that computes.
SHARED_GROUND = {
    "regime.arrays",
    "regime.config",
    "regime.errors",
    "regime.registry",
    "regime.schema",
}


def sources():
    """Text of every module of the package by dotted name."""
    texts = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        texts[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(
            encoding="utf-8"
        )
    return texts


SOURCES = sources()
TREES = {name: ast.parse(text) for name, text in SOURCES.items()}
PACKAGES = {
    path.parent.relative_to(PACKAGE.parent).as_posix().replace("/", ".")
    for path in PACKAGE.rglob("__init__.py")
}


def room(module):
    """First folder under `regime`.

    `ground` for a module that stands there itself, `facade` for the package.
    """
    parts = module.split(".")
    if len(parts) < 3 and module not in PACKAGES:
        return "ground"
    return parts[1] if len(parts) > 1 else "facade"


def imported(name, tree):
    """Dotted names that a module imports, by statement or by a name for `import_module`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = origin(name, node)
            found |= {
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in SOURCES else base
                for alias in node.names
            }
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {
            "import_module",
            "__import__",
        }:
            found |= {
                arg.value
                for arg in node.args
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            }
    return found


def origin(name, node):
    """What a `from` statement imports from, relative dots resolved."""
    if not node.level:
        return node.module
    home = name.split(".")[: len(name.split(".")) - node.level + (name in PACKAGES)]
    return ".".join([*home, node.module] if node.module else home)


def floor(name):
    """Place of a folder among the floors."""
    return next((i for i, names in enumerate(FLOORS) if name in names), FLOORS.index({STAGES}))


def study(module):
    """The study that a module belongs to; None for the folder of all studies."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 else None


def may_import(importer, target):
    """Whether the one-way rule lets module `importer` use module `target` of the package."""
    here, there = room(importer), room(target)
    if here == "facade":
        return True
    if here == "runtime":
        return there == "runtime" or target in {
            "regime",
            "regime.arrays",
            "regime.artifacts",
            "regime.errors",
        }
    if there in FLOORS[0]:
        return True
    if here == there:
        return here != "studies" or study(importer) == study(target)
    if here == "cli":
        return there in {"pipeline", "studies", "workflows"} or target in SPOKEN
    if there in BARRED.get(here, ()):
        return False
    return floor(there) < floor(here)


def wrong_way(trees):
    """Imports inside the package that go up, or from one stage to another."""
    return [
        f"{name} imports {target}"
        for name, tree in trees.items()
        for target in sorted(imported(name, tree))
        if target.split(".")[0] == "regime" and not may_import(name, target)
    ]


def wrong_door(trees):
    """Imports of a heavy library elsewhere than at its door."""
    return [
        f"{name} imports {target}"
        for name, tree in trees.items()
        for target in sorted(imported(name, tree))
        if not any(
            name == door or name.startswith(f"{door}.")
            for door in DOORS.get(target.split(".")[0], {name})
        )
    ]


def unlazy(trees):
    """Libraries that take seconds to load, imported at the top of a module."""
    faults = []
    for name, tree in trees.items():
        top = ast.Module(
            [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], []
        )
        faults += [
            f"{name} imports {target} at the top"
            for target in sorted(imported(name, top))
            if target.split(".")[0] in {*DOORS, "plotly", "exchange_calendars", "joblib"}
        ]
    return faults


def cycles(trees):
    """Modules whose imports lead back to themselves."""
    graph = {
        name: {target for target in imported(name, tree) if target in trees} - {name, "regime"}
        for name, tree in trees.items()
        if name != "regime"
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def reach(start, trees):
    """Modules of the package that importing `start` may pull in, itself included."""
    seen, open_ = set(), [start]
    while open_:
        name = open_.pop()
        if name in trees and name not in seen:
            seen.add(name)
            open_ += imported(name, trees[name])
    return seen


def episode_readers(trees):
    """Whoever knows of episode files.

    Names the readers, takes such an argument, or does more than pass it on.
    """
    faults = []
    for name, tree in trees.items():
        here = room(name)
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        if names & EPISODE_READERS and here not in EPISODE_ROOMS and name not in EPISODE_MODULES:
            faults.append(f"{name} reads episodes")
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        takers = [
            f
            for f in functions
            if "episodes" in {a.arg for a in [*f.args.args, *f.args.kwonlyargs]}
        ]
        if takers and here not in {*EPISODE_ROOMS, "cli"} and name not in EPISODE_MODULES:
            faults.append(f"{name} takes episodes")
        if here == "workflows":
            faults += [
                f"{name}: {taker.name} gives episodes to {call}"
                for taker in takers
                for call in sorted(receivers(taker) - {"Path", "truth_of", "truth_from_episodes"})
            ]
        strings = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and " " not in node.value
        }
        if any("episodes.csv" in text for text in strings):
            faults.append(f"{name} names an episodes file")
    return faults


def receivers(function):
    """Names of the calls that take the argument `episodes`, and of the methods called on it."""
    found = set()
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        handed = [*call.args, *(keyword.value for keyword in call.keywords)]
        direct = any(isinstance(arg, ast.Name) and arg.id == "episodes" for arg in handed)
        own = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
        if direct or (own and call.func.value.id == "episodes"):
            found.add(ast.unparse(call.func))
    return found


def vague_names(texts):
    """Modules named for nothing."""
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "tools"}
    return [name for name in texts if vague & set(name.replace("_", ".").split("."))]


def none(faults):
    assert not faults, "\n".join(["", *faults])


def alone(module, text):
    return {module: ast.parse(text)}


def among(module, text):
    return {**TREES, module: ast.parse(text)}


def test_the_package_was_found():
    assert {
        "regime",
        "regime.errors",
        "regime.features.feature_set",
        "regime.cli.commands.run",
    } <= set(SOURCES)
    assert {room(name) for name in SOURCES} >= {"facade", "ground", *ROOMS}


def test_imports_go_one_way():
    none(wrong_way(TREES))


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("regime.features.planted", "from regime.labels.episodes import EpisodeLabels"),
        ("regime.features.planted", "def late():\n    from regime.models import calibration"),
        ("regime.features.planted", "from ..labels import episodes"),
        (
            "regime.models.planted",
            "import importlib\nimportlib.import_module('regime.evaluation.truth')",
        ),
        ("regime.mechanisms.planted", "from regime.features.dollar import DollarFeatures"),
        ("regime.planted", "from regime.mechanisms.cta.exposure import trend_exposure"),
        ("regime.planted", "import regime.workflows.run"),
        ("regime.labels.planted", "from regime.pipeline.market_data import World"),
        ("regime.workflows.planted", "from regime.cli.app import app"),
        ("regime.cli.planted", "from regime.report.page import render"),
        ("regime.cli.planted", "from regime.models.classifier import DeleveragingClassifier"),
        ("regime.runtime.planted", "from regime.schema import REGIMES"),
        ("regime.runtime.planted", "from regime import kernels"),
    ],
)
def test_a_planted_import_is_caught(module, text):
    assert [fault.split()[0] for fault in wrong_way(alone(module, text))] == [module]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (
            "regime.features.planted",
            "from regime import kernels\nfrom regime.mechanisms import cta",
        ),
        (
            "regime.models.planted",
            "from regime.runtime.formula import ModelParts\nfrom . import linear_head",
        ),
        (
            "regime.cli.planted",
            "from regime.report.tables import Table\nfrom regime.workflows.run import run",
        ),
        (
            "regime.runtime.planted",
            "from regime.artifacts import to_json\nfrom regime.errors import BundleError",
        ),
    ],
)
def test_an_honest_import_is_let_through(module, text):
    assert wrong_way(alone(module, text)) == []


def test_imports_never_lead_back():
    none(cycles(TREES))
    assert cycles(among("regime.errors", "def late():\n    from regime.schema import REGIMES"))


def test_one_door_for_each_heavy_library():
    none(wrong_door(TREES))
    none(unlazy(TREES))


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("regime.workflows.planted", "import mlflow.tracking"),
        ("regime.backtest.sweep", "def run():\n    import vectorbt as vbt"),
        ("regime.models.linear_head", "from lightgbm import Booster"),
        ("regime.runtimes", "import lightgbm"),
        ("regime.workflows.planted", "import optuna"),
        ("regime.performance", "from importlib import import_module\nimport_module('mlflow')"),
    ],
)
def test_a_planted_second_door_is_caught(module, text):
    assert [fault.split()[0] for fault in wrong_door(alone(module, text))] == [module]


def test_a_heavy_import_at_the_top_is_caught():
    assert unlazy(alone("regime.models.classifier", "import lightgbm")) == [
        "regime.models.classifier imports lightgbm at the top"
    ]


def test_the_simulated_world_shares_no_code_with_mechanisms():
    worlds = [name for name in TREES if name.startswith("regime.sources")]
    assert any("simulat" in name for name in worlds)
    mechanics = set().union(
        *(reach(name, TREES) for name in TREES if name.startswith("regime.mechanisms"))
    )
    for module in worlds:
        touched = reach(module, TREES)
        assert not {
            name for name in touched if name.startswith(("regime.mechanisms", "regime.kernels"))
        }, module
        assert touched & mechanics <= SHARED_GROUND, module
    leak = among("regime.sources.csv_table", "from regime.mechanisms.cta.exposure import speeds")
    assert "regime.mechanisms.cta.exposure" in reach("regime.sources.file_source", leak)


def test_evaluation_alone_knows_of_episodes_files():
    none(episode_readers(TREES))


@pytest.mark.parametrize(
    ("module", "text", "fault"),
    [
        (
            "regime.labels.planted",
            "from regime.evaluation.truth import read_episodes",
            "reads episodes",
        ),
        ("regime.models.planted", "def fit(X, *, episodes): ...", "takes episodes"),
        ("regime.features.planted", "PLACE = 'shared/episodes.csv'", "names an episodes file"),
        (
            "regime.workflows.planted",
            "def run(config, episodes):\n    train(config, dates=episodes)",
            "to train",
        ),
        (
            "regime.workflows.planted",
            "def run(episodes):\n    return episodes.read_text()",
            "to episodes.read_text",
        ),
    ],
)
def test_a_planted_use_of_episodes_is_caught(module, text, fault):
    found = episode_readers(alone(module, text))
    assert len(found) == 1 and found[0].startswith(module) and fault in found[0]


def test_no_module_is_named_for_nothing():
    none(vague_names(SOURCES))
    assert vague_names(
        {"regime.features.utils": "", "regime.data_helpers": "", "regime.labels.basket": ""}
    ) == ["regime.features.utils", "regime.data_helpers"]


def test_importing_the_package_loads_nothing_heavy():
    def loaded(statement):
        code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return {name.split(".")[0] for name in json.loads(done.stdout)}

    assert loaded("import regime") & HEAVY == set()
    assert loaded("import regime.cli") & HEAVY == set()
    assert "pandas" in loaded(
        "from regime import REGIMES"
    )  # so the question can be answered with yes


def crowded(files):
    """Folders that hold more modules than a reader takes in."""
    counts = Counter(Path(name).parent.as_posix() for name in files)
    return [f"{folder} holds {n} modules" for folder, n in counts.items() if n > MOST_MODULES]


def test_no_folder_is_crowded():
    none(crowded(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")))
    many = [f"rules/rule_{i}.py" for i in range(MOST_MODULES + 1)]
    assert crowded(many) == [f"rules holds {MOST_MODULES + 1} modules"]
    assert crowded(many[1:]) == []
