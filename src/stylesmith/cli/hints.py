"""Hints at the right word where somebody writes that of another program, or of none."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import typer


class OptionHint(NamedTuple):
    """What to write in place of some options that a command does not have."""

    words: str
    """The options, without dashes in front, and with `-` for `_`."""
    parameter: str | None
    """Parameter of the command that stands for them; None holds for all commands."""
    advice: str


OPTION_HINTS = [
    OptionHint("aug ada adaptive-augment", "augment", "--augment ada"),
    OptionHint("augpipe aug-groups", "augment_groups", "--augment-groups bgc"),
    OptionHint("aug-p p", "augment", "--augment fixed:P"),
    OptionHint("target-p ada-target", "target", "--target 0.6"),
    OptionHint("holdout validation val-images", "hold_out", "--hold-out N"),
    OptionHint("init transfer finetune fine-tune pretrained resume-pkl", "source", "--from MODEL"),
    OptionHint("freezed freeze", "freeze_d", "--freeze-d N"),
    OptionHint(
        "translate rotate", None, "only StyleGAN3 has them, which is not part of this package"
    ),
    OptionHint("outdir out-dir output output-dir o dest save-dir", "out", "--out PATH"),
    OptionHint(
        "network network-pkl network-path ckpt checkpoint pkl weights model g generator",
        "model",
        "MODEL without an option",
    ),
    OptionHint(
        "network network-pkl ckpt checkpoint continue resume-from load", "resume", "--resume RUN"
    ),
    OptionHint("target targets image img input fname file", "images", "IMAGES without an option"),
    OptionHint(
        "data dataset dataroot data-path data-dir path source input images real",
        "data",
        "the DATA of the command",
    ),
    OptionHint("source input", "source", "SOURCE without an option"),
    OptionHint("dest out outdir output", "dest", "DEST without an option"),
    OptionHint("time hours duration max-time", "minutes", "--minutes N"),
    OptionHint(
        "kimg epochs epoch iter iters iterations steps n-iter total-kimg images",
        "kimg",
        "--kimg N, in thousands of images, or --minutes N",
    ),
    OptionHint(
        "size res resolution image-size img-size imsize width height transform",
        "resolution",
        "--resolution N",
    ),
    OptionHint("cfg config conf", "preset", "--preset NAME"),
    OptionHint("cond labels class-cond", "conditional", "--conditional"),
    OptionHint("flip mirror-augment xflip hflip", "mirror", "--mirror"),
    OptionHint("batch batch-size bs minibatch b", "batch", "--batch N"),
    OptionHint("batch batch-size bs minibatch mbs b", "set_", "--set training.batch_size=N"),
    OptionHint("batch-gpu micro-batch", "set_", "--set training.micro_batch=N"),
    OptionHint("gamma r1 r1-gamma", "set_", "--set training.r1_gamma=N"),
    OptionHint("lr glr learning-rate", "set_", "--set training.generator_lr=N"),
    OptionHint("dlr", "set_", "--set training.discriminator_lr=N"),
    OptionHint(
        "snap snapshot save-every snapshot-ticks network-snapshot-ticks",
        "set_",
        "--set output.snapshot_kimg=N",
    ),
    OptionHint("tick log-every", "set_", "--set output.log_kimg=N"),
    OptionHint("fp32 fp16 bf16 amp half", "set_", "--set training.precision=fp32 (or bf16, fp16)"),
    OptionHint("map-depth", "set_", "--set generator.mapping.layers=N"),
    OptionHint("cbase channel-base", "set_", "--set generator.channel_base=N"),
    OptionHint("cmax channel-max", "set_", "--set generator.max_channels=N"),
    OptionHint(
        "gpus num-gpus gpu ngpu nproc",
        "tensorboard",
        "`torchrun --nproc-per-node N -m stylesmith train`, which starts a process for each GPU",
    ),
    OptionHint("gpu gpus cuda cpu", "device", "--device cuda (or cpu, mps)"),
    OptionHint("metric eval fid", "metrics", "--metrics NAMES, such as fid50k"),
    OptionHint("trunc truncation truncation-psi trunc-psi t", "psi", "--psi NUMBER"),
    OptionHint(
        "truncation-cutoff trunc-cutoff", "psi_layers", "--psi-layers 0-7, for a cutoff of 8"
    ),
    OptionHint("noise-mode", "noise", "--noise fixed (or random, none)"),
    OptionHint(
        "seed n num count samples num-samples n-samples pics sample nimages",
        "seeds",
        "--seeds 0-15, which draws 16 images",
    ),
    OptionHint("class-idx cls label-idx y", "class_", "--class CLASS"),
    OptionHint("row-seeds row", "rows", "--rows SEEDS"),
    OptionHint("col-seeds cols col column", "columns", "--columns"),
    OptionHint("col-styles style layers", "styles", "--styles coarse (or middle, fine, 0-3)"),
    OptionHint("save-video", "video", "--video mp4"),
    OptionHint("num-steps iterations iters step n-steps", "steps", "--steps N"),
    OptionHint("w-plus wplus latent-space", "space", "--space w+"),
    OptionHint("w-frames num-frames nframes", "frames", "--frames N"),
    OptionHint("framerate rate", "fps", "--fps N"),
    OptionHint("overwrite replace y yes f", "force", "--force"),
    OptionHint("max max-num limit num n", "max_images", "--max-images N"),
    OptionHint("max limit num n number", "count", "--count N"),
    OptionHint("resize-filter interpolation", "filter", "--filter lanczos (or box)"),
    OptionHint("kind type to fmt", "form", "--format FORMAT"),
]
"""In order: the first that has the word, and whose parameter the command has, counts."""

COMMAND_HINTS = {
    "check validate verify": "stylesmith data check DATA",
    "prepare dataset-tool dataset prepare-data preprocess resize": (
        "stylesmith data prepare SOURCE OUT.zip --resolution N"
    ),
    "avatars make": "stylesmith data make avatars OUT.zip",
    "preset config configs list": "stylesmith presets",
    "resume continue": "stylesmith train --resume RUN",
    "sample gen draw generate-images gen-images synthesize": "stylesmith generate MODEL",
    "style-mixing stylemix mixing style-mix": "stylesmith mix MODEL",
    "gen-video generate-video interpolate interpolation animate walk": "stylesmith video MODEL",
    "projector invert inversion encode embed": "stylesmith project MODEL IMAGE",
    "metrics calc-metrics metric eval fid measure": "stylesmith evaluate MODEL --data DATA",
    "convert legacy": "stylesmith import FILE OUT, or stylesmith export MODEL DEST",
    "info show describe": "stylesmith inspect FILE",
    "visualizer gui viewer app ui": "stylesmith explore MODEL",
    "factorize sefa ganspace closed-form-factorization directions": (
        "stylesmith edit MODEL --find weights"
    ),
    "download fetch": "stylesmith weights fetch NAME",
    "classifier": "stylesmith classifiers train DATA",
    "figures": "stylesmith figure --list",
    "tables": "stylesmith table --list",
    "augment ada": "stylesmith train DATA --augment ada",
    "finetune fine-tune transfer": "stylesmith train DATA --from MODEL",
    "version": "stylesmith --version",
    "help": "stylesmith --help",
}

MISSING_COMMANDS = {
    "align crop face-align": "faces cannot be aligned by this package; align them before `prepare`",
    "avg-spectra": "spectra cannot be measured by this package",
}


def explain_usage_error(error: typer.TyperException) -> str:
    """The line of a wrong command line; the right option is named where that is known."""
    message = " ".join(error.format_message().split())
    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if option is None or context is None or not message.startswith("No such option"):
        return message
    advice = find_option_advice(option, [parameter.name for parameter in context.command.params])
    return f"No such option: {option}; {advice}" if advice else message


def find_option_advice(option: str, parameters: Sequence[str]) -> str | None:
    """What to write in place of an option, for a command with these parameters; None: unknown."""
    word = _plain_word(option)
    for hint in OPTION_HINTS:
        if word in hint.words.split():
            if hint.parameter is None:
                return hint.advice
            if hint.parameter in parameters:
                return f"here it is {hint.advice}"
    return None


def find_command_advice(word: str) -> str | None:
    """What to type in place of a command that there is not; None: unknown."""
    word = _plain_word(word)
    for words, command in COMMAND_HINTS.items():
        if word in words.split():
            return f"did you mean `{command}`?"
    return next((why for words, why in MISSING_COMMANDS.items() if word in words.split()), None)


def _plain_word(text: str) -> str:
    """`--network_pkl` and `network.pkl` as `network-pkl`."""
    return re.sub(r"[_.\s]", "-", text.strip("-").lower().removesuffix(".py"))
