"""Write a report as one HTML file that opens anywhere: text, tables and pictures, nothing fetched from elsewhere."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #8884; text-align: right }
th:first-child, td:first-child { text-align: left }
figure { margin: 1rem 0 }
img { max-width: 100% }
figcaption { color: #888 }
</style>
</head>
<body>
<h1>{{ title }}</h1>
{% for line in lead %}<p>{{ line }}</p>
{% endfor %}
{% for section in sections %}
<h2>{{ section.title }}</h2>
{% for line in section.text %}<p>{{ line }}</p>
{% endfor %}
{% for table in section.tables %}
<table>
<thead><tr>{% for name in table.header %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in table.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
{% endfor %}
{% for picture in section.pictures %}
<figure>
<img alt="{{ picture.caption }}" src="data:image/{{ picture.format }};base64,{{ picture.base64 }}">
<figcaption>{{ picture.caption }}</figcaption>
</figure>
{% endfor %}
{% endfor %}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells that are text already."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture that is written into the page itself."""

    caption: str
    content: bytes
    format: str = "png"
    """As in its MIME type: png, jpeg, webp."""

    @property
    def base64(self) -> str:
        """Return the picture as the text of a data URL."""
        return base64.b64encode(self.content).decode("ascii")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, in this order."""

    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = field(default_factory=tuple)
    pictures: Sequence[Picture] = field(default_factory=tuple)


def write_page(path: Path, title: str, sections: Sequence[Section], *, lead: Sequence[str] = ()) -> None:
    """Write the sections to one file. Names and paths in them may be hostile: everything is escaped."""
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_TEMPLATE)
    path.write_text(template.render(title=title, lead=lead, sections=sections), encoding="utf-8")
