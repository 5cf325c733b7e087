"""The add-on comes and goes without a trace, and says what is wrong with its runtime."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

pytestmark = [pytest.mark.blender, pytest.mark.usefixtures("registered")]
ADDON = "blender_addon"


@pytest.fixture
def preferences() -> Iterator[Any]:
    """The add-on's preferences, put back afterwards."""
    chosen = bpy.context.preferences.addons[ADDON].preferences
    before = chosen.runtime, chosen.environment
    yield chosen
    chosen.runtime, chosen.environment = before


def what_blender_knows() -> set[str]:
    types = {name for name in dir(bpy.types) if "reggan" in name.lower()}
    properties = {
        f"{owner.__name__}.{name}"
        for owner in (bpy.types.Scene, bpy.types.WindowManager, bpy.types.Object)
        for name in dir(owner)
        if "reggan" in name
    }
    return types | properties | {name for name in dir(bpy.ops.reggan) if name[0] != "_"}


def test_it_registers_twice_and_leaves_nothing(registered: ModuleType) -> None:
    before = what_blender_knows()
    assert {"doctor", "cancel", "render_frames", "Scene.reggan"} <= before
    for _ in range(2):
        registered.unregister()
        assert what_blender_knows() == set()
        registered.register()
        assert what_blender_knows() == before


def test_every_property_and_operator_explains_itself() -> None:
    for name in dir(bpy.ops.reggan):
        operator = getattr(bpy.ops.reggan, name).get_rna_type()
        assert len(operator.description) > 15, name
    for owner in (bpy.context.scene.reggan, bpy.context.preferences.addons[ADDON].preferences):
        for prop in owner.bl_rna.properties:
            if prop.identifier not in ("rna_type", "name", "bl_idname"):
                assert len(prop.description) > 10, prop.identifier


def test_without_wheels_it_says_which_zip_to_install(preferences: Any) -> None:
    preferences.runtime = "BUNDLED"
    with pytest.raises(RuntimeError, match=r"no bundled runtime.*choose an environment"):
        bpy.ops.reggan.doctor()


def test_an_environment_that_is_gone_is_named(preferences: Any, tmp_path: Path) -> None:
    preferences.environment = ""
    with pytest.raises(RuntimeError, match=r"No environment is named.*preferences"):
        bpy.ops.reggan.doctor()
    preferences.environment = str(tmp_path / "gone")
    with pytest.raises(RuntimeError, match=r"nothing at .*gone.*preferences"):
        bpy.ops.reggan.doctor()


def test_no_tooltip_ends_in_a_dot_of_its_own() -> None:
    """Blender adds one: it would stand twice, or alone on a line."""
    described = [
        (name, getattr(bpy.ops.reggan, name).get_rna_type().description)
        for name in dir(bpy.ops.reggan)
    ]
    scene = bpy.context.scene
    owners = [bpy.context.preferences.addons[ADDON].preferences]
    owners += [getattr(scene, name) for name in dir(scene) if name.startswith("reggan")]
    for owner in owners:
        for prop in getattr(getattr(owner, "bl_rna", None), "properties", ()):
            described.append((f"{owner}.{prop.identifier}", prop.description))
            items = getattr(prop, "enum_items", ())
            described += [(f"{prop.identifier} {one.name}", one.description) for one in items]
    assert len(described) > 150
    wrong = [name for name, said in described if said != said.strip() or said.endswith(".")]
    assert not wrong


@pytest.mark.parametrize(
    ("under", "fullscreen", "is_blender_s"),
    [("RENDER_RESULT", False, True), ("IMAGE", False, False), ("IMAGE", True, True)],
)
def test_esc_in_a_render_view_is_blender_s(
    under: str, fullscreen: bool, is_blender_s: bool
) -> None:
    """It leaves the view, and a running job goes on."""
    from blender_addon.operators.job_operator import _is_for_render_view

    space = SimpleNamespace(image=SimpleNamespace(type=under))
    area = SimpleNamespace(x=10, y=10, width=100, height=100, type="IMAGE_EDITOR")
    area.spaces = SimpleNamespace(active=space)
    screen = SimpleNamespace(show_fullscreen=fullscreen, areas=[area])
    context = SimpleNamespace(window=SimpleNamespace(screen=screen, parent=None))
    escape = SimpleNamespace(mouse_x=50, mouse_y=50)
    assert _is_for_render_view(context, escape) is is_blender_s


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("kill -9 $$", r"signal 9.*Close other programs"),
        ("exit 7", r"code 7.*Run Doctor"),
        (
            "echo \"ModuleNotFoundError: No module named 'reggan_plugin'\" >&2; exit 1",
            r"has no reggan-plugin.*Make Environment",
        ),
    ],
)
def test_a_worker_that_dies_is_explained(
    preferences: Any, tmp_path: Path, ending: str, words: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{ending}\n")
    python.chmod(0o755)
    preferences.environment = str(python)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.reggan.doctor()
    assert bpy.context.window_manager.reggan_job == ""
    assert bpy.ops.reggan.doctor.poll()


class Window:
    """What the operators use of a window manager, which has no timers without a window."""

    def __init__(self) -> None:
        self.windows: tuple[()] = ()
        self.reggan_job, self.reggan_progress, self.timers = "", 0.0, 0
        self.reggan_last_words = "of the job before"

    def event_timer_add(self, interval_s: float, *, window: None) -> object:
        self.timers += 1
        return object()

    def event_timer_remove(self, timer: object) -> None:
        self.timers -= 1

    def modal_handler_add(self, operator: object) -> None:
        pass


@pytest.fixture
def button(registered: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """An operator with a job that takes a minute, its messages, and its window."""
    from blender_addon.bridge.find_runtime import Runtime
    from blender_addon.bridge.run_job import JobRequest
    from blender_addon.operators import job_operator

    package = tmp_path / "reggan_plugin"
    package.mkdir()
    (package / "__main__.py").write_text("import time; time.sleep(60)")
    runtime = Runtime(
        python=Path(sys.executable), environment={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    monkeypatch.setattr(job_operator, "chosen_runtime", lambda context: runtime)
    monkeypatch.setattr(job_operator, "bpy", SimpleNamespace(app=SimpleNamespace(background=False)))

    class Button(job_operator.JobOperator):
        def __init__(self) -> None:
            self.said: list[str] = []

        def requests(self, context: Any) -> list[JobRequest]:
            return [JobRequest(arguments=(), title="Slow", folder=tmp_path / "job")]

        def report(self, kind: set[str], message: str) -> None:
            self.said.append(message)

    return Button()


def event(kind: str) -> SimpleNamespace:
    return SimpleNamespace(type=kind, value="PRESS")


def test_escape_stops_the_worker_and_blender_goes_on(button: Any) -> None:
    window = Window()
    context = SimpleNamespace(window_manager=window, window=None, workspace=None)
    context.workspace = SimpleNamespace(status_text_set=lambda text: None)
    assert button.invoke(context, event("LEFTMOUSE")) == {"RUNNING_MODAL"}
    worker = button._job._worker._process
    assert button.modal(context, event("MOUSEMOVE")) == {"PASS_THROUGH"}
    assert button.modal(context, event("TIMER")) == {"PASS_THROUGH"}
    assert window.reggan_job == "Slow"
    assert not type(button).poll.__func__(FakePoll, context)
    button.modal(context, event("ESC"))
    answers = []
    while answers[-1:] in ([], [{"PASS_THROUGH"}]):
        time.sleep(0.01)
        answers.append(button.modal(context, event("TIMER")))
    assert answers[-1] == {"CANCELLED"}
    assert worker.poll() is not None
    assert button.said == ["Cancelled. What was finished before is kept."]
    assert window.reggan_last_words == ""
    assert (window.reggan_job, window.timers) == ("", 0)


def test_a_fault_of_ours_leaves_no_button_grey(
    button: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blender_addon.operators.job_operator import _running

    window = Window()
    workspace = SimpleNamespace(status_text_set=lambda text: None)
    context = SimpleNamespace(window_manager=window, window=None, workspace=workspace)
    button.invoke(context, event("LEFTMOUSE"))
    worker = button._job._worker._process

    def fail() -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr(button._job, "poll", fail)
    with pytest.raises(KeyError, match="unforeseen"):
        button.modal(context, event("TIMER"))
    assert worker.poll() is not None
    assert not _running
    assert (window.reggan_job, window.timers) == ("", 0)


class FakePoll:
    """The class that Blender asks whether the button is grey."""

    @classmethod
    def poll_message_set(cls, reason: str) -> None:
        assert reason == "Another RegGAN job is running"


@pytest.mark.parametrize("end", ["another file is opened", "the add-on is taken out"])
def test_no_worker_outlives_its_window(button: Any, end: str, registered: ModuleType) -> None:
    window = Window()
    context = SimpleNamespace(window_manager=window, window=None)
    context.workspace = SimpleNamespace(status_text_set=lambda text: None)
    button.invoke(context, event("LEFTMOUSE"))
    worker = button._job._worker._process
    if end == "another file is opened":
        button.cancel(context)
    else:
        registered.unregister()
        registered.register()
    assert worker.wait(timeout=10) != 0
