"""The audit log as somebody reads it who wants to hide something: every line, every character and every order."""

from __future__ import annotations

import json

import pytest

from wizard import audit
from wizard.audit import Deed
from wizard.vault import Audit, new_audit


def entry(log: Audit, verb: str) -> Audit:
    deed = Deed(verb, ("redis-password 0123456789abcdef",), ("Secret/matrix/redis:stringData.password",))
    return audit.entered(log, deed, f"2026-01-{log.count + 1:02}T00:00:00Z", "ops", "laptop")


def written(*verbs: str, log: str = "", begun: Audit | None = None) -> tuple[str, Audit]:
    """Return the text of a log with an entry for each of *verbs*, and what the vault keeps of it."""
    kept = begun or new_audit()
    for verb in verbs:
        kept = entry(kept, verb)
        log = audit.healed(log, kept)
    return log, kept


def faults(log: str, kept: Audit) -> str:
    return " ".join(f"{each.where} {each.what}" for each in audit.problems(log, kept))


def test_a_log_proves_itself_and_names_what_was_done() -> None:
    log, kept = written("setup", "show", "blank")
    assert faults(log, kept) == ""
    lines = [json.loads(line) for line in log.splitlines()]
    assert [each["verb"] for each in lines] == ["setup", "show", "blank"]
    assert [each["parents"] for each in lines] == [[], [lines[0]["id"]], [lines[1]["id"]]]
    assert lines[0]["values"] == ["redis-password 0123456789abcdef"]
    assert kept.heads == (lines[2]["id"],)


def test_each_changed_character_is_noticed() -> None:
    log, kept = written("setup", "show", "blank")
    for place, character in enumerate(log):
        other = "0" if character != "0" else "1"
        assert faults(log[:place] + other + log[place + 1 :], kept), (place, character)


def test_each_dropped_line_is_noticed_but_the_last_which_the_vault_itself_has() -> None:
    lines = (log := written("setup", "show", "blank"))[0].splitlines(keepends=True)
    for number in range(2):
        left = "".join(lines[:number] + lines[number + 1 :])
        assert "missing" in faults(left, log[1])
    assert faults("".join(lines[:2]), log[1]) == ""
    assert audit.healed("".join(lines[:2]), log[1]) == log[0]
    assert "missing" in faults("", log[1])


def test_a_line_of_somebody_without_the_key_is_noticed() -> None:
    log, kept = written("setup")
    forged, _ = written("show", begun=Audit(new_audit().key, kept.heads, kept.count))
    assert f".matrix-wizard/audit.log:2 {'This line'}" in faults(log + forged, kept)
    assert "not written by" in faults(log + "nonsense\n", kept)
    assert "twice" in faults(log + log, kept)


def test_a_log_that_is_newer_than_its_vault_is_noticed() -> None:
    log, kept = written("setup")
    newer, _ = written("show", log=log, begun=kept)
    assert "older than the log" in faults(newer, kept)


def test_the_logs_of_two_branches_merge_in_any_order() -> None:
    base, kept = written("setup", "show")
    ours, of_ours = written("rotate", "show", log=base, begun=kept)
    theirs, of_theirs = written("blank", log=base, begun=kept)
    merged = audit.merged(ours, theirs)
    assert merged == audit.merged(theirs, ours, base) == audit.merged(merged, merged)
    count = of_ours.count + of_theirs.count - kept.count
    both = Audit(kept.key, (*of_ours.heads, *of_theirs.heads), count, (*of_ours.last, *of_theirs.last))
    assert faults(merged, both) == ""
    after, last = written("setup", log=merged, begun=both)
    assert faults(after, last) == ""
    assert sorted(json.loads(after.splitlines()[-1])["parents"]) == sorted(both.heads)
    assert faults("".join(reversed(after.splitlines(keepends=True))), last) == ""


def test_one_history_reaches_what_another_saw_or_does_not() -> None:
    base, kept = written("setup", "show")
    ours, of_ours = written("rotate", "show", log=base, begun=kept)
    theirs, of_theirs = written("blank", "show", "show", log=base, begun=kept)
    assert audit.reaches(of_ours, ours, kept.heads)
    assert audit.reaches(of_ours, ours, of_ours.heads)
    assert audit.reaches(None, "", ())
    assert not audit.reaches(None, ours, kept.heads)
    assert not audit.reaches(of_theirs, theirs, of_ours.heads), "more entries, and of another branch"
    assert not audit.reaches(of_theirs, audit.merged(ours, theirs), of_ours.heads), "nor does the merged log help"
    both = Audit(kept.key, (*of_ours.heads, *of_theirs.heads), 9, (*of_ours.last, *of_theirs.last))
    assert audit.reaches(both, audit.merged(ours, theirs), of_ours.heads)
    assert not audit.reaches(of_ours, "", kept.heads), "a log that was cut short proves nothing"
    _, next_one = written("show", log=base, begun=kept)
    assert audit.reaches(next_one, "", kept.heads), "the vault itself has the newest line"
    lines = ours.splitlines()
    forged = json.loads(lines[-2])
    lines[-2] = json.dumps({**forged, "parents": [*forged["parents"], *of_theirs.heads]})
    assert not audit.reaches(of_ours, "\n".join(lines), of_theirs.heads), "a line that was changed is none"


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_line_is_added_to_a_log_without_a_last_line_end(end: str) -> None:
    log, kept = written("setup")
    after, last = written("show", log=log.rstrip("\n") + end, begun=kept)
    assert faults(after, last) == ""
    assert len(after.splitlines()) == 2


@pytest.mark.parametrize(
    "line",
    ['{"id":"\\ud800"}', '{"id":' + "[" * 991 + "]" * 991 + "}", '{"id":"' + "a" * 40 + '","parents":[["x"]]}',
     '{"id":"' + "a" * 40 + '","parents":3}', '{"id":"' + "a" * 40 + '"}', "[]", "\x85x", "7"],
    ids=lambda line: line[:12].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_a_hostile_line_is_told_and_stops_nothing(line: str) -> None:
    log, kept = written("setup")
    assert "not written by" in faults(f"{log}{line}\n", kept)
    after, last = written("show", log=f"{log}{line}\n", begun=kept)
    assert faults(after, last).count("not written by") == 1
    assert audit.merged(after, log)


def test_a_name_that_holds_what_ends_lines_elsewhere_leaves_the_line_whole() -> None:
    kept = audit.entered(new_audit(), Deed("setup", (), ("Secret/m/s:data.pass\u2028word\x85",)), "2026", "ops", "host")
    log = audit.healed("", kept)
    assert faults(log, kept) == ""
    assert audit.healed(log, kept) == log
    assert audit.merged(log, log) == log
