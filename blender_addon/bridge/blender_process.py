"""A second Blender beside the artist's: how it is started, and why it ended."""

from dataclasses import dataclass
from pathlib import Path

from .runtime import Runtime

_SCRIPT = Path(__file__).parents[1] / "second_blender" / "script.py"
_NO_NEWS = "Error: script failed"
"""What Blender says last of all, after the reason."""


@dataclass(frozen=True, kw_only=True)
class SecondBlender(Runtime):
    """Blender's executable, or a Python that has Blender as a module."""

    program: tuple[str, ...] = ()

    def reason_from_end(self, last_words: str, exit_code: int) -> str:
        """Return an artist's message for one that failed without an `error` line."""
        if exit_code < 0 or exit_code > 255:
            end = f"signal {-exit_code}" if exit_code < 0 else f"code {exit_code:#x}"
            return (
                f"The second Blender crashed or was ended from outside ({end}), often for lack of "
                "memory: it holds a copy of this file. Close other programs and run it again: what "
                "is finished is kept."
            )
        words = [line for line in last_words.split("\n") if not line.startswith(_NO_NEWS)] or [""]
        last = words[-1].rstrip(".") or f"it ended with code {exit_code}"
        return (
            f"The second Blender failed: {last}. Save the file, restart Blender and run it again."
        )


def blender_arguments(
    copy: Path, specification: Path, *, is_module: bool, runs_scripts: bool
) -> tuple[str, ...]:
    """Command line of a second Blender.

    Args:
        copy: of the artist's file.
        specification: JSON, read by `second_blender/script.py`.
        is_module: it is a Python with Blender in it, which the script tells to open the copy.
        runs_scripts: the artist's preferences let the file's own scripts run.
    """
    if is_module:  # -P: what lies beside the script is no module of its own
        return ("-P", str(_SCRIPT), "--", str(specification))
    scripts = "--enable-autoexec" if runs_scripts else "--disable-autoexec"
    return (
        *("--background", scripts, str(copy), "--python-exit-code", "1"),
        *("--python", str(_SCRIPT), "--", str(specification)),
    )
