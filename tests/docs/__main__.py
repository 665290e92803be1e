"""``make docs``: the tables of the reference anew, from the program's own, and the pictures, from its screens."""

import tempfile
from pathlib import Path

from .pages import DOCS, page
from .pictures import drawn
from .tables import PAGES, renewed

for name, parts in PAGES.items():
    (DOCS / name).write_text(renewed(page(name), parts), "utf-8")
with tempfile.TemporaryDirectory() as home:
    for name, svg in drawn(Path(home)).items():
        (DOCS / "pictures" / f"{name}.svg").write_text(svg, "utf-8")
