"""The result of an audit, as text and as JSON content."""

import json

from regime.studies.leakage.findings import AuditReport, Check, Finding, leaks_first

LEAK = Finding(
    kind="release", name="cot", location="series.yaml", size=1.0, unit="days", evidence="Too early."
)
WARNING = Finding(
    kind="revised",
    name="nfci",
    location="series.yaml",
    severity="warning",
    evidence="Re-estimated.",
)
CHECK = Check(name="releases", checked=2, probes=10, leaks=1, warnings=1, seconds=0.1)


def test_leaks_come_first_and_decide_the_verdict():
    report = AuditReport(findings=leaks_first([WARNING, LEAK]), checks=(CHECK,), seconds=0.12)
    assert report.findings == (LEAK, WARNING)
    assert (report.leaks, report.warnings, report.verdict) == ((LEAK,), (WARNING,), "leaks")
    assert AuditReport(findings=(WARNING,), checks=(), seconds=0).verdict == "clean"


def test_a_report_is_json_content():
    content = AuditReport(findings=(LEAK,), checks=(CHECK,), seconds=0.12).to_dict()
    assert json.loads(json.dumps(content)) == content
    assert content["checks"]["releases"] == {
        "checked": 2,
        "probes": 10,
        "leaks": 1,
        "warnings": 1,
        "seconds": 0.1,
    }
    assert content["findings"][0]["size"] == 1.0


def test_a_size_has_its_unit():
    assert LEAK.amount == "1 day"
    assert (
        Finding(kind="lead", name="x", location="y", size=2.5, unit="days", evidence="").amount
        == "2.5 days"
    )
    assert WARNING.amount == ""
    assert str(LEAK) == "cot (series.yaml): release, 1 day. Too early."
