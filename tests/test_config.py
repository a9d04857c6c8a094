"""YAML into dataclasses and back.

The law of the round trip, overrides, extension, and answers to typos.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from regime.config import SHIPPED, build, dump, find_config, read_config, read_yaml
from regime.errors import ConfigError, MissingDataError
from regime.pipeline.settings import Settings, load_settings


@dataclass(frozen=True, kw_only=True)
class Square:
    """One of two classes."""

    side: float = 1.0

    def __post_init__(self) -> None:
        if not self.side > 0:
            raise ConfigError(f"side: must be positive, got {self.side}")


@dataclass(frozen=True, kw_only=True)
class Circle:
    """The other."""

    radius: float
    colour: Literal["red", "blue"] = "red"


@dataclass(frozen=True, kw_only=True)
class Pen:
    """A class that stands alone."""

    width: int = 1
    names: tuple[str, ...] = ()
    limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What the tests build."""

    title: str
    day: date = date(2020, 3, 16)
    pen: Pen = field(default_factory=Pen)
    shape: Square | Circle = field(default_factory=Square)
    shapes: tuple[Square | Circle, ...] = ()
    pens: tuple[Pen, ...] = ()
    weights: dict[str, tuple[str, ...]] = field(default_factory=dict)
    folder: Path = Path("out")
    bold: bool = False


def faults(content: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        build(Drawing, content, "d.yaml")
    return caught.value.faults


@pytest.fixture
def write(tmp_path: Path):
    def make(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return make


POSITIVE = st.floats(1e-6, 1e6)
TEXT = st.text(
    st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=6
)  # YAML folds odd line ends
SQUARES, CIRCLES = (
    st.builds(Square, side=POSITIVE),
    st.builds(Circle, radius=POSITIVE, colour=st.just("blue")),
)
PENS = st.builds(
    Pen,
    width=st.integers(-9, 9),
    names=st.lists(TEXT, max_size=3).map(tuple),
    limit=st.none() | POSITIVE,
)
DRAWINGS = st.builds(
    Drawing,
    title=TEXT,
    day=st.dates(),
    pen=PENS,
    shape=SQUARES | CIRCLES,
    shapes=st.lists(SQUARES | CIRCLES, max_size=3).map(tuple),
    pens=st.lists(PENS, max_size=2).map(tuple),
    weights=st.dictionaries(TEXT, st.lists(TEXT, max_size=2).map(tuple), max_size=2),
    folder=st.just(Path("a/b")),
    bold=st.booleans(),
)


@given(DRAWINGS)
def test_what_is_dumped_builds_an_equal_object(drawing: Drawing) -> None:
    assert build(Drawing, dump(drawing), "d.yaml") == drawing


@given(DRAWINGS)
def test_the_dump_survives_yaml(drawing: Drawing) -> None:
    text = yaml.safe_dump(dump(drawing), allow_unicode=True)
    assert build(Drawing, yaml.safe_load(text), "d.yaml") == drawing


@pytest.mark.parametrize("name", ["demo.yaml", "us_macro.yaml"])
def test_shipped_configs_come_back_from_what_config_show_prints(name: str) -> None:
    settings = load_settings(name)
    assert dump(build(Settings, dump(settings), name)) == dump(settings)


def test_shipped_configs_are_found_by_name_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = find_config("configs/demo.yaml")
    assert shipped.parent in SHIPPED and find_config("demo.yaml") == shipped
    (tmp_path / "demo.yaml").write_text("title: mine\n")
    assert find_config("demo.yaml") == Path("demo.yaml")


def test_defaults_fill_what_is_not_said() -> None:
    assert build(Drawing, {"title": "a", "pen": None, "shape": "Square"}, "d") == Drawing(title="a")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"title": "a", "shpae": {}}, "d.yaml: unknown key `shpae`; did you mean `shape`?"),
        (
            {"title": "a", "pen": {"wdith": 3}},
            "d.yaml, pen: unknown key `wdith`; did you mean `width`?",
        ),
        (
            {"title": "a", "pen": {"zzz": 3}},
            "d.yaml, pen: unknown key `zzz`; known: limit, names, width",
        ),
        (
            {"title": "a", "shape": {"Sqare": {}}},
            "d.yaml, shape: unknown class `Sqare`; did you mean `Square`?",
        ),
        (
            {"title": "a", "shape": {"Square": {"sied": 1}}},
            "d.yaml, shape.Square: unknown key `sied`; did you mean `side`?",
        ),
        (
            {"title": "a", "shapes": [{"Square": {}}, {"Circle": {}}]},
            "d.yaml, shapes[1].Circle: key `radius` is missing",
        ),
        ({}, "d.yaml: key `title` is missing"),
    ],
)
def test_a_typo_is_answered_with_the_nearest_name(content: object, fault: str) -> None:
    assert faults(content) == (fault,)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (
            {"title": "a", "pen": 3},
            ("d.yaml, pen: expected a mapping of Pen's arguments, got `3`",),
        ),
        ({"title": "a", "pens": {"width": 1}}, ("d.yaml, pens: expected a list",)),
        (
            {"title": "a", "pen": {"width": "wide"}},
            ("d.yaml, pen.width: ", "integer", "got `wide`"),
        ),
        ({"title": "a", "pen": {"width": 1.5}}, ("d.yaml, pen.width: ", "integer", "got `1.5`")),
        (
            {"title": "a", "pen": {"width": True}},
            ("d.yaml, pen.width: must be a number, got `true`",),
        ),
        ({"title": "a", "pen": {"limit": float("nan")}}, ("d.yaml, pen.limit: ", "finite")),
        ({"title": "a", "pen": {"names": "one"}}, ("d.yaml, pen.names: ", "got `one`")),
        (
            {"title": "a", "pen": {"names": ["x", 3]}},
            ("d.yaml, pen.names.1: ", "string", "got `3`"),
        ),
        (
            {"title": "a", "shape": {"Circle": {"radius": 1, "colour": "green"}}},
            ("shape.Circle.colour: ", "'red' or"),
        ),
        (
            {"title": "a", "shape": {"Square": {}, "Circle": {}}},
            ("d.yaml, shape: name one class", "got `Square, Circle`"),
        ),
        (
            {"title": "a", "shape": {"Square": {"side": -1}}},
            ("d.yaml, shape.Square: side: must be positive, got -1",),
        ),
        ({"title": "a", "day": "soon"}, ("d.yaml, day: ", "date", "got `soon`")),
        ({"title": None}, ("d.yaml, title: ", "string", "got `None`")),
        (["a"], ("d.yaml: expected a mapping of Drawing's arguments",)),
    ],
)
def test_a_wrong_type_or_value_is_named_with_its_place(
    content: object, parts: tuple[str, ...]
) -> None:
    (fault,) = faults(content)
    assert all(part in fault for part in parts), fault


def test_all_faults_come_together() -> None:
    found = faults(
        {"titel": "a", "pen": {"width": "x", "colour": 1}, "shapes": [{"Square": {"side": 0}}]}
    )
    assert len(found) == 5


def test_a_key_written_twice_is_refused(write) -> None:
    path = write("twice.yaml", "title: a\npen:\n  width: 1\n  width: 2\n")
    with pytest.raises(ConfigError, match=r"twice\.yaml: line 4: key `width` is written twice"):
        read_yaml(path)


@pytest.mark.parametrize("content", [b"title: [", b"\xff\xfe\x00", b"a: b: c"])
def test_what_is_no_yaml_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"odd\.yaml: not YAML: ") as caught:
        read_config(path, Drawing)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(
        ConfigError, match=r"dmo\.yaml: no such config; did you mean `demo\.yaml`\?; shipped: "
    ):
        read_config("dmo.yaml", Drawing)
    with pytest.raises(MissingDataError, match="no such file"):
        read_yaml(Path("dmo.yaml"))


def test_a_config_that_is_no_mapping(write) -> None:
    with pytest.raises(ConfigError, match="a config is a mapping of sections, got list"):
        read_config(write("list.yaml", "- a\n"), Drawing)


def test_extends_lays_a_file_over_another_key_by_key(write) -> None:
    write(
        "base.yaml",
        "title: base\npen: {width: 3, limit: 2.0}\nshapes: [Square, {Circle: {radius: 2}}]\n",
    )
    write("middle.yaml", "extends: base.yaml\npen: {width: 4}\n")
    found = read_config(
        write("top.yaml", "extends: middle.yaml\ntitle: top\nshapes: [Square]\n"), Drawing
    )
    assert found == Drawing(title="top", pen=Pen(width=4, limit=2.0), shapes=(Square(),))


def test_naming_another_class_takes_the_place_of_the_one_below(write) -> None:
    write("base.yaml", "title: base\nshape: {Square: {side: 3}}\n")
    assert read_config(
        write("a.yaml", "extends: base.yaml\nshape: {Circle: {radius: 2}}\n"), Drawing
    ).shape == Circle(radius=2)
    assert read_config(
        write("b.yaml", "extends: base.yaml\nshape: {Square: {}}\n"), Drawing
    ).shape == Square(side=3)


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("a", "b", "c")])
def test_a_circle_of_extends_is_refused(write, names: tuple[str, ...]) -> None:
    for name, below in zip(names, (*names[1:], names[0]), strict=True):
        write(f"{name}.yaml", f"extends: {below}.yaml\ntitle: {name}\n")
    with pytest.raises(ConfigError, match=r"a\.yaml: extends itself"):
        read_config(write("a.yaml", f"extends: {(*names, 'a')[1]}.yaml\n"), Drawing)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("title=b", {"title": "b"}),
        ("pen.width=7", {"pen": Pen(width=7, limit=2.0)}),
        ("pen={width: 7}", {"pen": Pen(width=7, limit=2.0)}),
        ("pen.limit=", {"pen": Pen(width=3)}),
        ("pen.names=[x, y]", {"pen": Pen(width=3, limit=2.0, names=("x", "y"))}),
        ("shape.Square.side=9", {"shape": Square(side=9)}),
        ("shape.Circle.radius=9", {"shape": Circle(radius=9)}),
        ("shape=Square", {"shape": Square()}),
        ("shapes=[]", {"shapes": ()}),
        ("shapes.1.Circle.radius=5", {"shapes": (Square(), Circle(radius=5))}),
        ("shapes.0.Circle.radius=5", {"shapes": (Circle(radius=5), Circle(radius=2))}),
        ("pens.0.width=5", {"pens": (Pen(width=5, limit=1.0),)}),
        ("day=2021-01-04", {"day": date(2021, 1, 4)}),
        ("title=a=b", {"title": "a=b"}),
        ("bold=true", {"bold": True}),
        (" title =c", {"title": "c"}),
    ],
)
def test_an_override_reaches_one_place(write, override: str, expected: dict[str, object]) -> None:
    path = write(
        "d.yaml",
        "title: a\npen: {width: 3, limit: 2.0}\nshape: {Square: {side: 3}}\n"
        "shapes: [Square, {Circle: {radius: 2}}]\npens: [{width: 1, limit: 1.0}]\n",
    )
    plain = {
        "title": "a",
        "pen": Pen(width=3, limit=2.0),
        "shape": Square(side=3),
        "shapes": (Square(), Circle(radius=2)),
        "pens": (Pen(width=1, limit=1.0),),
    }
    assert read_config(path, Drawing, [override]) == Drawing(**{**plain, **expected})


def test_the_later_override_wins_and_the_file_stays_the_ground(write) -> None:
    path = write("d.yaml", "title: a\npen: {width: 3}\n")
    assert read_config(path, Drawing, ["pen.width=4", "pen.width=5", "pen.limit=1"]).pen == Pen(
        width=5, limit=1.0
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("title", "override `title`: write section.key=value"),
        ("=3", "override `=3`: write section.key=value"),
        ("pen.=3", "override `pen.=3`: write section.key=value"),
        ("pen..width=3", "write section.key=value"),
        ("title=[", "override `title=[`: the value is not YAML"),
        ("pens.3.width=1", "no item 3 in a list of 0; the first"),
        ("pen.wdith=1", "d.yaml, pen: unknown key `wdith`; did you mean `width`?"),
        ("title.x=1", "d.yaml, title: "),
        ("pens.first.width=1", "d.yaml, pens: expected a list"),
    ],
)
def test_a_wrong_override_is_answered(write, override: str, message: str) -> None:
    path = write("d.yaml", "title: a\npens: []\n")
    with pytest.raises(ConfigError) as caught:
        read_config(path, Drawing, [override])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("override", "now"),
    [
        ("gate=required", "skill_gate"),
        ("labels={AveragedLabels: {}}", "EnsembleLabels"),
        ("features.trend.month=20", "mechanism_parameters.cta"),
    ],
)
def test_a_key_of_an_earlier_version_is_refused_with_its_present_name(override, now):
    with pytest.raises(ConfigError, match=f"it is now called `{now}`"):
        load_settings("demo.yaml", [override])
