"""All regular expressions of the project, and texts that would show one whose time is not linear."""

import ast
import importlib
import itertools
import pkgutil
import re
import re._constants as code  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support.processes import ROOT

PACKAGES = ("devmentor", "projects", "realtime")
MOST_ATOMS = 8  # different characters of one pattern that are put together in pairs
OF_CATEGORY = {
    code.CATEGORY_DIGIT: "0",
    code.CATEGORY_SPACE: " ",
    code.CATEGORY_WORD: "a",
    code.CATEGORY_NOT_DIGIT: "x",
    code.CATEGORY_NOT_SPACE: "x",
    code.CATEGORY_NOT_WORD: "-",
}


def modules() -> Iterator[ModuleType]:
    """Every module of the project, imported."""
    for package in PACKAGES:
        found = importlib.import_module(package)
        yield found
        for info in pkgutil.walk_packages(found.__path__, f"{package}."):
            if ".migrations" not in info.name and not info.name.endswith("__main__"):
                yield importlib.import_module(info.name)


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts)


def compiled() -> dict[str, re.Pattern[Any]]:
    """The patterns of modules, of their classes and of what these hold, by where they stand."""
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        for name, value in vars(module).items():
            for where, pattern in _within(f"{module.__name__}.{name}", value, module.__name__):
                found.setdefault(where, pattern)
    return found


def _within(where: str, value: Any, module: str) -> Iterator[tuple[str, re.Pattern[Any]]]:
    if isinstance(value, re.Pattern):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _within(f"{where}[{key!r}]", item, module)
    elif isinstance(value, list | tuple | set | frozenset):
        for place, item in enumerate(value):
            yield from _within(f"{where}[{place}]", item, module)
    elif isinstance(value, type) and value.__module__ == module:
        for name, item in list(vars(value).items()):
            yield from _within(f"{where}.{name}", item, module)


def calls_inside_functions() -> list[str]:
    """Where a function calls `re` itself: such a pattern is found by nobody, or is a client's own."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and _is_of_re(node.func)
    ]


def _is_of_re(called: ast.expr) -> bool:
    of_module = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)
    return of_module and called.value.id in ("re", "fnmatch") and called.attr != "escape"  # type: ignore[attr-defined]


LIKE = {"sub": "search", "subn": "search", "split": "search", "findall": "search", "finditer": "search"}


def methods_used() -> dict[str, frozenset[str]]:
    """By the name of a pattern the methods that are called of it anywhere; `sub` and its like search."""
    found: dict[str, set[str]] = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                name = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                found.setdefault(name, set()).add(LIKE.get(node.attr, node.attr))
    return {name: frozenset(methods) for name, methods in found.items()}


def example(pattern: re.Pattern[Any]) -> str:
    """A text that it matches, or nearly: the first of each choice, everything that may stand there once."""
    return _written(parser.parse(_text(pattern.pattern), pattern.flags & ~re.UNICODE & ~re.DEBUG))


def _text(source: str | bytes) -> str:
    return source if isinstance(source, str) else source.decode("latin-1")


def _written(tree: Iterable[Any]) -> str:
    return "".join(_piece(operation, argument) for operation, argument in tree)


def _piece(operation: Any, argument: Any) -> str:
    if operation is code.LITERAL:
        return chr(argument)
    if operation is code.NOT_LITERAL:
        return "x" if argument != ord("x") else "y"
    if operation is code.ANY:
        return "x"
    if operation is code.IN:
        return _member(argument)
    if operation in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
        least, _, inner = argument
        return _written(inner) * max(1, min(least, 1000))
    if operation is code.SUBPATTERN:
        return _written(argument[3])
    if operation is code.ATOMIC_GROUP:
        return _written(argument)
    if operation is code.BRANCH:
        return _written(argument[1][0])
    return ""  # places, looks ahead and behind, references


def _member(choices: Any) -> str:
    """A character of a set."""
    if choices[0][0] is code.NEGATE:
        excluded = re.compile(f"[{''.join(map(_excluded, choices[1:]))}]")
        return next((each for each in "x0 -,/é" if not excluded.match(each)), "x")
    kind, value = choices[0]
    if kind is code.LITERAL:
        return chr(value)
    return chr(value[0]) if kind is code.RANGE else OF_CATEGORY.get(value, "x")


def _excluded(choice: Any) -> str:
    kind, value = choice
    if kind is code.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    if kind is code.LITERAL:
        return re.escape(chr(value))
    names = {code.CATEGORY_DIGIT: r"\d", code.CATEGORY_SPACE: r"\s", code.CATEGORY_WORD: r"\w"}
    return names.get(value, r"\W")


def atoms(pattern: re.Pattern[Any]) -> list[str]:
    """The different characters that it speaks of, and one that it does not."""
    tree = parser.parse(_text(pattern.pattern), pattern.flags & ~re.UNICODE & ~re.DEBUG)
    return list(dict.fromkeys([*_characters(tree), "\0"]))


def _characters(tree: Any) -> Iterator[str]:
    for operation, argument in tree:
        yield from _piece(operation, argument)[:1]
        if operation is code.IN:
            yield from (_member([choice]) for choice in argument if choice[0] is not code.NEGATE)
        elif operation in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
            yield from _characters(argument[2])
        elif operation is code.SUBPATTERN:
            yield from _characters(argument[3])
        elif operation is code.BRANCH:
            for branch in argument[1]:
                yield from _characters(branch)
        elif operation in (code.ASSERT, code.ASSERT_NOT):
            yield from _characters(argument[1])


def trials(pattern: re.Pattern[Any], length: int) -> Iterator[str]:
    """Texts of so many characters that nearly match: what it is made of, repeated, behind an example."""
    like = example(pattern)
    some = atoms(pattern)
    pairs = itertools.permutations(some[:MOST_ATOMS], 2)
    repeated = [*some, *map("".join, pairs), like, like[:-1], *(like + atom for atom in some)]
    repeated += [f"{one}{one}{other}" for one, other in itertools.permutations(some[:4], 2)]
    for piece in filter(None, dict.fromkeys(repeated)):
        filled = (piece * (length // len(piece) + 1))[:length]
        for start in dict.fromkeys(("", like)):
            for end in ("", "\0", some[0]):
                yield start + filled + end
