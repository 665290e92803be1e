"""Questions at a terminal that can move its cursor: questionary's prompts, with what they lack put in by one function.

It decides nothing: what is asked, and what is wrong with an answer, is in the `Ask` that it is handed. Prompts go to
the terminal even when stdout is redirected (UX 3). An answer leaves one line behind; a paste and a secret leave none
of their text.
"""

from __future__ import annotations

import string
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from wizard import host, selection
from wizard.errors import Problem, StoppedError
from wizard.interview import Ask, BackError, Fault, is_document, is_keylike
from wizard.secret import MASK

if TYPE_CHECKING:
    import questionary
    from prompt_toolkit.application import Application
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.formatted_text import FormattedText
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.layout import Dimension
    from prompt_toolkit.output import Output

_STYLES = {"": "", "heading": "bold", "warning": "fg:ansiyellow"}
_NARROWEST = 20  # characters; below it no wrapping helps
_KEY_LINES = 2  # under the choices, at least
_BEFORE_ROW = 6  # characters: the pointer, the box, and a blank behind each
_EVERY_PAGE = 10_000  # more than any list has
_LONGEST_WORD = 5  # characters of an answer to a yes or no that are drawn: a key pasted there is longer
_PATH_HINTS = ("Tab completes a path, quoted or not", "or paste the key itself")
_LONGEST_SUGGESTION = 48  # characters of it that are told; Tab takes all of it
_STOP = "Ctrl-C stop"
_BEGINS_NONE = "! No choice begins so. Backspace forgets the letters."
_UNBROKEN = "\u00a0"  # a blank where no line ends
# Seconds. An escape sequence arrives in one piece, or nearly; a lone Esc is Back once no more comes (UX 4).
_ESCAPE, _SEQUENCE = 0.05, 0.1


class Screen:
    """A terminal that shows one prompt at a time and can take back what it has shown."""

    def __init__(self, spelled: Callable[[str], str] = str) -> None:
        """``spelled`` returns a text with the commands in it as they can be typed here."""
        self._spelled = spelled
        self._shown: list[str] = []

    @property
    def width(self) -> int:
        """Return how many characters a line holds."""
        return _width()

    def session(self) -> AbstractContextManager[None]:
        """Return what hides keys that are typed between two prompts: they may be the rest of a pasted key."""
        return host.unechoed()

    def say(self, text: str, style: str = "") -> None:
        """Show a text, wrapped at blanks; ``style`` is "", "heading" or "warning"."""
        from prompt_toolkit import print_formatted_text
        from prompt_toolkit.formatted_text import FormattedText

        lines = _wrapped(host.glyphs(self._spelled(text)), self.width)
        print_formatted_text(FormattedText([(_STYLES[style], lines)]), output=_output())
        self._shown.append(lines)

    def ask(self, ask: Ask) -> str:
        """Return the text that was typed and accepted. BackError for the question before; StoppedError at Ctrl-C."""
        kinds: dict[str, type[_Prompt]] = {"choice": _Choice, "several": _Several, "yes": _YesNo}
        prompt = kinds.get(ask.form, _Text)
        text = prompt(self._said_ahead(ask)).run()
        if told := ask.told(text):
            self.say(told)
        return ask.normal(text)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Give what is shown within a screen of its own, the terminal's alternate one, which no scrollback keeps."""
        output, shown = _output(), self._shown
        output.enter_alternate_screen()
        output.erase_screen()
        output.cursor_goto(1, 1)
        output.flush()
        self._shown = []
        try:
            yield
        finally:
            self._shown = shown
            output.erase_screen()
            output.quit_alternate_screen()
            output.flush()

    def mark(self) -> int:
        """Return a mark of what is shown so far, for `back_to`."""
        return len(self._shown)

    def back_to(self, mark: int) -> None:
        """Take back what was shown since the mark, as far as it has not scrolled away."""
        output, columns = _output(), host.size().columns
        rows = sum(max(1, -(-len(line) // columns)) for text in self._shown[mark:] for line in text.split("\n"))
        del self._shown[mark:]
        if rows:
            output.cursor_up(rows)
            output.write_raw("\r")
            output.erase_down()
            output.flush()

    def _said_ahead(self, ask: Ask) -> Ask:
        """Return what is asked; where a long label would push the choices off the screen, it is said before them."""
        label, _, rest = ask.label.partition("\n")
        shown = [*_wrapped(ask.label, self.width).split("\n"), *ask.choices]
        if not rest or len(shown) + _KEY_LINES <= host.size().lines:
            return ask
        self.say(ask.label)
        return replace(ask, label=label)


class _Reflowed(str):
    """A text that questionary formats anew for each frame: wrapped at blanks for the width that the terminal has then.

    ``taken`` characters of a line are not its own; ``indent`` stands before its second and further lines.
    """

    taken: int
    indent: str

    def __new__(cls, text: str, taken: int = 1, indent: str = "") -> _Reflowed:
        made = super().__new__(cls, host.glyphs(text))
        made.taken, made.indent = taken, indent
        return made

    def __format__(self, _: str) -> str:
        return _wrapped(str(self), _width() - self.taken).replace("\n", f"\n{self.indent}")


class _Prompt(ABC):
    """One question being asked: the prompt that questionary built, patched."""

    def __init__(self, ask: Ask) -> None:
        self.asked = ask
        self.fault = ""
        self.is_explained = False
        self.question = self.build()
        self.patch()

    @abstractmethod
    def build(self) -> questionary.Question:
        """Return questionary's prompt for what is asked."""

    def draft(self) -> str | None:
        """Return what stands in the field, for the day when it is asked again."""
        return None

    @abstractmethod
    def bind(self, add: Callable[..., Any]) -> None:
        """Add the keys of this kind of prompt."""

    @abstractmethod
    def hints(self) -> list[str]:
        """Return what the keys do that this kind of prompt has of its own, the likeliest first."""

    @property
    def is_up_back(self) -> bool:
        """Tell whether Up leads to the question before."""
        return False

    def run(self) -> str:
        try:
            return str(self.question.unsafe_ask())
        except (KeyboardInterrupt, EOFError):
            raise StoppedError(Problem("Stopped. Nothing was written.")) from None

    def patch(self) -> None:
        """Put into questionary's prompt what it lacks (UX 4): Back, harmless control keys, and text under the field."""
        from prompt_toolkit.filters import to_filter
        from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
        from prompt_toolkit.layout import Dimension, HSplit, Layout, Window
        from prompt_toolkit.layout.controls import FormattedTextControl

        application, keys = self.question.application, KeyBindings()
        keys.add("s-tab", eager=True)(self.back)
        keys.add("escape")(self.back)
        keys.add("c-d", eager=True)(self.stop)
        keys.add("c-c", eager=True)(self.stop)
        # A paste answers no yes or no and no choice, and a key that was meant for another field must not be drawn.
        for key in ("c-z", "c-q", "c-v", "c-l", "c-r", "c-s", "f1", "<bracketed-paste>"):
            keys.add(key, eager=True)(_ignore)
        self.bind(keys.add)
        own = application.key_bindings
        application.key_bindings = merge_key_bindings([own, keys] if own else [keys])
        application.ttimeoutlen, application.timeoutlen = _ESCAPE, _SEQUENCE
        application.erase_when_done = True
        for window in application.layout.find_all_windows():
            window.dont_extend_height = to_filter(True)  # so that what is wrong stands right under the field
            window.wrap_lines = to_filter(True)
        application.layout.current_window.height = Dimension(min=1)  # where lines are few, the label gives way first
        self.field = application.layout.container
        below = Window(FormattedTextControl(self.below), height=self.height_below, dont_extend_height=True)
        application.layout = Layout(HSplit([self.field, below]), focused_element=application.layout.current_window)

    def below(self) -> FormattedText:
        """Return what stands under the field, as far as there are lines for it: what is wrong, its help, the keys.

        One line for the keys is kept as long as there is any: of the help that is left out "?" tells more.
        """
        from prompt_toolkit.formatted_text import FormattedText

        ask, size = self.asked, host.size()
        fault = _indented(self.fault)[: size.lines - 1]  # the line of the field stays in any case
        told = _indented((self.is_explained and ask.more) or ask.help)
        taken = self.field.preferred_height(size.columns, size.lines).preferred + len(fault)
        room = max(size.lines - taken, min(1, size.lines - 1 - len(fault)))
        hints = self.keys()
        keys = _listed(hints)
        if len(told) + len(keys) > room:
            told = [] if fault else _cut(told, room - 1)
            keys = keys if len(told) + len(keys) <= room else _in_one_line(hints)[:room]
        lines = [*(("class:fault", line) for line in fault), *(("class:instruction", line) for line in (*told, *keys))]
        return FormattedText(_in_lines(lines))

    def keys(self) -> list[str]:
        """Return what the keys do; what one can do without is told where it takes no line more."""
        ask = self.asked
        more = ["? more"] if ask.more and not self.is_explained and ask.form != "hidden" else []
        if not ask.may_go_back:
            return [*self.hints(), *more, _STOP]
        hints = [*self.hints(), "Shift-Tab back", *more, _STOP]
        longer = [*self.hints(), "Shift-Tab or Up back", *more, _STOP]
        return longer if self.is_up_back and len(_listed(longer)) == len(_listed(hints)) else hints

    def height_below(self) -> Dimension:
        """Return how many lines stand under the field: no fewer, however few are left for the label above it."""
        from prompt_toolkit.layout import Dimension

        return Dimension.exact(len(self.below()))

    def explain(self, event: KeyPressEvent) -> None:
        self.is_explained = True
        event.app.invalidate()

    def back(self, event: KeyPressEvent) -> None:
        if self.asked.may_go_back:
            event.app.exit(exception=BackError(self.draft()))

    def stop(self, event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt())


class _Choice(_Prompt):
    """One of several, by the arrow keys or by the first letters of its word or its label."""

    def __init__(self, ask: Ask) -> None:
        self.typed = ""  # the letters that led to the row; they are drawn nowhere, for they may be a pasted key's
        super().__init__(ask)

    def hints(self) -> list[str]:
        return ["Up, Down or letters choose", "Enter accept"]

    def build(self) -> questionary.Question:
        import questionary

        ask = self.asked
        titles = {word: _Reflowed(shown, 3, " " * 3) for word, shown in ask.choices.items()}  # behind the pointer
        choices = [questionary.Choice(shown, value=word) for word, shown in titles.items()]
        return questionary.select(
            _Reflowed(ask.label, 3, " "),
            choices,
            default=ask.text if ask.text in ask.choices else None,
            qmark="",
            instruction=" ",
            pointer=host.glyphs("›"),
            style=_style(),
            output=_output(),
        )

    def bind(self, add: Callable[..., Any]) -> None:
        from prompt_toolkit.keys import Keys
        from questionary.prompts.common import InquirerControl

        controls = self.question.application.layout.find_all_controls()
        (self.rows,) = (each for each in controls if isinstance(each, InquirerControl))
        self.before = self.rows.pointed_at
        add("?", eager=True)(self.explain)
        add(Keys.Any)(self.type)
        add("enter", eager=True)(self.enter)
        for keys, step in ((("up", "c-p"), -1), (("down", "c-n"), 1)):
            for key in keys:
                add(key, eager=True)(partial(self.move, step))
        for key in ("c-h", "c-u", "c-w"):
            add(key, eager=True)(self.forget)

    def type(self, event: KeyPressEvent) -> None:
        """Go to the row that the letters typed so far begin. After one that begins none, no letter counts."""
        typed = self.typed + event.data
        found = [] if self.fault else self.asked.begun(typed)
        if found:
            self.typed = typed
            self.rows.pointed_at = list(self.asked.choices).index(found[0])
        elif event.data.isprintable():
            self.fault = _BEGINS_NONE
            event.app.output.bell()

    def move(self, step: int, event: KeyPressEvent) -> None:
        self.before = (self.rows.pointed_at + step) % len(self.asked.choices)
        self.forget(event)

    def forget(self, _: KeyPressEvent) -> None:
        """Go back to the row that stood there before any letter."""
        self.typed = self.fault = ""
        self.rows.pointed_at = self.before

    def enter(self, event: KeyPressEvent) -> None:
        """Take the row; not the one that merely stood there when something else was typed, as each line of a key is."""
        if self.fault:
            self.forget(event)
        else:
            event.app.exit(result=self.rows.get_pointed_at().value)


class _Several(_Prompt):
    """Several of many, in groups; drawn here, for in questionary's list one letter chooses everything, and headings
    scroll away from their rows.
    """

    def __init__(self, ask: Ask) -> None:
        self.typed = ""  # the letters that led to the row
        self.doubted: str | None = None
        self.list = selection.begun(ask, host.glyphs)
        self.height = 1  # lines of it that were drawn
        super().__init__(ask)

    def hints(self) -> list[str]:
        less = ["? less"] if self.is_explained else []
        return ["Space choose", "Enter accept", "Up, Down or letters move", *less]

    def build(self) -> questionary.Question:
        import questionary
        from prompt_toolkit.application import Application
        from prompt_toolkit.layout import Layout, Window
        from prompt_toolkit.layout.controls import FormattedTextControl

        rows = FormattedTextControl(lambda: self.drawn()[0], focusable=True, show_cursor=False)
        return questionary.Question(Application(Layout(Window(rows)), style=_style(), output=_output()))

    def draft(self) -> str | None:
        return self.list.text if self.list.text != self.asked.text else None

    def bind(self, add: Callable[..., Any]) -> None:
        from prompt_toolkit.keys import Keys

        add(" ", eager=True)(self.toggle)
        add("enter", eager=True)(self.enter)
        add("?", eager=True)(self.explain)
        add(Keys.Any)(self.type)
        for keys, step in ((("up", "c-p"), -1), (("down", "c-n"), 1)):
            for key in keys:
                add(key, eager=True)(partial(self.move, step))
        for key, pages in (("pageup", -1), ("pagedown", 1), ("home", -_EVERY_PAGE), ("end", _EVERY_PAGE)):
            add(key, eager=True)(partial(self.page, pages))
        for key in ("c-h", "c-u", "c-w"):
            add(key, eager=True)(self.forget)

    def move(self, step: int, event: KeyPressEvent) -> None:
        self.forget(event)
        self.list = self.list.moved(step)

    def page(self, pages: int, event: KeyPressEvent) -> None:
        self.forget(event)
        self.list = self.list.paged(pages * max(1, self.height - 1))

    def forget(self, _: KeyPressEvent) -> None:
        """Begin anew with the letters; the row that they led to stays."""
        self.typed = self.fault = ""

    def type(self, event: KeyPressEvent) -> None:
        """Go to the row that the letters typed so far begin. After one that begins none, no letter counts."""
        typed = self.typed + event.data
        found = self.asked.begun(typed) if self.fault != _BEGINS_NONE and event.data.isprintable() else []
        if found:
            self.typed, self.fault = typed, ""
            self.list = self.list.found(found)
        elif event.data.isprintable():
            self.fault = _BEGINS_NONE
            event.app.output.bell()

    def toggle(self, event: KeyPressEvent) -> None:
        """Choose the row, or no longer; neither behind letters that led nowhere, for they may be a pasted text's."""
        row = self.list.row
        if self.fault == _BEGINS_NONE:
            event.app.output.bell()
            return
        self.forget(event)
        self.list = self.list.toggled()
        if row.refusal:
            self.fault = Fault(f"{row.word} cannot be chosen here: {row.refusal}.").told()
            event.app.output.bell()

    def enter(self, event: KeyPressEvent) -> None:
        """Accept what is chosen, or say what is wrong with it; not behind letters that led nowhere."""
        text = self.list.text
        if self.fault == _BEGINS_NONE:
            self.forget(event)
        elif fault := self.asked.judge(text):
            self.fault = fault.told()
        elif (doubt := self.asked.doubt(text)) and self.doubted != text:
            self.doubted = text
            self.fault = Fault(f"{doubt} Enter once more keeps it.").told()
        else:
            event.app.exit(result=text)

    def explain(self, event: KeyPressEvent) -> None:
        self.is_explained = bool(self.asked.more) and not self.is_explained
        event.app.invalidate()

    def below(self) -> FormattedText:
        return self.drawn()[1]

    def drawn(self) -> tuple[FormattedText, FormattedText]:
        """Return the label with the rows in view, and what stands under them, for the size that the terminal has now.

        Each gives way to those before it: one row, what is wrong, a line of label and of keys, what "?" tells, all of
        the row that is pointed at, half of the lines for the list; and last what one can do without.
        """
        from prompt_toolkit.formatted_text import FormattedText

        lines, ask, every = host.size().lines, self.asked, len(self.list.rows)
        left = lines - 1
        fault = _indented(self.fault)[:left]
        left -= len(fault)
        label = self.label()[:left]
        left -= len(label)
        keys = _in_one_line(self.keys())[:left]
        left -= len(keys)
        told = _cut(_indented(ask.more), left) if self.is_explained else []
        left -= len(told)
        whole, most = self.whole()
        whole = _cut(whole, left)
        spare = left - len(whole) + 1 - min(every, lines // 2)

        def afforded(longer: list[str], shorter: list[str]) -> list[str]:
            nonlocal spare
            more = len(longer) - len(shorter)
            if more > spare:
                return shorter
            spare -= more
            return longer

        whole = afforded([*whole, *[""] * (most - len(whole))], whole)  # so that the list keeps its height
        label = afforded(self.label(is_whole=True), label)
        keys = afforded(_listed(self.keys()), keys)
        told = told or afforded(_indented(ask.help), [])
        self.height = min(every, lines - sum(map(len, (label, fault, whole, told, keys))))
        self.list = self.list.scrolled(self.height)
        above = [("class:question", line) for line in label] + [self.row(*each) for each in self.list.view(self.height)]
        below = [("class:fault", line) for line in fault] + [("class:answer", line) for line in whole]
        below += [("class:instruction", line) for line in (*told, *keys)]
        return FormattedText(_in_lines(above)), FormattedText(_in_lines(below))

    def label(self, *, is_whole: bool = False) -> list[str]:
        """Return the label with the count of what is chosen: in one line, or in as many as it takes."""
        label, told = host.glyphs(self.asked.label), f" ({len(self.list.chosen)} chosen)"
        if is_whole:
            whole = _wrapped(label + told[0] + told[1:].replace(" ", _UNBROKEN), _width())
            return whole.replace(_UNBROKEN, " ").split("\n")
        return [selection.cut(label.partition("\n")[0], _width() - len(told), host.glyphs(" …")) + told]

    def row(self, mark: str, row: selection.Row) -> tuple[str, str]:
        """Return a row of the list in its style: what is pointed at and what is chosen can be told without any."""
        sign, width = host.glyphs(" …"), _width() - _BEFORE_ROW
        if not row.word:
            return "class:question", f"{mark} {selection.cut(row.text, _width() - len(mark) - 1, sign)}"
        box = " - " if row.refusal else "[x]" if row.word in self.list.chosen else "[ ]"
        is_narrow = 2 * selection.wider(self.list.rows, width) > len(self.asked.choices)  # no room for columns
        text = selection.cut(selection.tight(row.text) if is_narrow else row.text, width, sign)
        style = "class:highlighted" if row == self.list.row else "class:answer"
        return style, f"{host.glyphs(mark)} {box} {text}"

    def whole(self) -> tuple[list[str], int]:
        """Return all of the row that is pointed at, and the most lines that any takes; none where all are seen."""
        if not selection.wider(self.list.rows, _width() - _BEFORE_ROW):
            return [], 0
        each = {row.word: _indented(selection.tight(row.text)) for row in self.list.rows if row.word}
        return each[self.list.row.word], max(map(len, each.values()))


class _YesNo(_Prompt):
    """Yes or no; Enter alone takes what is proposed, and any other word is told (to questionary "nay" means yes)."""

    def hints(self) -> list[str]:
        return ["y or n, then Enter"]

    @property
    def is_up_back(self) -> bool:
        return True

    def build(self) -> questionary.Question:
        import questionary

        label = _Reflowed(self.asked.label, len(" (y/N) yes"), " ")
        return questionary.confirm(
            label, default=self.asked.text == "yes", auto_enter=False, qmark="", style=_style(), output=_output()
        )

    def bind(self, add: Callable[..., Any]) -> None:
        add("up", eager=True)(self.back)
        add("enter", eager=True)(self.enter)
        add("c-h", eager=True)(self.erase)
        add("c-u", eager=True)(self.erase)
        for key in (each for each in string.printable if each.isprintable()):
            add(key, eager=True)(self.type)
        add("?", eager=True)(self.explain)  # it stands in no answer of this kind, whatever was typed before it

    def type(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        buffer.insert_text(event.data[: _LONGEST_WORD - len(buffer.text)])

    def erase(self, event: KeyPressEvent) -> None:
        event.current_buffer.reset()
        self.fault = ""

    def enter(self, event: KeyPressEvent) -> None:
        word = event.current_buffer.text.strip().lower() or self.asked.text
        answers = [each for each in ("yes", "no") if each.startswith(word)]
        if answers:
            event.app.exit(result=answers[0])
        else:
            self.fault = "! Type y or n."


class _Text(_Prompt):
    """A text in a field: a line, a hidden one, several lines, or a document by its path or pasted."""

    def __init__(self, ask: Ask) -> None:
        self.pasted = ""  # the lines of a document that came so far; they are in no buffer, and so on no screen
        self.is_revealed = False
        self.doubted: str | None = None
        self.suggested: list[str] = []
        super().__init__(ask)
        # A proposal is replaced by the first key, or what is typed would stand behind it. What was half typed is the
        # operator's own, and is gone on with; unless it is not shown, for then nobody sees where it ended.
        self.is_fresh = bool(ask.text) and (not ask.is_draft or self.mask(ask.text) is not None)

    def hints(self) -> list[str]:
        form, has_text = self.asked.form, bool(self.text)
        enter = "Enter keeps what stands" if self.asked.is_kept and not has_text else "Enter accept"
        own = {
            "list": ["Enter next line", "an empty line ends"],
            "hidden": [enter, "Ctrl-T show"],
            "document": [enter, *_PATH_HINTS],
        }.get(form, [enter])
        if self.suggested and not self.fault:
            own.insert(0, f"Tab takes {_shortened(self.suggested[0])} instead")
        return [*own, "type to replace", "Left to edit"] if self.is_fresh else own

    @property
    def is_up_back(self) -> bool:
        return self.asked.form != "list"

    def build(self) -> questionary.Question:
        import questionary
        from prompt_toolkit.completion import PathCompleter
        from prompt_toolkit.history import DummyHistory
        from prompt_toolkit.shortcuts import CompleteStyle

        ask = self.asked
        is_path = ask.form == "document"
        return questionary.text(
            _Reflowed(f"{ask.label}\n  ›"),
            default=ask.text,
            qmark="",
            style=_style(),
            output=_output(),
            input_processors=[_masking(self)],
            completer=PathCompleter(expanduser=True) if is_path else None,
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            reserve_space_for_menu=0,
            prompt_continuation="    ",
            history=DummyHistory(),
            enable_open_in_editor=False,
            enable_suspend=False,
        )

    def draft(self) -> str | None:
        # What was not touched is no draft: it may be proposed otherwise once an earlier answer is another.
        return self.text if self.text != self.asked.text else None

    @property
    def buffer(self) -> Buffer:
        return self.question.application.current_buffer

    @property
    def text(self) -> str:
        return self.pasted + self.buffer.text

    def bind(self, add: Callable[..., Any]) -> None:
        from prompt_toolkit.filters import Condition
        from prompt_toolkit.keys import Keys

        # Whichever key accepts a line (Ctrl-O does, too), it is judged first.
        self.buffer.accept_handler = self.enter
        self.buffer.on_text_changed += self.silence
        self.buffer.on_cursor_position_changed += self.keep
        is_fresh = Condition(lambda: self.is_fresh)
        add(Keys.Any, filter=is_fresh)(self.replace)
        for key in ("right", "end", "delete", "c-e", "c-f"):  # they move nothing behind the last letter
            add(key, filter=is_fresh)(self.keep)
        if self.asked.form != "hidden":
            is_first = Condition(lambda: not self.is_explained and (self.is_fresh or not self.text))
            add("?", filter=is_first, eager=True)(self.explain)
        add("tab", eager=True)(self.take_suggestion)
        add(Keys.BracketedPaste, eager=True)(self.paste)
        is_one_line = Condition(lambda: "\n" not in self.buffer.text)
        add("up", eager=True, filter=is_one_line)(self.back)
        add("down", eager=True, filter=is_one_line)(_ignore)
        if self.asked.form == "hidden":
            add("c-t", eager=True)(self.reveal)
        if self.asked.form == "document":
            collected = Condition(lambda: bool(self.pasted))
            for key in ("c-u", "c-h", "c-w"):
                add(key, eager=True, filter=collected)(self.empty)

    def mask(self, line: str) -> str | None:
        """Return what is shown in the place of a line; None where it is shown as it is."""
        form = self.asked.form
        if form == "hidden":
            return None if self.is_revealed else (host.glyphs(MASK) if line else "")
        if form != "document":
            return None
        if self.pasted:
            return f"[{self.asked.named(self.pasted)} pasted]"
        return "[paste]" if is_document(line) or is_keylike(line) else None

    def enter(self, _: Buffer) -> bool:
        """Accept the text, or say what is wrong with it; within a list or a document, begin the next line."""
        text, form = self.text, self.asked.form
        if text.strip() == "?" and form != "hidden":
            self.clear()
            self.is_explained = True
        elif form == "document" and self.goes_on(text):
            self.pasted = text + "\n"
            self.clear()
        elif form == "list" and self.buffer.document.current_line.strip():
            if fault := self.asked.judge(text):
                self.show(fault)
            else:
                self.buffer.cursor_position = len(self.buffer.text)
                self.buffer.insert_text("\n")
        else:
            self.accept(text.strip("\n") if form == "list" else text)
        return True  # the text stays in the field

    def accept(self, text: str) -> None:
        fault = self.asked.judge(text)
        doubt = "" if fault else self.asked.doubt(text)
        if fault:
            self.show(fault)
        elif doubt and self.doubted != text:
            self.doubted = text
            self.show(Fault(f"{doubt} Enter once more keeps it."))
        else:
            application = self.question.application
            if self.pasted:
                _forget_typed_ahead(application)
            application.exit(result=text)

    def goes_on(self, text: str) -> bool:
        """Tell whether more lines of a pasted document are to come: one ends where it is whole, or by an empty line."""
        if not is_document(text):
            return False
        is_whole = self.asked.is_whole
        if is_whole and is_whole(text):
            return False
        return bool(self.buffer.text.strip()) or not self.pasted

    def show(self, fault: Fault) -> None:
        """Show what is wrong directly under the field; Tab then takes what is suggested, one after another."""
        self.suggested = list(fault.suggestions)
        first = _shortened(self.suggested[0]) if len(self.suggested) > 1 else "it"
        tail = f" (Tab takes {first})" if self.suggested else ""
        self.fault = fault.told(tail)
        self.is_fresh = self.asked.form == "hidden"  # nobody sees what to mend in it: the next key begins anew

    def silence(self, _: Buffer) -> None:
        """Say no more what was wrong, nor suggest anything: the text is another one."""
        self.fault, self.suggested, self.is_fresh = "", [], False

    def keep(self, _: object) -> None:
        """Leave what was proposed to be edited."""
        self.is_fresh = False

    def replace(self, event: KeyPressEvent) -> None:
        """Begin another text in the place of the one that was proposed."""
        if event.data.isprintable():
            self.clear()
            self.buffer.insert_text(event.data)

    def clear(self) -> None:
        """Empty the field."""
        self.buffer.reset()
        self.silence(self.buffer)

    def take_suggestion(self, event: KeyPressEvent) -> None:
        """Take the next corrected text; where there is none, complete a path."""
        self.is_fresh = False
        if self.suggested:
            from prompt_toolkit.document import Document

            text, *others = self.suggested
            self.buffer.set_document(Document(text))
            self.suggested = others
        elif self.asked.form == "document" and not self.mask(self.buffer.text):
            from prompt_toolkit.key_binding.bindings.completion import display_completions_like_readline

            display_completions_like_readline(event)

    def paste(self, event: KeyPressEvent) -> None:
        """Take what a terminal marks as pasted: a document at once and unseen, all else without its last line break."""
        text = event.data.replace("\r\n", "\n").replace("\r", "\n")
        form = self.asked.form
        if not text.strip():
            return
        if self.is_fresh:
            self.clear()
        if form == "document" and (self.pasted or is_document(text)):
            self.pasted = self.text + text
            self.clear()
        elif form == "list":
            self.buffer.insert_text(text)
        else:
            self.buffer.insert_text(text.strip("\n"))

    def empty(self, _: KeyPressEvent) -> None:
        self.pasted = ""
        self.clear()

    def reveal(self, _: KeyPressEvent) -> None:
        self.is_revealed = not self.is_revealed
        self.is_fresh = False


def _masking(prompt: _Text) -> Any:
    """Return the processor that shows a line as `_Text.mask` says, of constant length, so that it tells none; and in
    another style what is only proposed."""
    from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

    class Masking(Processor):
        def apply_transformation(self, given: TransformationInput) -> Transformation:
            line = given.document.lines[given.lineno]
            shown = prompt.mask(line)
            style = "class:proposed" if prompt.is_fresh else "class:answer"
            if shown is None:
                return Transformation([(style, line)] if prompt.is_fresh else given.fragments)
            return Transformation(
                [(style, shown)],
                source_to_display=lambda _: len(shown),
                display_to_source=lambda _: len(line),
            )

    return Masking()


def _ignore(_: KeyPressEvent) -> None:
    """Do nothing: the key would put a control character into a text, or do what nobody expects here."""


def _forget_typed_ahead(application: Application[Any]) -> None:
    """Drop what came behind a pasted document: the rest of a paste must not answer, or show up in, the next field."""
    from prompt_toolkit.input.typeahead import clear_typeahead

    application.key_processor.input_queue.clear()
    clear_typeahead(application.input)


def _wrapped(text: str, width: int) -> str:
    """Return a text in lines of at most *width* characters, broken at blanks, each line's indentation kept."""
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(
            textwrap.fill(
                line, max(width, _NARROWEST), subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
            )
            if len(line) > width
            else line
        )
    return "\n".join(lines)


def _width() -> int:
    return max(host.size().columns - 1, _NARROWEST)


def _indented(text: str) -> list[str]:
    """Return the lines of a text that stands under a field."""
    return textwrap.indent(_wrapped(host.glyphs(text), _width() - 2), "  ").split("\n") if text else []


def _listed(hints: list[str]) -> list[str]:
    """Return what keys do as lines that stand under a field; no hint is broken that a line can hold."""
    longest = _width() - 4  # before the dot
    whole = (each.replace(" ", _UNBROKEN) if len(each) <= longest else each for each in hints)
    text = f"{_UNBROKEN}· ".join(whole)
    return [line.replace(_UNBROKEN, " ") for line in _indented(text)]


def _in_lines(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return lines with their styles as fragments of one text."""
    return [(style, ("\n" if number else "") + line) for number, (style, line) in enumerate(lines)]


def _shortened(text: str) -> str:
    """Return the beginning of a text, in one line; a list can be a hundred items long."""
    return textwrap.shorten(text, _LONGEST_SUGGESTION, placeholder=" …")


def _in_one_line(hints: list[str]) -> list[str]:
    """Return a line of those hints that it has room for, the first of them in any case."""
    fitting: list[str] = []
    for hint in hints:
        if not fitting or len(_listed([*fitting, hint])) == 1:
            fitting.append(hint)
    return _listed(fitting)[:1]


def _cut(lines: list[str], count: int) -> list[str]:
    """Return the first *count* of the lines of a text; a sign at their end says that there are more."""
    if len(lines) <= count:
        return lines
    sign = host.glyphs(" …")
    return [*lines[: count - 1], lines[count - 1][: _width() - len(sign)] + sign] if count > 0 else []


def _style() -> Any:
    from prompt_toolkit.styles import Style

    return Style(
        [
            ("question", "bold"),
            ("answer", ""),
            ("proposed", "fg:ansibrightblack"),
            ("pointer", "bold"),
            ("highlighted", "bold"),
            ("instruction", "fg:ansibrightblack"),
            ("fault", "fg:ansired bold"),
        ]
    )


def _output() -> Output:
    from prompt_toolkit.output import create_output
    from prompt_toolkit.output.vt100 import Vt100_Output

    output = create_output(always_prefer_tty=True)
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False  # a line that does not answer would be waited for, and nothing here needs the answer
    return output
