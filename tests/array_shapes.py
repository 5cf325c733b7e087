"""Array shapes are checked where functions are called, the first calls of each in each test, and
whenever a dataclass is made.
"""

import dataclasses
import functools
import inspect
import math
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

Checker = Callable[[Any], Any]

CHECKED_CALLS = 1
"""Of one function in one test. A render makes 3,700; checking all took a quarter of its time, two
of each a ninth."""
_jaxtyped = jaxtyping.jaxtyped
_tests_begun = 0


def check_shapes_in(rooms: Sequence[str]) -> None:
    """Have shapes and types checked in modules of `rooms` that are imported from now on."""
    checker = ModuleType("_shape_checker")
    checker.check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # type: ignore[attr-defined]
    sys.modules[checker.__name__] = checker
    jaxtyping.jaxtyped = _first_calls_checked  # type: ignore[assignment]  # the hook asks for it
    jaxtyping.install_import_hook(list(rooms), "_shape_checker.check")


def forget_calls() -> None:
    """Count every function's calls anew."""
    global _tests_begun
    _tests_begun += 1


def _first_calls_checked(*, typechecker: Checker) -> Checker:
    """As `jaxtyping.jaxtyped`, with checks made when what they check is first called."""

    def decorate(checked: Any) -> Any:
        if inspect.isfunction(checked):
            return _counted(checked, typechecker, CHECKED_CALLS)
        if not inspect.isclass(checked):
            return _jaxtyped(checked, typechecker=typechecker)
        if dataclasses.is_dataclass(checked) and "__init__" in vars(checked):
            checked.__init__ = _counted(checked.__init__, typechecker, math.inf)  # type: ignore[method-assign]
        return checked

    return decorate


def _counted(
    plain: Callable[..., Any], typechecker: Checker, most_calls: float
) -> Callable[..., Any]:
    test, calls = -1, 0
    checked: Callable[..., Any] | None = None

    @functools.wraps(plain)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal test, calls, checked
        if test != _tests_begun:
            test, calls = _tests_begun, 0
        if calls >= most_calls:
            return plain(*args, **kwargs)
        calls += 1
        checked = checked or _jaxtyped(plain, typechecker=typechecker)
        return checked(*args, **kwargs)

    return call
