"""Frozen dataclasses with shared methods behave as those of the standard library."""

import copy
import dataclasses
import pickle
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import reggan_plugin
from reggan_plugin.dataclass import dataclass as ours


def _made(decorator: Any, **options: bool) -> Any:
    class Shape:
        """With a field that is neither shown nor compared."""

        side: int
        names: tuple[str, ...] = ()
        notes: list[str] = dataclasses.field(default_factory=list, repr=False, compare=False)

        @cached_property
        def area(self) -> int:
            return self.side**2

    return decorator(frozen=True, kw_only=True, **options)(Shape)


KINDS = [_made(ours), _made(dataclasses.dataclass)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_value(kind: Any) -> None:
    one, same, other = kind(side=2, notes=["a"]), kind(side=2), kind(side=2, names=("x",))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != (2, ())
    assert repr(other).endswith("Shape(side=2, names=('x',))")
    assert dataclasses.replace(one, side=3).notes == ["a"]
    assert dataclasses.asdict(other) == {"side": 2, "names": ("x",), "notes": []}
    assert copy.copy(one) == copy.deepcopy(one) == one
    with pytest.raises(TypeError, match="side"):
        kind()


@pytest.mark.parametrize("kind", KINDS)
def test_it_does_not_change(kind: Any) -> None:
    one = kind(side=2)
    assert one.area == 4
    for change in (lambda: setattr(one, "side", 3), lambda: setattr(one, "names", ("y",))):
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
            change()
    with pytest.raises(dataclasses.FrozenInstanceError, match="'other'"):
        one.other = 1
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete"):
        del one.side
    assert (one.side, one.area) == (2, 4)


@pytest.mark.parametrize("decorator", [ours, dataclasses.dataclass])
def test_values_that_are_compared_by_identity(decorator: Any) -> None:
    kind = _made(decorator, eq=False)
    one = kind(side=2)
    assert one != kind(side=2)
    assert {one: "kept"}[one] == "kept"


@ours(frozen=True)
class _Sent:
    x: int
    y: int = 1


def test_it_is_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(_Sent(3))) == _Sent(3, 1)


def test_what_is_not_frozen_changes() -> None:
    @ours(kw_only=True)
    class Changing:
        x: int = 1

    one = Changing()
    one.x = 2
    assert one == Changing(x=2)


def test_frozen_ones_are_ours() -> None:
    of_others = re.compile(r"^from dataclasses import .*\bdataclass\b", re.MULTILINE)
    for file in Path(reggan_plugin.__file__).parent.rglob("*.py"):
        text = file.read_text()
        assert "@dataclass(frozen=True" not in text or not of_others.search(text), file
