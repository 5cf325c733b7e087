"""Errors are data: each front end says what to do by their kind, in its own words."""

import ast
import json
import pickle
import re
import string
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest

from blender_addon.bridge import remedies as panels
from reggan_export.commands import words as export_words
from reggan_plugin import errors
from reggan_plugin.commands import remedies as command_line
from reggan_plugin.errors import FaceNotFoundError, RegganError, Remark, document_from_said
from reggan_plugin.jobs.results_and_events import Notice, document_from_event
from reggan_training.commands import words as training_words
from reggan_training.papers.train_step import TrainingDivergedError

ROOT = Path(__file__).parents[1]
TYPED = command_line.REMEDIES | training_words.REMEDIES | export_words.REMEDIES
LIBRARY = [ROOT / "reggan_plugin", ROOT / "export/reggan_export", ROOT / "training/reggan_training"]
NOT_OURS = (
    "--extra-index-url",
    "--force-reinstall",
    "--query-gpu",
    "--format",
    "--always",
    "--dirty",
)
"""Options of pip, nvidia-smi and git."""
FRONT_ENDS = ("commands", "comfyui", "commands.py", "cli.py", "command_line_to_copy.py")
"""What speaks the command line: its commands, and what is written as command lines. Nodes of
ComfyUI speak of themselves."""
ASSET_BUILDERS = (
    Path("training/reggan_training/rendering/shipped_head.py"),
    Path("training/reggan_training/rig/build_face_reader.py"),
    Path("training/reggan_training/rig/build_mouth.py"),
    Path("training/reggan_training/rig/build_template.py"),
)
"""Commands of their own: `python -m`."""


def is_front_end(path: Path) -> bool:
    is_command = path.name.endswith(("_command.py", "_commands.py", "_group.py", "_options.py"))
    is_command |= path in ASSET_BUILDERS
    return is_command or any(part in FRONT_ENDS for part in path.parts)


@cache
def sources() -> list[tuple[Path, ast.Module]]:
    return [
        (path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8")))
        for room in LIBRARY
        for path in sorted(room.rglob("*.py"))
    ]


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    documentation = docstrings(tree)
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documentation:
            yield node


def docstrings(tree: ast.Module) -> set[int]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(line.value)
        for node in ast.walk(tree)
        if isinstance(node, holders)
        for line in node.body
        if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    }


@cache
def named_kinds() -> list[tuple[str, set[str], str]]:
    """Kind, fields and place of every error and notice that names its kind."""
    found = []
    for path, tree in sources():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            fields = {word.arg for word in call.keywords if word.arg}
            kinds = [word.value for word in call.keywords if word.arg == "kind"]
            if isinstance(call.func, ast.Name) and call.func.id == "Remark":
                kinds += call.args[1:2]
            raised = isinstance(call.func, ast.Name) and call.func.id.endswith(
                ("Error", "Remark", "error_type")
            )
            found += [
                (constant.value, fields, f"{path}:{call.lineno}")
                for kind in (kinds if raised else ())
                for constant in ast.walk(kind)
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
            ]
    return found


def kinds_of_classes() -> set[str]:
    return {
        value.default_kind
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, RegganError)
    }


def test_every_kind_has_a_remedy_on_the_command_line() -> None:
    kinds = {kind for kind, _, place in named_kinds() if "/comfyui/" not in place}
    kinds |= kinds_of_classes() | {"note", TrainingDivergedError.default_kind}
    assert kinds - set(TYPED) == set()
    assert set(TYPED) - kinds == set(), "remedies of what is never said"


def test_the_panels_have_remedies_only_of_what_they_can_be_told() -> None:
    """Blender runs no training and no local page."""
    told = {
        kind for kind, _, at in named_kinds() if re.match(r"reggan_plugin/(?!ui/|comfyui/)", at)
    }
    assert set(panels.REMEDIES) - told - kinds_of_classes() == set()
    assert all(panels.REMEDIES.values())


def test_the_runtime_has_no_remedies_of_training() -> None:
    rooms = {kind: set[str]() for kind in command_line.REMEDIES}
    for kind, _, place in named_kinds():
        rooms.get(kind, set()).add(place.partition("/")[0])
    assert [kind for kind, found in rooms.items() if found and "reggan_plugin" not in found] == []
    assert command_line.remedy_for(Remark("x", "judge-to-train")) == "reggan-plugin dev train-judge"


@pytest.mark.parametrize("table", [TYPED, panels.REMEDIES])
def test_a_remedy_names_only_fields_that_are_there(table: Mapping[str, str]) -> None:
    for kind, fields, place in named_kinds():
        parts = string.Formatter().parse(table.get(kind, ""))
        names = {name for _, name, _, _ in parts if name}
        assert names <= fields, place
    for kind in kinds_of_classes():
        assert not any(name for _, name, _, _ in string.Formatter().parse(table.get(kind, "")))


def test_the_library_does_not_know_the_command_line() -> None:
    said = [
        f"{path}:{node.lineno}: {node.value!r}"
        for path, tree in sources()
        if not is_front_end(path)
        for node in texts(tree)
        if names_an_option(node.value)
    ]
    assert said == []


def names_an_option(text: str) -> bool:
    for option in NOT_OURS:
        text = text.replace(option, "")
    return re.search(r"(?<![\w-])--[a-z]|`reggan-plugin ", text) is not None


def test_the_panels_name_no_option() -> None:
    assert [text for text in panels.REMEDIES.values() if names_an_option(text)] == []


def test_an_error_keeps_what_it_is() -> None:
    error = FaceNotFoundError("x.png shows no face.", kind="face-in-frame", source=Path("x.png"))
    assert (error.kind, error.fields) == ("face-in-frame", {"source": "x.png"})
    again = error.after("In shot a: ")
    assert str(again) == "In shot a: x.png shows no face."
    assert (again.kind, again.fields, type(again)) == (error.kind, error.fields, type(error))
    assert FaceNotFoundError("None.").kind == "face-not-found"


def test_a_remark_is_its_sentence_and_survives_being_copied() -> None:
    remark = Remark("It is wide.", "wide", width=3)
    for copy in (deepcopy(remark), pickle.loads(pickle.dumps(remark))):
        assert (copy, copy.kind, copy.fields) == ("It is wide.", "wide", {"width": 3})
    assert json.dumps({"said": remark}) == '{"said": "It is wide."}'


def test_both_front_ends_say_what_to_do_in_their_words() -> None:
    inner = Remark("a.exr shows no face.", "face-in-frame", source="a.exr")
    error = RegganError(
        f"1 of 2 frames failed; the first: {inner}", kind="frames-failed", first=inner
    )
    typed = command_line.with_remedy(error.remark)
    assert "--face-box" in typed
    assert typed.endswith("--resume` renders only what is missing.")
    pressed = panels.with_remedy(document_from_said(error.remark))
    assert "Head from Rig" in pressed
    assert pressed.endswith("Existing: Keep Finished renders only what is missing.")
    assert panels.with_remedy(document_from_said(inner), {"face-in-frame": "Look."}).endswith(
        "Look."
    )


def test_plain_text_and_unknown_kinds_are_said_as_they_are() -> None:
    assert command_line.with_remedy("no face") == "no face"
    assert command_line.with_remedy(Remark("New.", "from-tomorrow")) == "New."
    assert panels.with_remedy({"message": "New.", "kind": "from-tomorrow"}) == "New."
    seen = {
        "message": "Kopf-Y +Z2 shows no face: looked at eyes from +Z, -X, +Y.",
        "kind": "face-on-mesh",
    }
    assert "Kopf-Y +Z2 shows no face: looked at eyes from -Y, -X, +Z." in panels.with_remedy(seen)


def test_an_event_carries_kind_and_fields() -> None:
    notice = Notice(message=Remark("It was halved.", "batch-halved", asked=4, batch=2))
    document = json.loads(json.dumps(document_from_event(notice)))
    assert document["v"] == 2
    assert (document["message"], document["kind"]) == ("It was halved.", "batch-halved")
    assert document["fields"] == {"asked": 4, "batch": 2}
    assert document_from_event(Notice(message="plain"))["kind"] is None
