"""From a model file to an engine for this GPU: out of the cache, or built."""

import hashlib
import logging
import platform
from pathlib import Path
from typing import Any

from reggan_plugin.backends.cuda_device import CudaDevice
from reggan_plugin.backends.engine_cache import EngineCache
from reggan_plugin.backends.engine_file import EngineFile, write_engine
from reggan_plugin.backends.engine_key import PORTABLE_GPU, EngineKey, EngineOptions
from reggan_plugin.backends.tensorrt_engine import build_plan, load_plan
from reggan_plugin.errors import DeviceUnavailableError, EngineError
from reggan_plugin.models.model_card import read_card
from reggan_plugin.models.onnx_messages import metadata_from_onnx

_log = logging.getLogger(__name__)


class EngineBuilder:
    """Finds, builds and loads the engine of one model on one GPU."""

    def __init__(
        self,
        model: Path,
        options: EngineOptions,
        *,
        trt: Any,
        device: CudaDevice,
        cache: EngineCache | None = None,
    ) -> None:
        """Read what the model says of itself.

        Raises:
            ModelError: the file cannot be read, or has no card.
        """
        self._trt, self._device, self._cache = trt, device, cache or EngineCache()
        self._model, self._options = model, options
        self._metadata = metadata_from_onnx(model)
        self.key = EngineKey(
            model_sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
            tensorrt=str(trt.__version__),
            system=f"{platform.system()}-{platform.machine()}".lower(),
            gpu=PORTABLE_GPU if options.portable else device.name,
            compute_capability="" if options.portable else self._generation,
            precision=str(read_card(self._metadata, str(model)).get("precision", "fp32")),
            options=options,
        )

    @property
    def _generation(self) -> str:
        major, minor = self._device.compute_capability
        return f"{major}.{minor}"

    def build_at(self, path: Path) -> EngineFile:
        """Build the engine and write it to `path`.

        Raises:
            DeviceUnavailableError, ModelError: as `build_plan`.
            OutputError: it cannot be written.
        """
        _log.warning(
            "Building a TensorRT engine for %s on %s; this takes up to minutes, once.",
            self._model.name,
            self._device.name,
        )
        self._device.activate()
        timings = self._cache.timing_cache(self.key.tensorrt, self._generation)
        plan = build_plan(self._trt, self._model, self._options, timings)
        return write_engine(
            path, plan, key=self.key, metadata=self._metadata, driver=self._device.driver
        )

    def cached(self, *, exactly: bool) -> tuple[EngineFile, Any]:
        """The engine's file in the cache, and the engine, loaded; built if need be.

        Unless it has to be `exactly` what was asked for, one that was exported for other batches
        or for all GPUs is taken before another is built.

        Raises:
            DeviceUnavailableError: TensorRT refuses even an engine that it has just built.
            OutputError: it must be built, and the cache cannot be written.
        """
        self._device.activate()
        stem = self._model.stem
        stored = None if exactly else self._cache.find_serving(self.key, stem)
        stored = stored or self._cache.fetch(self.key, stem, self.build_at)
        engine = load_plan(self._trt, stored.plan)
        if engine is None:
            _log.warning("TensorRT refuses %s, most likely since the driver changed.", stored.path)
            stored = self._cache.fetch(self.key, stem, self.build_at, refused=stored)
            engine = load_plan(self._trt, stored.plan)
        if engine is None:
            raise DeviceUnavailableError(
                f"TensorRT refuses {stored.path}, which it has just built.",
                kind="no-engine",
            )
        return stored, engine


def load_engine_file(stored: EngineFile, trt: Any) -> Any:
    """The engine of a file that a user named.

    Raises:
        EngineError: it was built for another GPU, TensorRT or system.
    """
    engine = load_plan(trt, stored.plan)
    if engine is None:
        key = stored.key
        raise EngineError(
            f"TensorRT {trt.__version__} refuses {stored.path}, which was built with TensorRT "
            f"{key.get('tensorrt')} for {key.get('gpu')} on {key.get('system')}. Build it on this "
            "machine.",
            kind="engine-to-build",
        )
    return engine
