"""What starting the command line loads."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "torch", "onnx", "onnxruntime", "tensorrt", "PIL", "OpenEXR", "tifffile", "bpy"}


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
    assert modules_loaded_by("import reggan_plugin, reggan_plugin.expressions").isdisjoint(HEAVY)


def test_runtime_imports_neither_torch_nor_onnx() -> None:
    loaded = modules_loaded_by(
        "from reggan_plugin.commands import render, sheet, demo, models, doctor"
    )
    assert "onnxruntime" in loaded
    assert loaded.isdisjoint({"torch", "onnx", "cv2", "tensorrt", "bpy"})


def test_module_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "reggan_plugin", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("Usage: reggan-plugin ")
