"""A recorded performance on the page, without a browser."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from reggan_plugin.curves.read_take import read_take
from reggan_plugin.curves.retargeting import Retargeting
from reggan_plugin.errors import UsageError
from reggan_plugin.ui.open_take import OpenTake

from .conftest import Caller, StartPage, studio_of

TAKE = b"frame,jawOpen,mouthSmileLeft,nonsense\n1001,0,0,1\n1002,0.5,0,1\n1003,0.25,1,1\n"


@pytest.fixture
def page(start_page: StartPage, motion_model: Path) -> Caller:
    return start_page(studio_of(motion_model))


def opened(page: Caller, content: bytes = TAKE, name: str = "take.csv") -> tuple[int, Any]:
    status, answer, _ = page.call("PUT", f"take?name={name}", content)
    return status, json.loads(answer)


def test_a_take_is_read_row_by_row(page: Caller) -> None:
    status, take = opened(page)
    assert status == 200
    assert (take["name"], take["rows"]) == ("take.csv", 3)
    assert "nonsense" in " ".join(take["notes"])
    weights = [json.loads(page.post("take/row", row=row)[1])["weights"] for row in range(3)]
    assert weights[0] == {"shutMouth": 1}  # a take replaces what the face shows
    assert weights[1] == {"jawOpen": 0.5, "shutMouth": 1}
    assert weights[2] == {"jawOpen": 0.25, "mouthSmileLeft": 1, "shutMouth": 1}
    state = json.loads(page.call("GET", "state")[1])
    assert state["take"] == take


def test_the_command_of_a_take_drives_the_shot(page: Caller) -> None:
    opened(page)
    asked = {
        "file": page.open_sample(),
        "face": 0,
        "change": {"weights": {"jawOpen": 0.5}, "intensity": 0.8},
    }
    words = json.loads(page.post("words", **asked, kind="take")[1])
    command = shlex.split(words["words"])
    assert command[:2] == ["reggan-plugin", "render"]
    assert command[4:8] == ["--curves", "take.csv", "--intensity", "0.8"]
    assert "--shape" not in command


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"hello", "take.csv", "take.csv cannot be read as a take"),
        (TAKE, "..%2Ftake.csv", "cannot be the name of an upload"),
        (TAKE, "", "cannot be the name of an upload"),
    ],
)
def test_what_is_no_take_is_refused(page: Caller, content: bytes, name: str, expected: str) -> None:
    status, answer = opened(page, content, name)
    assert status in (400, 422)
    assert expected in answer["message"]
    assert json.loads(page.call("GET", "state")[1])["take"] is None


@pytest.mark.parametrize("row", [3, -1, 1.5, None])
def test_rows_are_numbers_of_the_take(page: Caller, row: Any) -> None:
    status, answer = page.post("take/row", row=0)
    assert status == 400
    assert "Open one first" in json.loads(answer)["message"]
    opened(page)
    status, answer = page.post("take/row", row=row)
    assert status == 400
    assert "row" in json.loads(answer)["message"]


def test_a_row_beyond_the_take_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    path.write_bytes(TAKE)
    take = OpenTake(path=path, take=read_take(path))
    with pytest.raises(UsageError, match="expected 0 to 2"):
        take.weights(3, Retargeting())
