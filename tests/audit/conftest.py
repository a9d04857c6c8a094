"""One small subject for all tests of the audit: the demo's parts on a short simulated world."""

import pytest

from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.sources.catalogue import load_catalogue
from regime.studies.leakage.subject import Subject
from regime.workflows.audit import subject_of


@pytest.fixture(scope="session")
def subject() -> Subject:
    settings = load_settings("demo.yaml", ["source.SimulatedSource.years=9", "start=2006-01-02"])
    return subject_of(settings, read_market_data(settings, None, NoProgress()), load_catalogue())
