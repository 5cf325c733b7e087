"""The script of a second Blender: opens the copy, and tracks the head in it.

    blender --background COPY.blend --python script.py -- SPECIFICATION.json

Progress goes to stderr as one JSON object a line. The add-on need not be switched on here, and is
not registered: its modules are imported under a name of their own.
"""

import json
import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import bpy

_ADDON, _NAME = Path(__file__).resolve().parents[1], "reggan_addon_in_second_blender"


def main(specification: Path) -> int:
    """Do what is specified; 1 where it cannot be done, which is then said for the artist."""
    given = json.loads(specification.read_text(encoding="utf-8"))
    _make_addon_importable()
    bridge_error = import_module(f"{_NAME}.bridge.errors").BridgeError
    try:
        _open(given["blend"], runs_scripts=given["runs_scripts"])
        import_module(f"{_NAME}.second_blender.head_tracker").run(given["asked"], _say)
    except bridge_error as error:
        _say("error", message=str(error))
        return 1
    except (OSError, RuntimeError) as error:  # full disks; what Blender's operators report
        lines = (line.removeprefix("Error: ").rstrip(".") for line in str(error).splitlines())
        said = "; ".join(dict.fromkeys(line for line in lines if line))
        _say("error", message=f"The second Blender stopped: {said}. Mend that and run it again.")
        return 1
    return 0


def _make_addon_importable() -> None:
    place = _ADDON / "__init__.py"
    spec = spec_from_file_location(_NAME, place, submodule_search_locations=[str(_ADDON)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[_NAME] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[_NAME])


def _open(copy: str, *, runs_scripts: bool) -> None:
    """Open the copy. As a module Blender opened nothing yet; else it opened the copy, or failed to.

    The copy is then taken away.
    """
    if not bpy.app.binary_path:
        bpy.ops.wm.open_mainfile(filepath=copy, use_scripts=runs_scripts)
    if not bpy.data.filepath or not Path(bpy.data.filepath).samefile(copy):
        raise RuntimeError(f"it could not open the copy of the file, {copy}.")
    Path(copy).unlink()  # scenes can be large, and the folder stays until the artist's Blender ends


def _say(event: str, **fields: Any) -> None:
    print(json.dumps({"v": 1, "event": event, **fields}), file=sys.stderr, flush=True)


if __name__ == "__main__":
    code = main(Path(sys.argv[sys.argv.index("--") + 1]))
    if not bpy.app.binary_path:  # 4.2 as a module can crash while it ends, once it wrote a GLB
        sys.stdout.flush()
        os._exit(code)
    if code:
        sys.exit(code)
