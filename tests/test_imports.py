"""What starting the command line loads."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import reggan_plugin

HEAVY = {"numpy", "torch", "onnx", "onnxruntime", "tensorrt", "PIL", "OpenEXR", "tifffile", "bpy"}

ROOT = Path(__file__).parents[1]


def modules_loaded_by(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint('loaded:', *sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["no-such-command"]])
def test_command_line_starts_without_heavy_packages(arguments: list[str]) -> None:
    loaded = modules_loaded_by(f"from reggan_plugin.cli import main; main({arguments})")
    assert "reggan_plugin.cli" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_package_imports_nothing_heavy() -> None:
    assert modules_loaded_by(
        "import reggan_plugin, reggan_plugin.vocabulary.expression"
    ).isdisjoint(HEAVY)


def test_runtime_imports_neither_torch_nor_onnx() -> None:
    loaded = modules_loaded_by(
        "from reggan_plugin.commands import render, sheet, demo, models, doctor"
    )
    assert "onnxruntime" in loaded
    assert loaded.isdisjoint({"torch", "onnx", "cv2", "tensorrt", "bpy"})


def test_a_png_is_changed_without_what_only_other_files_and_checks_need(tmp_path: Path) -> None:
    source = Path(reggan_plugin.__file__).parent / "samples/avatar_png/avatar.1001.png"
    words = ["render", str(source), "--expression", "happy", "--out", str(tmp_path / "new.png")]
    loaded = modules_loaded_by(f"from reggan_plugin.cli import main; main({words})")
    assert (tmp_path / "new.png").exists()
    assert loaded.isdisjoint({"jaxtyping", "OpenEXR", "tifffile", "av", "trimesh", "asyncio"})
    assert loaded.isdisjoint({"importlib.metadata", "email", "tomllib", "secrets"})
    assert loaded.isdisjoint({"numpy.ma", "difflib", "concurrent.futures", "multiprocessing"})
    of_others = (
        *("files.exr.container", "faces.tracks_file", "jobs.frames_in_flight", "jobs.track_job"),
        *("jobs.watched_folder", "models.unsafe_onnx", "transfer.python_picture"),
    )
    assert loaded.isdisjoint(f"reggan_plugin.{name}" for name in of_others)


@pytest.mark.parametrize("loaded_by", ["cli", "transfer.expression_transfer", "commands.doctor"])
def test_onnx_runtime_gathers_nothing_and_leaves_no_file(loaded_by: str, tmp_path: Path) -> None:
    settings = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    settings.pop("ORT_DISABLE_TELEMETRY", None)
    settings.pop("XDG_CACHE_HOME", None)
    script = f"import reggan_plugin.{loaded_by}, onnxruntime; onnxruntime.SessionOptions()"
    subprocess.run([sys.executable, "-c", script], env=settings, check=True)
    assert list(tmp_path.iterdir()) == []


def test_shapes_are_checked_where_jaxtyping_is_loaded_first() -> None:
    shaped = "from reggan_plugin.array_types import Float; import numpy; print(Float[numpy.ndarray"
    for first, wanted in (("import jaxtyping; ", "Float[ndarray, '2 3']"), ("", "numpy.ndarray")):
        statement = f"{first}{shaped}, '2 3'])"
        run = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True)
        assert wanted in run.stdout.replace('"', "'")


@pytest.mark.parametrize(
    ("words", "threads"),
    [("expressions", "1"), ("dataset check --help", "None"), ("dev train-judge --help", "None")],
)
def test_garbage_is_collected_once_a_command_is_loaded_and_own_ones_multiply_in_one_thread(
    words: str, threads: str
) -> None:
    script = (
        f"import gc, os, sys; sys.argv[1:] = {words.split()};"
        "from reggan_plugin.__main__ import start; code = start();"
        "print('ended:', code, gc.isenabled(), gc.get_freeze_count() > 1000,"
        "os.environ.get('OPENBLAS_NUM_THREADS'))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout.splitlines()[-1] == f"ended: 0 True True {threads}"


def test_module_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "reggan_plugin", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("Usage: reggan-plugin ")


def test_imports_within_functions_of_tests_and_tools_name_what_is_there() -> None:
    """They run when somebody starts a long suite by hand, and a renamed module goes unseen."""
    missing = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            room = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if room.split(".")[0] not in ("reggan_plugin", "reggan_training", "reggan_export"):
                continue
            assert isinstance(node, ast.ImportFrom)
            own = importlib.import_module(room)
            missing += [
                f"{path.relative_to(ROOT)}:{node.lineno}: {room}.{one.name}"
                for one in node.names
                if not hasattr(own, one.name)
                and importlib.util.find_spec(f"{room}.{one.name}") is None
            ]
    assert missing == []
