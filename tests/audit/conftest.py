"""One small subject for all tests of the audit: the demo config on a short simulation."""

import pytest

from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.sources.catalogue import load_catalogue
from regime.studies.leakage.subject import AuditSubject
from regime.workflows.audit import audit_subject


@pytest.fixture(scope="session")
def subject() -> AuditSubject:
    settings = load_settings("demo.yaml", ["source.SimulatedSource.years=9", "start=2006-01-02"])
    return audit_subject(settings, read_market_data(settings, None, NoProgress()), load_catalogue())
