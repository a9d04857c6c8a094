"""Whether a run may call itself better than its best rival."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from regime.errors import GateError
from regime.workflows.settings import Settings
from regime.workflows.verdict import Verdict

__all__ = ["Gate", "gate"]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The gate of skill, and whether a run passed it.

    Parameters
    ----------
    required : bool
        Whether a run that does not pass ends with an error.
    passed : bool
        Whether the whole interval of its skill over the best rival is above zero.
    rival : str or None
        The best rival; None where nothing could be scored.
    text : str
        One sentence.

    Examples
    --------
    >>> Gate(required=False, passed=False, rival="vix", text="no skill over vix").shut
    False
    """

    required: bool
    passed: bool
    rival: str | None
    text: str

    @property
    def shut(self) -> bool:
        """Whether the run has to end with an error."""
        return self.required and not self.passed

    def error(self, out: Path) -> GateError:
        """Error of a run that wrote its output to `out` and was stopped here."""
        return GateError(
            f"{self.text}; the config requires a skill whose interval is above zero (`gate: "
            "required`): "
            f"the outputs are in {out}, nothing was registered; prefer the rival or set "
            "gate=advisory"
        )

    def summary(self) -> dict[str, Any]:
        """The object ``gate`` of summary.json."""
        return asdict(self)


def gate(settings: Settings, verdict: Verdict) -> Gate:
    """Hold a verdict against the gate of a config."""
    required, found = settings.gate == "required", verdict.skill
    if found is None:
        return Gate(
            required=required,
            passed=False,
            rival=None,
            text="no skill can be shown: the truth of the tested sessions has one class only",
        )
    passed = found.skill > 0 and found.interval[0] > 0
    what = "skill" if passed else "no skill"
    return Gate(
        required=required,
        passed=passed,
        rival=found.against,
        text=f"{what} over {found.against}: {found.skill:.1%} of its log loss, 90% interval "
        f"{found.interval[0]:.1%} to {found.interval[1]:.1%}",
    )
