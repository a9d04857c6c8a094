"""Counterfactuals: the smallest move of a mechanism's features that changes the regime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from regime.arrays import Booleans, Floats
from regime.runtime.predict import SavedModel
from regime.schema import REGIMES, STRESS_CODE, FeatureSpec

__all__ = ["counterfactual_table", "move_directions"]

FURTHEST = 4.0  # standard deviations
STEP = 0.01  # of the search: a change that reverts within a hundredth may be passed over
TOLERANCE = 1e-6  # standard deviations


def move_directions(
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
        the direction that raises the probability of a deleveraging by its expected sign; where
        none is expected, by the sign of the model's logistic weight. Constant features are left
        out; a mechanism without any other stays, empty.

    **Known at:** the last session of the history.
    """
    weight = (
        dict(zip(model.features, model.parts.linear.coef, strict=True))
        if model.parts.linear
        else {}
    )
    deviation = history[list(model.features)].std(ddof=0).fillna(0.0)
    directions: dict[str, dict[str, float]] = {}
    for spec in specs:
        if spec.name not in model.features:
            continue
        moves = directions.setdefault(spec.mechanism, {})
        if deviation[spec.name] > 0:
            sign = spec.sign or (-1 if weight.get(spec.name, 0.0) < 0 else 1)
            moves[spec.name] = sign * float(deviation[spec.name])
    return directions


def counterfactual_table(
    model: SavedModel,
    row: pd.DataFrame,
    moves: Mapping[str, Mapping[str, float]],
    history: pd.DataFrame,
) -> pd.DataFrame:
    """Smallest move of each mechanism that makes or ends deleveraging as the most likely regime.

    Parameters
    ----------
    model : SavedModel
    row : DataFrame, shape (1, n_features)
        The session; a feature that is NaN stays so, and one that has had only two values takes the
        nearer of them.
    moves : mapping of str to mapping of str to float
        As from `move_directions`.
    history : DataFrame, shape (n_known_sessions, n_features)
        Up to the model's refit: what values features have had.

    Returns
    -------
    DataFrame, one row a mechanism, the shortest move first
        ``move``: in standard deviations, above 0 towards a deleveraging; None where none within 4
        changes the regime. ``regime`` and ``deleveraging``: most likely regime and probability
        after it. ``seen``: whether every moved feature stays in its historical range.
        ``features``: by name, its value after the move.

    **Known at:** the session of the row.
    """
    rows = [
        {"mechanism": name, **_smallest_change(model, row, dict(units), history)}
        for name, units in moves.items()
    ]
    columns = ["mechanism", "move", "regime", "deleveraging", "seen", "features"]
    table = pd.DataFrame(rows, columns=columns, dtype=object)  # floats could not hold None
    distance = table["move"].map(lambda move: np.inf if move is None else abs(move))
    order = distance.sort_values(kind="stable").index
    return table.loc[order].set_index("mechanism")


def _smallest_change(
    model: SavedModel, row: pd.DataFrame, units: dict[str, float], history: pd.DataFrame
) -> dict[str, Any]:
    inputs = row[list(model.features)]
    steps = {name: step for name, step in units.items() if not np.isnan(inputs[name].iloc[0])}
    levels = {name: history[name].dropna().unique() for name in steps}

    def moved(sizes: Floats) -> pd.DataFrame:
        table = pd.DataFrame(
            np.repeat(inputs.to_numpy(dtype=float), len(sizes), axis=0), columns=inputs.columns
        )
        for name, step in steps.items():
            table[name] = _possible_values(table[name].to_numpy() + sizes * step, levels[name])
        return table

    move = _smallest_move(lambda sizes: _stress_leads(model, moved(sizes))) if steps else None
    if move is None:
        return {"move": None, "regime": None, "deleveraging": None, "seen": None, "features": {}}
    after = moved(np.array([move]))
    probabilities = model.predict_proba(after)[0]
    values = {str(name): float(after[name].iloc[0]) for name in steps}
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


def _possible_values(values: Floats, levels: Floats) -> Floats:
    """A flag stays 0 or 1: a tree could take a thousandth of it for the whole."""
    if len(levels) != 2:
        return values
    low, high = sorted(levels)
    return np.asarray(np.where(values > (low + high) / 2, high, low))


def _stress_leads(model: SavedModel, rows: pd.DataFrame) -> Booleans:
    """Whether deleveraging is more likely than each other regime."""
    probabilities = model.predict_proba(rows)
    return np.asarray(
        probabilities[:, STRESS_CODE] > np.delete(probabilities, STRESS_CODE, axis=1).max(axis=1)
    )


def _smallest_move(stress_leads: Callable[[Floats], Booleans]) -> float | None:
    """The shorter of the first changes on either side, to a millionth; None for neither."""
    sizes: Floats = np.arange(round(FURTHEST / STEP) + 1, dtype=np.float64) * STEP
    changes = []
    for side in (1.0, -1.0):
        states = stress_leads(side * sizes)
        changed = np.flatnonzero(states != states[0])
        if changed.size:
            low = sizes[changed[0] - 1]
            high = sizes[changed[0]]
            changes.append(side * _bisected(stress_leads, side, low, high, bool(states[0])))
    return min(changes, key=abs, default=None)


def _bisected(
    stress_leads: Callable[[Floats], Booleans],
    side: float,
    low: float,
    high: float,
    start: bool,
) -> float:
    """End of the bracket at which the regime has changed."""
    while high - low > TOLERANCE:
        middle = (low + high) / 2
        if bool(stress_leads(np.array([side * middle]))[0]) == start:
            low = middle
        else:
            high = middle
    return float(high)
