"""What an audit says, as text and as plain content."""

import json

from regime.studies.leakage.findings import AuditReport, Check, Finding, in_order

LEAK = Finding(
    kind="release", name="cot", place="series.yaml", size=1.0, unit="days", evidence="Too early."
)
WARNING = Finding(
    kind="revised",
    name="nfci",
    place="series.yaml",
    severity="warning",
    evidence="Estimated again.",
)
CHECK = Check(name="releases", checked=2, probes=10, leaks=1, warnings=1, seconds=0.1)


def test_leaks_come_first_and_decide_the_verdict():
    report = AuditReport(findings=in_order([WARNING, LEAK]), checks=(CHECK,), seconds=0.12)
    assert report.findings == (LEAK, WARNING)
    assert (report.leaks, report.warnings, report.verdict) == ((LEAK,), (WARNING,), "leaks")
    assert AuditReport(findings=(WARNING,), checks=(), seconds=0).verdict == "clean"


def test_a_report_is_plain_content():
    plain = AuditReport(findings=(LEAK,), checks=(CHECK,), seconds=0.12).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["checks"]["releases"] == {
        "checked": 2,
        "probes": 10,
        "leaks": 1,
        "warnings": 1,
        "seconds": 0.1,
    }
    assert plain["findings"][0]["size"] == 1.0


def test_a_size_is_spoken_in_its_unit():
    assert LEAK.amount == "1 day"
    assert (
        Finding(kind="lead", name="x", place="y", size=2.5, unit="days", evidence="").amount
        == "2.5 days"
    )
    assert WARNING.amount == ""
    assert str(LEAK) == "cot (series.yaml): release, 1 day. Too early."
