"""Equal weights have one hash, and no others do."""

import torch

from stylesmith.networks.build import model_hash
from stylesmith.tensor_file import HASH_DIGITS


def test_equal_weights_have_one_hash_whatever_their_layout(tiny_generator):
    first, second = tiny_generator(), tiny_generator()
    assert len(model_hash(first)) == HASH_DIGITS
    assert model_hash(first) == model_hash(second)
    for parameter in second.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous()
    assert model_hash(first) == model_hash(second)


def test_any_changed_bit_changes_the_hash(tiny_generator):
    generator = tiny_generator()
    seen = {model_hash(generator)}
    for tensor in generator.state_dict().values():
        first = tensor.detach()[(0,) * tensor.ndim]
        first.copy_(torch.nextafter(first, torch.tensor(9.0)))
        seen.add(model_hash(generator))
    assert len(seen) == len(generator.state_dict()) + 1


def test_the_architecture_counts(tiny_generator):
    assert model_hash(tiny_generator()) != model_hash(tiny_generator(levels=4))
