"""What the StyleGAN2 paper says, and where it is (Karras, Laine, Aittala and others 2019)."""

from paper_map_records import DIFFERS, Entry, Paper
from paper_map_stylegan2_settings import ARCHITECTURE, MEASURING, PROJECTION, TRAINING

NETS, OPS, TRAINING_ROOM = "stylesmith.networks", "stylesmith.ops", "stylesmith.training"
METRICS, INVERSION, SETS = (
    "stylesmith.metrics",
    "stylesmith.inversion",
    "stylesmith.presets.data_sets",
)
ROWS = "stylesmith.presets.stylegan2"
ELSE = "[We do something else](differences.md#we-do-something-else)."

EQUATIONS = (
    Entry(
        "Eq. 1",
        "Modulation: kernels scaled by the style of each input map",
        (f"{OPS}.modulate.modulated_conv2d_reference", f"{OPS}.modulate.modulated_conv2d"),
    ),
    Entry(
        "Eq. 2",
        "Deviation of the output: the norm of the scaled kernels",
        (f"{OPS}.modulate.modulated_conv2d_reference", f"{OPS}.modulate.modulated_conv2d"),
    ),
    Entry(
        "Eq. 3",
        "Demodulation: scaled kernels over that deviation",
        (f"{OPS}.modulate.modulated_conv2d_reference", f"{OPS}.modulate.modulated_conv2d"),
    ),
    Entry(
        "Eq. 4",
        "Path length regularization: squared difference of the length of J_w^T y and a",
        (f"{TRAINING_ROOM}.losses.path_lengths", f"{TRAINING_ROOM}.losses.path_penalty"),
    ),
    Entry(
        "3.2, J_w^T y",
        "The Jacobian's product with y, as the gradient of g(w) y by w",
        (f"{TRAINING_ROOM}.losses.path_lengths",),
    ),
    Entry(
        "Eq. 5",
        "Weight of that regularization: ln 2 / (r^2 (ln r - ln 2)). It is our path_weight of 2, as "
        "y is scaled by 1 / r and squares are averaged over layers",
        (f"{TRAINING_ROOM}.losses.path_lengths", f"{TRAINING_ROOM}.steps.path_pass"),
    ),
    Entry(
        "Eq. 6",
        "The regularizer again, as an expectation over w and y",
        (f"{TRAINING_ROOM}.steps.path_pass",),
    ),
    Entry(
        "Eq. 7",
        "The inner expectation is least where all singular values of the Jacobian are equal: a "
        "derivation; those of a network can be measured",
        ("stylesmith.figures.jacobian.singular_values",),
    ),
    Entry("Eq. 8", "Length of a curve of images: an integral, in a derivation"),
    Entry("Eq. 9", "The same by the chain rule"),
    Entry("Eq. 10", "The same where Jacobians are orthogonal: the length of the curve in W"),
    Entry(
        "B, lazy Adam",
        "lambda c, beta1^c and beta2^c with c = k / (k + 1); regularization times k",
        (
            f"{TRAINING_ROOM}.state.lazy_adam",
            f"{TRAINING_ROOM}.steps.r1_pass",
            f"{TRAINING_ROOM}.steps.path_pass",
        ),
    ),
    Entry(
        "5.1, D_LPIPS",
        "LPIPS distance of an image and its projection",
        ("stylesmith.perception.lpips.LPIPS.distance", f"{INVERSION}.project.Found.distance"),
    ),
    Entry(
        "D, mu_w, sigma_w",
        "Mean of w, and mean squared distance to it",
        (f"{INVERSION}.w_statistics.w_statistics",),
    ),
    Entry(
        "D, noise on w",
        "N(0, 0.05 sigma_w t^2)",
        (f"{INVERSION}.schedule.w_noise",),
        note=DIFFERS,
    ),
    Entry(
        "D, L_image",
        "LPIPS at 256x256",
        ("stylesmith.perception.lpips.LPIPS.embed", f"{INVERSION}.search.Search"),
    ),
    Entry(
        "D, L_ij",
        "Squared autocorrelation of noise maps at shifts of one pixel, on a pyramid",
        (f"{INVERSION}.noise_regularizer.noise_regularizer",),
        note=DIFFERS,
    ),
    Entry(
        "D, L_total",
        "L_image + alpha times the sum of L_ij",
        (f"{INVERSION}.search.Search.advance",),
    ),
)

SECTIONS = (
    Entry("1", "Introduction"),
    Entry("2", "Removing normalization artifacts", ("figure stylegan2-1",)),
    Entry(
        "2.1",
        "Architecture revisited: noise and bias behind the normalization, no mean, nothing on the "
        "constant",
        (f"{NETS}.layers.StyledConv2d", f"{NETS}.stylegan2.ModulatedSynthesis"),
    ),
    Entry(
        "2.2",
        "Instance normalization revisited: modulation and demodulation of weights, scaled "
        "activation functions",
        (f"{OPS}.modulate.modulated_conv2d", f"{OPS}.activate.LRELU_GAIN"),
    ),
    Entry(
        "3",
        "Image quality and smoothness: path length of single images, of the whole image",
        (f"{METRICS}.path_length.lengths_around", f"{METRICS}.values.image_scores"),
        note=DIFFERS,
    ),
    Entry(
        "3.1",
        "Lazy regularization: regularizers in a step of their own",
        (f"{TRAINING_ROOM}.learner.Learner", f"{TRAINING_ROOM}.state.lazy_adam"),
    ),
    Entry(
        "3.2",
        "Path length regularization",
        (f"{TRAINING_ROOM}.losses.path_lengths", f"{TRAINING_ROOM}.steps.path_pass"),
    ),
    Entry("4", "Progressive growing revisited", ("figure stylegan2-6",)),
    Entry(
        "4.1",
        "Alternative architectures: multiple scales, skip connections, residual networks; bilinear "
        "resampling",
        (
            f"{NETS}.stylegan2.MultiscaleSynthesis",
            f"{NETS}.stylegan2.SkipSynthesis",
            f"{NETS}.stylegan2.ResidualSynthesis",
            f"{NETS}.discriminators.MultiscaleDiscriminator",
            f"{NETS}.discriminators.SkipDiscriminator",
            f"{NETS}.discriminators.ResidualDiscriminator",
            f"{OPS}.resample.upsample2d",
            f"{OPS}.resample.downsample2d",
        ),
    ),
    Entry(
        "4.2",
        "Resolution usage: deviation of what each toRGB gives; large networks",
        ("stylesmith.figures.contributions.contributions", f"{ROWS}.config_f"),
    ),
    Entry(
        "5",
        "Projection to W: falling noise on w, and noise maps that are regularized",
        (f"{INVERSION}.search.Search", f"{INVERSION}.project.Projector"),
    ),
    Entry(
        "5.1",
        "Attribution of images by the distance to their projection",
        (f"{INVERSION}.attribution.Separation", f"{INVERSION}.calibration.Calibration"),
    ),
    Entry("6", "Conclusions; speed on 8 GPUs, which the log of any run has"),
    Entry("A", "Image quality: large images", ("figure stylegan2-11", "figure stylegan2-12")),
    Entry(
        "B",
        "Implementation details; the values are below",
        (
            f"{ROWS}.config_b",
            f"{ROWS}.config_e",
            f"{TRAINING_ROOM}.learner.Learner",
            f"{SETS}.STYLEGAN2",
        ),
    ),
    Entry(
        "B, convolutions",
        "Demodulated weights in grouped convolutions, one group for each image",
        (f"{OPS}.modulate.modulated_conv2d_reference", f"{OPS}.modulate.modulated_conv2d"),
        note=ELSE,
    ),
    Entry(
        "B, performance",
        "Filtered resampling, and bias with activation, as one operation each; nothing to compile "
        "here",
        (f"{OPS}.resample.conv2d_up", f"{OPS}.activate.bias_act_"),
    ),
    Entry("C", "Effects of path length regularization"),
    Entry(
        "C.1",
        "On the Jacobian at a point: a derivation, and measured singular values",
        ("stylesmith.figures.jacobian.jacobian", "figure stylegan2-17"),
    ),
    Entry("C.2", "On the mapping as a whole: a derivation"),
    Entry(
        "D",
        "Projection method",
        (
            f"{INVERSION}.search.Search",
            f"{INVERSION}.schedule.learning_rate",
            f"{INVERSION}.unknowns.Unknowns",
            f"{INVERSION}.noise_regularizer.renormalized",
        ),
        note=DIFFERS,
    ),
    Entry(
        "E",
        "Spectral normalization: weights over their largest singular value",
        (f"{NETS}.spectral.SpectralNorm", f"{ROWS}.spectral"),
        note=ELSE,
    ),
    Entry("F", "Energy consumption", ("table stylegan2-5",)),
)


def _figure(number: int, says: str, *targets: str) -> Entry:
    return Entry(f"Figure {number}", says, (f"figure stylegan2-{number}", *targets))


FIGURES = (
    _figure(1, "Droplets in images and feature maps"),
    _figure(
        2,
        "From AdaIN to demodulation",
        f"{NETS}.stylegan.AdaINLayer",
        f"{NETS}.layers.StyledConv2d",
    ),
    _figure(3, "Demodulation removes droplets"),
    _figure(4, "Images of low and of high path length", f"{METRICS}.path_length.lengths_around"),
    _figure(5, "Histogram of path lengths of images", f"{METRICS}.values.image_scores"),
    _figure(6, "Phase artifacts: details that stay in place"),
    _figure(
        7,
        "Three generators and three discriminators",
        f"{NETS}.stylegan2.MultiscaleSynthesis",
        f"{NETS}.stylegan2.SkipSynthesis",
        f"{NETS}.stylegan2.ResidualSynthesis",
        f"{NETS}.discriminators.MultiscaleDiscriminator",
        f"{NETS}.discriminators.SkipDiscriminator",
        f"{NETS}.discriminators.ResidualDiscriminator",
    ),
    _figure(
        8,
        "Share of each resolution during training",
        "stylesmith.figures.contributions.contributions",
    ),
    _figure(9, "Images and their projections", f"{INVERSION}.project.Projector"),
    _figure(
        10,
        "Histograms of distances to projections, generated and real",
        f"{INVERSION}.attribution.Separation",
    ),
    _figure(11, "Hand-picked images of FFHQ"),
    _figure(12, "Uncurated images, psi 0.5"),
    _figure(13, "LSUN Cat: two models of equal FID and other path length"),
    _figure(14, "LSUN Car: likewise"),
    _figure(15, "A missing droplet, and the broken image"),
    _figure(16, "Activations of A and F: progressive growing leads to high frequencies"),
    _figure(
        17,
        "Singular values of the Jacobian",
        "stylesmith.figures.conditioning.spectrum",
        "stylesmith.figures.jacobian.jacobian",
    ),
    _figure(
        18,
        "Noise maps with and without their regularizer",
        f"{INVERSION}.noise_regularizer.noise_regularizer",
    ),
)


def _table(number: int, says: str, *targets: str) -> Entry:
    return Entry(f"Table {number}", says, (f"table stylegan2-{number}", *targets))


TABLES = (
    _table(
        1,
        "Configurations A to F, and large A, on FFHQ and LSUN Car: the snapshot of lowest FID, "
        "measured 10 times (`evaluate --repeats 10`)",
        *(f"{ROWS}.config_{row}" for row in ("a", "b", "c", "d", "e", "f", "a_large")),
        f"{TRAINING_ROOM}.evaluation.is_best",
        f"{METRICS}.evaluate.Settings.repeats",
    ),
    _table(2, "Generators and discriminators without growing", f"{ROWS}.connections"),
    _table(3, "A and F on LSUN Car, Cat, Church and Horse", f"{SETS}.row_on"),
    _table(
        4,
        "Spectral normalization, without demodulation, without path length regularization",
        f"{ROWS}.spectral",
        f"{ROWS}.without_demodulation",
        f"{ROWS}.without_path_length",
    ),
    _table(5, "Computation and electricity"),
)

STYLEGAN2 = Paper(
    "StyleGAN2",
    {
        "Equations": EQUATIONS,
        "Sections and appendices": SECTIONS,
        "Figures": FIGURES,
        "Tables": TABLES,
        "Hyper-parameters of the networks": ARCHITECTURE,
        "Hyper-parameters of training": TRAINING,
        "Hyper-parameters of projection": PROJECTION,
        "Hyper-parameters of measuring and drawing": MEASURING,
    },
)
