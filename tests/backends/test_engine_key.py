"""A key is the same for the same things and another one where anything differs."""

import subprocess
import sys
from dataclasses import fields, replace

import pytest

from reggan_plugin.backends.engine_key import (
    EngineKey,
    EngineOptions,
    key_differences,
)
from reggan_plugin.errors import UsageError

KEY = EngineKey(
    model_sha256="ab" * 32,
    tensorrt="11.4.0.106",
    system="linux-x86_64",
    gpu="NVIDIA H100 80GB HBM3",
    compute_capability="9.0",
    precision="fp16",
    options=EngineOptions(batch=(1, 4, 16)),
)
OTHER = {
    "model_sha256": "cd" * 32,
    "tensorrt": "11.4.0.107",
    "system": "windows-amd64",
    "gpu": "NVIDIA H200",
    "compute_capability": "8.9",
    "precision": "fp32",
    "options": EngineOptions(batch=(1, 4, 8)),
}


def test_the_name_says_the_main_things_and_never_changes() -> None:
    """Pinned: with another digest every engine that users have built would be built again."""
    assert KEY.file_name("reggan") == "reggan-fp16-sm90-trt11.4.0.106-299af25b0f34f66c.plan"


def test_another_process_makes_the_same_key() -> None:
    script = f"from reggan_plugin.backends.engine_key import *\nprint({KEY!r}.digest)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == KEY.digest


@pytest.mark.parametrize("field", [field.name for field in fields(EngineKey)])
def test_whatever_differs_makes_another_key(field: str) -> None:
    other = replace(KEY, **{field: OTHER[field]})
    assert other.digest != KEY.digest
    assert field in key_differences(other.document(), KEY)
    assert key_differences(KEY.document(), KEY) == ""


@pytest.mark.parametrize(
    "change",
    [{"batch": (1, 1, 16)}, {"sides_px": (8, 8, 8)}, {"portable": True}, {"optimization_level": 5}],
)
def test_every_option_makes_another_key(change: dict[str, object]) -> None:
    assert replace(KEY, options=replace(KEY.options, **change)).digest != KEY.digest


def test_open_axes_take_the_ranges_and_fixed_ones_stay() -> None:
    options = EngineOptions(batch=(1, 4, 16), sides_px=(64, 128, 256))
    assert options.shapes((-1, 3, 256, 256)) == (
        (1, 3, 256, 256),
        (4, 3, 256, 256),
        (16, 3, 256, 256),
    )
    assert options.shapes((1, 1, -1, -1))[2] == (1, 1, 256, 256)


@pytest.mark.parametrize("batch", [(0, 1, 2), (2, 1, 4), (1, 8, 4), (1, 1, 65)])
def test_a_batch_that_does_not_rise_is_refused(batch: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match=r"smallest,best,largest.*such as 1,4,16"):
        EngineOptions(batch=batch)
