"""A table of names resolves on use, in order, and answers a typo."""

import sys

import pytest

from regime.errors import ConfigError
from regime.registry import PluginTable

ENTRIES = {"root": "math:sqrt", "art": "this:s", "bad": "math:no_such_name"}


def test_entries_stand_in_order_and_are_imported_on_use():
    sys.modules.pop("this", None)
    table = PluginTable(ENTRIES)
    assert list(table) == ["root", "art", "bad"] and len(table) == 3
    assert "art" in table and "zen" not in table
    assert "this" not in sys.modules
    assert table["root"](9.0) == 3.0
    assert "this" not in sys.modules


def test_an_unknown_key_names_the_known_ones():
    table = PluginTable(ENTRIES)
    with pytest.raises(ConfigError, match=r"`roof`; did you mean `root`\? Known: root, art, bad"):
        table.resolve("roof")
    with pytest.raises(KeyError):
        table["roof"]
    assert table.get("roof") is None


def test_an_entry_that_does_not_exist_fails_by_its_own_name():
    with pytest.raises(AttributeError, match="no_such_name"):
        PluginTable(ENTRIES).resolve("bad")


def test_an_entry_is_added_for_the_time_of_a_context():
    table = PluginTable(ENTRIES)
    with pytest.raises(ValueError, match="stop"), table.added("floor", "math:floor"):
        assert list(table)[-1] == "floor" and table["floor"](1.5) == 1
        raise ValueError("stop")
    assert "floor" not in table
    with pytest.raises(ConfigError, match="`root` is taken"), table.added("root", "math:floor"):
        pass
