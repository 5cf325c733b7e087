"""The rest of a job that was begun."""

from reggan_plugin.errors import SourceError, StalledError
from reggan_plugin.jobs.frame_output import FrameOutput, read_input
from reggan_plugin.jobs.frame_record import record_path
from reggan_plugin.jobs.interruption import DEFAULT_STALL_S, IoTimeout
from reggan_plugin.jobs.plan import FrameTask, JobPlan
from reggan_plugin.jobs.render_job import settings_with_kept_tracks
from reggan_plugin.jobs.render_settings import RenderSettings, SettingsByFrame
from reggan_plugin.jobs.results import ModelInUse


def tasks_to_do(
    plan: JobPlan, settings: RenderSettings, model: ModelInUse | None
) -> list[FrameTask]:
    """Return the tasks that no earlier run finished, as far as can be told without looking for
    faces.
    """
    io_timeout = IoTimeout(DEFAULT_STALL_S)
    settings = settings_with_kept_tracks(plan, settings, model)
    output = FrameOutput(settings, model, io_timeout)
    by_frame = SettingsByFrame(settings, plan.shot.frames)

    def is_to_do(task: FrameTask) -> bool:
        if not task.may_be_done:
            return True
        facts = by_frame.facts_at(task.source)
        if not record_path(task.output).exists():
            return True
        try:
            if not task.is_rehashed and output.untouched(task, facts) is not None:
                return False
            _, facts = read_input(io_timeout, task.source.path, facts)
        except (SourceError, StalledError):  # which the job will name
            return True
        return output.finished(task, facts) is None

    return [task for task in plan.tasks if is_to_do(task)]
