"""What is left to do of a job that was begun."""

from dataclasses import replace

from reggan_plugin.errors import SourceError, StalledError
from reggan_plugin.files.frame import read_content
from reggan_plugin.jobs.frame_output import FrameOutput
from reggan_plugin.jobs.patience import DEFAULT_STALL_S, Patience
from reggan_plugin.jobs.plan import FrameTask, JobPlan
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame
from reggan_plugin.jobs.results import ModelInUse
from reggan_plugin.jobs.shot_tracks import settings_with_kept_tracks
from reggan_plugin.jobs.side_car import sha256_of


def tasks_to_do(
    plan: JobPlan,
    settings: RenderSettings,
    model: ModelInUse | None,
    stall_s: float = DEFAULT_STALL_S,
) -> list[FrameTask]:
    """The tasks that no earlier run finished, as far as can be told without looking for faces."""
    patience = Patience(stall_s)
    settings = settings_with_kept_tracks(plan, settings)
    output = FrameOutput(settings, model, patience)
    by_frame = SettingsByFrame(settings, plan.shot.frames)

    def is_to_do(task: FrameTask) -> bool:
        if not task.may_be_done:
            return True
        path = task.source.path
        try:
            content = patience.call(str(path), lambda: read_content(path))
        except (SourceError, StalledError):  # which the job will name
            return True
        facts = replace(by_frame.facts_at(task.source), input_sha256=sha256_of(content))
        return output.finished(task, facts) is None

    return [task for task in plan.tasks if is_to_do(task)]
