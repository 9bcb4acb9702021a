"""Files that hold their networks in another form than the programs' own checkpoints."""

import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from stylesmith import load, load_discriminator
from stylesmith.errors import ModelError
from stylesmith.models import load_bundle
from stylesmith.models.interop import describe_file, rosinality, stylegan2_ada
from stylesmith.models.interop.file_writer import ada_module, global_call, write_pickle
from tests.models.interop.makers import arrays, discriminator, generator
from tests.models.interop.test_rosinality import states
from tests.support import differing


class Persistent(nn.Module):
    """A module that pickles itself as the classes of StyleGAN2-ADA do."""

    def __init__(self, class_name: str, kwargs: dict | None = None):
        super().__init__()
        self.class_name, self._init_kwargs, self._init_args = class_name, kwargs or {}, ()

    def __reduce__(self):
        meta = {"type": "class", "version": 6, "module_src": "", "class_name": self.class_name}
        function = sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj
        return function, ({**meta, "state": self.__dict__},)


def whole_module(class_name: str, kwargs: dict, tensors: dict) -> Persistent:
    """A network as its program holds it: modules in modules, with parameters and buffers."""
    network = Persistent(class_name, kwargs)
    for name, array in tensors.items():
        *path, last = name.split(".")
        module = network
        for part in path:
            if part not in module._modules:
                module.add_module(part, Persistent("Module"))
            module = module._modules[part]
        value = torch.tensor(array)
        if last in ("w_avg", "noise_const", "resample_filter"):
            module.register_buffer(last, value)
        else:
            module.register_parameter(last, nn.Parameter(value))
    return network


@pytest.fixture
def persistence(monkeypatch):
    """The module that the classes of StyleGAN2-ADA name, only while files are written."""
    module = ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("nothing of a file is called")

    _reconstruct_persistent_obj.__module__ = module.__name__
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    monkeypatch.setitem(sys.modules, "torch_utils", ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def ada_network(network) -> tuple[str, dict, dict]:
    """Class, arguments and tensors of one of our networks, as StyleGAN2-ADA has it."""
    generates = hasattr(network, "synthesis")
    kind = stylegan2_ada.generator_names if generates else stylegan2_ada.discriminator_names
    kwargs = stylegan2_ada.network_kwargs(network.config)
    tensors = kind(network.config).write(arrays(network))
    return "Generator" if generates else "Discriminator", kwargs, tensors


@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_generator_as_pti_saves_it(tmp_path, persistence, zipped):
    module = whole_module(*ada_network(generator()))
    torch.save(module, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    assert differing(load(tmp_path / "x.pt").state_dict(), generator().state_dict()) == []


def test_a_tuple_of_three_whole_networks(tmp_path, persistence):
    networks = (generator(seed=2), discriminator(seed=3), generator(seed=1))
    torch.save(tuple(whole_module(*ada_network(n)) for n in networks), tmp_path / "x.pt")
    found = load_bundle(tmp_path / "x.pt").networks()
    for role, wanted in zip(("G", "D", "G_ema"), networks, strict=True):
        assert differing(found[role].state_dict(), wanted.state_dict()) == []


def test_a_pickle_of_a_lone_network_or_of_three(tmp_path):
    networks = (generator(seed=2), discriminator(seed=3), generator(seed=1))
    objects = [ada_module(*ada_network(network)) for network in networks]
    write_pickle(tmp_path / "one.pkl", objects[2])
    write_pickle(tmp_path / "three.pkl", tuple(objects))
    for name in ("one.pkl", "three.pkl"):
        found = load(tmp_path / name)
        assert differing(found.state_dict(), networks[2].state_dict()) == []
    found = load_discriminator(tmp_path / "three.pkl")
    assert differing(found.state_dict(), networks[1].state_dict()) == []


def test_a_lone_discriminator_is_no_generator(tmp_path):
    write_pickle(tmp_path / "x.pkl", ada_module(*ada_network(discriminator())))
    with pytest.raises(ModelError, match="has no G"):
        load(tmp_path / "x.pkl")


def ada_states(network) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(array) for name, array in ada_network(network)[2].items()}


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("layout", ["ada", "rosinality"])
def test_state_dicts_with_and_without_roles_and_prefix(tmp_path, layout, named, prefix):
    content = ada_states(generator()) if layout == "ada" else states(generator())
    content = {f"{prefix}{name}": tensor for name, tensor in content.items()}
    role = "G_ema" if layout == "ada" else "g_ema"
    torch.save({role: content} if named else content, tmp_path / "x.pt")
    different = differing(load(tmp_path / "x.pt").state_dict(), generator().state_dict())
    assert different == ([] if layout == "ada" else ["mapping.w_avg"])


def with_unknown_critic(path):
    """A checkpoint whose discriminator has a part of a class that nobody knows."""
    class_name, kwargs, tensors = ada_network(generator())
    unknown = global_call("projector.backbones", "EfficientNet", 3)
    critic = global_call("collections", "OrderedDict", [("feature_network", unknown)])
    write_pickle(path, {"G_ema": ada_module(class_name, kwargs, tensors), "D": critic})
    return path


def test_an_unknown_class_in_the_discriminator_does_not_block_the_generator(tmp_path):
    path = with_unknown_critic(tmp_path / "x.pkl")
    with pytest.raises(ModelError, match=r"it wants the global projector.backbones.EfficientNet"):
        load(path)
    lines = describe_file(path)
    assert lines[-1].startswith("import refuses it: 1 of its globals") and "--partial" in lines[-1]
    bundle = load_bundle(path, partial=True)
    assert differing(bundle.ema.state_dict(), generator().state_dict()) == []
    assert bundle.discriminator is None
    assert "left out: projector.backbones.EfficientNet" in bundle.reports[0].notes


def test_a_discriminator_of_another_kind_is_left_out_of_a_partial_import(tmp_path):
    _, kwargs, tensors = ada_network(discriminator())
    value = {"G_ema": ada_module(*ada_network(generator()))}
    value["D"] = ada_module("ProjectedDiscriminator", kwargs, tensors)
    write_pickle(tmp_path / "x.pkl", value)
    with pytest.raises(ModelError, match="D is of class 'ProjectedDiscriminator'"):
        load_bundle(tmp_path / "x.pkl")
    bundle = load_bundle(tmp_path / "x.pkl", partial=True)
    assert bundle.discriminator is None
    assert any(note.startswith("left out: ") for note in bundle.reports[0].notes)


def test_layouts_do_not_take_one_another_for_theirs():
    assert stylegan2_ada.recognize({"input.input": 1}) is None
    assert rosinality.recognize({"synthesis.b4.const": 1}) is None
