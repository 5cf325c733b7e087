"""Each way in which TensorRT can be half there is told apart, with what to do about it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reggan_plugin.backends import tensorrt_runner
from reggan_plugin.backends.tensorrt_runner import load_tensorrt
from reggan_plugin.commands.doctor import _try_tensorrt
from reggan_plugin.errors import DeviceUnavailableError

Install = Callable[..., None]
FRONT = "from tensorrt_bindings import *\nfrom tensorrt_bindings import __version__\n"
NO_LIBRARY = "raise ImportError('libnvinfer.so.11: cannot open shared object file')"
NO_DLL = "raise FileNotFoundError('Could not find: nvinfer_11.dll. Is it on your PATH?')"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Write a package's module and what pip notes about it."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, version: str, module: str = "", code: str = "") -> None:
        if module:
            (tmp_path / f"{module}.py").write_text(code or f"__version__ = '{version}'\n")
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")

    def forget() -> None:
        for module in ("tensorrt", "tensorrt_bindings"):
            sys.modules.pop(module, None)

    forget()
    yield write
    forget()


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | Exception], None]:
    def set_answer(answer: int | Exception) -> None:
        def count() -> int:
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(tensorrt_runner, "count_gpus", count)

    return set_answer


def refusal() -> DeviceUnavailableError:
    with pytest.raises(DeviceUnavailableError) as refused:
        load_tensorrt()
    return refused.value


def test_nothing_is_installed(install: Install) -> None:
    status = refusal()
    assert 'pip install "reggan-plugin[tensorrt]"' in status.remedy
    assert "--extra-index-url https://pypi.nvidia.com" in status.remedy


@pytest.mark.parametrize("fault", [NO_LIBRARY, NO_DLL])
@pytest.mark.parametrize("with_front", [False, True])
def test_bindings_without_libraries(install: Install, fault: str, with_front: bool) -> None:
    install("tensorrt-cu13-bindings", "11.4.0.106", "tensorrt_bindings", fault)
    if with_front:
        install("tensorrt-cu13", "11.4.0.106", "tensorrt", FRONT)
    status = refusal()
    assert "nvinfer" in status.found
    assert "pip install tensorrt-cu13-libs==11.4.0.106 --extra-index-url" in status.remedy


def test_libraries_of_another_major_version(install: Install) -> None:
    install("tensorrt-cu13-bindings", "11.4.0.106", "tensorrt_bindings", NO_LIBRARY)
    install("tensorrt-cu13-libs", "10.16.1.11")
    status = refusal()
    assert "bindings are 11.4.0.106, its libraries 10.16.1.11" in status.found
    uninstall = "pip uninstall -y tensorrt-cu13-bindings tensorrt-cu13-libs; then pip install"
    assert uninstall in status.remedy


@pytest.mark.parametrize("version", ["8.6.1", "9.0.0", "12.0.0.1"])
def test_a_version_that_we_do_not_run(
    install: Install, gpus: Callable[[int], None], version: str
) -> None:
    install("tensorrt", version, "tensorrt")
    gpus(1)
    status = refusal()
    assert "this version runs 10 and 11" in status.found
    assert "pip uninstall -y tensorrt; then pip install" in status.remedy


@pytest.mark.parametrize("answer", [0, DeviceUnavailableError("The GPU fails with 46.")])
def test_libraries_without_a_driver(
    install: Install, gpus: Callable[[int | Exception], None], answer: int | Exception
) -> None:
    install("tensorrt-cu13", "11.4.0.106", "tensorrt")
    gpus(answer)
    status = refusal()
    assert "nvidia-smi" in status.remedy


def test_no_package_for_cuda(install: Install, gpus: Callable[[Exception], None]) -> None:
    install("tensorrt-cu13", "11.4.0.106", "tensorrt")
    gpus(ModuleNotFoundError("No module named 'cuda'", name="cuda"))
    status = refusal()
    assert status.remedy == "pip install cuda-bindings"


@pytest.mark.parametrize("version", ["10.16.1.11", "11.4.0.106"])
def test_both_majors_work_with_and_without_nvidias_front(
    install: Install, gpus: Callable[[int], None], version: str
) -> None:
    install("tensorrt-cu13-bindings", version, "tensorrt_bindings")
    gpus(1)
    assert load_tensorrt().__name__ == "tensorrt_bindings"
    install("tensorrt-cu13", version, "tensorrt", FRONT)
    assert load_tensorrt().__name__ == "tensorrt"


def test_doctor_says_the_same(install: Install, gpus: Callable[[int], None]) -> None:
    missing = _try_tensorrt()
    assert (missing.name, missing.loads) == ("tensorrt", False)
    assert "reggan-plugin[tensorrt]" in (missing.remedy or "")
    install("tensorrt-cu13", "11.4.0.106", "tensorrt")
    gpus(1)
    assert _try_tensorrt().loads
