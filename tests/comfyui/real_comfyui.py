"""A real ComfyUI, started on the processor in a folder of its own, asked through HTTP."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from reggan_plugin.commands.comfyui import install_loader

COMFYUI = Path(os.environ.get("REGGAN_COMFYUI", "ComfyUI"))
"""Folder of ComfyUI's main.py."""
PYTHON = os.environ.get("REGGAN_COMFYUI_PYTHON", sys.executable)
"""With ComfyUI's packages and with reggan-plugin."""
_STARTS_S, _RUNS_S = 300, 600
ARRAY_NODES = '''\
"""Nodes for tests: a batch from a .npy file, and into one."""
import numpy, torch


class LoadArray:
    CATEGORY, RETURN_TYPES, FUNCTION = "tests", ("IMAGE",), "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"path": ("STRING", {})}}

    def run(self, path):
        return (torch.from_numpy(numpy.load(path)),)


class SaveArray:
    CATEGORY, RETURN_TYPES, FUNCTION, OUTPUT_NODE = "tests", (), "run", True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "path": ("STRING", {})}}

    def run(self, image, path):
        numpy.save(path, image.numpy())
        return {}


NODE_CLASS_MAPPINGS = {"LoadArray": LoadArray, "SaveArray": SaveArray}
'''


class RealComfyUI:
    """The server, its folders, and its answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("input", "output", "custom_nodes/arrays", "models"):
            (folder / name).mkdir(parents=True)
        (folder / "custom_nodes/arrays/__init__.py").write_text(ARRAY_NODES)
        install_loader(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._log = (folder / "log.txt").open("w")
        own = ["--base-directory", str(folder), "--listen", "127.0.0.1", "--port", str(port)]
        self._process = subprocess.Popen(
            [PYTHON, "main.py", "--cpu", "--disable-auto-launch", *own],
            cwd=COMFYUI,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        end = time.monotonic() + _STARTS_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.ask("/system_stats")
            except OSError:
                time.sleep(0.5)
            else:
                self.ask("/settings", {"Comfy.TutorialCompleted": True})
                return
        self.close()
        raise AssertionError((folder / "log.txt").read_text())

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def ask(self, address: str, document: Any = None) -> Any:
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            self.address + address, data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def queue(self, workflow: dict[str, Any]) -> str:
        try:
            return str(self.ask("/prompt", {"prompt": workflow})["prompt_id"])
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def ended(self, prompt: str) -> dict[str, Any]:
        """What a workflow left, once it has ended."""
        end = time.monotonic() + _RUNS_S
        while time.monotonic() < end:
            found: dict[str, Any] = self.ask(f"/history/{prompt}").get(prompt, {})
            if found.get("status", {}).get("status_str") in ("success", "error"):
                return found
            time.sleep(0.3)
        raise AssertionError("the workflow does not end")

    def run(self, workflow: dict[str, Any]) -> dict[str, Any]:
        """Run a workflow; return its outputs by node.

        Raises:
            AssertionError: it fails, with what a node said.
        """
        found = self.ended(self.queue(workflow))
        said = [text for kind, text in found["status"]["messages"] if kind == "execution_error"]
        assert not said, said[0]["exception_message"]
        return dict(found["outputs"])

    def saved(self, output: dict[str, Any], kind: str = "images") -> list[Path]:
        """The files that a node saved."""
        return [self.folder / "output" / one["subfolder"] / one["filename"] for one in output[kind]]

    def put(self, path: Path, name: str | None = None) -> None:
        """Copy a file into the input folder."""
        shutil.copy(path, self.folder / "input" / (name or path.name))
