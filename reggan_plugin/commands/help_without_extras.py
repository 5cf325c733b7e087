"""Lets the help of a command be read where the packages that it runs on are not installed."""

import importlib
import sys
from collections.abc import Callable, Collection, Iterator, MutableSequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar

Loaded = TypeVar("Loaded")


class _AnythingType(type):
    """Whatever a module does with a name when it is imported, it gets the name back."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __call__(cls, *_: Any, **__: Any) -> Any:
        return cls

    def __getitem__(cls, _: Any) -> Any:
        return cls

    def __or__(cls, _: Any) -> Any:
        return cls

    __ror__ = __or__

    def __iter__(cls) -> Iterator[Any]:
        return iter(())


class _Anything(metaclass=_AnythingType):
    """Stands for every class and function of a package that is not there."""


class _EmptyModule(ModuleType):
    __path__: MutableSequence[str] = []  # noqa: RUF012 - a package without a folder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything


class _AbsentPackages(MetaPathFinder, Loader):
    """Asked last: for modules of these packages, which nobody else finds."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        """Stand in for a module of one of the packages."""
        if fullname.partition(".")[0] not in self._names:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module in which every name is there."""
        return _EmptyModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def load_without_extras(package: str, load: Callable[[], Loaded]) -> Loaded:
    """Import what `load` imports, fit for reading its options alone, whatever is not installed.

    Raises:
        ModuleNotFoundError: a module of our own is missing.
    """
    absent: set[str] = set()
    while True:
        try:
            with _stand_in_for(absent, package):
                return load()
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing in {"reggan_plugin", package, *absent, ""}:
                raise
            absent.add(missing)


@contextmanager
def _stand_in_for(names: Collection[str], package: str) -> Iterator[None]:
    """Let imports of some packages that are not installed succeed.

    Afterwards no module of ours is left that was loaded in the meantime: none of them would run.
    """
    before, finder = set(sys.modules), _AbsentPackages(names)
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:  # but NumPy, which cannot be loaded twice
            if name.partition(".")[0] in {
                "reggan_plugin",
                package,
                *names,
            }:
                del sys.modules[name]
        importlib.invalidate_caches()
