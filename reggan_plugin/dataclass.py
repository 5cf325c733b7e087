"""Frozen dataclasses that share their methods: the standard library compiles six for each class.

A start makes 141 classes, which took 0.05 s of 0.75 (docs/maintainers/speed.md).
"""

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, **others):
        """Make a class a dataclass; see `dataclasses.dataclass`."""
        if cls is None:
            return partial(dataclass, frozen=frozen, eq=eq, **others)
        if not frozen:
            return dataclasses.dataclass(cls, eq=eq, **others)
        for name, method in (_SHARED | _COMPARING if eq else _SHARED).items():
            if name not in cls.__dict__:
                setattr(cls, name, method)
        return dataclasses.dataclass(cls, repr=False, eq=False, **others)


def _set_once(self: Any, name: str, value: Any) -> None:
    if name in self.__dict__ or name not in self.__dataclass_fields__:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    self.__dict__[name] = value


def _refuse_deletion(_: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _shown(self: Any) -> str:
    fields = [one.name for one in dataclasses.fields(self) if one.repr]
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)
    return f"{type(self).__qualname__}({values})"


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, one.name) for one in dataclasses.fields(self) if one.compare)


def _equals(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


_SHARED = {"__setattr__": _set_once, "__delattr__": _refuse_deletion, "__repr__": _shown}
_COMPARING = {"__eq__": _equals, "__hash__": _hash}
