"""Change the expression in rendered frames; the result opens as an image sequence."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty

from ..bridge.command_line import render_arguments, track_arguments
from ..bridge.errors import BridgeError
from ..bridge.expression_blend import PanelRequest
from ..bridge.frame_sequence import READ, RECORDS, shown_number
from ..bridge.frames_in_words import counted_frames, unchanged_frames, what_was_done
from ..bridge.run_job import JobRequest, Progress
from ..bridge.tracks_file import refuse_frames_of_other_size, refuse_other_sizes
from ..job_display import keep_done
from ..preferences import chosen_runtime
from ..scene.camera_view import written_px
from ..scene.expression_choice import expression_over_time, named_over_time, still_expression
from ..scene.files_from_images import NothingRenderedError
from ..scene.rendered_frames import (
    FrameSelection,
    FramesNotRenderedError,
    asked_sequences,
    output_pattern,
)
from ..scene.sequence_images import load_changed_frames, load_frames, shot_name, show
from ..scene.settings_for_runtime import (
    absolute_path,
    chosen_expressions,
    face_settings,
    model_arguments,
    presets_file,
)
from ..scene.shots import refuse_shots
from .change_image import ChangedImage, change_of_image
from .job_operator import JobOperator, new_job_folder, scene_of_job
from .rendered_faces import look_at_rendered_frames

_ON_DISK = ("written", "copied", "skipped")


class RenderFrames(JobOperator, bpy.types.Operator):
    """Change the expression in the rendered frames. Those frames stay as they are.

    Of a folder with several sequences (cameras, view layers) all are changed, one after another.
    Where no frame of the scene is on disk, the still that was rendered last is changed.
    """

    bl_idname = "reggan.render_frames"
    bl_label = "Change Frames"

    still: BoolProperty(
        name="Still",
        description="Change the picture that was rendered last, whatever is on disk",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    _still: ChangedImage | None

    @classmethod
    def _why_not(cls, context: bpy.types.Context) -> str:
        settings = context.scene.reggan
        if settings.frames_source == "SEQUENCE" and not settings.frames_path:
            return "Choose a rendered sequence first"
        return ""

    def requests(self, context: bpy.types.Context) -> Sequence[JobRequest]:
        """`render`; before it `track` where only a part of a shot is asked for."""
        self._scene = context.scene.name_full
        self._still = _last_render(context) if self.still else None
        if self._still is None:
            try:
                sequences = asked_sequences(context.scene)
            except FramesNotRenderedError:
                self._still = _last_render(context)
                if self._still is None:
                    raise
        if self._still is not None:
            return [self._still.request]
        self._is_own_render = context.scene.reggan.frames_source == "SCENE"
        self._dropped, self._missing = "", 0
        self._made: list[tuple[str, tuple[Path, Path] | None]] = []  # expressions, and their frames
        self._folders = {folder for one in sequences for folder in _folders_beside(one)}
        if len(sequences) > 1 and context.scene.reggan.use_rig_tracks:
            raise BridgeError(
                f"These are {len(sequences)} sequences, but the head was tracked for one camera. "
                "Choose one of them, or switch Head from Rig off."
            )
        return [one for asked in sequences for one in self._requests_of(context, asked, sequences)]

    def _requests_of(
        self, context: bpy.types.Context, asked: FrameSelection, sequences: Sequence[FrameSelection]
    ) -> list[JobRequest]:
        """Return the requests of one sequence, for each expression."""
        first = asked.ends[0] if asked.ends else Path(asked.sequence.source)
        name = shot_name(first) if asked.ends else first.stem
        folder = "" if len(sequences) == 1 else f"{first.parent.name}_{name}"
        settings, frames = context.scene.reggan, asked.sequence.source
        several, face = _expressions(context, asked, folder), face_settings(settings)
        self._dropped, self._missing = several[0][0].dropped, self._missing + asked.missing
        self._made += [(expression.label, asked.ends) for expression, _ in several]
        requests = []
        if face.tracks is not None:
            files = (asked.sequence.files[number] for number in asked.numbers)
            refuse_frames_of_other_size(face.tracks, files)
        elif asked.frame_range is not None:
            work = new_job_folder()
            face = replace(face, tracks=work / "tracks.json")
            requests.append(_looking_for_faces(frames, work, work / "tracks.json"))
        requests += _comparison(context, face.tracks)
        for expression, out in several:
            more = [name] if folder else []
            more += [expression.label] if len(several) > 1 else []
            title = " ".join(["Changing frames", *more])
            arguments = render_arguments(
                frames,
                expression,
                frame_range=asked.frame_range,
                face=face,
                model=model_arguments(context),
                out=out,
                existing=settings.existing.lower(),
                with_mask=settings.with_mask and asked.are_exr,
            )
            requests.append(JobRequest(arguments=arguments, title=title, folder=new_job_folder()))
        return requests

    def finished(self, context: bpy.types.Context, progress: Progress) -> None:  # noqa: ARG002
        """Open the frames, and remember both sequences for the compositor."""
        if self._still is not None:
            self._still.take(context, self)
            return
        done = self._summaries()
        for (label, ends), summary in zip(self._made, done, strict=True):
            self._open(context, summary, label, ends)
        self._say(context, done, self._missing)

    def _summaries(self) -> list[Mapping[str, Any]]:
        """Return those of `render`, in their order; `track` has no frames that were written."""
        return [one.summary for one in self._job.results if "written" in one.summary]

    def _open(
        self,
        context: bpy.types.Context,
        summary: Mapping[str, Any],
        label: str,
        ends: tuple[Path, Path] | None,
    ) -> None:
        """Open the changed frames of one sequence and expression."""
        out = Path(summary["out"])
        settings = scene_of_job(self._scene, f"The frames are in {out}.").reggan
        first, last = ends or 2 * _on_disk(summary)[:1]
        original = load_frames(first, last)
        if self._is_own_render and first.suffix.lower() == ".exr":  # other files have it in them
            original.use_view_as_render = True
        result = load_changed_frames(out / first.name, out / last.name, original, label)
        settings.original_image, settings.result_image = original, result
        if not show(context, settings.result_image):
            self._report({"INFO"}, f"The changed frames are in {out}")
        elif first != last and not (
            shown_number(first) <= context.scene.frame_current <= shown_number(last)
        ):
            self._note(
                f"The frames are {shown_number(first)} to {shown_number(last)}, the scene is at "
                f"{context.scene.frame_current}: go to one of them to see it"
            )

    def _say(
        self, context: bpy.types.Context, done: Sequence[Mapping[str, Any]], missing: int
    ) -> None:
        """Say what was done, and what was left as it is."""
        sentences = dict.fromkeys(
            filter(None, [self._dropped, *(s for one in done for s in unchanged_frames(one))])
        )
        for sentence in sentences:
            self._note(sentence)
        if missing:
            verb = "is" if missing == 1 else "are"
            self._note(f"{counted_frames(missing)} of the scene {verb} not rendered yet")
        keep_done(context.window_manager, what_was_done(done), str(Path(done[-1]["out"])))

    def reason(self, progress: Progress) -> str:
        """Of a still by its name in Blender."""
        return progress.message if self._still is None else self._still.reason(progress)

    def clear_away(self) -> None:
        """Remove folders of results that this job made and that got no picture."""
        if self._still is None:
            for one in (Path(summary["out"]) for summary in self._summaries()):
                is_new = one not in self._folders and one.is_dir()
                if is_new and all(path.name == RECORDS for path in one.iterdir()):
                    shutil.rmtree(one, ignore_errors=True)

    def finished_in_part(self, context: bpy.types.Context, progress: Progress) -> bool:  # noqa: ARG002
        """Open the frames that did not fail, if any was changed."""
        if self._still is not None:
            return False
        done = self._summaries()
        is_any = False
        for (label, ends), summary in zip(self._made, done, strict=False):
            there = _on_disk(summary) if summary.get("written") else []
            if there:
                is_any = True
                self._open(context, summary, label, ends and (there[0], there[-1]))
        if is_any:
            self._say(context, done, self._missing)
        return is_any


def _folders_beside(asked: FrameSelection) -> set[Path]:
    """Return the folders that lie beside and among frames before a job."""
    first = asked.ends[0] if asked.ends else Path(asked.sequence.source)
    places = (first.parent, first.parent.parent)
    return {one for place in places if place.is_dir() for one in place.iterdir() if one.is_dir()}


def refuse_before_render(context: bpy.types.Context, *, animation: bool) -> None:
    """Refuse what would fail after the scene was rendered.

    Raises:
        BridgeError: nothing is asked of the face, or a setting cannot be used.
    """
    scene, settings = context.scene, context.scene.reggan
    chosen_runtime(context)
    model_arguments(context)
    tracks = face_settings(settings).tracks
    if tracks is not None:
        refuse_other_sizes(
            tracks,
            [("What this scene renders", written_px(scene.render)[2:])],
            "Press Track Head again, or set Resolution and % in the Output properties back.",
        )
    presets_file(scene)
    if not animation:
        still_expression(context)
        return
    pattern = output_pattern(scene)
    if pattern.suffix.lower() not in READ:
        raise BridgeError(
            f"The scene renders {pattern.suffix} files, whose faces cannot be changed. In the "
            "Output properties choose PNG or OpenEXR as file format."
        )
    refuse_shots(scene)
    frames = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    expression_over_time(context, frames, new_job_folder())
    if settings.output_path:
        absolute_path(settings.output_path, "Output")


def _last_render(context: bpy.types.Context) -> ChangedImage | None:
    """Return the change of the picture that was rendered last; None if nothing was rendered.

    Raises:
        BridgeError: nothing is asked of the face.
    """
    render = next((i for i in bpy.data.images if i.type == "RENDER_RESULT"), None)
    if render is None:
        return None
    try:
        return change_of_image(context, render)
    except NothingRenderedError:
        return None


def _expressions(
    context: bpy.types.Context, asked: FrameSelection, folder: str
) -> list[tuple[PanelRequest, Path | None]]:
    """Return what is asked for, one or several expressions, and where the frames of each go.

    Args:
        context: of the button.
        asked: a sequence.
        folder: in Output for its results, where that is for several sequences; else empty.
    """
    settings = context.scene.reggan
    out = absolute_path(settings.output_path, "Output") if settings.output_path else None
    if out is not None and folder:
        out /= folder
    if settings.makes_several:
        names = chosen_expressions(settings, "Several")
        several = [named_over_time(context, n, asked.numbers, new_job_folder()) for n in names]
        return [(one, out and out / one.label) for one in several]
    expression = expression_over_time(context, asked.numbers, new_job_folder())
    if out is None and expression.name and asked.ends is not None:  # else all its shapes
        first, _ = asked.ends
        out = first.parent / f"{shot_name(first)}_{expression.name}"
    return [(expression, out)]


def _comparison(context: bpy.types.Context, tracks: Path | None) -> list[JobRequest]:
    """Return the rig's face beside the picture's, where no frame was rendered yet when it was
    tracked.
    """
    settings = context.scene.reggan
    if tracks is None or not settings.use_rig_tracks or settings.tracks_compared:
        return []
    settings.tracks_compared = True  # what is shown once is the artist's to decide
    face = look_at_rendered_frames(context)
    if face is None:
        return []

    def objection() -> str:
        said = face.objection_to(tracks)
        return (
            f"{said} Change Frames, pressed again, takes the rig's place as it is." if said else ""
        )

    return [replace(face.request, objection=objection)]


def _on_disk(summary: Mapping[str, Any]) -> list[Path]:
    """Return the sources of the frames whose results are there, in their order."""
    entries = [entry for outcome in _ON_DISK for entry in summary.get(outcome, ())]
    paths = (Path(entry["source"]) for entry in entries)
    return sorted(paths, key=lambda path: (shown_number(path), path.name))


def _looking_for_faces(frames: str, work: Path, tracks: Path) -> JobRequest:
    """Return a request that ends well if it writes tracks: damaged frames fail by themselves."""
    said: list[str] = []
    return JobRequest(
        arguments=track_arguments(frames, tracks),
        title="Looking for faces",
        folder=work,
        if_failed=said.append,
        objection=lambda: said[-1] if said and not tracks.is_file() else "",
    )


classes = (RenderFrames,)
