"""The page of the design says where a thing is decided, and it is decided there."""

import re

import pytest

from .conftest import ROOT

_DESIGN = (ROOT / "docs/design.md").read_text(encoding="utf-8")
_PLACES = re.findall(r"((?:`[\w-]+` and )*`[\w-]+`) in `([\w/]+\.py)`", _DESIGN)
DECISIONS = [(name, path) for names, path in _PLACES for name in re.findall(r"`([\w-]+)`", names)]


def test_the_page_names_at_least_fifty_decisions() -> None:
    assert len(DECISIONS) >= 50


@pytest.mark.parametrize(("name", "path"), DECISIONS)
def test_a_decision_stands_in_the_file_that_is_named(name: str, path: str) -> None:
    code = (ROOT / path).read_text(encoding="utf-8")
    defined = rf'^\s*(?:(?:def|class) {name}\b|(?:\w+, )*{name}\b[^=\n(]*=|"{name}",$)'
    assert re.search(defined, code, re.MULTILINE), f"{path} defines no {name}"
