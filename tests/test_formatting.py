"""Durations, sizes and counts in words."""

from stylesmith import formatting


def test_durations_in_words():
    seconds = [0, 42.4, 60, 303, 3600, 7799, 86400 + 4 * 3600 + 59]
    words = ["0 s", "42 s", "1 min", "5 min 3 s", "1 h", "2 h 9 min", "1 d 4 h"]
    assert [formatting.format_duration(s) for s in seconds] == words


def test_estimates_have_one_number():
    estimates = [formatting.format_duration(s, estimate=True) for s in (90, 12600)]
    assert estimates == ["2 min", "3.5 h"]


def test_bytes_in_words():
    words = {12: "12 bytes", 7_289: "7.3 kB", 95_628_359: "95.6 MB", 1_530_000_000: "1.5 GB"}
    assert {size: formatting.format_bytes(size) for size in words} == words


def test_counts_of_images_in_words():
    assert [formatting.format_image_count(n) for n in (0, 640, 40_000, 2_500_000)] == [
        "0", "640", "40 thousand", "2.5 million",
    ]  # fmt: skip


def test_counts_have_a_plural():
    assert [formatting.format_count(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


def test_image_sizes_name_the_width_first():
    assert formatting.format_image_size((384, 512)) == "512x384"
