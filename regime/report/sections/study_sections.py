"""The section of the page that the result of a study makes."""

from __future__ import annotations

from functools import singledispatch

from regime.report.sections.calibration import calibration_section
from regime.report.sections.section import Section
from regime.report.sections.significance import sensitivity_section, significance_section
from regime.studies.significance.assessment import Significance
from regime.studies.significance.calibration import CalibrationAssessment
from regime.studies.significance.sensitivity import Sensitivity

__all__ = ["section_of"]


@singledispatch
def section_of(result: object) -> Section:
    """Section of a study's result, chosen by its type.

    Parameters
    ----------
    result : Significance, Sensitivity or CalibrationAssessment
        A study adds its own with one line ``section_of.register(Result, function)`` below.

    Raises
    ------
    TypeError
        For a result without a section.
    """
    raise TypeError(f"{type(result).__name__} has no section of the page")


section_of.register(Significance, significance_section)
section_of.register(Sensitivity, sensitivity_section)
section_of.register(CalibrationAssessment, calibration_section)
