"""Start or resume a run: the package that joins data, networks, metrics and training."""

from stylesmith.runs.fine_tuning import fine_tuned_config
from stylesmith.runs.run_comparison import RunComparison
from stylesmith.runs.run_plan import plan
from stylesmith.runs.training_run import (
    RunOptions,
    check_resumable,
    check_same_settings,
    make_data_config,
    resume,
    start,
)

__all__ = [
    "RunComparison",
    "RunOptions",
    "check_resumable",
    "check_same_settings",
    "fine_tuned_config",
    "make_data_config",
    "plan",
    "resume",
    "start",
]
