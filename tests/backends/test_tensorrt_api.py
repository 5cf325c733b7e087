"""Optional: our calls against NVIDIA's real bindings of both major versions, and real builds.

    python -m pytest -m tensorrt tests/backends

downloads with pip, into pytest's cache, the bindings of TensorRT 10 and 11 (1.3 MB each) and
ONNX Runtime's TensorRT-RTX plug-in (146 MB), all from the package index; Linux with gcc. No GPU.

*Names.* The bindings are loaded over empty libraries, and have to have every name of
fake_tensorrt.py, with arguments that fit.

*Builds.* TensorRT-RTX's libraries build engines without a GPU. Put in the place of TensorRT's they
let our own code parse and build every shipped model for real. NVIDIA supports no such mixture: it
shows that the graphs are understood and our calls right, and makes nothing that is run.
"""

import importlib.util
import inspect
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from reggan_export.picture_model_export import export_expression_model
from reggan_plugin.models.model_card import find_model, weights_folder

pytestmark = [pytest.mark.tensorrt, pytest.mark.slow]

VERSIONS = ("10.16.1.11", "11.4.0.106")
RTX = "onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.0"
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")
EMPTY_LIBRARY = """
#define NOTHING(name) void *name(void) { return 0; }
NOTHING(createInferBuilder_INTERNAL) NOTHING(createInferRefitter_INTERNAL)
NOTHING(createInferRuntime_INTERNAL) NOTHING(createNvOnnxParserRefitter_INTERNAL)
NOTHING(createNvOnnxParser_INTERNAL) NOTHING(getBuilderPluginRegistry)
NOTHING(getNvOnnxParserVersion) NOTHING(getPluginRegistry)
"""
EMPTY_PLUGINS = "_Bool initLibNvInferPlugins(void *logger, const char *name) { return 1; }"
MODELS = sorted(weights_folder().rglob("*.onnx"))

COMPARE_NAMES = """
import json, re, sys
import tensorrt_bindings as trt

def counts(documentation):
    '''Least and most arguments, without self, of each overload that pybind11 documents.'''
    for line in documentation.splitlines():
        found = re.match(r"(?:\\d+\\. )?\\w+\\((self\\b.*)\\) -> ", line)
        if found:
            flat = re.sub(r"\\[[^\\[\\]]*\\]", "", re.sub(r"\\[[^\\[\\]]*\\]", "", found[1]))
            arguments = flat.split(",")[1:]
            yield sum("=" not in one for one in arguments), len(arguments)

faults = []
for kind, names in json.loads(sys.argv[1]).items():
    for name, wanted in names.items():
        if not hasattr(getattr(trt, kind, None), name):
            faults.append(f"{kind}.{name} is missing")
            continue
        documentation = getattr(trt, kind).__dict__.get(name, None)
        ranges = list(counts(getattr(documentation, "__doc__", None) or ""))
        if wanted is not None and name != "log" and not ranges:
            faults.append(f"{kind}.{name} says nothing of its arguments")
        if wanted is not None and ranges and not any(a <= wanted <= b for a, b in ranges):
            faults.append(f"{kind}.{name} takes {ranges} arguments, not {wanted}")
print(json.dumps({"version": trt.__version__, "faults": faults}))
"""
BUILD = """
import json, sys, time
from pathlib import Path
import tensorrt_bindings as trt
from reggan_plugin.backends.engine_cache import EngineOptions
from reggan_plugin.backends.tensorrt_runner import build_plan

started = time.monotonic()
plan = build_plan(trt, Path(sys.argv[1]), EngineOptions(batch=(1, 4, 16)))
print(json.dumps({"bytes": len(plan), "seconds": time.monotonic() - started}))
"""
WITHOUT_GPU = """
from reggan_plugin.backends.engine_cache import EngineOptions
from reggan_plugin.backends.tensorrt_runner import _load_plan, build_plan
from reggan_plugin.errors import DeviceUnavailableError
import tensorrt_bindings as trt
for attempt in (lambda: build_plan(trt, None, EngineOptions()), lambda: _load_plan(trt, b"")):
    try:
        attempt()
    except DeviceUnavailableError as error:
        print(error.kind, error)
"""


def pip_download(package: str, folder: Path) -> Path:
    """Fetch a wheel for this Python, once."""
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        command += ["--only-binary=:all:", "-d", str(folder), package]
        subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def compile_library(source: str, name: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        "gcc",
        "-x",
        "c",
        "-shared",
        "-fPIC",
        f"-Wl,-soname,{name}",
        "-o",
        str(folder / name),
    ]
    subprocess.run([*command, "-"], input=source, text=True, check=True)


def unpacked_bindings(version: str, downloads: Path) -> Path:
    site = downloads / version / "site"
    wheel = pip_download(f"tensorrt-cu13-bindings=={version}", downloads / version)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run_python(script: str, *arguments: str, site: Path, libraries: Path | None = None) -> str:
    environment = os.environ | {"PYTHONPATH": str(site)}
    environment["LD_LIBRARY_PATH"] = str(libraries or "")
    command = [sys.executable, "-c", script, *arguments]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def names_of(fake: ModuleType) -> dict[str, dict[str, int | None]]:
    """Public names by class: how many arguments a call has, None for what is no call."""
    kinds = {
        name: value
        for name, value in vars(fake).items()
        if isinstance(value, type)
        and not name.startswith("_")
        and value.__module__ == fake.__name__
    }
    return {
        kind: {
            name: len(inspect.signature(own).parameters) - 1 if inspect.isfunction(own) else None
            for name, own in vars(value).items()
            if not name.startswith("_")
        }
        for kind, value in kinds.items()
    }


@pytest.fixture(scope="module")
def downloads(request: pytest.FixtureRequest) -> Path:
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip("needs Linux and gcc")
    folder: Path = request.config.cache.mkdir("tensorrt")
    return folder


@pytest.fixture(scope="module", params=VERSIONS)
def bindings(request: pytest.FixtureRequest, downloads: Path) -> tuple[Path, Path]:
    """Folders of real bindings and of empty libraries for them."""
    version: str = request.param
    libraries, major = downloads / version / "empty", version.partition(".")[0]
    for name in LIBRARIES:
        source = EMPTY_PLUGINS if name == "nvinfer_plugin" else EMPTY_LIBRARY
        compile_library(source, f"lib{name}.so.{major}", libraries)
    return unpacked_bindings(version, downloads), libraries


def test_every_name_that_we_use_is_in_the_bindings(bindings: tuple[Path, Path]) -> None:
    path = Path(__file__).with_name("fake_tensorrt.py")
    spec = importlib.util.spec_from_file_location("fake_tensorrt", path)
    assert spec
    assert spec.loader
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    names = names_of(fake)
    assert sum(map(len, names.values())) > 30
    site, libraries = bindings
    answer = run_python(COMPARE_NAMES, json.dumps(names), site=site, libraries=libraries)
    assert json.loads(answer)["faults"] == []


def test_libraries_that_begin_nothing_are_an_error_with_a_remedy(
    bindings: tuple[Path, Path],
) -> None:
    said = run_python(WITHOUT_GPU, site=bindings[0], libraries=bindings[1]).splitlines()
    assert len(said) == 2
    assert all(line.startswith("gpu-fails TensorRT cannot begin on this GPU") for line in said)


def test_bindings_alone_are_recognised(bindings: tuple[Path, Path]) -> None:
    script = (
        "from reggan_plugin.backends.tensorrt_runner import load_tensorrt\n"
        "try:\n    load_tensorrt()\n"
        "except Exception as error:\n    print(error.found, error.remedy)"
    )
    said = run_python(script, site=bindings[0])
    assert "its libraries do not load" in said
    assert "pip install tensorrt-cu13-libs==" in said


@pytest.fixture(scope="module")
def compiler(downloads: Path) -> tuple[Path, Path]:
    """Folders of the newest bindings and of libraries that build without a GPU."""
    version, package = VERSIONS[-1], "onnxruntime_ep_nv_tensorrt_rtx"
    libraries, major = downloads / "rtx" / "lib", version.partition(".")[0]
    with zipfile.ZipFile(pip_download(RTX, downloads / "rtx")) as archive:
        wanted = ("tensorrt_rtx", "tensorrt_onnxparser_rtx")
        for member in archive.namelist():
            if Path(member).name.startswith(tuple(f"lib{name}.so" for name in wanted)):
                archive.extract(member, libraries)
    compile_library(EMPTY_PLUGINS, f"libnvinfer_plugin.so.{major}", libraries)
    for ours, theirs in zip(("nvinfer", "nvonnxparser"), wanted, strict=True):
        (real,) = (libraries / package).glob(f"lib{theirs}.so.1.*")
        for name in (f"lib{ours}.so.{major}", f"lib{theirs}.so.1"):
            (libraries / name).unlink(missing_ok=True)
            (libraries / name).symlink_to(real)
    return unpacked_bindings(version, downloads), libraries


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_every_shipped_model_parses_and_builds(
    model: Path, compiler: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    check_that_it_builds(model, compiler, capsys)


def test_a_model_of_contract_1_builds_in_fp16(
    compiler: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = find_model("sargan")
    half = tmp_path / f"{model.stem}-fp16.onnx"
    export_expression_model(model, half, name=half.stem, precision="fp16")
    check_that_it_builds(half, compiler, capsys)


def check_that_it_builds(
    model: Path, compiler: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    site, libraries = compiler
    built = json.loads(run_python(BUILD, str(model), site=site, libraries=libraries))
    assert built["bytes"] > model.stat().st_size / 4
    with capsys.disabled():
        print(f"\n{model.stem}: {built['bytes'] / 1e6:.1f} MB in {built['seconds']:.1f} s")
