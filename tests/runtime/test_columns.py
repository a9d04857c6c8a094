"""Columns by name, from whatever holds them; what is no number is refused by name."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from regime.errors import InvalidDataError
from regime.runtime.columns import to_matrix

NAMES = ("vix", "rates")
EXPECTED = np.array([[1.0, np.nan], [2.0, 4.0]])


@pytest.mark.parametrize(
    "columns",
    [
        {"rates": [None, 4], "vix": [1, 2], "note": ["x", "y"]},
        {"vix": np.array([1, 2], dtype=np.int8), "rates": np.array([np.nan, 4], dtype=np.float32)},
        pd.DataFrame({"rates": [np.nan, 4.0], "note": ["x", "y"], "vix": [1, 2]}),
        pd.DataFrame({"rates": [None, 4.0], "vix": [1, 2]}).convert_dtypes(),
        pa.table({"rates": [None, 4.0], "vix": [1.0, 2.0]}),
    ],
    ids=["lists", "arrays", "pandas", "pandas nullable", "arrow"],
)
def test_any_holder_of_named_columns_gives_the_same_matrix(columns):
    matrix = to_matrix(columns, NAMES)
    np.testing.assert_array_equal(matrix, EXPECTED)
    assert matrix.flags.c_contiguous


def test_all_missing_columns_are_named_with_the_nearest_given_one():
    with pytest.raises(InvalidDataError) as error:
        to_matrix({"vixx": [1.0], "zebra": [1.0]}, NAMES)
    assert error.value.faults[0] == "column `vix` is missing; did you mean to call `vixx` so?"
    assert error.value.faults[1] == "column `rates` is missing"


def test_a_long_list_of_faults_is_cut():
    with pytest.raises(InvalidDataError) as error:
        to_matrix({}, [f"f{i}" for i in range(50)])
    assert len(error.value.faults) == 6 and error.value.faults[-1] == "and 45 more columns"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1.5", "2"], "text|must be numbers"),
        (np.array(["1.5", 2.0], dtype=object), "holds text in row 0: '1.5'"),
        (np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), "datetime64"),
        ([1 + 2j, 3], "complex"),
        ([1.0, np.inf], "infinite in row 1"),
        ([10**400, 1], "no number"),
        (np.array([object(), 1], dtype=object), "no number"),
        ([[1.0, 2.0], [3.0, 4.0]], "2 dimensions"),
        (3.0, "0 dimensions"),
        ([1.0, 2.0, 3.0], "has 2 rows"),
    ],
)
def test_a_column_that_is_no_number_is_refused_by_name(values, message):
    with pytest.raises(InvalidDataError, match=message) as error:
        to_matrix({"vix": values, "rates": [1.0, 2.0]}, NAMES)
    assert "`vix`" in str(error.value)


def test_a_column_given_twice_is_refused():
    frame = pd.DataFrame([[1.0, 2.0, 3.0]], columns=["vix", "vix", "rates"])
    with pytest.raises(InvalidDataError, match="twice"):
        to_matrix(frame, NAMES)


@pytest.mark.parametrize("columns", [np.ones((3, 2)), [[1.0, 2.0]], None])
def test_columns_without_names_are_refused(columns):
    with pytest.raises(InvalidDataError, match="by position"):
        to_matrix(columns, NAMES)
