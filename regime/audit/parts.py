"""Public things that make no rows of their own, and why nobody need probe them.

Depends on: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PARTS"]

# Public things that make no rows of their own, and through which builder they are probed.
PARTS: Mapping[str, str] = {
    "features.feature.Feature": "each feature is probed by its own name",
    "features.feature.Mechanism": "makes features",
    "features.feature.check_positive": "refuses a parameter",
    "labels.basket.make_labels": "writes what the labellers found",
    "labels.phases.episode_phases": "the state machine of EpisodeLabels",
    "labels.phases.spell_phases": "the state machine of JumpModelLabels",
    "mechanisms.depth.check_window": "refuses a parameter",
    "mechanisms.reading.Absent": "a reading that steps aside",
    "mechanisms.reading.MechanismReading": "a reading of one date",
    "mechanisms.reading.plain": "turns values into plain ones",
    "models.calibration.PlattCurve": "what fit_platt fitted",
    "models.calibration.fit_platt": "fits the rows that `calibrated` gives it",
    "models.calibration.known_rows": "the mask of `calibrated`; brute force stands in the audit of the folds",
    "models.composites.loadings": "signs and names alone",
    "models.logistic.fit_logistic": "fits the rows that the classifier is given",
    "panel.calendar.business_days": "a calendar",
    "panel.calendar.instants": "a calendar",
    "panel.calendar.to_days": "a calendar",
    "panel.merge.merge": "the loop of AsOf",
    "rules.base.averaged": "one step of an average, inside the rules",
    "rules.base.check_signals": "refuses or passes on",
    "rules.base.fraction": "refuses a parameter",
    "rules.base.signal": "reads one signal of one row",
    "rules.encoding.encode": "writes rules as numbers",
    "rules.encoding.encode_rule": "writes rules as numbers",
    "rules.encoding.parts_of": "writes rules as numbers",
}
