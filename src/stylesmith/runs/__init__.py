"""Start a run or go on with one: the place where data, networks, recorder and trainer meet."""

from stylesmith.runs.run_comparison import RunComparison
from stylesmith.runs.training_run import (
    RunOptions,
    check_resumable,
    check_same_settings,
    make_data_config,
    plan,
    resume,
    start,
)

__all__ = [
    "RunComparison",
    "RunOptions",
    "check_resumable",
    "check_same_settings",
    "make_data_config",
    "plan",
    "resume",
    "start",
]
