"""``make docs``: the tables of the reference anew, from the program's own."""

from .pages import DOCS, page
from .tables import PAGES, renewed

for name, parts in PAGES.items():
    (DOCS / name).write_text(renewed(page(name), parts), "utf-8")
