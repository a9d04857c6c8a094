"""YAML into frozen dataclasses: the constructor is the schema, and a typo gets an answer.

A config is a mapping whose section keys are the constructor arguments of a dataclass. Nested
dataclasses are mappings again; where several classes are allowed, a one-key mapping names the
class: ``{Hysteresis: {enter: 0.6, leave: 0.4}}``. ``extends: base.yaml`` takes a file beside it as
the base to override: mappings key by key, all else as a whole; naming another class replaces the
class.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from regime.errors import ConfigError, MissingDataError
from regime.registry import PluginTable

__all__ = ["build", "dump", "find_config", "read_config", "read_yaml"]

T = TypeVar("T")
# Keys and classes of earlier versions, each with its present name.
RENAMED = {
    "gate": "skill_gate",
    "AveragedLabels": "EnsembleLabels",
    "siblings": "references",
    "trend": "mechanism_parameters.cta",
    "gamma": "mechanism_parameters.gamma",
    "crowding": "mechanism_parameters.positions",
    "depth": "mechanism_parameters.depth",
    "reserves": "mechanism_parameters.reserves",
    "long_end": "mechanism_parameters.long_end",
    "dollar_stress": "mechanism_parameters.dollar",
    "leadership": "mechanism_parameters.valuation",
    "selling": "mechanism_parameters.cross_asset",
    "crypto": "mechanism_parameters.crypto",
}
SHIPPED = (Path(__file__).parent / "configs", Path(__file__).parent.parent / "configs")


class _UniqueKeys(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, (key, (node_key, _)) in enumerate(zip(keys, node.value, strict=True)):
            if key in keys[:position]:
                raise ConfigError(
                    f"line {node_key.start_mark.line + 1}: key `{key}` is written twice; keep one"
                )
        return super().construct_mapping(node, deep=deep)


def find_config(name: str | Path) -> Path:
    """Path of a config: the path itself, or by its file name among those shipped with the package.

    Raises
    ------
    ConfigError
        If there is no such file; the message offers the nearest shipped one.
    """
    path = Path(name)
    if path.is_file():
        return path
    for folder in SHIPPED:
        if (folder / path.name).is_file():
            return folder / path.name
    shipped = sorted(
        {p.name for folder in SHIPPED if folder.is_dir() for p in folder.glob("*.yaml")}
    )
    raise ConfigError(
        f"{name}: no such config{_suggestion(path.name, shipped)}; shipped: {', '.join(shipped)}"
    )


def read_yaml(path: Path) -> Any:
    """Content of one YAML file; keys written twice are refused."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise MissingDataError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None


def read_config(path: str | Path, schema: type[T], overrides: Sequence[str] = ()) -> T:
    """Build `schema` from a file, the file that it extends, and ``section.key=value`` overrides.

    Parameters
    ----------
    path : str or Path
        A file, or the name of a shipped config.
    schema : type
        A dataclass; its fields are the sections.
    overrides : sequence of str
        Later ones win. Values are YAML: ``splits.embargo=10``. A class stands on the way by its
        name, an item of a list by its number from 0: ``rule.rules.1.MinimumHold.days=5``.

    Raises
    ------
    ConfigError
        With every fault: file, section, rule, value and the nearest valid name.
    """
    content: Any = _with_base(find_config(path))
    for override in overrides:
        try:
            content = _merge(content, _parse_override(override))
        except ConfigError as error:
            raise ConfigError(f"override `{override}`: {error}") from None
    return build(schema, content, str(path))


def build(schema: type[T], content: Any, source: str) -> T:
    """Build one dataclass from plain content, all faults together."""
    faults: list[str] = []
    result = _convert(schema, content, source, "", faults)
    if faults:
        raise ConfigError(faults)
    return typing.cast(T, result)


def dump(value: Any) -> Any:
    """Plain content from which `build` makes an equal object."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _dump_tagged(getattr(value, field.name), hint)
            for field, hint in _fields(type(value)).values()
        }
    if isinstance(value, Mapping):
        return {str(key): dump(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [dump(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _dump_tagged(value: Any, hint: Any) -> Any:
    if isinstance(value, (tuple, list)) and typing.get_origin(hint) is tuple:
        return [_dump_tagged(item, typing.get_args(hint)[0]) for item in value]
    if len(_classes(hint)) > 1 and dataclasses.is_dataclass(value):
        return {type(value).__name__: dump(value)}
    return dump(value)


def _with_base(path: Path, above: tuple[Path, ...] = ()) -> Any:
    if path.resolve() in above:
        raise ConfigError(f"{above[0]}: extends itself by way of {path}; take one `extends` out")
    content = read_yaml(path)
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path}: a config is a mapping of sections, got {type(content).__name__}"
        )
    base = content.pop("extends", None)
    if not base:
        return content
    return _merge(
        _with_base(find_config(path.parent / str(base)), (*above, path.resolve())), content
    )


def _merge(under: Any, over: Any) -> Any:
    """`over` laid on `under`; neither is changed."""
    if not isinstance(over, Mapping):
        return over
    if isinstance(under, list) and over and all(str(key).isdecimal() for key in over):
        return _merge_items(under, {int(key): value for key, value in over.items()})
    if not isinstance(under, Mapping) or _names_another_class(under, over):
        return over
    return {**under, **{key: _merge(under.get(key), value) for key, value in over.items()}}


def _merge_items(under: Sequence[Any], over: Mapping[int, Any]) -> list[Any]:
    beyond = [number for number in over if number >= len(under)]
    if beyond:
        raise ConfigError(f"no item {beyond[0]} in a list of {len(under)}; the first is 0")
    return [
        _merge(item, over[number]) if number in over else item for number, item in enumerate(under)
    ]


def _names_another_class(under: Mapping[Any, Any], over: Mapping[Any, Any]) -> bool:
    """Whether both are a class and its arguments, and the classes differ."""
    names = [*under, *over]
    arguments = [*under.values(), *over.values()]
    return (
        len(names) == 2
        and names[0] != names[1]
        and all(str(name)[:1].isupper() for name in names)
        and all(value is None or isinstance(value, Mapping) for value in arguments)
    )


def _parse_override(text: str) -> dict[str, Any]:
    dotted, equals, value = text.partition("=")
    keys = dotted.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError("write section.key=value")
    try:
        content: Any = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError("the value is not YAML") from None
    for key in reversed(keys):
        content = {key: content}
    return typing.cast(dict[str, Any], content)


def _convert(hint: Any, content: Any, source: str, where: str, faults: list[str]) -> Any:
    """One value under one type hint; faults are collected, not raised."""
    classes = _classes(hint)
    if content is None and type(None) in typing.get_args(hint):
        return None
    if len(classes) == 1 and not _is_sequence(hint):
        return _construct(classes[0], content, source, where, faults)
    if len(classes) > 1 and not _is_sequence(hint):
        return _choose(classes, content, source, where, faults)
    if classes and _is_sequence(hint):
        if not isinstance(content, list):
            faults.append(f"{_at(source, where)}: expected a list, got `{content}`")
            return None
        item = typing.get_args(hint)[0]
        return tuple(
            _convert(item, part, source, f"{where}[{i}]", faults) for i, part in enumerate(content)
        )
    return _leaf(hint, content, source, where, faults)


def _construct(schema: type, content: Any, source: str, where: str, faults: list[str]) -> Any:
    if content is None:
        content = {}
    if not isinstance(content, Mapping):
        faults.append(
            f"{_at(source, where)}: expected a mapping of {schema.__name__}'s arguments, got "
            f"`{content}`"
        )
        return None
    fields = _fields(schema)
    before = len(faults)
    for key in content:
        if key not in fields:
            faults.append(f"{_at(source, where)}: unknown key `{key}`{_nearest(str(key), fields)}")
    for name, (field, _) in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in content:
            faults.append(f"{_at(source, where)}: key `{name}` is missing")
    arguments = {
        key: _convert(fields[key][1], value, source, f"{where}.{key}".lstrip("."), faults)
        for key, value in content.items()
        if key in fields
    }
    if len(faults) > before:
        return None
    try:
        return schema(**arguments)
    except ConfigError as error:
        faults.extend(f"{_at(source, where)}: {fault}" for fault in error.faults)
        return None


def _choose(
    classes: Sequence[type], content: Any, source: str, where: str, faults: list[str]
) -> Any:
    names = {cls.__name__: cls for cls in classes}
    if isinstance(content, str):
        content = {content: {}}
    if not isinstance(content, Mapping) or len(content) != 1:
        got = ", ".join(map(str, content)) if isinstance(content, Mapping) else content
        faults.append(
            f"{_at(source, where)}: name one class, {' or '.join(names)}, with its arguments under "
            f"it, as in `{next(iter(names))}: {{...}}`; got `{got}`"
        )
        return None
    ((name, arguments),) = content.items()
    if name not in names:
        faults.append(f"{_at(source, where)}: unknown class `{name}`{_nearest(str(name), names)}")
        return None
    return _construct(names[name], arguments, source, f"{where}.{name}", faults)


def _leaf(hint: Any, content: Any, source: str, where: str, faults: list[str]) -> Any:
    if isinstance(content, bool) and hint in (int, float):  # which Python would take for 1 and 0
        faults.append(f"{_at(source, where)}: must be a number, got `{str(content).lower()}`")
        return None
    try:
        return _adapter(hint).validate_python(content)
    except ValidationError as error:
        for fault in error.errors():
            inner = ".".join(map(str, fault["loc"]))
            here = _at(source, ".".join(filter(None, (where, inner))))
            faults.append(f"{here}: {fault['msg']}, got `{fault['input']}`")
        return None


@lru_cache(maxsize=256)
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint, config={"allow_inf_nan": False})


@lru_cache(maxsize=256)
def _fields(schema: type) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    hints = typing.get_type_hints(schema, include_extras=True)
    return {
        field.name: (field, hints[field.name]) for field in dataclasses.fields(schema) if field.init
    }


def _is_sequence(hint: Any) -> bool:
    return typing.get_origin(hint) is tuple


def _classes(hint: Any) -> tuple[type, ...]:
    """Dataclasses that a hint admits, through unions, tuples and ``Annotated[Base, table]``."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return (hint,)
    tables = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, PluginTable)]
    if tables:
        return tuple(cls for table in tables for cls in table.values())
    if typing.get_origin(hint) in (typing.Union, types.UnionType, tuple, typing.Annotated):
        return tuple(cls for part in typing.get_args(hint) for cls in _classes(part))
    return ()


def _at(source: str, where: str) -> str:
    return f"{source}, {where}" if where else source


def _suggestion(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else ""


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    if RENAMED.get(word, "").partition(".")[0] in names:
        return f"; it is now called `{RENAMED[word]}`"
    known = names
    return _suggestion(word, known) or f"; known: {', '.join(sorted(known))}"
