"""What the StyleGAN paper says, and where it is (Karras, Laine, Aila 2018)."""

from paper_map_records import DIFFERS, Entry, Paper
from paper_map_stylegan_settings import ARCHITECTURE, MEASURING, TRAINING

NETS, OPS, LOSSES = "stylesmith.networks", "stylesmith.ops", "stylesmith.training.losses"
METRICS, SAMPLING = "stylesmith.metrics", "stylesmith.sampling"
ROWS = "stylesmith.presets.stylegan"

EQUATIONS = (
    Entry(
        "Eq. 1",
        "AdaIN: each feature map normalized, then scaled and shifted by a style",
        (f"{OPS}.normalize.adain_reference", f"{OPS}.normalize.adain"),
    ),
    Entry(
        "Eq. 2",
        "Perceptual path length in Z: distance of two images a step apart on a great circle, "
        "over the step squared",
        (
            f"{METRICS}.path_length.path_lengths",
            f"{METRICS}.path_length.slerp",
            f"{METRICS}.passes.walk",
        ),
    ),
    Entry(
        "Eq. 3",
        "Perceptual path length in W: the same along a straight line",
        (
            f"{METRICS}.path_length.path_lengths",
            f"{METRICS}.path_length.lerp",
            f"{METRICS}.passes.walk",
        ),
    ),
    Entry(
        "4.2, H(Y\\|X)",
        "Conditional entropy of an attribute given the side of a hyperplane",
        (f"{METRICS}.separability.conditional_entropy", f"{METRICS}.separability.sides"),
    ),
    Entry(
        "4.2, score",
        "Separability: exp of the entropies' sum",
        (f"{METRICS}.separability.Separability.score",),
    ),
    Entry(
        "B, center",
        "Center of mass of W, the expectation of f(z)",
        ("stylesmith.training.learner.Learner", f"{SAMPLING}.w_samples.sample_w"),
        note=DIFFERS,
    ),
    Entry(
        "B, w'",
        "Truncation: center + psi (w - center), on all layers or some",
        (f"{NETS}.generator.truncate", f"{SAMPLING}.painter.Painter.psi"),
    ),
    Entry(
        "C, lambda'",
        "Learning rate of the mapping network: 0.01 lambda",
        (f"{NETS}.layers.EqualizedLinear",),
    ),
)

SECTIONS = (
    Entry("1", "Introduction"),
    Entry(
        "2",
        "Style-based generator: mapping network f, learned affine maps A, noise inputs B, constant "
        "input, toRGB by 1x1 convolutions",
        (
            f"{NETS}.mapping.MappingNetwork",
            f"{NETS}.stylegan.AdaINSynthesis",
            f"{NETS}.stylegan.AdaINLayer",
            f"{NETS}.stylegan.ConstantInput",
            f"{NETS}.traditional.Layer",
            f"{NETS}.traditional.PlainToRGB",
        ),
    ),
    Entry(
        "2.1",
        "Quality of images: from ProGAN to configuration F; WGAN-GP, or the logistic loss with "
        "R1, measured by FID",
        (
            f"{ROWS}.config_a",
            f"{ROWS}.config_f",
            f"{LOSSES}.generator_logistic",
            f"{LOSSES}.discriminator_logistic",
            f"{LOSSES}.r1_penalty",
            f"{LOSSES}.wgan_penalty",
            "stylesmith.training.steps.wgan_pass",
            f"{METRICS}.frechet.frechet_distance",
        ),
    ),
    Entry("2.2", "Prior art"),
    Entry(
        "3",
        "Each style controls one convolution, until the next AdaIN overrides it",
        (f"{NETS}.stylegan.AdaINLayer.normalize",),
    ),
    Entry(
        "3.1",
        "Style mixing: two latents, switched at a random layer, in training and when drawing",
        (
            "stylesmith.training.draws.draw_latents",
            "stylesmith.training.steps.styles",
            f"{SAMPLING}.mix.mix",
        ),
    ),
    Entry(
        "3.2",
        "Stochastic variation: noise for each pixel, scaled for each feature map",
        (
            f"{NETS}.traditional.Layer",
            f"{SAMPLING}.variation.vary",
            f"{SAMPLING}.noise_sheets.component_layers",
        ),
    ),
    Entry("3.3", "Separation of global effects from stochasticity"),
    Entry("4", "Disentanglement studies"),
    Entry(
        "4.1",
        "Perceptual path length by LPIPS on VGG16, of the face alone; along a path or at its ends",
        (
            f"{METRICS}.path_length.path_lengths",
            f"{METRICS}.path_length.crop_face",
            f"{METRICS}.path_length.middle_mean",
            "stylesmith.perception.lpips.LPIPS",
        ),
    ),
    Entry(
        "4.2",
        "Linear separability: classifiers label images, the confident half is kept, linear support "
        "vector machines split it",
        (
            f"{METRICS}.passes.label_latents",
            f"{METRICS}.separability.confident_half",
            f"{METRICS}.separability.separability",
            f"{METRICS}.values.separate",
        ),
    ),
    Entry("5", "Conclusion"),
    Entry(
        "A",
        "FFHQ: 70,000 aligned faces, mirrored; what a data set fixes. Faces are not aligned here",
        ("stylesmith.presets.data_sets.FFHQ", "stylesmith.data.prepare.prepare"),
    ),
    Entry(
        "B",
        "Truncation trick in W",
        (f"{NETS}.generator.truncate", f"{SAMPLING}.painter.Painter"),
    ),
    Entry(
        "C",
        "Hyper-parameters and training details; the values are below",
        (
            f"{ROWS}.config_a",
            f"{ROWS}.config_b",
            f"{ROWS}.config_f",
            "stylesmith.training.schedule.growth_at",
            f"{METRICS}.supervised.train_classifiers",
        ),
    ),
    Entry(
        "D",
        "Training convergence: FID and path length on the way, the best model kept",
        (
            "figure stylegan-9",
            "stylesmith.runs.evaluators.RunEvaluator",
            "stylesmith.training.evaluation.is_best",
        ),
    ),
    Entry(
        "E",
        "Other data sets: LSUN Bedroom, Car and Cat",
        ("stylesmith.presets.data_sets.STYLEGAN", "stylesmith.presets.data_sets.row_on"),
    ),
)


def _figure(number: int, says: str, *targets: str) -> Entry:
    return Entry(f"Figure {number}", says, (f"figure stylegan-{number}", *targets))


FIGURES = (
    _figure(1, "Traditional and style-based generator", f"{NETS}.stylegan.AdaINSynthesis"),
    _figure(2, "Uncurated images of FFHQ, psi 0.7 on 4x4 to 32x32"),
    _figure(3, "Style mixing: coarse, middle and fine styles", f"{SAMPLING}.mix.mix"),
    _figure(4, "Stochastic variation and its deviation", f"{SAMPLING}.variation.vary"),
    _figure(
        5,
        "Noise on all, no, fine and coarse layers",
        f"{SAMPLING}.noise_sheets.component_layers",
    ),
    _figure(6, "Two factors of variation, and what the mapping unwarps"),
    _figure(7, "Pictures of FFHQ", "stylesmith.presets.data_sets.FFHQ"),
    _figure(8, "Truncation, to negative psi", f"{NETS}.generator.truncate"),
    _figure(9, "FID and path length during training", "stylesmith.training.log.read_log"),
    _figure(10, "Uncurated images of LSUN Bedroom"),
    _figure(11, "Uncurated images of LSUN Car"),
    _figure(12, "Uncurated images of LSUN Cat"),
)


def _table(number: int, says: str, *targets: str) -> Entry:
    return Entry(f"Table {number}", says, (f"table stylegan-{number}", *targets))


TABLES = (
    _table(
        1,
        "FID of configurations A to F",
        *(f"{ROWS}.config_{row}" for row in "abcdef"),
    ),
    _table(2, "FID with 1 to 4 latents, by share of mixing regularization", f"{ROWS}.mixing"),
    _table(
        3,
        "Path length and separability of generators",
        f"{METRICS}.passes.walk",
        f"{METRICS}.separability.separability",
    ),
    _table(
        4,
        "Depth of the mapping network",
        f"{ROWS}.traditional_mapping",
        f"{ROWS}.style_mapping",
    ),
)

STYLEGAN = Paper(
    "StyleGAN",
    {
        "Equations": EQUATIONS,
        "Sections and appendices": SECTIONS,
        "Figures": FIGURES,
        "Tables": TABLES,
        "Hyper-parameters of the networks": ARCHITECTURE,
        "Hyper-parameters of training": TRAINING,
        "Hyper-parameters of measuring and drawing": MEASURING,
    },
)
