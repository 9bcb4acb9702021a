"""A document with images, written as Markdown and as HTML with everything inside."""

import base64
import re
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files as package_files
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt  # rich brings it
from PIL import Image

import ladder_images
from stylesmith import files

STYLE = """<style>
table { display: block; overflow-x: auto; }
tbody { display: table-row-group; }
tr { display: table-row; }
th, td {
  display: table-cell; width: auto !important; padding: .3rem .8rem .3rem 0;
  overflow-wrap: normal; font-variant-numeric: tabular-nums;
}
th { font-weight: 600; vertical-align: bottom; }
td:not(:nth-child(2)) { white-space: nowrap; }
.charts, main > figure { margin: .8rem 0; }
</style>"""
"""What wide tables need beside the style of a run's report."""


@dataclass
class Document:
    """Markdown, and the images that it names: image files, or groups of SVG charts."""

    title: str
    paragraphs: list[str] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict)
    charts: dict[str, list[str]] = field(default_factory=dict)

    def add(self, *paragraphs: str) -> None:
        """Append Markdown; empty texts are left out."""
        self.paragraphs += [paragraph for paragraph in paragraphs if paragraph]

    def add_image(self, name: str, image: Image.Image | None, caption: str, *, budget: int) -> None:
        """Append a image of at most `budget` bytes with its caption, if there is one."""
        if image is not None:
            content, suffix = ladder_images.encode(image, budget=budget)
            self.images[name + suffix] = content
            self.add(f"![{caption}]({name}{suffix})", f"*{caption}*")

    def add_charts(self, name: str, charts: list[str], caption: str) -> None:
        """Append charts, if there are any."""
        if charts:
            self.charts[f"{name}.svg"] = charts
            self.add(f"![{caption}]({name}.svg)")

    def write_markdown(self, path: Path) -> None:
        """Write the text, and the images beside it."""
        drawn = {name: ladder_images.mosaic(charts) for name, charts in self.charts.items()}
        for name, content in (self.images | drawn).items():
            for suffix in (".png", ".jpg"):  # of an earlier page, where the budget was another
                (path.parent / name).with_suffix(suffix).unlink(missing_ok=True)
            _write(path.parent / name, content)
        files.write_text(path, "\n\n".join([f"# {self.title}", *self.paragraphs]) + "\n")

    def write_html(self, path: Path) -> None:
        """Write one file, in the style of a run's report."""
        markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
        body = markdown.render("\n\n".join(self.paragraphs))
        body = re.sub(r'<p><img src="(.+?)" alt="(.*?)" /></p>', self._embed, body)
        template = package_files("stylesmith.training").joinpath("report.html")
        page = Template(template.read_text(encoding="utf-8")).substitute(
            title=escape(self.title), summary="", facts=STYLE, sections=body, footer=""
        )
        files.write_text(path, page)

    def _embed(self, match: re.Match[str]) -> str:
        """A image as part of the HTML; one that we don't know stays a link."""
        name, caption = match.groups()
        if name in self.charts:
            cards = [f'<figure class="card">{chart}</figure>' for chart in self.charts[name]]
            return f'<div class="charts">{"".join(cards)}</div>'
        if name not in self.images:
            return match[0]
        kind = "png" if name.endswith(".png") else "jpeg"
        data = base64.b64encode(self.images[name]).decode()
        return f'<figure><img src="data:image/{kind};base64,{data}" alt="{caption}"></figure>'


def _write(path: Path, content: bytes) -> None:
    files.write_atomically(path, lambda temporary: _fill(temporary, content))


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)
