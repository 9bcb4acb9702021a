"""Twice-differentiable tensor operations; fast forms are tested against readable references."""

from stylesmith.ops.activate import LRELU_GAIN, bias_act_, linear, lrelu
from stylesmith.ops.modulate import modulated_conv2d
from stylesmith.ops.normalize import (
    adain,
    append_minibatch_stddev,
    instance_norm,
    pixel_norm,
)
from stylesmith.ops.resample import (
    blur2d,
    conv2d,
    conv2d_down,
    conv2d_up,
    conv2d_up_nearest,
    downsample2d,
    upsample2d,
)

__all__ = [
    "LRELU_GAIN",
    "adain",
    "append_minibatch_stddev",
    "bias_act_",
    "blur2d",
    "conv2d",
    "conv2d_down",
    "conv2d_up",
    "conv2d_up_nearest",
    "downsample2d",
    "instance_norm",
    "linear",
    "lrelu",
    "modulated_conv2d",
    "pixel_norm",
    "upsample2d",
]
