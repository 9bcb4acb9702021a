"""Networks on images: features for metrics, distances for path length and projection.

Each is written out in plain torch and reads the files that others published, unchanged. Open them
with `extractor.py`.
"""
