"""The tables of both papers: what was published, beside what your own runs reached."""
