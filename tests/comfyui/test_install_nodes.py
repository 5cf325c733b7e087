"""`reggan-plugin comfyui`: put in, renewed, taken out, and what is not touched."""

from pathlib import Path

import pytest

from reggan_plugin.cli import main
from reggan_plugin.commands.comfyui import LOADER


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    (tmp_path / "ComfyUI/custom_nodes").mkdir(parents=True)
    return tmp_path / "ComfyUI"


def test_install_and_uninstall(comfyui: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = comfyui / "custom_nodes/reggan-plugin"
    assert main(["comfyui", "install", str(comfyui)]) == 0
    assert capsys.readouterr().out.strip() == str(folder)
    assert (folder / "__init__.py").read_text() == LOADER
    (folder / "__pycache__").mkdir()
    (folder / "__init__.py").write_text(LOADER.replace("pack", "older"))  # of another version
    assert main(["comfyui", "install", str(comfyui)]) == 0
    assert (folder / "__init__.py").read_text() == LOADER
    assert main(["comfyui", "uninstall", str(comfyui)]) == 0
    assert not folder.exists()
    assert main(["comfyui", "uninstall", str(comfyui)]) == 0


def test_what_others_put_there_stays(comfyui: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = comfyui / "custom_nodes/reggan-plugin"
    folder.mkdir()
    (folder / "__init__.py").write_text(LOADER)
    (folder / "notes.txt").write_text("mine")
    for word, said in (("install", "did not write it"), ("uninstall", "more than the loader")):
        assert main(["comfyui", word, str(comfyui)]) == 1
        assert said in capsys.readouterr().err
    assert (folder / "notes.txt").read_text() == "mine"


def test_another_folder_is_no_comfyui(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["comfyui", "install", str(tmp_path)]) == 1
    assert "main.py" in capsys.readouterr().err
