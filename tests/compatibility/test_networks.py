"""Names and shapes of tensors, by which saved weights find their place; and what networks make."""

import pytest
import torch
from torch.testing import assert_close

from tests.compatibility import access, observe
from tests.compatibility.compare import changed, digest, exact, pinned

NETWORKS = pinned("networks")
SMALL = [entry for entry in NETWORKS if "output" in entry]


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry["title"])
def test_tensors_keep_names_types_and_shapes(entry):
    found = observe.network_layout(entry["part"], entry["config"])
    assert changed(entry["tensors"], found) == []


def test_published_networks_keep_names_types_and_shapes():
    was, found = pinned("perception"), observe.perception_layouts()
    assert [f"{title}: {line}" for title in was for line in changed(was[title], found[title])] == []


@pytest.mark.parametrize("entry", SMALL, ids=lambda entry: entry["title"])
def test_a_seed_builds_the_same_network_which_makes_the_same(entry):
    weights, output = observe.network_output(entry["part"], entry["config"])
    values = torch.tensor(entry["output"])
    assert_close(torch.tensor(observe.some_values(output)), values, rtol=1e-4, atol=1e-5)
    assert exact(entry["title"]) in (None, [weights, digest({"output": output})])


def test_random_features_stay():
    was = pinned("random_features")
    assert access.random_network_hashes() == was["hashes"]
    found = access.random_features(observe.fixed_pixels())[0, ::8].tolist()
    assert found == pytest.approx(was["features"], rel=1e-4, abs=1e-5)
