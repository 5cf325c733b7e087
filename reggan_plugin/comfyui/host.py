"""All that the nodes ask of ComfyUI: progress, Cancel, its folders, its server. Nothing else
imports it.
"""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reggan_plugin.errors import RegganError, SourceError, UsageError
from reggan_plugin.json_and_toml import parse_json

MODELS_FOLDER = "reggan"
"""Folder in ComfyUI's `models/` for models of one's own."""


def _module(name: str) -> Any:
    """Return a module of the ComfyUI that runs; it has no types, and is not there in tests."""
    return importlib.import_module(name)


class NodeProgress:
    """The progress bar of a node, and its Cancel."""

    def __init__(self, steps: int, node: str | None) -> None:
        """Begin at 0 of `steps`; `node` is the number of the node in the workflow."""
        self._bar = _module("comfy.utils").ProgressBar(steps, node_id=node)
        self._done = 0

    def step(self) -> None:
        """Move on by one step.

        Raises:
            BaseException: the one by which ComfyUI ends a node that the user cancelled.
        """
        self._done += 1
        self._bar.update_absolute(self._done)
        self.raise_if_cancelled()

    def is_cancelled(self) -> bool:
        """Tell whether the user cancelled."""
        return bool(_module("comfy.model_management").processing_interrupted())

    def raise_if_cancelled(self) -> None:
        """End the node if the user cancelled."""
        _module("comfy.model_management").throw_exception_if_processing_interrupted()


def blocked(message: str) -> Any:
    """Return an output that fails, with a message, only where a node takes it."""
    return _module("comfy_execution.graph_utils").ExecutionBlocker(message)


def models_of_ones_own(suffix: str = ".onnx") -> dict[str, Path]:
    """Models in ComfyUI's `models/reggan`, by the name of their file."""
    folders = _module("folder_paths")
    folder = Path(folders.models_dir) / MODELS_FOLDER
    return {path.name: path for path in sorted(folder.glob(f"*{suffix}"))}


def input_file(name: str) -> Path:
    """Return a file of ComfyUI's input folder by its name there, as *Load Image* writes it.

    Raises:
        SourceError: there is none, or it lies elsewhere.
    """
    folders = _module("folder_paths")
    plain, folder = folders.annotated_filepath(name)
    root = Path(folder or folders.get_input_directory()).resolve()
    try:
        path = (root / plain).resolve()
        is_there = path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
        is_there = False
    if not is_there:
        raise SourceError(
            f"{name[:80]!r} is no file in {root}. Upload it there, or choose another."
        )
    return path


def next_output(prefix: str, height: int, width: int) -> tuple[Path, str, int, str]:
    """Return folder, name, next free number and subfolder of files to save, as *Save Image*.

    Raises:
        UsageError: no file can have this name.
    """
    if "\0" in prefix:
        raise UsageError(f"{prefix[:80]!r} has a NUL, which no file's name has. Take it out.")
    folders = _module("folder_paths")
    folder, name, number, subfolder, _ = folders.get_save_image_path(
        prefix, folders.get_output_directory(), width, height
    )
    return Path(folder), str(name), int(number), str(subfolder)


Answer = Callable[[dict[str, Any]], tuple[bytes, str] | dict[str, Any]]
"""Takes the JSON of a request; returns bytes and their type, or JSON."""


def add_routes(routes: Mapping[str, Answer]) -> None:
    """Let ComfyUI's server answer POST requests by their address, each in a thread of its own.

    An error that was meant becomes JSON with the sentence for the user.
    """
    import asyncio

    server = _module("server").PromptServer.instance
    web = _module("aiohttp.web")

    def handler(answer: Answer) -> Callable[[Any], Any]:
        async def handle(request: Any) -> Any:
            try:
                asked = parse_json(await request.text())
                found = await asyncio.to_thread(answer, asked if isinstance(asked, dict) else {})
            except (RegganError, OSError, ValueError, RecursionError) as error:
                return web.json_response({"message": str(error)}, status=422)
            if isinstance(found, dict):
                return web.json_response(found)
            content, kind = found
            headers = {"Cache-Control": "no-store"}
            return web.Response(body=content, content_type=kind, headers=headers)

        return handle

    for address, answer in routes.items():
        server.routes.post(address)(handler(answer))
