"""The page of the design says where a thing is decided, and it is decided there."""

import re

from .conftest import ROOT


def test_what_is_decided_stands_in_the_file_that_is_named() -> None:
    page = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    places = re.findall(r"((?:`[\w-]+` and )*`[\w-]+`) in `([\w/]+\.py)`", page)
    decisions = [
        (name, path) for names, path in places for name in re.findall(r"`([\w-]+)`", names)
    ]
    assert len(decisions) >= 50
    for name, path in decisions:
        code = (ROOT / path).read_text(encoding="utf-8")
        defined = (
            rf'^\s*(?:(?:def|class) {name}\b|(?:\w+, )*{name}\b[^=\n(]*=|"{name}(?: [A-Z]+)?",$)'
        )
        assert re.search(defined, code, re.MULTILINE), f"{path} defines no {name}"
