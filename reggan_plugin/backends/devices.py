"""Devices: how one is named, who provides it, which `auto` tries in which order; a model on one."""

import sys
from collections.abc import Mapping
from dataclasses import field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reggan_plugin.errors import UsageError
from reggan_plugin.frozen import frozen

Tensors = dict[str, NDArray[np.float32]]
ASKED_FOR = "asked for"
"""The reason for a device that was named."""

AUTO = "auto"
GPU = "gpu"
"""The best GPU that works; never the CPU."""
INDEXED_KINDS = ("cuda", "tensorrt", "tensorrt-ep", "rtx", "directml")
DEVICE_KINDS = ("cpu", *INDEXED_KINDS, "coreml", "openvino")
GPU_ORDER = ("rtx", "cuda", "directml", "coreml")
AUTO_ORDER = ("rtx", "cuda", "directml", "cpu")
"""Devices that `auto` tries. Not `tensorrt` and `tensorrt-ep`, which build for minutes before the
first frame, and not `coreml` and `openvino`, which nobody measured to be better than `cpu`."""


@runtime_checkable
class Runner(Protocol):
    """A model loaded on a device, ready to run any number of times."""

    reason: str
    """Why it runs there."""

    @property
    def device(self) -> str:
        """The device that it runs on: `cpu`, `cuda:0`, ..."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string pairs stored in the model file."""
        ...

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Return every output by name for `inputs` by name."""
        ...


@frozen
class DeviceName:
    """A kind of device and, where there can be several, which of them."""

    kind: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}" if self.index else self.kind


def device_from_text(text: str) -> DeviceName:
    """Read `cpu`, `cuda`, `cuda:1`, ...; `auto` and `gpu` are no devices but choices among them.

    Raises:
        UsageError: no device is called so.
    """
    kind, colon, index = text.partition(":")
    is_known = kind in DEVICE_KINDS and not colon
    if not is_known and not (kind in INDEXED_KINDS and index.isdecimal()):
        raise UsageError(
            f"{text!r} is not a device; name {AUTO}, {GPU}, or one of {', '.join(DEVICE_KINDS)}; "
            f"{', '.join(INDEXED_KINDS)} take an index, such as cuda:1.",
            kind="unknown-device",
        )
    return DeviceName(kind=kind, index=int(index or 0))


ENGINE_SUFFIX = ".plan"


DEFAULT_BATCH = (1, 1, 16)
"""Tuned for one frame, which is how `render` asks."""


_MOST_BATCH = 64


@frozen
class EngineOptions:
    """Options of building an engine.

    Attributes:
        batch: smallest, best and largest number of crops; kernels are chosen for the best one.
        sides_px: the same for heights and widths that a model leaves open; ours leave none, but
            for the face detector.
        portable: for every GPU from NVIDIA's Ampere generation on, at some cost in speed,
            instead of the one in this machine.
    """

    batch: tuple[int, int, int] = DEFAULT_BATCH
    sides_px: tuple[int, int, int] = (64, 512, 1024)
    portable: bool = False

    def __post_init__(self) -> None:
        smallest, best, largest = self.batch
        if not 1 <= smallest <= best <= largest <= _MOST_BATCH:
            raise UsageError(
                f"The batch {','.join(map(str, self.batch))} is not smallest,best,largest in "
                f"rising order from 1 to {_MOST_BATCH}; such as 1,4,16."
            )

    def shapes(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Return the smallest, best and largest shape of an input whose open axes are -1."""
        ranges = (self.batch, *[self.sides_px] * (len(shape) - 1))
        return tuple(
            tuple(ranges[axis][which] if size < 0 else size for axis, size in enumerate(shape))
            for which in range(3)
        )


_REPLACES = "pip uninstall -y onnxruntime; pip install "
"""For builds that take the place of onnxruntime: two at once overwrite each other's files."""


@frozen
class Provider:
    """The provider by which ONNX Runtime reaches a kind of device.

    Attributes:
        name: ONNX Runtime's own for it.
        remedy: what to install where it is missing.
        options: its settings. `{index}`, `{threads}` and `{cache}` (a folder for this model, file
            and version of ONNX Runtime) are filled in, and `{smallest}`, `{best}` and `{largest}`,
            input shapes: without them an engine is built anew for each shape that comes.
        beside: kind whose provider takes the operations that this one cannot.
        plug_in: importable package that brings it to a plain onnxruntime.
        only_on: `sys.platform` of the only system that has it.
        loads_cuda: it needs CUDA's libraries, which pip may have put where no loader looks.
        reuses_memory: ONNX Runtime may plan one block of memory for all of a run.
    """

    name: str
    remedy: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    beside: str | None = None
    plug_in: str | None = None
    only_on: str | None = None
    loads_cuda: bool = False
    reuses_memory: bool = True

    @property
    def is_for_this_system(self) -> bool:
        """True if this operating system can have it."""
        return self.only_on in (None, sys.platform)


PROVIDERS: Mapping[str, Provider] = {
    "cpu": Provider(
        name="CPUExecutionProvider",
        reuses_memory=False,  # no faster, and searching a 4K frame for faces takes 44 MB more
    ),
    "cuda": Provider(
        name="CUDAExecutionProvider",
        remedy=f'For NVIDIA GPUs: {_REPLACES}"onnxruntime-gpu[cuda,cudnn]"',
        options={
            "device_id": "{index}",
            # A search that times algorithms chooses otherwise in another process, and then the
            # parts of a shot that a farm renders apart differ.
            "cudnn_conv_algo_search": "HEURISTIC",
            "use_tf32": "0",  # a file's precision is its own: for more speed export it in fp16
        },
        loads_cuda=True,
    ),
    "tensorrt-ep": Provider(
        name="TensorrtExecutionProvider",
        remedy=f'For NVIDIA GPUs: {_REPLACES}"onnxruntime-gpu[cuda,cudnn]" "tensorrt-cu13<11" '
        "--extra-index-url https://pypi.nvidia.com",
        options={
            "device_id": "{index}",
            "trt_profile_min_shapes": "{smallest}",
            "trt_profile_opt_shapes": "{best}",
            "trt_profile_max_shapes": "{largest}",
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": "{cache}",
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": "{cache}",
        },
        beside="cuda",
        loads_cuda=True,
    ),
    "rtx": Provider(
        name="NvTensorRTRTXExecutionProvider",
        remedy='For NVIDIA RTX cards: pip install "reggan-plugin[rtx]"',
        options={
            "nv_profile_min_shapes": "{smallest}",
            "nv_profile_opt_shapes": "{best}",
            "nv_profile_max_shapes": "{largest}",
            "nv_runtime_cache_path": "{cache}",
        },
        plug_in="onnxruntime_ep_nv_tensorrt_rtx",
    ),
    "directml": Provider(
        name="DmlExecutionProvider",
        remedy=f"For any GPU on Windows: {_REPLACES}onnxruntime-directml",
        options={"device_id": "{index}"},
        only_on="win32",
        reuses_memory=False,  # its documentation forbids it
    ),
    "coreml": Provider(
        name="CoreMLExecutionProvider",
        remedy="Part of onnxruntime on macOS: pip install --force-reinstall onnxruntime",
        options={
            "ModelFormat": "MLProgram",
            "MLComputeUnits": "ALL",
            "ModelCacheDirectory": "{cache}",
        },
        only_on="darwin",
    ),
    "openvino": Provider(
        name="OpenVINOExecutionProvider",
        remedy=f"For Intel processors: {_REPLACES}onnxruntime-openvino",
        options={
            "device_type": "CPU",  # AUTO begins on the CPU and changes over while it runs
            "precision": "ACCURACY",
            "num_of_threads": "{threads}",
            "cache_dir": "{cache}",
        },
    ),
}
