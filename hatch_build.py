"""Compiles the kernels when a wheel or an editable installation is made, for every system at once.

Zig's C compiler (PyPI's `ziglang`) needs nothing of the machine that it runs on. By hand, after the
sources in C have changed: `python hatch_build.py`, with a folder if they are to lie elsewhere.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGETS = {
    "linux-x86_64.so": "x86_64-linux-gnu -mcpu=x86_64_v2",
    "linux-x86_64-avx2.so": "x86_64-linux-gnu -mcpu=x86_64_v2+avx2",
    "linux-arm64.so": "aarch64-linux-gnu",
    "macos-x86_64.dylib": "x86_64-macos -mcpu=x86_64_v2 -Wl,-install_name,kernels",
    "macos-x86_64-avx2.dylib": "x86_64-macos -mcpu=x86_64_v2+avx2 -Wl,-install_name,kernels",
    "macos-arm64.dylib": "aarch64-macos -Wl,-install_name,kernels",
    "windows-x86_64.dll": "x86_64-windows-gnu -mcpu=x86_64_v2",
    "windows-x86_64-avx2.dll": "x86_64-windows-gnu -mcpu=x86_64_v2+avx2",
}
"""Each file and what it is compiled for. NumPy asks for x86-64-v2, too; ARM's first has all. Those
for AVX2 take a ninth less time, for the same bits."""
FLAGS = (
    "-std=c11 -O2 -ffp-contract=off -fno-math-errno -ffreestanding -nostdlib -shared "
    "-fvisibility=hidden -s -Wall -Wextra -Werror"
)
"""No fused multiply-add and no system library (nor its `errno`, which roots would set): the same
bits everywhere, one file for all Linux."""


class CompiledKernels(BuildHookInterface):  # type: ignore[misc]
    """Compiles before files are gathered."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile into the tree that is installed to be edited, or into the wheel alone."""
        within = "reggan_plugin/kernels/compiled"
        if version == "editable":
            compile_kernels(Path(self.root), Path(self.root, within))
            return
        self._made = tempfile.TemporaryDirectory()  # until the wheel has taken it in
        compile_kernels(Path(self.root), Path(self._made.name))
        build_data["force_include"][self._made.name] = within


def compile_kernels(root: Path, into: Path) -> None:
    """Compile the kernels of a source tree for all systems."""
    into.mkdir(exist_ok=True)
    sources = sorted(
        Path(root, "reggan_plugin", "kernels").glob("*.[ch]"), key=lambda one: one.name
    )
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    with tempfile.TemporaryDirectory(dir=into) as cache:
        caches = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}

        def compile_for(name: str, target: str) -> None:
            command = [sys.executable, "-m", "ziglang", "cc", "-target", *target.split()]
            command += [*FLAGS.split(), f'-DSOURCES="{digest}"', "-o", str(Path(cache, name))]
            command += [str(path) for path in sources if path.suffix == ".c"]
            subprocess.run(command, check=True, env=os.environ | caches)
            Path(cache, name).replace(into / name)  # one that is loaded stays as it is

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for made in [pool.submit(compile_for, *target) for target in TARGETS.items()]:
                made.result()


if __name__ == "__main__":
    ROOT = Path(__file__).parent
    compile_kernels(ROOT, Path([*sys.argv, ROOT / "reggan_plugin/kernels/compiled"][1]))
