"""Twice-differentiable tensor operations; fast forms are tested against readable references."""

from stylesmith.ops.activate import LRELU_GAIN, bias_act_, bias_act_reference, linear, lrelu
from stylesmith.ops.modulate import modulated_conv2d, modulated_conv2d_reference
from stylesmith.ops.normalize import (
    adain,
    adain_reference,
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
    upfirdn2d,
    upsample2d,
)

__all__ = [
    "LRELU_GAIN",
    "adain",
    "adain_reference",
    "append_minibatch_stddev",
    "bias_act_",
    "bias_act_reference",
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
    "modulated_conv2d_reference",
    "pixel_norm",
    "upfirdn2d",
    "upsample2d",
]
