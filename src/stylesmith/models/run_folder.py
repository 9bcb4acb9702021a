"""The layout of a run folder, which tells everything about a run."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from stylesmith import files
from stylesmith.config import RunConfig
from stylesmith.errors import ModelError, OutputError, StylesmithError
from stylesmith.file_kinds import identify_file, identify_folder, web_address_problem
from stylesmith.formatting import format_command

SAFETENSORS_SUFFIX = ".safetensors"
WEIGHTS_FILE = f"model{SAFETENSORS_SUFFIX}"
"""The averaged generator of a model folder."""


@dataclass(frozen=True)
class RunFolder:
    """Names of the files of a run; numbers in names are images seen."""

    path: Path

    @property
    def config(self) -> Path:
        """The run's whole configuration."""
        return self.path / "config.json"

    @property
    def log(self) -> Path:
        """What happened, one JSON object per line."""
        return self.path / "log.jsonl"

    @property
    def lock(self) -> Path:
        """What names the process that trains the run, while there is one."""
        return self.path / "run.lock"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def model(self) -> Path:
        """The newest averaged generator, as a model folder."""
        return self.path / "model"

    @property
    def best(self) -> Path:
        """The model that was best by the run's first metric."""
        return self.path / "best"

    @property
    def real_samples(self) -> Path:
        """A grid of training images."""
        return self.path / "samples" / "reals.png"

    def samples(self, images_seen: int) -> Path:
        """A grid of generated images."""
        return self.path / "samples" / f"{images_seen:09d}.png"

    def checkpoint(self, images_seen: int) -> Path:
        """The exact state of the run."""
        return self.path / "checkpoints" / f"{images_seen:09d}{SAFETENSORS_SUFFIX}"

    def snapshot(self, images_seen: int) -> Path:
        """A kept copy of the averaged generator."""
        return self.path / "snapshots" / f"{images_seen:09d}{SAFETENSORS_SUFFIX}"

    def checkpoints(self) -> list[Path]:
        """Checkpoints, the newest first."""
        return files.numbered_files(self.path / "checkpoints", SAFETENSORS_SUFFIX)

    def snapshots(self) -> list[Path]:
        """Snapshots, the newest first."""
        return files.numbered_files(self.path / "snapshots", SAFETENSORS_SUFFIX)

    def clear(self) -> None:
        """Remove a run from its folder, and nothing else.

        Raises:
            OutputError: If the folder holds other things than a run.
        """
        if not self.path.exists():
            return
        if not self._is_run_or_empty():
            raise OutputError(
                f"{self.path}: is not a run, so it is not replaced. Choose another folder."
            )
        for name in ("checkpoints", "snapshots", "samples", "model", "best", "tensorboard"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for path in (self.log, self.report, self.config):
            path.unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Remove the unfinished files of a process that was killed while it wrote."""
        for name in (".", "checkpoints", "snapshots", "samples", "model", "best"):
            files.remove_temporary_files(self.path / name)

    def exists(self) -> bool:
        """Whether there is a run here; a model folder has a config.json too."""
        return self.config.is_file() and not (self.path / WEIGHTS_FILE).is_file()

    def read_config(self) -> RunConfig:
        """The configuration of the run.

        Raises:
            ModelError: If there is no run here.
            ConfigError: If its configuration is damaged.
        """
        if not self.exists():
            raise ModelError(f"{self.path}: not a run folder: {self._describe_other()}")
        text = self.config.read_text(encoding="utf-8", errors="replace")
        return RunConfig.from_json(text, source=str(self.config))

    def write_config(self, config: RunConfig) -> None:
        """Write the configuration atomically."""
        files.write_text(self.config, config.model_dump_json(indent=2) + "\n")

    def _describe_other(self) -> str:
        """What a path is that is no run, and what to do."""
        path, wanted = self.path, "training goes on only from a run folder, with its checkpoints."
        for run in list(path.parents)[:2]:
            if RunFolder(run).exists():
                return f"part of the run {run}. Name that folder."
        if problem := web_address_problem(path):
            return problem
        if not path.exists():
            return "there is no such folder."
        if (path / WEIGHTS_FILE).is_file():
            return f"a model folder, which has the weights to draw with; {wanted}"
        if path.is_file():
            kind = identify_file(path)
            return f"{kind.name if kind else 'a file of weights'}; {wanted}"
        if kind := identify_folder(path):
            start = format_command("train", path, "--out", "runs/new")
            return f"{kind.name}. To start a run: {start}"
        runs = sorted(entry for entry in path.iterdir() if RunFolder(entry).checkpoints())
        if runs:
            return f"it holds runs. Name one of them, such as {runs[-1]}."
        return "it has no config.json."

    def _is_run_or_empty(self) -> bool:
        if not self.path.is_dir():
            return False
        try:
            self.read_config()
        except StylesmithError:  # other programs have a config.json too
            return set(self.path.iterdir()) <= {self.lock}
        return True
