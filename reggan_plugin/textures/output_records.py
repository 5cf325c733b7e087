"""The records of maps, meshes and sheets, by which `--resume` tells which of them still fit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from reggan_plugin import __version__
from reggan_plugin.disk import refuse_overwriting, remove_leftovers
from reggan_plugin.errors import MeshError
from reggan_plugin.jobs.frame_record import (
    FrameRecord,
    RecordedModel,
    digest_of,
    fingerprint,
    plain,
    read_record,
    record_path,
    write_record,
)
from reggan_plugin.jobs.plan import make_writable_folder
from reggan_plugin.textures.job_inputs import Subject, digest_of_files
from reggan_plugin.textures.read_mesh import files_of_mesh
from reggan_plugin.textures.texture_request import MeshOutput, TextureRequest

OutputKind = Literal["map", "also", "sheet"] | MeshOutput


class OutputRecords:
    """Writes the records of a request's outputs, and compares those of earlier runs."""

    def __init__(self, request: TextureRequest, subject: Subject) -> None:
        """Take the fingerprints of the inputs, which the work reads after this.

        Raises:
            EmptySourceError: the map is not there.
            MeshError: the mesh is broken.
        """
        self._request, self._subject = request, subject
        self._inputs_sha256 = subject.inputs_sha256
        self._constant = {
            "look": plain(replace(request.look, texture=None)),
            "tiles": sorted(subject.tiles),
            "choice": plain(request.choice),
            "rig": plain(request.rig),
        }

    def refuse_inputs(self, outputs: Iterable[Path]) -> None:
        """Refuse outputs or records that are files which the request reads.

        Raises:
            UsageError: one is.
        """
        written = [path for output in outputs for path in (output, record_path(output))]
        refuse_overwriting(written, (*self._subject.inputs, *self._request.inputs))

    def fits(self, output: Path, kind: OutputKind, labels: Sequence[str]) -> bool:
        """Tell whether an output is as an earlier run left it, and this one would make the same."""
        record = read_record(output)
        return (
            record is not None
            and record.output_sha256 is not None
            and record.output_sha256 == _digest_of_output(output)
            and record.is_of(
                settings_sha256=self._settings(kind, labels),
                input_sha256=self._inputs_sha256,
                model_sha256=model.sha256 if (model := self._model(labels)) else None,
            )
        )

    @contextmanager
    def writing(self, outputs: Mapping[Path, Sequence[str]], kind: OutputKind) -> Iterator[None]:
        """Let outputs be written that hold these expressions; their records say so afterwards.

        Raises:
            OutputError: a folder takes no files.
        """
        records = {path: self._record(path, kind, labels) for path, labels in outputs.items()}
        for path, record in records.items():
            make_writable_folder(record_path(path).parent)
            for file in (path, record_path(path)):
                remove_leftovers(file.parent, [file.name])
            write_record(record, path)  # an output that is cut short has a record that does not fit
        yield
        for path, record in records.items():
            write_record(replace(record, output_sha256=_digest_of_output(path)), path)

    def _record(self, output: Path, kind: OutputKind, labels: Sequence[str]) -> FrameRecord:
        request, model = self._request, self._model(labels)
        mixes = [request.mixes[label] for label in labels]
        return FrameRecord(
            source=str(request.mesh or request.look.texture),
            output=str(output),
            outcome="copied" if model is None else "written",
            expression={name: share for mix in mixes for name, share in mix.intensities.items()},
            weights=mixes[0].control_weights() if len(mixes) == 1 else {},
            settings_sha256=self._settings(kind, labels),
            input_sha256=self._inputs_sha256,
            output_sha256=None,
            model=model,
            version=__version__,
            device=None if model is None else self._subject.open_transfer().device,
            batch=None,
        )

    def _settings(self, kind: OutputKind, labels: Sequence[str]) -> str:
        mixes = [[label, self._request.mixes[label].document()] for label in labels]
        also = plain(self._request.also) if kind == "also" else None
        return fingerprint({**self._constant, "kind": kind, "mixes": mixes, "also": also})

    def _model(self, labels: Sequence[str]) -> RecordedModel | None:
        """Return the model that changes these expressions' maps; None where they stay as they
        are.
        """
        if all(self._request.mixes[label].changes_nothing for label in labels):
            return None
        card = self._subject.open_transfer().card
        return RecordedModel(name=card.name, version=card.version, sha256=card.weights_sha256)


def _digest_of_output(output: Path) -> str | None:
    """SHA-256 of a file; of a .gltf with the files that it names."""
    if output.suffix.lower() != ".gltf":
        return digest_of(output)
    try:
        return digest_of_files(files_of_mesh(output))
    except MeshError:
        return None  # it is not there, or no longer what was written
