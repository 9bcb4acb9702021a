"""A model goes to the Hub and comes back; the Hub here is a folder."""

import json
import re
import shutil
import sys
from pathlib import Path
from unittest.mock import create_autospec

import huggingface_hub
import pytest
from huggingface_hub import errors

from stylesmith.errors import ModelError, RunError, UsageError
from stylesmith.models import (
    Bundle,
    RunFolder,
    from_pretrained,
    load,
    push_to_hub,
    save_pretrained,
)
from tests.support import differing


class Hub:
    """Repositories as folders, behind the calls that we make, with their real signatures."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.api = create_autospec(huggingface_hub.HfApi, instance=True)
        self.api.create_repo.side_effect = self.create
        self.api.upload_folder.side_effect = self.upload
        self.api.snapshot_download.side_effect = self.download
        self.asked: list[dict] = []

    def create(self, repo_id, **options):
        self.asked.append(options)
        (self.folder / repo_id).mkdir(parents=True, exist_ok=True)
        return huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")

    def upload(self, *, repo_id, folder_path, commit_message):
        shutil.copytree(folder_path, self.folder / repo_id, dirs_exist_ok=True)

    def download(self, repo_id, **options):
        self.asked.append(options)
        return str(self.folder / repo_id)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    made = Hub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda token=None: made.api)
    monkeypatch.chdir(tmp_path)
    return made


def front_matter(folder):
    text = (folder / "README.md").read_text()
    lines = re.fullmatch(r"---\n(.*?)\n---\n.*", text, re.S)[1].splitlines()
    return {key: json.loads(value) for key, value in (line.split(": ", 1) for line in lines)}


@pytest.mark.parametrize("as_path", [True, False])
def test_a_generator_comes_back_as_it_went(hub, tiny_generator, tmp_path, as_path):
    generator = tiny_generator(seed=5).eval()
    if as_path:
        save_pretrained(generator, tmp_path / "model")
    model = tmp_path / "model" if as_path else generator
    address = push_to_hub(model, "someone/faces", private=True, license="cc0-1.0")
    assert address == "https://huggingface.co/someone/faces"
    assert hub.asked[0] == {"private": True, "exist_ok": True}
    found = from_pretrained("someone/faces", revision="v1", device="cpu")
    assert differing(found.state_dict(), generator.state_dict()) == []
    assert hub.asked[1]["revision"] == "v1"
    names = sorted(path.name for path in (hub.folder / "someone/faces").iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "samples.png"]


def test_a_local_folder_works_the_same(tiny_generator, tmp_path, monkeypatch):
    generator = tiny_generator(label_size=3).eval()
    monkeypatch.chdir(tmp_path)
    save_pretrained(generator, Path("someone/faces"), license="mit")
    monkeypatch.setattr(huggingface_hub, "HfApi", None)  # it isn't asked
    for name in ("someone/faces", Path("someone/faces")):
        found = from_pretrained(name, device="cpu")
        assert differing(found.state_dict(), generator.state_dict()) == []
    assert differing(load("someone/faces", device="cpu").state_dict(), found.state_dict()) == []


def test_the_card_of_a_run_says_what_it_is(finished_run, tmp_path):
    save_pretrained(finished_run.path, tmp_path / "faces", metrics={"fid50k": 5.25})
    head, text = front_matter(tmp_path / "faces"), (tmp_path / "faces" / "README.md").read_text()
    assert head["license"] == "unknown" and "license_name" not in head
    assert head["tags"] == ["gan", "stylegan2", "modulated"]
    assert head["pipeline_tag"] == "unconditional-image-generation"
    (entry,) = head["model-index"]
    assert entry["name"] == "faces"
    assert entry["results"][0]["metrics"] == [{"type": "fid50k", "value": 5.25}]
    assert entry["results"][0]["dataset"]["name"] == "photos"
    assert "# tiny, 8x8\n\n![Samples" in text and "| Preset | `tiny` |" in text
    assert "| `fid50k` | 5.25 |" in text


def test_the_hub_itself_reads_the_head(tiny_generator, tmp_path):
    bundle = Bundle(tiny_generator(), about={"licence": 'Theirs: "all" of it', "fid": 7.5})
    save_pretrained(bundle, tmp_path / "x")
    data = huggingface_hub.ModelCard.load(tmp_path / "x" / "README.md").data
    assert (data.license, data.license_name) == ("other", 'Theirs: "all" of it')
    assert data.library_name == "stylesmith"
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value) == ("fid", 7.5)


def test_scores_noted_beside_the_best_model_are_kept(finished_run, tmp_path):
    run = RunFolder(shutil.copytree(finished_run.path, tmp_path / "run"))
    path = run.model / "config.json"
    header = json.loads(path.read_text())
    header["about"] |= {"fid1k": 80.5, "kid1k": float("nan")}
    path.write_text(json.dumps(header))
    save_pretrained(run.model, tmp_path / "x")
    (result,) = front_matter(tmp_path / "x")["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "fid1k", "value": 80.5}]


def refused(kind, text):
    """An error as the Hub's package raises it, without the answer of a server that it wants."""
    error = kind.__new__(kind)
    Exception.__init__(error, text)
    return error


@pytest.mark.parametrize(
    ("problem", "error", "text"),
    [
        (
            refused(errors.RepositoryNotFoundError, "404\nrequest id x"),
            ModelError,
            r"^some/one: no folder here, and on the Hub it cannot be fetched: 404\. Wanted OWNER",
        ),
        (errors.HFValidationError("bad name."), ModelError, "be fetched: bad name. Wanted OWNER"),
        (
            errors.LocalEntryNotFoundError("offline"),
            RunError,
            r"^some/one: .* \(offline\)",
        ),
        (errors.HTTPError("gone"), RunError, r"^some/one: cannot be fetched on the Hub \(gone\)"),
        (OSError(28, "No space left"), RunError, "No space left"),
    ],
)
def test_problems_with_the_hub_are_one_line(hub, problem, error, text):
    hub.api.snapshot_download.side_effect = problem
    with pytest.raises(error, match=text) as raised:
        from_pretrained("some/one")
    assert "\n" not in str(raised.value)


def test_a_refused_upload_is_one_line(hub, tiny_generator):
    hub.api.create_repo.side_effect = refused(errors.HfHubHTTPError, "403 Forbidden")
    with pytest.raises(RunError, match=r"cannot be written on the Hub \(403 Forbidden\)"):
        push_to_hub(tiny_generator(), "some/one")


def test_a_name_that_is_no_model_is_refused(hub, tmp_path):
    with pytest.raises(ModelError, match="no such run, model folder or file"):
        from_pretrained(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="holds no model"):
        from_pretrained(tmp_path)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r'some/one: .*pip install "stylesmith\[hub\]"'):
        from_pretrained("some/one")
