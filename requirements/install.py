"""Install what the gate needs into this environment: as locked, by two processes of pip at once.

Torch is not locked: its file is the machine's choice (README.md beside this).
"""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TORCH = "torch==2.13.0"
LARGEST = "torch, sympy, networkx, beartype.door, onnxscript, trimesh, selenium.webdriver"
COMPILE = f"import sys; sys.dont_write_bytecode = False; import {LARGEST}"
"""Once, beside pip; else both of the gate's processes would compile these."""
LOCKED = ("--no-deps", "--require-hashes", "-r")


def main() -> None:
    """Install; what fails ends it."""
    lock = (HERE / "gate.txt").read_text(encoding="utf-8").replace("\\\n", "")
    pins = [line for line in lock.splitlines() if not line.startswith("#")]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        halves = [Path(folder, name) for name in ("first.txt", "second.txt")]
        for half, path in enumerate(halves):
            path.write_text("\n".join(pins[half::2]), encoding="utf-8")
        second = pool.submit(_install, *LOCKED, str(halves[1]))
        _install("--no-deps", TORCH)
        _install(*LOCKED, str(halves[0]))
        second.result()
        _install(TORCH)  # what its file for CUDA needs of NVIDIA
        compiled = pool.submit(subprocess.run, [sys.executable, "-c", COMPILE], check=True)
        _install("--no-build-isolation", "-e", f"{HERE.parent}[dev]")
        compiled.result()


def _install(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--no-compile", *words], check=True)


if __name__ == "__main__":
    main()
