import pytest
from pydantic import BaseModel, ValidationError

from stylesmith.config import (
    AdaINConfig,
    Config,
    ConvolutionalConfig,
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    MappingConfig,
    ModulatedConfig,
    OutputConfig,
    RunConfig,
    TraditionalConfig,
    TrainingConfig,
    apply_overrides,
)
from stylesmith.errors import ConfigError

CONFIGS = [
    AdaINConfig,
    ConvolutionalConfig,
    DataConfig,
    DiscriminatorConfig,
    GeneratorConfig,
    ModulatedConfig,
    TraditionalConfig,
    MappingConfig,
    OutputConfig,
    RunConfig,
    TrainingConfig,
]


def test_the_defaults_are_a_valid_run():
    assert RunConfig().generator.size() == (1024, 1024)


def test_json_gives_the_same_config_back():
    config = apply_overrides(
        RunConfig(), ["training.r1_gamma=0.3", "training.ema_rampup=0.05", "preset=mine"]
    )
    assert RunConfig.from_json(config.model_dump_json(), source="config.json") == config


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "json"),
        ('{"version": 2}', "version"),
        ('{"training": {"batch_size": 0}}', r"training\.batch_size.*got 0"),
        ('{"trainnig": {}}', "trainnig"),
        ('{"generator": {"levels": 5}}', "generator's size"),
    ],
)
def test_a_bad_file_is_named_with_its_problem(text, problem):
    with pytest.raises(ConfigError, match=rf"(?i)^runs/x/config\.json: .*{problem}") as caught:
        RunConfig.from_json(text, source="runs/x/config.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["size", "channels", "label_size"])
def test_networks_and_data_must_agree(field):
    value = {"size": (512, 512), "channels": 1, "label_size": 10}[field]
    with pytest.raises(ValidationError, match="must be the data's"):
        RunConfig(data=DataConfig(size=(1024, 1024)).change(**{field: value}))


@pytest.mark.parametrize(
    ("assignment", "section", "field", "wanted"),
    [
        ("training.r1_gamma=1", "training", "r1_gamma", 1.0),
        ("training.micro_batch=null", "training", "micro_batch", None),
        ("training.precision=fp32", "training", "precision", "fp32"),
        ('training.precision="bf16"', "training", "precision", "bf16"),
        ("data.mirror=true", "data", "mirror", True),
        (" output.keep_checkpoints = 7 ", "output", "keep_checkpoints", 7),
    ],
)
def test_an_override_changes_one_value_and_nothing_else(assignment, section, field, wanted):
    before, after = RunConfig(), apply_overrides(RunConfig(), [assignment])
    assert getattr(getattr(after, section), field) == wanted
    same = getattr(before, section).model_dump() | {field: wanted}
    assert after.model_dump() == before.model_dump() | {section: same}


def test_an_override_reaches_nested_values():
    config = apply_overrides(RunConfig(), ["generator.mapping.layers=2"])
    assert config.generator.mapping == MappingConfig(layers=2)


@pytest.mark.parametrize(
    "section", ['training.growth={"start": 4}', 'training.augment={"kind": "diffaugment"}']
)
def test_an_optional_section_is_set_and_left_out_again(section):
    name = section.partition("=")[0].removeprefix("training.")
    grows = ["generator.connection=grow", "discriminator.connection=grow"]
    config = apply_overrides(RunConfig(), [section, *grows])
    assert getattr(config.training, name) is not None
    assert getattr(apply_overrides(config, [f"training.{name}=null"]).training, name) is None
    assert apply_overrides(config, [section]) == config


def test_later_overrides_win():
    config = apply_overrides(RunConfig(), ["training.seed=1", "training.seed=2"])
    assert config.training.seed == 2


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.r1_gama=1", "did you mean training.r1_gamma?"),
        ("r1_gamma=1", "did you mean training.r1_gamma?"),
        ("qqqqqqqq=1", "there is no such setting"),
        ("training=1", "there is no such setting"),
        ("training=null", "training: "),
        ("training.r1_gamma", "wanted key=value"),
        ("training.r1_gamma=much", "training.r1_gamma: .*number.*got 'much'"),
        ("training.r1_gamma=-1", "greater than or equal to 0, got -1"),
        ("training.r1_gamma=NaN", "training.r1_gamma"),
        ("training.kimg=Infinity", "training.kimg"),
        ("training.batch_size=2.5", "training.batch_size.*got 2.5"),
        ("training.precision=fp8", "'auto', 'fp32', 'bf16' or 'fp16', got 'fp8'"),
        ("generator.levels=5", "must be the data's"),
    ],
)
def test_a_wrong_override_is_one_line_that_quotes_it(assignment, message):
    with pytest.raises(ConfigError, match=message) as caught:
        apply_overrides(RunConfig(), [assignment])
    text = str(caught.value)
    assert text.startswith(f"--set {assignment.partition('=')[0]}")
    assert "\n" not in text


def test_overrides_that_only_fit_together_are_taken_together():
    config = apply_overrides(
        RunConfig(),
        ["generator.levels=5", "discriminator.levels=5", "data.size=[64, 64]"],
    )
    assert config.generator.size() == config.discriminator.size() == config.data.size == (64, 64)


def test_configs_cannot_be_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig().preset = "other"


def test_change_checks_values():
    with pytest.raises(ConfigError, match="batch_size"):
        TrainingConfig().change(batch_size=0)
    with pytest.raises(ConfigError, match="r2_gamma"):
        TrainingConfig().change(r2_gamma=1)


@pytest.mark.parametrize("config", CONFIGS)
def test_every_field_is_documented_and_has_a_default(config: type[BaseModel]):
    assert issubclass(config, Config)
    for name, field in config.model_fields.items():
        assert field.description, f"{config.__name__}.{name} has no help"
        assert not field.is_required(), f"{config.__name__}.{name} has no default"
