"""The execution provider of ONNX Runtime behind each device, and its settings."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

_REPLACES = "pip uninstall -y onnxruntime; pip install "
"""For builds that take the place of onnxruntime: two at once overwrite each other's files."""


@dataclass(frozen=True, kw_only=True)
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
    "cpu": Provider(name="CPUExecutionProvider"),
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
