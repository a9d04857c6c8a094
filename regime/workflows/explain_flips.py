"""How far a mechanism is from changing the regime: the smallest move of its features that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.runtime.predict import SavedModel
from regime.schema import REGIMES, STRESS_CODE, FeatureSpec

__all__ = ["directions", "flip_table"]

FURTHEST = 4.0  # standard deviations
STEP = 0.01  # of the bracketing: a flip that is undone again within a hundredth may be passed over
CLOSE = 1e-6


def directions(
    model: SavedModel, history: pd.DataFrame, specs: Sequence[FeatureSpec]
) -> dict[str, dict[str, float]]:
    """How each mechanism's features move together.

    Parameters
    ----------
    model : SavedModel
    history : DataFrame, shape (n_known_sessions, n_features)
        Up to the model's refit: the standard deviations are of it.
    specs : sequence of FeatureSpec

    Returns
    -------
    dict of str to dict of str to float
        By mechanism, the move of each of its features in its own unit: one standard deviation in
        the direction that its expected sign says raises the probability of a deleveraging; where
        none is expected, in that of the model's own logistic weight. Features without spread are
        left out; a mechanism without any stays, empty.
    """
    weight = (
        dict(zip(model.features, model.parts.linear.coef, strict=True))
        if model.parts.linear
        else {}
    )
    deviation = history[list(model.features)].std(ddof=0).fillna(0.0)
    found: dict[str, dict[str, float]] = {}
    for spec in specs:
        if spec.name not in model.features:
            continue
        own = found.setdefault(spec.mechanism, {})
        if deviation[spec.name] > 0:
            own[spec.name] = (spec.sign or (-1 if weight.get(spec.name, 0.0) < 0 else 1)) * float(
                deviation[spec.name]
            )
    return found


def flip_table(
    model: SavedModel,
    row: pd.DataFrame,
    moves: Mapping[str, Mapping[str, float]],
    history: pd.DataFrame,
) -> pd.DataFrame:
    """Smallest move of each mechanism after which deleveraging is, or no longer is, the most likely regime.

    Parameters
    ----------
    model : SavedModel
    row : DataFrame, shape (1, n_features)
        The session; a feature that is NaN stays so, and one that has had two values only takes the
        nearer of them.
    moves : mapping of str to mapping of str to float
        As from `directions`.
    history : DataFrame, shape (n_known_sessions, n_features)
        Up to the model's refit: what values features have had.

    Returns
    -------
    DataFrame, one row a mechanism, the shortest move first
        ``move``: in standard deviations, above 0 towards a deleveraging; None where none within 4
        flips. ``regime`` and ``deleveraging``: most likely regime and probability after it.
        ``seen``: whether no moved feature leaves the range that it has had. ``features``: by name,
        its value after the move.
    """
    rows = [
        {"mechanism": name, **_flip(model, row, pd.Series(dict(own), dtype=float), history)}
        for name, own in moves.items()
    ]
    columns = ["mechanism", "move", "regime", "deleveraging", "seen", "features"]
    table = pd.DataFrame(
        rows, columns=columns, dtype=object
    )  # a column of floats would hold no None
    order = (
        table["move"]
        .map(lambda move: np.inf if move is None else abs(move))
        .sort_values(kind="stable")
        .index
    )
    return table.loc[order].set_index("mechanism")


def _flip(
    model: SavedModel, row: pd.DataFrame, unit: pd.Series, history: pd.DataFrame
) -> dict[str, Any]:
    own = row[list(model.features)]
    known = unit[own[unit.index].iloc[0].notna().to_numpy()]
    levels = {name: history[name].dropna().unique() for name in known.index}

    def moved(sizes: Floats) -> pd.DataFrame:
        table = pd.DataFrame(
            np.repeat(own.to_numpy(dtype=float), len(sizes), axis=0), columns=own.columns
        )
        for name, step in known.items():
            table[name] = _possible(table[name].to_numpy() + sizes * step, levels[name])
        return table

    move = _smallest(lambda sizes: _on_top(model, moved(sizes))) if len(known) else None
    if move is None:
        return {"move": None, "regime": None, "deleveraging": None, "seen": None, "features": {}}
    after = moved(np.array([move]))
    probabilities = model.predict_proba(after)[0]
    values = {str(name): float(after[name].iloc[0]) for name in known.index}
    return {
        "move": move,
        "regime": REGIMES[int(probabilities.argmax())],
        "deleveraging": float(probabilities[STRESS_CODE]),
        "seen": all(
            bool(history[name].min() <= value <= history[name].max())
            for name, value in values.items()
        ),
        "features": values,
    }


def _possible(values: Floats, levels: Floats) -> Floats:
    """A mark such as 0 or 1 as it can be: a tree would take a thousandth of it for all of it."""
    if len(levels) != 2:
        return values
    low, high = sorted(levels)
    return np.asarray(np.where(values > (low + high) / 2, high, low))


def _on_top(model: SavedModel, rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether deleveraging is more likely than each other regime."""
    probabilities = model.predict_proba(rows)
    return np.asarray(
        probabilities[:, STRESS_CODE] > np.delete(probabilities, STRESS_CODE, axis=1).max(axis=1)
    )


def _smallest(on_top: Callable[[Floats], NDArray[np.bool_]]) -> float | None:
    """The shorter of the first flips on either side, to a millionth.

    None where there is neither.
    """
    sizes: Floats = np.arange(round(FURTHEST / STEP) + 1, dtype=np.float64) * STEP
    found = []
    for side in (1.0, -1.0):
        states = on_top(side * sizes)
        flipped = np.flatnonzero(states != states[0])
        if flipped.size:
            found.append(
                side
                * _bisected(on_top, side, sizes[flipped[0] - 1], sizes[flipped[0]], bool(states[0]))
            )
    return min(found, key=abs, default=None)


def _bisected(
    on_top: Callable[[Floats], NDArray[np.bool_]], side: float, low: float, high: float, start: bool
) -> float:
    """End of the bracket on which the regime has flipped."""
    while high - low > CLOSE:
        middle = (low + high) / 2
        if bool(on_top(np.array([side * middle]))[0]) == start:
            low = middle
        else:
            high = middle
    return float(high)
