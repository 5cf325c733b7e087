"""Scripts in a file run in the second Blender only where the artist's preferences let them."""

from typing import Any

import pytest

from blender_addon.bridge.find_runtime import may_run_scripts

ALLOWED: dict[str, Any] = {
    "preference_allows": True,
    "was_blocked": False,
    "file": "/shots/a.blend",
    "excluded": (),
    "arguments": ("blender",),
}


def test_the_preference_decides() -> None:
    assert may_run_scripts(**ALLOWED)
    assert may_run_scripts(**ALLOWED | {"file": ""})  # never saved
    # As when a text marked Register was appended: nothing of this file was blocked yet.
    assert not may_run_scripts(**ALLOWED | {"preference_allows": False})


@pytest.mark.parametrize(
    "change",
    [
        {"was_blocked": True},
        {"excluded": (("/shots/", False),)},
        {"excluded": (("/other", False), ("*/a.*", True))},
        {"arguments": ("blender", "-b", "--disable-autoexec", "a.blend")},
        {"arguments": ("blender", "-Y")},
    ],
    ids=str,
)
def test_what_was_blocked_here_stays_blocked(change: dict[str, Any]) -> None:
    assert not may_run_scripts(**ALLOWED | change)


@pytest.mark.parametrize(
    "place",
    [
        ("", False),
        ("/shots/b", False),
        ("*.blend1", True),
        ("/shots/*", False),  # no pattern: a folder with a star in its name
    ],
    ids=str,
)
def test_other_places_do_not_count(place: tuple[str, bool]) -> None:
    assert may_run_scripts(**ALLOWED | {"excluded": (place,)})
