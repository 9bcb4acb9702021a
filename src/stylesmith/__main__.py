"""`python -m stylesmith`, which torchrun starts in each process."""

from stylesmith.cli import main

main()
