"""Read pictures in a process that is denied more memory; run by test_pictures.py.

python read_in_little_memory.py MIB PICTURE...
"""

import importlib
import resource
import sys
from pathlib import Path

from reggan_plugin.errors import RegganError
from reggan_plugin.files.frame import read_frame


def main(mib: int, paths: list[Path]) -> None:
    """Print `path: the error` for each; what is no error of ours ends the process."""
    for name in ("exr", "jpeg", "png", "tiff"):
        importlib.import_module(f"reggan_plugin.files.formats.{name}")
    resource.setrlimit(resource.RLIMIT_AS, (mib * 2**20, mib * 2**20))
    for path in paths:
        try:
            read_frame(path)
        except RegganError as error:
            print(error)
    # Not getrusage: it counts what the process that started this one held, too.
    status = Path("/proc/self/status").read_text()
    [peak_kib] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")]
    print(f"peak {peak_kib // 1024} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
