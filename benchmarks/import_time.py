"""Time from a cold process: `import regime`, `regime --help`, and a saved model's first answer.

Each is the least of several processes, interleaved with the obvious yardstick: `import pandas` for
the import, a bare `import lightgbm` for the answer (whatever else is installed, lightgbm imports
it).

Usage: python benchmarks/import_time.py [--json]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lightgbm
import numpy as np

from regime.runtime.bundle import write_bundle
from regime.runtime.formula import Linear, ModelParts

IMPORT_CLAIM, HELP_CLAIM, ANSWER_CLAIM, REPEATS = 1.2, 0.5, 1.2, 5
FEATURES = tuple(f"feature_{number}" for number in range(50))
HELP = "import sys; from regime.cli import main; sys.exit(main(['--help']))"
ANSWER = """
import sys, regime
model = regime.load_model(sys.argv[1])
assert model.predict_proba({name: [0.0] for name in model.features}).shape == (1, 4)
"""


def example_bundle(folder: Path) -> Path:
    """Two boosters of 150 small trees, a phase booster and a logistic over 50 features."""
    random = np.random.default_rng(7)
    x, stress = random.normal(size=(3000, len(FEATURES))), random.random(3000) < 0.2
    shared = {"verbosity": -1, "num_leaves": 7, "num_threads": 1, "extra_trees": True}

    def text(label: np.ndarray, **params: object) -> str:
        data = lightgbm.Dataset(x, label, feature_name=list(FEATURES))
        return str(lightgbm.train({**shared, **params}, data, 150).model_to_string())

    parts = ModelParts(
        features=FEATURES,
        stress_boosters=tuple(text(stress, objective="binary", seed=seed) for seed in (1, 2)),
        phase_booster=text(random.integers(0, 3, 3000), objective="multiclass", num_class=3),
        linear=Linear(
            center=(0.0,) * 50,
            scale=(1.0,) * 50,
            clip=(3.0,) * 50,
            coef=(0.01,) * 50,
            intercept=0.0,
        ),
        linear_weight=0.5,
        phase_prior=(0.6, 0.2, 0.2),
    )
    return write_bundle(
        folder / "model",
        parts,
        golden=dict(zip(FEATURES, x[:20].T, strict=True)),
        rule={},
        training_window=("", ""),
        data_hash="",
    )


def seconds(code: str, *arguments: str) -> float:
    """Wall seconds of one process."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
    return time.perf_counter() - begin


def measure() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as scratch:
        bundle = str(example_bundle(Path(scratch)))
        codes = {
            "import_regime": ("import regime",),
            "import_pandas": ("import pandas",),
            "help": (HELP,),
            "answer": (ANSWER, bundle),
            "import_lightgbm": ("import lightgbm",),
        }
        best = dict.fromkeys(codes, float("inf"))
        for _ in range(REPEATS):
            for name, call in codes.items():
                best[name] = min(best[name], seconds(*call))
    ratios = {
        "import": best["import_regime"] / best["import_pandas"],
        "answer": best["answer"] / best["import_lightgbm"],
    }
    passed = (
        ratios["import"] <= IMPORT_CLAIM
        and best["help"] <= HELP_CLAIM
        and ratios["answer"] <= ANSWER_CLAIM
    )
    return {
        "seconds": {name: round(value, 3) for name, value in best.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "passed": passed,
    }


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        own, ratio = result["seconds"], result["ratios"]
        print(
            f"import regime    {ratio['import']}x import pandas (claim {IMPORT_CLAIM:g}x): "
            f"{own['import_regime']} s against {own['import_pandas']} s"
        )
        print(f"regime --help    {own['help']} s (claim {HELP_CLAIM:g} s)")
        print(
            f"first answer     {ratio['answer']}x import lightgbm (claim {ANSWER_CLAIM:g}x): "
            f"{own['answer']} s against {own['import_lightgbm']} s, load_model and one row"
        )
        print("kept" if result["passed"] else "BROKEN")
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
