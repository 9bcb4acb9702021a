"""Words of other programs, and words that people guess, are answered by the right one."""

import pytest

from stylesmith.cli.hints import COMMAND_HINTS, MISSING_COMMANDS, OPTION_HINTS
from tests.cli.commands import COMMANDS


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("train --time 5", "--minutes N"),
        ("train --size 64", "--resolution N"),
        ("train --batch 8", "--set training.batch_size=N"),
        ("train --batch-size 8", "--set training.batch_size=N"),
        ("train --gamma 1", "--set training.r1_gamma=N"),
        ("train --snap 10", "--set output.snapshot_kimg=N"),
        ("train --outdir runs", "--out PATH"),
        ("train --data x.zip", "the DATA of the command"),
        ("train --gpus 8", "torchrun --nproc-per-node N -m stylesmith train"),
        ("train --cfg auto", "--preset NAME"),
        ("train --epochs 100", "--kimg N"),
        ("train --cond", "--conditional"),
        ("train --aug ada", "--augment ada"),
        ("train --augpipe bgc", "--augment-groups bgc"),
        ("train --p 0.2", "--augment fixed:P"),
        ("train --init x.pkl", "--from MODEL"),
        ("train --freezed 10", "--freeze-d N"),
        ("train --network_pkl x.pkl", "--resume RUN"),
        ("generate avatars --trunc 0.5", "--psi NUMBER"),
        ("generate avatars --network x.pkl", "MODEL without an option"),
        ("generate avatars --network_pkl=x.pkl", "MODEL without an option"),
        ("generate avatars --seed 1", "--seeds 0-15"),
        ("generate avatars --noise-mode const", "--noise fixed"),
        ("generate avatars --translate 1,1", "only StyleGAN3"),
        ("mix avatars --row-seeds 1", "--rows SEEDS"),
        ("mix avatars --col-styles 0-3", "--styles coarse"),
        ("video avatars --w-frames 10", "--frames N"),
        ("project avatars --target me.png", "IMAGES without an option"),
        ("project avatars me.png --save-video", "--video mp4"),
        ("project avatars me.png --num-steps 9", "--steps N"),
        ("evaluate avatars --gpus 1", "--device cuda"),
        ("evaluate avatars --network x", "MODEL without an option"),
        ("data prepare --source x", "SOURCE without an option"),
        ("data prepare a b.zip --size 64", "--resolution N"),
    ],
)
def test_an_option_of_another_program_is_answered_by_ours(cli, words, advice):
    message = cli(*words.split()).error()
    assert message.startswith("No such option: --") and advice in message


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("check photos", "`stylesmith data check DATA`"),
        ("preset config-f", "`stylesmith presets`"),
        ("dataset_tool photos", "`stylesmith data prepare SOURCE OUT.zip --resolution N`"),
        ("dataset_tool.py", "`stylesmith data prepare SOURCE OUT.zip --resolution N`"),
        ("style_mixing", "`stylesmith mix MODEL`"),
        ("style-mixing", "`stylesmith mix MODEL`"),
        ("sample runs/x", "`stylesmith generate MODEL`"),
        ("projector", "`stylesmith project MODEL IMAGE`"),
        ("gen_video", "`stylesmith video MODEL`"),
        ("calc_metrics", "`stylesmith evaluate MODEL --data DATA`"),
        ("resume runs/x", "`stylesmith train --resume RUN`"),
        ("finetune", "`stylesmith train DATA --from MODEL`"),
        ("visualizer", "`stylesmith explore MODEL`"),
    ],
)
def test_a_command_of_another_program_is_answered_by_ours(cli, words, advice):
    message = cli(*words.split()).error()
    assert message.startswith("No such command ") and advice in message


def test_advice_names_commands_and_options_that_there_are():
    for advice in [*COMMAND_HINTS.values(), *(hint.advice for hint in OPTION_HINTS)]:
        for command in advice.split("stylesmith ")[1:]:
            words = tuple(word.strip("`,;") for word in command.split())
            known = any(words[: len(path)] == path for path in COMMANDS)
            assert known or words[0] in ("--version", "--help"), advice
    options = {opt for command in COMMANDS.values() for one in command.params for opt in one.opts}
    for hint in OPTION_HINTS:
        if hint.parameter and hint.advice.startswith("--"):
            assert hint.advice.split()[0].rstrip(",") in options, hint


def test_no_hint_stands_for_a_word_that_a_command_knows():
    words = {word for words in [*COMMAND_HINTS, *MISSING_COMMANDS] for word in words.split()}
    assert not words & {path[0] for path in COMMANDS}


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("batch", "training.batch_size or training.micro_batch"),
        ("batch_size", "training.batch_size"),
        ("gamma", "training.r1_gamma"),
        ("lr", "training.generator_lr or training.discriminator_lr"),
        ("snapshot", "output.snapshot_kimg"),
        ("kimg", "training.kimg"),
    ],
)
def test_a_setting_by_a_part_of_its_name_is_found(cli, tmp_path, photos, key, advice):
    words = ("train", photos, "--out", tmp_path / "run", "--preset", "tiny")
    message = cli(*words, "--set", f"{key}=8").error()
    assert message.startswith(f"--set {key}: there is no such setting; did you mean ")
    assert advice in message


@pytest.mark.parametrize(
    ("name", "near"), [("config-f", "stylegan2-f"), ("Config-E", "stylegan2-e")]
)
def test_a_row_by_the_name_of_the_papers_programs_is_found(cli, name, near):
    assert cli("presets", name).error().endswith(f"Did you mean {near}?")
