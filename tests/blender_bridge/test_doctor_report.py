"""What the preferences show of the doctor, and messages without private paths."""

from pathlib import Path

from blender_addon.bridge.find_runtime import lines_of_report
from blender_addon.bridge.remedies import with_names_for_paths, with_remedy
from reggan_plugin.commands.doctor import Device, Diagnosis, Package


def test_what_works_stands_first() -> None:
    diagnosis = Diagnosis(
        python="3.11.9",
        executable="/opt/python",
        system="Linux",
        packages=(
            Package(name="onnxruntime", version="1.31", extras=()),
            Package(name="trimesh", version=None, extras=("textures",)),
        ),
        providers=("CPUExecutionProvider",),
        devices=(
            Device(name="cuda", loads=False, message="No provider.", remedy="Install one."),
            Device(name="rtx", loads=False, message="No card.", remedy="pip install it."),
            Device(name="cpu", loads=True, message="", remedy=""),
        ),
        auto="cpu",
        problems=("Two of them.",),
    )
    assert lines_of_report(diagnosis.document()) == [
        "Works: cpu; auto takes cpu",
        "Problem: Two of them.",
        "Not here: cuda. No provider. Install one.",
        "Not here: rtx. No card.",
        "Python 3.11.9 at /opt/python",
        "onnxruntime 1.31",
    ]
    assert lines_of_report({})[0] == "No device works."


def test_what_is_typed_in_a_terminal_is_a_button() -> None:
    cuda = {"name": "cuda", "loads": False, "message": "None.", "remedy": 'pip install "x"'}
    assert lines_of_report({"devices": [cuda]})[1:3] == [
        "Not here: cuda. None.",
        "For an NVIDIA card press Make Environment: it takes what cuda needs.",
    ]
    said = {
        "kind": "missing-extra",
        "message": "USD needs pxr, which is not installed. Install it: pip install "
        '"reggan-plugin[usd]"',
    }
    assert with_remedy(said) == (
        "USD needs pxr, which is not installed. Press Make Environment in the add-on's "
        "preferences: it has that."
    )
    said["message"] = 'C needs x. Install it: pip install "reggan-plugin[c2pa]"'
    assert with_remedy(said) == said["message"]


def test_files_of_work_folders_stand_by_their_names(tmp_path: Path) -> None:
    folder, other = tmp_path / "reggan-1", tmp_path / "shot"
    for place in (folder / "out", other):
        place.mkdir(parents=True)
    (folder / "Kopf Ä 1.glb").touch()
    message = f"{folder / 'Kopf Ä 1.glb'} shows no face, {other / 'a.png'} is there; {folder}/gone."
    assert with_names_for_paths(message, [folder]) == (
        f"Kopf Ä 1 shows no face, {other / 'a.png'} is there; gone."
    )
