"""Metrics: what both papers measure a generator by, with the networks of `perception`.

    from stylesmith.devices import FP32, choose_device
    from stylesmith.metrics.evaluate import Settings, evaluate
    from stylesmith.metrics.protocol import parse_metrics
    from stylesmith.metrics.image_sources import Opening, open_sides

    device = choose_device()
    fake, real = open_sides(Path("runs/photos"), None, Opening(device, FP32))
    for result in evaluate(fake, real, parse_metrics("fid50k,ppl2_wend"), Settings(device)):
        print(result.title, result.value)

Each formula has a file of its own that knows tensors alone: `frechet`, `kernel`, `inception_score`,
`precision_recall`, `neighbors`, `path_length`, `separability`.
"""
