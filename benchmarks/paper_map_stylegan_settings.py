"""The hyper-parameters of the StyleGAN paper: values, and what has them."""

from functools import partial

import paper_map_readings as read
from paper_map_records import DIFFERS, Entry, constant, default, found, setting
from stylesmith.metrics.protocol import parse_metric
from stylesmith.metrics.supervised import LENGTHS
from stylesmith.presets.data_sets import CAR, FFHQ

NETS, OPS, LOSSES = "stylesmith.networks", "stylesmith.ops", "stylesmith.training.losses"
METRICS, SAMPLING = "stylesmith.metrics", "stylesmith.sampling"
ROWS, SETS = "stylesmith.presets.stylegan", "stylesmith.presets.data_sets"

ALL = "stylegan-a stylegan-b stylegan-c stylegan-d stylegan-e stylegan-f"
STYLED = "stylegan-c stylegan-d stylegan-e stylegan-f"
LSUN_256 = "stylegan-f-bedroom stylegan-f-cat"

ARCHITECTURE = (
    Entry(
        "Parts",
        "Styles from C on, the constant from D on, noise inputs from E on (2.1)",
        (
            f"{NETS}.traditional.TraditionalSynthesis",
            f"{NETS}.stylegan.AdaINSynthesis",
            f"{NETS}.traditional.DenseInput",
        ),
        (
            setting("stylegan-a stylegan-b", "generator.kind", "traditional"),
            setting(STYLED, "generator.kind", "adain"),
            setting("stylegan-a stylegan-b stylegan-c", "generator.constant_input", False),
            setting("stylegan-d stylegan-e stylegan-f", "generator.constant_input", True),
            setting("stylegan-a stylegan-b stylegan-c stylegan-d", "generator.noise", False),
            setting("stylegan-e stylegan-f", "generator.noise", True),
        ),
    ),
    Entry(
        "Latents",
        "z and w have 512 numbers (2)",
        (f"{NETS}.mapping.MappingNetwork",),
        (
            setting(STYLED, "generator.mapping.z_dim", 512),
            setting(STYLED, "generator.mapping.w_dim", 512),
        ),
    ),
    Entry(
        "Normalized z",
        "z is scaled to unit mean square in front of f (4.1)",
        (f"{OPS}.normalize.pixel_norm",),
        (default(f"{OPS}.normalize.pixel_norm", "eps", 1e-8),),
    ),
    Entry(
        "Depth of f",
        "8 fully connected layers (2, C)",
        (f"{NETS}.mapping.MappingNetwork",),
        (setting(STYLED, "generator.mapping.layers", 8),),
    ),
    Entry(
        "Rate of f",
        "100 times lower (C)",
        (f"{NETS}.layers.EqualizedLinear",),
        (setting(STYLED, "generator.mapping.lr_multiplier", 0.01),),
    ),
    Entry(
        "Depth of g",
        "18 layers at 1024x1024, two for each resolution, each with style and noise (Figure 1)",
        (f"{NETS}.traditional.ProgressiveSynthesis",),
        (
            setting("stylegan-f", "generator.num_ws", 18),
            found("stylegan-f: noise inputs", partial(read.noise_inputs, "stylegan-f"), 18),
        ),
    ),
    Entry(
        "Constant input",
        "4 x 4 x 512 (2.1); in the published code ones at first",
        (f"{NETS}.stylegan.ConstantInput",),
        (
            setting("stylegan-f", "generator.base", (4, 4)),
            found("constant at first", partial(read.first_values, "adain", "const"), [1.0]),
        ),
    ),
    Entry(
        "Feature maps",
        "ProGAN's: 512 up to 32x32, then halved with each doubling to 16 (C)",
        ("stylesmith.config.network.PyramidConfig.channels",),
        tuple(
            found(
                f"stylegan-f: feature maps of the {network}",
                partial(read.widths, "stylegan-f", network),
                [512, 512, 512, 512, 256, 128, 64, 32, 16],
            )
            for network in ("generator", "discriminator")
        ),
    ),
    Entry(
        "Parameters",
        "26.2 million in the style-based, 23.1 million in a traditional generator (Figure 1)",
        (f"{NETS}.build.parameter_count",),
        tuple(
            found(
                f"{preset}: parameters of the {network}",
                partial(read.parameters, preset, network),
                count,
            )
            for preset, network, count in (
                ("stylegan-f", "generator", 26_219_627),
                ("stylegan-b", "generator", 23_079_115),
                ("stylegan-f", "discriminator", 23_087_249),
            )
        ),
    ),
    Entry(
        "Activation",
        "Leaky ReLU, slope 0.2 (C)",
        (f"{OPS}.activate.lrelu",),
        (constant(f"{OPS}.activate.SLOPE", 0.2),),
    ),
    Entry(
        "Equalized learning rate",
        "In all layers (C)",
        (
            f"{NETS}.layers.EqualizedLinear",
            f"{NETS}.layers.EqualizedConv2d",
            f"{NETS}.traditional.PlainConv2d",
        ),
        (found("factor of weights for 64 inputs", read.run_time_gain, 1 / 8),),
    ),
    Entry(
        "Up and down",
        "Bilinear from B on: a separable binomial filter behind upsampling and before downsampling "
        "(C)",
        (f"{OPS}.resample.conv2d_up_nearest", f"{OPS}.halve.conv2d_halve"),
        (
            constant(f"{NETS}.traditional.STYLEGAN_TAPS", (1.0, 2.0, 1.0)),
            setting("stylegan-b stylegan-f", "generator.blur", True),
            setting("stylegan-b stylegan-f", "discriminator.resample", "[1,2,1]"),
            setting("stylegan-a", "generator.blur", False),
            setting("stylegan-a", "discriminator.resample", "box"),
        ),
    ),
    Entry(
        "Start of weights",
        "N(0, 1) for convolutions, fully connected and affine layers; biases and noise scales 0, "
        "biases of scales 1 (C)",
        (f"{NETS}.layers.randn_kernels", f"{NETS}.stylegan.AdaINLayer"),
        (
            found("kernels: deviation", partial(read.first_deviation, "adain", "source.weight"), 1),
            found("affine: deviation", partial(read.first_deviation, "adain", "affine.weight"), 1),
            found("biases", partial(read.first_values, "adain", "bias$"), [0.0]),
            found("noise scales", partial(read.first_values, "adain", "noise_strength"), [0.0]),
            found("a style of zeros only normalizes", read.zero_style_normalizes, True),
        ),
        "The 1 is added to the scale instead of being its bias.",
    ),
    Entry(
        "Minibatch deviation",
        "At the end of the discriminator, in groups of 4 (ProGAN's; C)",
        (f"{OPS}.normalize.append_minibatch_stddev", f"{NETS}.discriminator_blocks.Epilogue"),
        (
            setting(ALL, "discriminator.stddev_group", 4),
            setting(ALL, "discriminator.stddev_features", 1),
        ),
    ),
    Entry(
        "Left out",
        "Batch and spectral normalization, attention, dropout, pixel normalization (C)",
        (f"{NETS}.stylegan.AdaINSynthesis",),
        (found("stylegan-f: such layers", partial(read.left_out, "stylegan-f"), []),),
    ),
)

TRAINING = (
    Entry(
        "Adam",
        "ProGAN's: beta1 0, beta2 0.99, epsilon 1e-8 (C)",
        ("stylesmith.training.state.lazy_adam",),
        (
            setting(ALL, "training.beta1", 0.0),
            setting(ALL, "training.beta2", 0.99),
            found("epsilon", lambda: read.adam("stylegan-f", "discriminator")["eps"], 1e-8),
        ),
    ),
    Entry(
        "Minibatch",
        "By resolution, as in ProGAN, for 8 GPUs (C)",
        ("stylesmith.config.levels.at_level", f"{ROWS}.BATCH_SIZES"),
        (
            setting(ALL, "training.reference_devices", 8),
            setting(ALL, "training.batch_size.8", {4: 512, 8: 256, 16: 128, 32: 64, 64: 32}),
        ),
    ),
    Entry(
        "Learning rate",
        "ProGAN's on FFHQ, with 0.003 at 512x512 and 1024x1024; 0.002 there on CelebA-HQ (C)",
        (f"{ROWS}.RATES", f"{SETS}.CELEBA_HQ"),
        tuple(
            setting(
                presets, f"training.{network}_lr", {4: 0.001, 128: 0.0015, 256: 0.002, 512: top}
            )
            for presets, top in (
                ("stylegan-b-ffhq stylegan-f-ffhq", 0.003),
                ("stylegan-b-celebahq stylegan-f-celebahq", 0.002),
            )
            for network in ("generator", "discriminator")
        ),
        DIFFERS,
    ),
    Entry(
        "Growing",
        "From 8x8 instead of 4x4 (C); ProGAN's 600,000 images to fade a level in, as many to train "
        "it, so that 1024x1024 is reached after 8.4 million (D)",
        ("stylesmith.training.schedule.growth_at", "stylesmith.config.training.GrowthConfig"),
        (
            setting("stylegan-a", "training.growth.start", 4),
            setting("stylegan-b stylegan-f", "training.growth.start", 8),
            setting(ALL, "training.growth.train_kimg", 600.0),
            setting(ALL, "training.growth.fade_kimg", 600.0),
            found("stylegan-f: kimg until 1024x1024", partial(read.grown_kimg, "stylegan-f"), 8400),
        ),
    ),
    Entry(
        "Length",
        "12 million images in A, 25 million on FFHQ (C); 70 million on Bedroom and Cat, 46 million "
        "on Car (E)",
        (f"{ROWS}.config_a", f"{ROWS}.config_b", f"{SETS}.STYLEGAN"),
        (
            setting("stylegan-a", "training.kimg", 12_000.0),
            setting("stylegan-b-ffhq stylegan-f-ffhq", "training.kimg", 25_000.0),
            setting(LSUN_256, "training.kimg", 70_000.0),
            setting("stylegan-f-car", "training.kimg", 46_000.0),
        ),
        DIFFERS,
    ),
    Entry(
        "Loss",
        "WGAN-GP in A and on CelebA-HQ, else non-saturating with R1 (2.1)",
        (f"{LOSSES}.GENERATOR_LOSSES", "stylesmith.training.steps.discriminator_pass"),
        (
            setting("stylegan-a stylegan-f-celebahq", "training.loss", "wgan_gp"),
            setting("stylegan-b-ffhq stylegan-f-ffhq", "training.loss", "logistic"),
        ),
    ),
    Entry(
        "R1",
        "gamma 10 (C), in every step",
        (f"{LOSSES}.r1_penalty", "stylesmith.training.steps.r1_pass"),
        (
            setting("stylegan-b-ffhq stylegan-f-ffhq stylegan-f-cat", "training.r1_gamma", 10.0),
            setting("stylegan-f", "training.r1_interval", 1),
        ),
    ),
    Entry(
        "WGAN-GP",
        "ProGAN's: lambda 10, norms towards 1, drift 0.001 (C)",
        (f"{LOSSES}.wgan_penalty", f"{LOSSES}.discriminator_wasserstein"),
        (
            setting("stylegan-a stylegan-f-celebahq", "training.wgan_penalty", 10.0),
            setting("stylegan-a stylegan-f-celebahq", "training.wgan_drift", 0.001),
            found("wanted norm", read.wgan_target, 1.0),
        ),
    ),
    Entry(
        "Mixing regularization",
        "90% in F; 0, 50, 90 and 100% in Table 2 (3.1)",
        ("stylesmith.training.draws.draw_latents",),
        (
            setting("stylegan-f", "training.style_mixing", 0.9),
            *(
                setting(f"stylegan-f-mix{percent}", "training.style_mixing", percent / 100)
                for percent in (0, 50, 90, 100)
            ),
        ),
        "A share of steps, not of images.",
    ),
    Entry(
        "Depths in Table 4",
        "0 and 8 in front of a traditional generator; 0, 1, 2 and 8 in a style-based one",
        (f"{ROWS}.traditional_mapping", f"{ROWS}.style_mapping"),
        tuple(
            setting(f"stylegan-{kind}-map{depth}", "generator.mapping.layers", depth)
            for kind, depth in (("b", 0), ("b", 8), ("f", 0), ("f", 1), ("f", 2), ("f", 8))
        ),
    ),
    Entry(
        "Average of weights",
        "ProGAN's; in the published code with a half-life of 10,000 images (C)",
        ("stylesmith.training.ema.ema_decay", "stylesmith.training.ema.update_ema"),
        (setting(ALL, "training.ema_kimg", 10.0),),
    ),
    Entry(
        "Mirroring",
        "FFHQ and CelebA-HQ; not LSUN (C)",
        ("stylesmith.data.loader.BatchLoader",),
        (
            setting("stylegan-f-ffhq stylegan-f-celebahq", "data.mirror", True),
            setting(f"{LSUN_256} stylegan-f-car", "data.mirror", False),
        ),
    ),
    Entry(
        "Data sets",
        "FFHQ and CelebA-HQ 1024x1024 (2.1, A), Bedroom and Cat 256x256, Car 512x384 (E)",
        (f"{SETS}.DATA_SETS", "stylesmith.data.resize.with_bars"),
        (
            found("FFHQ: size", lambda: FFHQ.size, (1024, 1024)),
            setting("stylegan-f-celebahq", "data.size", (1024, 1024)),
            setting(LSUN_256, "data.size", (256, 256)),
            found("Car: height and width between bars", lambda: CAR.picture, (384, 512)),
        ),
    ),
)

MEASURING = (
    Entry(
        "FID",
        "50,000 images, never truncated (2.1)",
        (f"{METRICS}.protocol.COUNTS", f"{METRICS}.sources.ModelSource"),
        (
            found("fid: images", lambda: parse_metric("fid").count, 50_000),
            constant(f"{METRICS}.sources.ModelSource.psi", 1.0),
        ),
    ),
    Entry(
        "Latents in Table 2",
        "1 to 4, with crossovers at random: `fid`, `fid_mix2` and so on",
        (f"{METRICS}.sources.ModelSource.mixing",),
        (found("fid_mix4: latents", lambda: parse_metric("fid_mix4").latents, 4),),
    ),
    Entry(
        "Step of path length",
        "epsilon 1e-4 (4.1)",
        (f"{METRICS}.path_length.path_lengths",),
        (constant(f"{METRICS}.path_length.EPSILON", 1e-4),),
    ),
    Entry(
        "Samples of path length",
        "100,000 (4.1), by their number in the name",
        (f"{METRICS}.protocol.parse_metric",),
        (found("ppl_wfull_100k: pairs", lambda: parse_metric("ppl_wfull_100k").count, 100_000),),
        DIFFERS,
    ),
    Entry(
        "Path length, full and end",
        "t uniform in 0..1, or at an end of the path; cropped to the face (4.1)",
        (f"{METRICS}.protocol.Metric", f"{METRICS}.path_length.crop_face"),
        (
            found("ppl_wfull: whole path", lambda: parse_metric("ppl_wfull").whole_path, True),
            found("ppl_wend: whole path", lambda: parse_metric("ppl_wend").whole_path, False),
            found("ppl_wend: cropped", lambda: parse_metric("ppl_wend").crop, True),
        ),
    ),
    Entry(
        "Samples of separability",
        "200,000, of which the confident half is kept (4.2)",
        (f"{METRICS}.separability.confident_half",),
        (found("ls: images", lambda: parse_metric("ls").count, 200_000),),
    ),
    Entry(
        "Classifiers",
        "The discriminator without minibatch deviation; Adam at 1e-3, minibatch 8, 150,000 images, "
        "one for each of 40 attributes of CelebA-HQ (4.2, C)",
        (
            f"{METRICS}.classifiers.classifier_config",
            f"{METRICS}.supervised.train_one",
            f"{METRICS}.attributes.read_attributes",
        ),
        (
            found("feature maps of the deviation", read.classifier_stddev, 0),
            constant(f"{METRICS}.supervised.RATE", 1e-3),
            constant(f"{METRICS}.supervised.BATCH", 8),
            found("images, by the paper's protocol", lambda: LENGTHS["paper"], 150_000),
        ),
        "Attributes are those that the data has.",
    ),
    Entry(
        "Coarse, middle, fine",
        "4x4 to 8x8, 16x16 to 32x32, 64x64 to 1024x1024 (Figure 3)",
        (f"{SAMPLING}.layers.named_layers",),
        tuple(
            found(f"{name} layers", partial(read.layer_range, name), wanted)
            for name, wanted in (("coarse", "0-3"), ("middle", "4-7"), ("fine", "8-17"))
        ),
    ),
    Entry(
        "Truncation",
        "psi 0.7 on 4x4 to 32x32 (Figures 2, 10, 11 and 12)",
        (f"{SAMPLING}.settings.Settings.psi_layers", "figure stylegan-2"),
        (
            constant("stylesmith.figures.uncurated.PSI", 0.7),
            constant("stylesmith.figures.uncurated.TRUNCATED", 8),
        ),
    ),
    Entry(
        "Draws of noise",
        "100 (Figure 4)",
        (f"{SAMPLING}.variation.vary",),
        (default(f"{SAMPLING}.variation.vary", "draws", 100),),
    ),
)
