"""Writes a value into a text whose name tells its language, and proves the laws of that."""

from wizard.lenses import Edit, View, Whole, apply, at, render


def put(text: str, new: str, name: str, old: str = "OLD") -> str:
    """The text with its one *old* replaced."""
    return put_at(text, (text.index(old), text.index(old) + len(old)), new, name)


def put_at(text: str, span: tuple[int, int], new: str, name: str) -> str:
    view, start, end = at(View(Whole(text)), *span, name)
    return apply(text, render({view: [Edit(start, end, new)]}))


def written(text: str, new: str, name: str) -> str:
    """The same, having seen that it is found again by what stands around it, kept, replaced, and put back."""
    head, _, tail = text.partition("OLD")
    after = put(text, new, name)
    assert after.startswith(head)
    assert after.endswith(tail)
    span = len(head), len(after) - len(tail)
    if span[0] < span[1]:
        view, start, end = at(View(Whole(after)), *span, name)
        assert view.text[start:end] == new
        assert put_at(after, span, new, name) == after
        again = put_at(after, span, "safe1", name)
        view, start, end = at(View(Whole(again)), len(head), len(again) - len(tail), name)
        assert view.text[start:end] == "safe1"
    return after
