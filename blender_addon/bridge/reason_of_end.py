"""The reason why a worker ended that could not say so itself."""

import re

_NO_MODULE = re.compile(r"No module named '?([\w.]+)")


def reason_from_end(last_words: str, exit_code: int, *, python: str) -> str:
    """Return an artist's message for a process that failed without an `error` line.

    Args:
        last_words: the last lines of its stderr that were not JSON.
        exit_code: negative for a signal that killed it.
        python: the executable that it ran.
    """
    missing = _NO_MODULE.search(last_words)
    if missing and missing[1] == "reggan_plugin":
        return (
            f"{python} has no reggan-plugin. Install it there from the folder of its source: "
            f'"{python}" -m pip install "FOLDER[textures]"; or choose the bundled runtime in the '
            "add-on's preferences."
        )
    last = last_words.rpartition("\n")[2]
    if missing or "ImportError" in last_words:
        return (
            f"{python} cannot load what reggan-plugin needs: {last}. Its packages may be for "
            "another version of Python. Choose another runtime in the add-on's preferences, or "
            "install this one again."
        )
    if exit_code < 0 or exit_code > 255:
        return (
            f"The worker was ended from outside ({_name_of_end(exit_code)}), often for lack of "
            "memory. Close other programs, or work on smaller or fewer pictures, and run it "
            "again: what is finished is kept."
        )
    usage = re.search(r"^Error: (.+)", last_words, re.MULTILINE | re.DOTALL)
    if usage:
        return " ".join(usage[1].split())
    return last or (
        f"The worker ended with code {exit_code} and no word of why. Press Run Doctor in the "
        "add-on's preferences."
    )


def _name_of_end(exit_code: int) -> str:
    return f"signal {-exit_code}" if exit_code < 0 else f"code {exit_code:#x}"
