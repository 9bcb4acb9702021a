"""StyleGAN2's largest network, in a file of three: read in time and within memory."""

import json
import subprocess
import sys

import pytest

from stylesmith.config import DiscriminatorConfig, GeneratorConfig
from stylesmith.models import load
from stylesmith.networks import build_discriminator, build_generator
from tests.models.interop.makers import PEAK, tensorflow_file
from tests.support import child_environment, differing

SECONDS, MEGABYTES = 15, 1500

PROGRAM = f"""
import json, sys, time
{PEAK}
from stylesmith.cli import main
sys.argv = ["stylesmith", "import", *sys.argv[1:]]
try:
    main()
finally:
    print(json.dumps([time.process_time(), peak()]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_config_f_at_1024(tmp_path):
    ema = build_generator(GeneratorConfig())
    path = tensorflow_file(tmp_path / "f.pkl", ema, build_discriminator(DiscriminatorConfig()))
    assert path.stat().st_size > 3.5e8
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, path, tmp_path / "model"],
        capture_output=True,
        text=True,
        env=child_environment(),
    )
    assert done.returncode == 0, done.stderr
    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    assert seconds < SECONDS and megabytes < MEGABYTES
    found = load(tmp_path / "model", device="cpu").state_dict()
    assert differing(found, ema.state_dict()) == []
