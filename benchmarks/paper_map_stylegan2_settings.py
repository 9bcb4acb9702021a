"""The hyper-parameters of the StyleGAN2 paper: values, and what has them."""

import math
from functools import partial

import paper_map_readings as read
from paper_map_records import DIFFERS, Entry, constant, default, found, setting
from stylesmith.metrics.protocol import parse_metric

NETS, OPS, TRAINING_ROOM = "stylesmith.networks", "stylesmith.ops", "stylesmith.training"
METRICS, INVERSION = "stylesmith.metrics", "stylesmith.inversion"
ROWS, SETS = "stylesmith.presets.stylegan2", "stylesmith.presets.data_sets"

GROWING = "stylegan2-a stylegan2-b stylegan2-c stylegan2-d"
REVISED = "stylegan2-b stylegan2-c stylegan2-d stylegan2-e stylegan2-f"
LAZY = "stylegan2-c stylegan2-d stylegan2-e stylegan2-f"
PATH = "stylegan2-d stylegan2-e stylegan2-f"
FULL = "stylegan2-e stylegan2-f"
ALL = f"stylegan2-a {REVISED}"
BIASES = r"synthesis(?!.*affine).*bias$"

ARCHITECTURE = (
    Entry(
        "Kept from StyleGAN",
        "Z and W of 512 numbers, 8 layers in f, 100 times lower rate there (B)",
        (f"{NETS}.mapping.MappingNetwork",),
        (
            setting(ALL, "generator.mapping.z_dim", 512),
            setting(ALL, "generator.mapping.w_dim", 512),
            setting(ALL, "generator.mapping.layers", 8),
            setting(ALL, "generator.mapping.lr_multiplier", 0.01),
        ),
    ),
    Entry(
        "Equalized learning rate",
        "For all trainable parameters (B)",
        (
            f"{NETS}.layers.EqualizedLinear",
            f"{NETS}.layers.EqualizedConv2d",
            f"{NETS}.layers.StyledConv2d",
            f"{NETS}.layers.ToRGB",
        ),
        (found("factor of weights for 64 inputs", read.run_time_gain, 1 / 8),),
    ),
    Entry(
        "Activation",
        "Leaky ReLU, slope 0.2 (B), scaled to keep the variance (2.2)",
        (f"{OPS}.activate.lrelu",),
        (
            constant(f"{OPS}.activate.SLOPE", 0.2),
            constant(f"{OPS}.activate.LRELU_GAIN", math.sqrt(2)),
        ),
    ),
    Entry(
        "Bilinear filtering",
        "In all up- and downsampling layers (B)",
        (f"{OPS}.resample.conv2d_up", f"{OPS}.resample.conv2d_down"),
        (
            constant(f"{OPS}.resample.BILINEAR", (1.0, 3.0, 3.0, 1.0)),
            setting(REVISED, "discriminator.resample", "[1,3,3,1]"),
        ),
        "Images of growing networks (B to D) fade over repeated pixels, as in the published code.",
    ),
    Entry(
        "Demodulation",
        "In all convolutions but toRGB; a small epsilon (2.2, B)",
        (f"{OPS}.modulate.modulated_conv2d", f"{NETS}.layers.ToRGB"),
        (
            setting(REVISED, "generator.kind", "modulated"),
            setting(REVISED, "generator.demodulate", True),
            default(f"{OPS}.modulate.modulated_conv2d", "eps", 1e-8),
        ),
    ),
    Entry(
        "Styles",
        "18 affine maps at 1024x1024 (B): 17 convolutions and the last toRGB. toRGB layers below "
        "it have maps of their own, with the w of the next convolution",
        (f"{NETS}.stylegan2.ModulatedSynthesis",),
        (
            setting(REVISED, "generator.num_ws", 18),
            found("stylegan2-f: styled layers", partial(read.styled_layers, "stylegan2-f"), 18),
        ),
    ),
    Entry(
        "Noise inputs",
        "17 at 1024x1024, one less than StyleGAN (D); one scale for all maps of a layer (B)",
        (f"{NETS}.layers.StyledConv2d",),
        (
            found("stylegan2-a: noise inputs", partial(read.noise_inputs, "stylegan2-a"), 18),
            found("stylegan2-f: noise inputs", partial(read.noise_inputs, "stylegan2-f"), 17),
            found("numbers in a noise scale", read.numbers_in_noise_scale, 1),
        ),
    ),
    Entry(
        "Start of weights",
        "N(0, 1), also for the constant; biases and noise scales 0, biases of styles 1 (B)",
        (f"{NETS}.layers.randn_kernels", f"{NETS}.layers.StyledConv2d"),
        (
            found("constant: deviation", partial(read.first_deviation, "modulated", "const"), 1),
            found(
                "weights: deviation",
                partial(read.first_deviation, "modulated", "synthesis.*weight"),
                1,
            ),
            found("biases", partial(read.first_values, "modulated", BIASES), [0.0]),
            found("noise scales", partial(read.first_values, "modulated", "strength"), [0.0]),
            found("biases of styles", partial(read.first_values, "modulated", "affine.bias"), [1]),
        ),
    ),
    Entry(
        "Connections",
        "Growing in A to D; skip generator and residual discriminator in E and F (4.1, B)",
        (f"{NETS}.stylegan2.SkipSynthesis", f"{NETS}.discriminators.ResidualDiscriminator"),
        (
            setting(GROWING, "generator.connection", "grow"),
            setting(GROWING, "discriminator.connection", "grow"),
            setting(FULL, "generator.connection", "skip"),
            setting(FULL, "discriminator.connection", "resid"),
        ),
    ),
    Entry(
        "Minibatch deviation",
        "At the end of the discriminator (B)",
        (f"{OPS}.normalize.append_minibatch_stddev",),
        (setting(ALL, "discriminator.stddev_features", 1),),
    ),
    Entry(
        "Feature maps",
        "Those of StyleGAN; in F twice as many from 64x64 on, in both networks (4.2)",
        ("stylesmith.config.network.PyramidConfig.channels",),
        tuple(
            found(
                f"{preset}: feature maps of the {network}",
                partial(read.widths, preset, network),
                wanted,
            )
            for preset, wanted in (
                ("stylegan2-e", [512, 512, 512, 512, 256, 128, 64, 32, 16]),
                ("stylegan2-f", [512, 512, 512, 512, 512, 256, 128, 64, 32]),
            )
            for network in ("generator", "discriminator")
        ),
    ),
    Entry(
        "Parameters",
        "From E to F the generator grows from 25 to 30 million, by 22%, the discriminator from 24 "
        "to 29 million, by 21% (4.2)",
        (f"{NETS}.build.parameter_count",),
        tuple(
            found(
                f"{preset}: parameters of the {network}",
                partial(read.parameters, preset, network),
                count,
            )
            for preset, network, count in (
                ("stylegan2-e", "generator", 24_900_764),
                ("stylegan2-f", "generator", 30_370_060),
                ("stylegan2-e", "discriminator", 24_038_161),
                ("stylegan2-f", "discriminator", 29_012_513),
            )
        ),
    ),
    Entry(
        "Spectral normalization",
        "In G, in D, in both (E)",
        (f"{NETS}.spectral.SpectralNorm",),
        (
            setting("stylegan2-f", "generator.spectral_norm", False),
            setting("stylegan2-f-sn-g stylegan2-f-sn-gd", "generator.spectral_norm", True),
            setting("stylegan2-f-sn-d stylegan2-f-sn-gd", "discriminator.spectral_norm", True),
            setting("stylegan2-f-no-demod", "generator.demodulate", False),
            setting("stylegan2-f-no-path", "training.path_weight", 0.0),
        ),
    ),
)

TRAINING = (
    Entry(
        "Adam",
        "beta1 0, beta2 0.99, epsilon 1e-8 (B)",
        (f"{TRAINING_ROOM}.state.lazy_adam",),
        (
            setting(ALL, "training.beta1", 0.0),
            setting(ALL, "training.beta2", 0.99),
            found("epsilon", lambda: read.adam("stylegan2-f", "generator")["eps"], 1e-8),
        ),
    ),
    Entry(
        "Minibatch",
        "32 (B), on 8 GPUs; growing networks have more below 64x64",
        (f"{ROWS}.BATCH_SIZES", f"{TRAINING_ROOM}.layout.BatchLayout"),
        (
            setting(FULL, "training.batch_size", 32),
            setting(GROWING, "training.batch_size", {8: 256, 16: 128, 32: 64, 64: 32}),
            setting(ALL, "training.reference_devices", 8),
        ),
    ),
    Entry(
        "Loss",
        "Non-saturating logistic loss with R1 (B)",
        (
            f"{TRAINING_ROOM}.losses.generator_logistic",
            f"{TRAINING_ROOM}.losses.discriminator_logistic",
            f"{TRAINING_ROOM}.losses.r1_penalty",
        ),
        (setting(ALL, "training.loss", "logistic"),),
    ),
    Entry(
        "gamma of R1",
        "10; 100 in E of Table 1 and on LSUN Church and Horse (B)",
        (f"{ROWS}.config_e", f"{ROWS}.config_f", f"{SETS}.STYLEGAN2"),
        (
            setting(GROWING, "training.r1_gamma", 10.0),
            setting("stylegan2-f stylegan2-f-car stylegan2-f-cat", "training.r1_gamma", 10.0),
            setting("stylegan2-e stylegan2-e-car", "training.r1_gamma", 100.0),
            setting("stylegan2-a-church stylegan2-f-church", "training.r1_gamma", 100.0),
            setting("stylegan2-a-horse stylegan2-f-horse", "training.r1_gamma", 100.0),
        ),
        "All of Table 2 has 100, as E.",
    ),
    Entry(
        "Mixing regularization",
        "As in StyleGAN (B): 90%",
        (f"{TRAINING_ROOM}.draws.draw_latents",),
        (setting(ALL, "training.style_mixing", 0.9),),
    ),
    Entry(
        "Average of weights",
        "As in StyleGAN (B); in the published code with a half-life of 10,000 images",
        (f"{TRAINING_ROOM}.ema.update_ema",),
        (setting(ALL, "training.ema_kimg", 10.0),),
    ),
    Entry(
        "k of R1",
        "16 (3.1, B), from C on",
        (f"{TRAINING_ROOM}.learner.Learner",),
        (
            setting("stylegan2-a stylegan2-b", "training.r1_interval", 1),
            setting(LAZY, "training.r1_interval", 16),
        ),
    ),
    Entry(
        "k of path length",
        "8 (B); 4 here, as in the published code",
        (f"{TRAINING_ROOM}.learner.Learner",),
        (setting(PATH, "training.path_interval", 4),),
        DIFFERS,
    ),
    Entry(
        "Lazy rates",
        "c = k / (k + 1) on the rate, and as a power of the decays (B)",
        (f"{TRAINING_ROOM}.state.lazy_adam",),
        (
            found(
                "stylegan2-f: rate of D",
                lambda: read.adam("stylegan2-f", "discriminator")["lr"],
                0.002 * 16 / 17,
            ),
            found(
                "stylegan2-f: decays of D",
                lambda: read.adam("stylegan2-f", "discriminator")["betas"],
                (0.0, 0.99 ** (16 / 17)),
            ),
            found(
                "stylegan2-f: rate of G",
                lambda: read.adam("stylegan2-f", "generator")["lr"],
                0.002 * 4 / 5,
            ),
        ),
    ),
    Entry(
        "Path length: a",
        "0 at first, then a running mean with decay 0.99 (B)",
        (f"{TRAINING_ROOM}.state.TrainState", f"{TRAINING_ROOM}.learner.Learner"),
        (
            setting(PATH, "training.path_decay", 0.01),
            found("a at first", read.first_path_mean, 0.0),
        ),
        "[The mean before its update](differences.md#we-do-something-else).",
    ),
    Entry(
        "Path length: weight",
        "Eq. 5, the same in our terms at every resolution (B); none in A to C",
        (f"{TRAINING_ROOM}.losses.path_lengths",),
        (
            setting(PATH, "training.path_weight", 2.0),
            *(
                found(f"Eq. 5 at r = {r}, in our terms", partial(read.path_weight, r), 2.0)
                for r in (256, 1024)
            ),
            setting("stylegan2-a stylegan2-b stylegan2-c", "training.path_weight", 0.0),
        ),
    ),
    Entry(
        "Path length: batch",
        "Half of the minibatch in the published code",
        (f"{TRAINING_ROOM}.learner.Learner",),
        (setting(PATH, "training.path_batch_shrink", 2),),
    ),
    Entry(
        "Growing",
        "A to D: from 8x8, 600,000 images to train a level and 600,000 to fade the next one in (B)",
        (f"{TRAINING_ROOM}.schedule.growth_at",),
        (
            setting(GROWING, "training.growth.start", 8),
            setting(GROWING, "training.growth.train_kimg", 600.0),
            setting(GROWING, "training.growth.fade_kimg", 600.0),
            setting(FULL, "training.growth", None),
        ),
    ),
    Entry(
        "Learning rate",
        "A to D: 0.001, in steps up to three times that; E and F: 0.002 (B)",
        ("stylesmith.presets.stylegan.RATES", f"{ROWS}.config_e"),
        tuple(
            setting(presets, f"training.{network}_lr", wanted)
            for presets, wanted in (
                (GROWING, {4: 0.001, 128: 0.0015, 256: 0.002, 512: 0.003}),
                (FULL, 0.002),
            )
            for network in ("generator", "discriminator")
        ),
    ),
    Entry(
        "Length",
        "25 million images of FFHQ (Table 1); LSUN Car 57, Cat 88, Church 48, Horse 100 million "
        "(Table 3)",
        (f"{SETS}.STYLEGAN2",),
        tuple(
            setting(f"stylegan2-a-{name} stylegan2-f-{name}", "training.kimg", kimg)
            for name, kimg in (
                ("ffhq", 25_000.0),
                ("car", 57_000.0),
                ("cat", 88_000.0),
                ("church", 48_000.0),
                ("horse", 100_000.0),
            )
        ),
        DIFFERS,
    ),
    Entry(
        "Mirroring",
        "FFHQ, not LSUN (B)",
        ("stylesmith.data.loader.BatchLoader",),
        (
            setting("stylegan2-f-ffhq", "data.mirror", True),
            setting("stylegan2-f-car stylegan2-f-cat", "data.mirror", False),
            setting("stylegan2-f-church stylegan2-f-horse", "data.mirror", False),
        ),
    ),
)

PROJECTION = (
    Entry(
        "Statistics of w",
        "10,000 latents (D)",
        (f"{INVERSION}.w_statistics.w_statistics", "stylesmith.sampling.w_samples.sample_w"),
        (constant("stylesmith.sampling.w_samples.COUNT", 10_000),),
    ),
    Entry(
        "Unknowns",
        "One w, from its mean, and all noise maps, from N(0, I) (D)",
        (f"{INVERSION}.unknowns.Unknowns",),
        (
            constant(f"{INVERSION}.settings.ProjectionSettings.space", "w"),
            constant(f"{INVERSION}.settings.ProjectionSettings.noise", True),
        ),
    ),
    Entry(
        "Steps",
        "1,000 (D)",
        (f"{INVERSION}.settings.ProjectionSettings",),
        (constant(f"{INVERSION}.settings.ProjectionSettings.steps", 1000),),
    ),
    Entry(
        "Adam",
        "Its default parameters (D): 0.9, 0.999, 1e-8",
        (f"{INVERSION}.adam.adam_step",),
        (
            constant(f"{INVERSION}.adam.BETA1", 0.9),
            constant(f"{INVERSION}.adam.BETA2", 0.999),
            constant(f"{INVERSION}.adam.EPSILON", 1e-8),
        ),
    ),
    Entry(
        "Learning rate",
        "At most 0.1; up linearly over 50 steps, down along a cosine over the last 250 (D)",
        (f"{INVERSION}.schedule.learning_rate",),
        (
            constant(f"{INVERSION}.settings.ProjectionSettings.learning_rate", 0.1),
            constant(f"{INVERSION}.schedule.RATE_UP", 0.05),
            constant(f"{INVERSION}.schedule.RATE_DOWN", 0.25),
        ),
    ),
    Entry(
        "Noise on w",
        "0.05 sigma_w t^2, t from 1 to 0 over the first 750 steps (D)",
        (f"{INVERSION}.schedule.w_noise",),
        (
            constant(f"{INVERSION}.schedule.NOISE_SCALE", 0.05),
            constant(f"{INVERSION}.schedule.EXPLORING", 0.75),
        ),
        DIFFERS,
    ),
    Entry(
        "Images",
        "Reduced to 256x256 before LPIPS (D)",
        ("stylesmith.perception.inputs.reduce_to",),
        (constant("stylesmith.perception.inputs.LONGEST", 256),),
    ),
    Entry(
        "Noise pyramid",
        "Down to 8x8, doubled at each halving (D)",
        (f"{INVERSION}.noise_regularizer.noise_regularizer",),
        (constant(f"{INVERSION}.noise_regularizer.SMALLEST", 8),),
        DIFFERS,
    ),
    Entry(
        "Weight of the noise regularizer",
        "alpha = 1e5 (D)",
        (f"{INVERSION}.search.Search",),
        (constant(f"{INVERSION}.settings.ProjectionSettings.noise_weight", 1e5),),
    ),
    Entry(
        "Noise maps after a step",
        "Mean 0, variance 1 (D)",
        (f"{INVERSION}.noise_regularizer.renormalized",),
        (found("mean, variance", read.renormalized_moments, (0.0, 1.0)),),
    ),
)

MEASURING = (
    Entry(
        "Path length",
        "At ends of paths in W, without a crop (3, Table 1): `ppl2_wend`",
        (f"{METRICS}.protocol.Metric", f"{METRICS}.passes.walk"),
        (
            found("ppl2_wend: space", lambda: parse_metric("ppl2_wend").space, "w"),
            found("ppl2_wend: whole path", lambda: parse_metric("ppl2_wend").whole_path, False),
            found("ppl2_wend: cropped", lambda: parse_metric("ppl2_wend").crop, False),
        ),
        DIFFERS,
    ),
    Entry(
        "Precision and recall",
        "By VGG16, balls up to the third neighbor, 50,000 images (Table 1): `pr50k3`",
        (f"{METRICS}.precision_recall.compare_manifolds",),
        (
            default(f"{METRICS}.precision_recall.compare_manifolds", "k", 3),
            found("pr: images", lambda: parse_metric("pr").count, 50_000),
            found("pr: network", lambda: parse_metric("pr").network, "vgg16"),
        ),
    ),
    Entry(
        "Ends of the distribution",
        "Path lengths below the 10th and above the 90th percentile (Figures 4 and 5)",
        ("figure stylegan2-4", "figure stylegan2-5"),
        (
            constant("stylesmith.figures.image_path_length.LOW", 10),
            constant("stylesmith.figures.image_path_length.HIGH", 90),
        ),
    ),
    Entry(
        "Random w in Figure 8",
        "1,024 (4.2)",
        ("stylesmith.figures.contributions.contributions",),
        (constant("stylesmith.figures.contributions.COUNT", 1024),),
    ),
)
