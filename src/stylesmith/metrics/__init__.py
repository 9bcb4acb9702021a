"""Metrics: what both papers measure a generator by, with the networks of `perception`.

    from stylesmith.devices import FP32, choose_device
    from stylesmith.metrics.evaluate import EvaluationSettings, evaluate
    from stylesmith.metrics.image_sources import SourceOptions, open_sources
    from stylesmith.metrics.protocol import parse_metrics

    device = choose_device()
    fake, real = open_sources(Path("runs/photos"), None, SourceOptions(device, FP32))
    metrics = parse_metrics("fid50k,ppl2_wend")
    for result in evaluate(fake, real, metrics, EvaluationSettings(device)):
        print(result.title, result.value)

The formulas are in modules that use tensors alone: `scores`, `precision_recall`, `path_length` and
`separability`.
"""
