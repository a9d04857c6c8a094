"""The whole feature set: what the mechanisms add, and that the default stays as it was."""

from collections import Counter

import pandas as pd
import pytest

from regime.config import build, dump
from regime.errors import ConfigError, InvalidDataError
from regime.features.feature_set import FAMILY_ORDER, FeatureSet
from regime.mechanisms import MECHANISMS
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.pipeline.settings import load_settings
from regime.schema import Panel, check_features
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource
from regime.workflows.features import build_features

CORE = FeatureSet()
WHOLE = CORE.with_mechanisms


@pytest.fixture(scope="module")
def panel():
    catalogue = load_catalogue()
    reading = SimulatedSource(seed=11, years=8).read(
        catalogue, WHOLE.inputs, release_times=release_times
    )
    return AsOf(reading.observations, catalogue.only(WHOLE.inputs).max_age).panel(reading.sessions)


def test_the_columns_of_the_core_stay_first_and_every_mechanism_adds_some():
    core = len(CORE.specs)
    assert WHOLE.specs[:core] == CORE.specs
    added = WHOLE.specs[core:]
    expected = {
        feature.spec.name
        for mechanism in MECHANISMS.values()
        if mechanism.family is not None
        for feature in mechanism.family().features()
    }
    assert {spec.name for spec in added} == expected
    counts = Counter(spec.mechanism for spec in WHOLE.specs)
    assert min(counts[spec.mechanism] for spec in added) >= 3
    order = [FAMILY_ORDER.index(spec.family) for spec in added]
    assert order == sorted(order) and set(order) == set(range(len(FAMILY_ORDER)))


def test_every_input_is_in_the_catalogue():
    assert set(WHOLE.inputs) <= set(load_catalogue().series)


def test_by_default_a_run_neither_builds_nor_reads_them():
    settings = load_settings("us_macro.yaml")
    assert settings.features == CORE and not settings.features.mechanisms
    assert "cot_tff_vix_lev_long" not in settings.series
    whole = load_settings("us_macro.yaml", ["features.mechanisms=true"])
    assert whole.features == WHOLE and "cot_tff_vix_lev_long" in whole.series
    model = ["liquidity_reserve_scarcity_252"]
    load_settings(
        "us_macro.yaml", ["features.mechanisms=true", f"model.core={model}", "model.composites={}"]
    )


def test_their_parameters_are_set_by_the_config():
    content = {"mechanisms": True, "mechanism_parameters": {"cross_asset": {"week": 7}}}
    built = build(FeatureSet, content, "x.yaml")
    names = {spec.name for spec in built.specs}
    assert "cross_asset_selling_7" in names and "cross_asset_selling_5" not in names
    assert build(FeatureSet, dump(built), "x.yaml") == built


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"crypo": {}}, "unknown name `crypo`; did you mean `crypto`"),
        ({"cta": {"crowdng": 5}}, "cta: unknown key `crowdng`; did you mean `crowding`"),
        ({"cta": {"crowding": 0}}, "cta: crowding: must be positive"),
        ({"cta": {"crowding": "many"}}, "crowding"),
        ({"analogs": {"count": 3}}, "`analogs` adds no feature"),
    ],
)
def test_wrong_parameters_of_a_mechanism_are_refused(parameters, fault):
    with pytest.raises(ConfigError, match=fault):
        FeatureSet(mechanism_parameters=parameters)


def test_the_table_is_of_its_specs_finite_and_causal(panel):
    table = check_features(WHOLE(panel), WHOLE.specs)
    cut = Panel(values=panel.values.iloc[:1200], age=panel.age.iloc[:1200])
    pd.testing.assert_frame_equal(WHOLE(cut), table.iloc[:1200], check_exact=True)
    pd.testing.assert_frame_equal(
        CORE(panel), table[[spec.name for spec in CORE.specs]], check_exact=True
    )
    alive = table.columns[table.notna().mean() > 0.3]  # the simulation lacks some reports
    assert len(alive) > 0.75 * len(WHOLE.specs)
    assert (table[alive].nunique() > 1).all()


def test_the_command_writes_them_all_on_request():
    settings = ["source.SimulatedSource.years=3", "start=2006-01-02"]
    assert list(build_features("demo.yaml", overrides=settings, mechanisms=True)) == [
        spec.name for spec in WHOLE.specs
    ]
    assert list(build_features("demo.yaml", overrides=settings)) == [s.name for s in CORE.specs]


def test_a_file_without_a_column_that_only_mechanisms_read_gives_empty_columns(tmp_path):
    """Prices of most vendors have no volume.

    The columns of the core must be there all the same.
    """
    names = ("sp500", "spy", "vix", "dgs3mo")
    catalogue = load_catalogue().only(names)
    rows = SimulatedSource(years=2).read(catalogue, release_times=release_times).observations
    for name, own in rows.groupby("series", observed=True):
        spec = catalogue.series[str(name)]
        path = tmp_path / spec.path
        path.parent.mkdir(exist_ok=True)
        written = pd.DataFrame(
            {"date": own["period"].dt.strftime("%Y-%m-%d"), spec.column: own["value"]}
        )
        written.to_csv(path, index=False)
    table = build_features(
        "us_macro.yaml", data=tmp_path, overrides=["basket=[sp500]"], mechanisms=True
    )
    assert list(table) == [spec.name for spec in WHOLE.specs]
    assert (
        table["positioning_price_impact_21"].isna().all() and table["positioning_vix"].notna().any()
    )
    (tmp_path / "macro" / "DGS30.csv").write_text("date,level\n2007-01-03,4.7\n", encoding="utf-8")
    with pytest.raises(InvalidDataError, match="no column `value`"):
        build_features(
            "us_macro.yaml", data=tmp_path, overrides=["basket=[sp500]"], mechanisms=True
        )
