"""The layout of a run folder, which tells everything about a run."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from stylesmith import files
from stylesmith.config import RunConfig
from stylesmith.errors import ModelError, OutputError, StylesmithError

SAFETENSORS_SUFFIX = ".safetensors"


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
        """Whether there is a run here."""
        return self.config.is_file()

    def read_config(self) -> RunConfig:
        """The configuration of the run.

        Raises:
            ModelError: If there is no run here.
            ConfigError: If its configuration is damaged.
        """
        if not self.exists():
            raise ModelError(f"{self.path}: not a run folder (it has no config.json).")
        text = self.config.read_text(encoding="utf-8", errors="replace")
        return RunConfig.from_json(text, source=str(self.config))

    def write_config(self, config: RunConfig) -> None:
        """Write the configuration atomically."""
        files.write_text(self.config, config.model_dump_json(indent=2) + "\n")

    def _is_run_or_empty(self) -> bool:
        if not self.path.is_dir():
            return False
        try:
            self.read_config()
        except StylesmithError:  # other programs have a config.json too
            return set(self.path.iterdir()) <= {self.lock}
        return True
