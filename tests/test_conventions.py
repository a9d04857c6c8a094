"""The house style as laws.

Docstrings, `__all__`, doctests, words that may not stand in the package, names of features.

Laws over source text are functions from modules to faults, so that planted ones show that they can
fail.
"""

import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import regime
from regime.features.feature_set import FeatureSet
from regime.sources.catalogue import load_catalogue

PACKAGE = Path(regime.__file__).parent
TABLES = re.compile(r"\b(Series|DataFrame|ndarray|NDArray|Floats|Integers|Column)\b")
MANY = 4  # arguments from which a function needs its own section on them
FAMILIES = ("liquidity", "dollar", "valuation", "positioning", "cross_asset")
SPECS = FeatureSet().specs


def sources():
    """Text of every module of the package by dotted name."""
    texts = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        texts[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(
            encoding="utf-8"
        )
    return texts


SOURCES = sources()
ROOMS = {name for name in SOURCES if (PACKAGE.parent / name.replace(".", "/")).is_dir()}


def public(body, kind):
    return [node for node in body if isinstance(node, kind) and not node.name.startswith("_")]


def functions(tree):
    """Public functions, and public methods with their class."""
    yield from ((node.name, node, None) for node in public(tree.body, ast.FunctionDef))
    for owner in public(tree.body, ast.ClassDef):
        yield from (
            (f"{owner.name}.{node.name}", node, owner)
            for node in public(owner.body, ast.FunctionDef)
        )


def arguments(node):
    own = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return [name for name in own if name not in ("self", "cls")] + [
        a.arg for a in (node.args.vararg,) if a
    ]


def fields(owner):
    """Constructor arguments of a dataclass, or of a class with a constructor of its own."""
    made = [
        node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]
    if made:
        return arguments(made[0])
    return [
        node.target.id
        for node in owner.body
        if isinstance(node, ast.AnnAssign)
        and not ast.unparse(node.annotation).startswith("ClassVar")
    ]


def section(doc, name):
    """Lines of a numpydoc section; None where there is none."""
    found = re.search(
        rf"^{name}\n-+\n(.*?)(?=\n[A-Z][a-z]+\n-+\n|\n\*\*|\Z)", doc, re.DOTALL | re.MULTILINE
    )
    return None if found is None else found.group(1).splitlines()


def named(lines):
    """Names that a Parameters section explains."""
    heads = [line.split(" : ")[0] for line in lines if line and not line.startswith(" ")]
    return {name.strip(" *`") for head in heads for name in head.split(",")}


def silent(texts):
    """Modules, classes and functions without a docstring, or whose first line is no sentence."""
    faults = []
    for name, text in texts.items():
        tree = ast.parse(text)
        told = [
            ("", tree),
            *((node.name, node) for node in public(tree.body, ast.ClassDef)),
            *((place, node) for place, node, owner in functions(tree) if not inherits(owner, node)),
        ]
        for place, node in told:
            summary, _, rest = (ast.get_docstring(node) or "").partition("\n")
            if not summary.endswith((".", "?", ":")) or rest.split("\n")[0]:
                faults.append(f"{name} {place}".strip())
    return faults


def inherits(owner, node):
    """Whether a method stands under a base class, which may have told what it does.

    `noqa: D102` says so.
    """
    return owner is not None and bool(owner.bases) and ast.get_docstring(node) is None


def incomplete(texts):
    """Modules whose `__all__` is missing, or leaves out or invents a name."""
    faults = []
    for name, text in texts.items():
        tree = ast.parse(text)
        own = {node.name for node in public(tree.body, ast.FunctionDef | ast.ClassDef)}
        listed = [
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            and any(
                isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
            )
        ]
        given = set(listed[0]) if listed else set()
        here = (
            {
                n.id
                for n in ast.walk(tree)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            | own
            | {
                alias.asname or alias.name
                for n in ast.walk(tree)
                if isinstance(n, ast.ImportFrom)
                for alias in n.names
            }
        )
        faults += [f"{name}: {missing} is not in __all__" for missing in sorted(own - given)]
        faults += [
            f"{name}: __all__ names {odd}"
            for odd in sorted(given)
            if odd not in here or odd.startswith("_")
        ]
    return faults


def unexplained(texts):
    """Functions and classes whose Parameters are missing where due, or name other arguments."""
    faults = []
    for name, text in texts.items():
        tree = ast.parse(text)
        for place, node, owner in functions(tree):
            lines = section(ast.get_docstring(node) or "", "Parameters")
            rest = {node.args.kwarg.arg} if node.args.kwarg else set()
            if lines is not None and named(lines) - rest != set(arguments(node)):
                faults.append(
                    f"{name}.{place}: {', '.join(sorted(named(lines) ^ set(arguments(node))))}"
                )
            if (
                lines is None
                and len(arguments(node)) >= MANY
                and not (owner and owner.bases)
                and ".cli." not in name
            ):
                faults.append(f"{name}.{place}: no Parameters")
        for owner in public(tree.body, ast.ClassDef):
            lines = section(ast.get_docstring(owner) or "", "Parameters")
            if lines is not None and not set(fields(owner)) <= named(lines):
                faults.append(
                    f"{name}.{owner.name}: {', '.join(sorted(set(fields(owner)) - named(lines)))}"
                )
    return faults


def unreturned(texts):
    """Functions that explain their arguments and give arrays or tables, but do not tell which."""
    faults = []
    for name, text in texts.items():
        for place, node, _ in functions(ast.parse(text)):
            doc, gives = (
                ast.get_docstring(node) or "",
                ast.unparse(node.returns) if node.returns else "None",
            )
            told = "shape" in doc or section(doc, "Returns") or section(doc, "Yields")
            if section(doc, "Parameters") and TABLES.search(gives) and not told:
                faults.append(f"{name}.{place} gives {gives}")
    return faults


def unshown(texts):
    """Public classes with behaviour, used beyond their room, that no doctest shows.

    A base's serves those under it.
    """
    shown, pending = {"Protocol", "ABC", "StrEnum"}, {}
    for name, text in texts.items():
        for node in public(ast.parse(text).body, ast.ClassDef):
            acts = any(
                isinstance(part, ast.FunctionDef) and part.name not in ("__init__", "__post_init__")
                for part in node.body
            )
            bases = {ast.unparse(base).split(".")[-1].split("[")[0] for base in node.bases}
            if ">>>" in (ast.get_docstring(node) or "") or not acts or bases & {"Protocol", "ABC"}:
                shown.add(node.name)
            elif len(texts) == 1 or users(node.name, name, texts):
                pending[f"{name}.{node.name}"] = bases
    return [place for place, bases in pending.items() if not bases & shown]


def users(word, home, texts):
    """Modules of other rooms that import a name from its home."""
    room = home.split(".")[:2]
    return [
        name
        for name, text in texts.items()
        if name.split(".")[:2] != room
        and word in text
        and re.search(rf"^\s*from {re.escape(home)} import .*\b{word}\b", text, re.MULTILINE)
    ]


def forbidden(texts):
    """Asserts, prints outside the command line, and notes to oneself."""
    faults = []
    for name, text in texts.items():
        tree = ast.parse(text)
        asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
        prints = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) == "print"
            and not name.startswith("regime.cli")
        ]
        notes = [
            line
            for line, words in enumerate(text.splitlines(), 1)
            if re.search(r"\b(TODO|FIXME|HACK)\b", words)
        ]
        faults += [f"{name}:{line}" for line in sorted({*asserts, *prints, *notes})]
    return faults


def packed(texts):
    """Assignments of more than two values in one statement."""
    return [
        f"{name}:{node.lineno}"
        for name, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Tuple)
        and len(node.value.elts) > 2
        and any(isinstance(target, ast.Tuple) for target in node.targets)
    ]


def repeated(texts):
    """Public functions, classes and type aliases whose name stands in more than one module.

    A command of the command line may be called like the function that it runs.
    """
    homes = {}
    for name, text in texts.items():
        if name.startswith("regime.cli.commands"):
            continue
        body = ast.parse(text).body
        own = {node.name for node in public(body, ast.FunctionDef | ast.ClassDef)}
        own |= {
            target.id
            for node in body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and re.match(r"[A-Z]\w*[a-z]", target.id)
        }
        for word in own:
            homes.setdefault(word, []).append(name)
    return [
        f"{word}: {', '.join(modules)}"
        for word, modules in sorted(homes.items())
        if len(modules) > 1
    ]


LAWS = (silent, incomplete, unexplained, unreturned, unshown, forbidden, packed, repeated)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_package_keeps_the_law(law):
    faults = law(SOURCES)
    assert not faults, "\n".join(["", *faults])


HEAD = '"""A module."""\n__all__ = ["f"]\n'


@pytest.mark.parametrize(
    ("law", "text"),
    [
        (silent, "x = 1"),
        (silent, HEAD + "def f(): ..."),
        (silent, HEAD + 'def f():\n    """No full stop"""'),
        (silent, HEAD + 'def f():\n    """A line\n    goes on."""'),
        (incomplete, "def f(): ..."),
        (incomplete, "__all__ = ['f', 'g']\ndef f(): ..."),
        (incomplete, "__all__ = ['_f']\ndef _f(): ..."),
        (
            unexplained,
            'def f(a, b):\n    """Do.\n\n    Parameters\n    ----------\n    a, c : int\n    """',
        ),
        (unexplained, 'def f(a, b, c, d):\n    """Do."""'),
        (
            unexplained,
            'class F:\n    """Hold.\n\n    Parameters\n    ----------\n'
            '    a : int\n    """\n    b: int',
        ),
        (
            unreturned,
            'def f(a, b) -> pd.Series:\n    """Do.\n\n    Parameters\n    ----------\n'
            '    a, b : int\n    """',
        ),
        (unshown, 'class F:\n    """Do."""\n    def __call__(self): ...'),
        (forbidden, "assert x"),
        (forbidden, "print(1)"),
        (forbidden, "x = 1  # TO" + "DO later"),
        (packed, "a, b, c = 1, 2, 3"),
    ],
)
def test_a_planted_fault_is_caught(law, text):
    assert len(law({"regime.planted": text})) == 1


@pytest.mark.parametrize("text", ["def f(): ...", "class F: ...", "Rows = dict[str, float]"])
def test_a_name_in_two_modules_is_caught(text):
    assert not repeated({"regime.one": text, "regime.cli.commands.one": text})
    assert len(repeated({"regime.one": text, "regime.two": text})) == 1


@pytest.mark.parametrize("name", [name for name, text in SOURCES.items() if ">>> " in text])
def test_doctests(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.attempted > 0 and result.failed == 0
    assert not list(tmp_path.iterdir())


def test_everything_a_user_may_import_is_there():
    for name in regime.__all__:
        thing = getattr(regime, name)
        doc = inspect.getdoc(thing) or ""
        if callable(thing) and not isinstance(thing, type):
            assert (
                section(doc, "Parameters") and section(doc, "Returns") and section(doc, "Raises")
            ), name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = regime.nothing


def test_catalogue_ids_are_words():
    catalogue = load_catalogue()
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) for name in catalogue.series)
    assert all(spec.title and spec.unit for spec in catalogue.series.values())


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_feature_is_called_by_family_quantity_and_lookback(spec):
    quantity = spec.name.removeprefix(f"{spec.family}_").removesuffix(
        f"_{spec.lookback}" if spec.lookback else ""
    )
    assert spec.name == f"{spec.family}_{quantity}" + (f"_{spec.lookback}" if spec.lookback else "")
    assert (
        re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]*[a-z][a-z0-9]*)*", quantity)
        and spec.family in FAMILIES
    )
    assert spec.inputs and set(spec.inputs) <= set(load_catalogue().series)
    assert spec.sign in (-1, 0, 1) and spec.mechanism and spec.lookback >= 0


def test_there_are_enough_features_and_not_too_many():
    names = [spec.name for spec in SPECS]
    assert 40 <= len(names) <= 60 and len(set(names)) == len(names)
    assert {spec.family for spec in SPECS} == set(FAMILIES)
    assert len({quantity_of(spec) for spec in SPECS}) >= 25


def quantity_of(spec):
    """What a feature measures.

    Without its lookback, and the states of falls of all sizes counted as one.
    """
    bare = re.sub(r"_\d+$", "", spec.name)
    return re.sub(r"_(small_|large_)?fall_.*", "_fall", bare)
