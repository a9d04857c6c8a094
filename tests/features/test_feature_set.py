"""The whole feature set.

What the mechanisms add, how many columns, and that the default stays as it was.
"""

from collections import Counter

import pandas as pd
import pytest

from regime.config import build
from regime.errors import InvalidDataError
from regime.features.feature_set import FeatureSet
from regime.panel.as_of import AsOf
from regime.panel.releases import release_times
from regime.schema import Panel, check_features
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource
from regime.workflows.features import build_features
from regime.workflows.settings import load_settings

GROUND, WHOLE = FeatureSet(), FeatureSet().whole


@pytest.fixture(scope="module")
def panel():
    catalogue = load_catalogue()
    reading = SimulatedSource(seed=11, years=8).read(
        catalogue, WHOLE.inputs, release_times=release_times
    )
    return AsOf(reading.observations, catalogue.only(WHOLE.inputs).max_age).panel(reading.sessions)


def test_the_whole_has_the_columns_that_were_asked_for():
    assert 120 <= len(WHOLE.specs) <= 150 and len(GROUND.specs) == 60
    assert WHOLE.specs[:60] == GROUND.specs  # columns of the ground stay first, in their order
    counts, added = (
        Counter(spec.mechanism for spec in WHOLE.specs),
        {spec.mechanism for spec in WHOLE.specs[60:]},
    )
    assert min(counts[name] for name in added) >= 3 and len(added) >= 12
    quantities = {
        spec.name.removeprefix(f"{spec.family}_").removesuffix(f"_{spec.lookback}")
        for spec in WHOLE.specs
    }
    assert len(quantities) >= 45
    assert {spec.family for spec in WHOLE.specs[60:]} == {
        "liquidity",
        "dollar",
        "valuation",
        "positioning",
        "cross_asset",
    }


def test_every_input_is_in_the_catalogue():
    assert set(WHOLE.inputs) <= set(load_catalogue().series)


def test_by_default_a_run_neither_builds_nor_reads_them():
    settings = load_settings("us_macro.yaml")
    assert settings.features == GROUND and not settings.features.mechanisms
    assert "cot_tff_vix_lev_long" not in settings.series
    whole = load_settings("us_macro.yaml", ["features.mechanisms=true"])
    assert whole.features == WHOLE and "cot_tff_vix_lev_long" in whole.series
    model = ["liquidity_reserve_scarcity_252"]
    load_settings(
        "us_macro.yaml", ["features.mechanisms=true", f"model.core={model}", "model.composites={}"]
    )


def test_their_parameters_are_set_by_the_config():
    built = build(FeatureSet, {"mechanisms": True, "selling": {"week": 7}}, "x.yaml")
    assert "cross_asset_selling_7" in {spec.name for spec in built.specs}


def test_the_table_is_of_its_specs_finite_and_causal(panel):
    table = check_features(WHOLE(panel), WHOLE.specs)
    cut = Panel(values=panel.values.iloc[:1200], age=panel.age.iloc[:1200])
    pd.testing.assert_frame_equal(WHOLE(cut), table.iloc[:1200], check_exact=True)
    pd.testing.assert_frame_equal(
        GROUND(panel), table[[spec.name for spec in GROUND.specs]], check_exact=True
    )
    alive = table.columns[table.notna().mean() > 0.3]
    assert len(alive) > 115  # the simulated world lacks some reports
    assert (table[alive].nunique() > 1).all()


def test_the_command_writes_them_all_unless_told_otherwise():
    settings = ["source.SimulatedSource.years=3", "start=2006-01-02"]
    assert list(build_features("demo.yaml", overrides=settings, mechanisms=True)) == [
        spec.name for spec in WHOLE.specs
    ]
    assert list(build_features("demo.yaml", overrides=settings)) == [s.name for s in GROUND.specs]


def test_a_file_without_a_column_that_only_mechanisms_read_gives_empty_columns(tmp_path):
    """Prices of most vendors have no volume.

    The ground's own columns must be there all the same.
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
