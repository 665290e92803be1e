"""Vaults that grew apart: a thousand random pairs of histories, and what an operator expects of each single case."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.histories import Branch, begun, lived
from wizard import audit, union
from wizard.errors import RefusedError, UsageError
from wizard.secret import Secret
from wizard.vault import (
    Contest,
    Generation,
    Recipient,
    Replaced,
    Sheet,
    State,
    Step,
    Twin,
    Vault,
    keep,
    new_audit,
    new_seal,
)

NOW = "2026-03-01T12:00:00Z"
BASE = keep(begun("age1own").vault, "redis-password", Generation("g0", "current", NOW, "made", Secret("zero")))


def texts(vault: Vault) -> set[tuple[str, str, str]]:
    return {(name, one.id, one.text.reveal()) for name, kept in vault.values.items() for one in kept.generations}


def rotated(vault: Vault, generation: str, text: str = "", made: str = NOW) -> Vault:
    new = Generation(generation, "current", made, "made", Secret(text or generation))
    return keep(vault, "redis-password", new)


def states(vault: Vault, name: str = "redis-password") -> dict[str, str]:
    return {each.id: each.state for each in vault.values[name].generations}


def test_a_thousand_pairs_of_histories_lose_nothing() -> None:
    seed = int(os.environ.get("SEED", random.randrange(2**32)))  # noqa: S311
    print(f"SEED={seed}")
    chance = random.Random(seed)  # noqa: S311
    contested = 0
    for _ in range(1000):
        base = lived(begun("age1own"), chance, chance.randrange(6))
        one, other = (lived(base, chance, chance.randrange(6)) for _ in range(2))
        merged = union.merge(base.vault, one.vault, other.vault)
        assert_whole(merged, base, one, other)
        back = union.merge(base.vault, other.vault, one.vault)
        assert texts(back) == texts(merged)
        assert {name: kept.current.id for name, kept in back.values.items()} == {
            name: kept.current.id for name, kept in merged.values.items()
        }, "which is current does not depend on who merges"
        contested += bool(merged.contests)
    assert 50 < contested < 950, "the histories meet often enough, and not always"


def with_sheet(vault: Vault, generation: str, made: str, *, done: bool = False) -> Vault:
    """Return *vault* with the steps of its rotation from g0 to *generation*, of which each is *done* or none."""
    when = made if done else ""
    both = (f"redis-password {generation}", "redis-password g0")
    steps = (Step("redis-accept", {}, both, when, done), Step("apply", {}, (), when, done))
    return replace(
        vault, sheets=(Sheet(generation, "rotate", made, (Replaced("redis-password", "g0", generation),), steps),)
    )


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("done", [False, True])
def test_after_a_merge_no_step_brings_the_cluster_what_is_not_in_use(side: str, done: bool) -> None:
    """Both rotated the same secret; whichever is taken, each sheet leads there, away from the other and from before."""
    one = with_sheet(rotated(BASE, "g1"), "g1", "2026-03-02T12:00:00Z", done=done)
    other = with_sheet(rotated(BASE, "g2"), "g2", "2026-03-03T12:00:00Z", done=done)
    merged = union.merge(BASE, one, other)
    taken = union.take(merged, "redis-password", side)
    new, lost = ("g1", "g2") if side == "ours" else ("g2", "g1")
    for sheet in taken.sheets:
        assert [each.after for each in sheet.replaced] == [new]
        accepted, refused = sheet.steps[0].uses[0], sheet.steps[0].uses[1:]
        assert accepted == f"redis-password {new}"
        assert f"redis-password {new}" not in refused
        assert "redis-password g0" in refused
    displaced = next(sheet for sheet in taken.sheets if sheet.id == lost)
    assert f"redis-password {lost}" in displaced.steps[0].uses
    assert not any(step.done or step.proven for step in displaced.steps), "the cluster may have what was displaced"


def test_what_one_branch_took_back_is_brought_back_by_the_steps_that_another_took() -> None:
    begun_there = with_sheet(rotated(BASE, "g1"), "g1", "2026-03-02T12:00:00Z")
    driven = with_sheet(rotated(BASE, "g1"), "g1", "2026-03-02T12:00:00Z", done=True)
    before = begun_there.values["redis-password"]
    back = tuple(
        replace(each, state="current" if each.id == "g0" else "past", until="" if each.id == "g0" else NOW)
        for each in before.generations
    )
    undone = replace(
        begun_there, values={**begun_there.values, "redis-password": replace(before, generations=back)}, sheets=()
    )
    (sheet,) = union.merge(begun_there, undone, driven).sheets
    assert sheet.steps[0].uses == ("redis-password g0", "redis-password g1")
    assert [step.done for step in sheet.steps] == ["", ""]


def assert_whole(merged: Vault, base: Branch, one: Branch, other: Branch) -> None:
    assert texts(merged) == texts(one.vault) | texts(other.vault)
    for side in (one.vault, other.vault):
        for name, kept in side.values.items():
            lost = {each.id for each in kept.generations if each.state == "compromised"}
            assert all(states(merged, name)[each] == "compromised" for each in lost)
    places = [{(each.file, each.path, each.value) for each in side.vault.records} for side in (base, one, other)]
    added = {(file, path) for file, path, _ in (places[1] | places[2]) - places[0]}
    assert {(each.file, each.path) for each in merged.records} >= added
    assert merged.audit is not None
    assert audit.problems(audit.merged(one.log, other.log), merged.audit) == []
    everybody = {each.key for side in (one, other) for each in side.vault.recipients}
    assert {each.key for each in merged.recipients} == everybody
    removed = {each.key for side in (one, other) for each in side.vault.recipients if each.until}
    assert not removed & set(merged.keys)
    assert len(set(merged.keys)) == len(merged.keys)
    for contest in merged.contests:
        for choice in ("ours", "theirs"):
            assert len(union.take(merged, contest.name, choice).contests) == len(merged.contests) - 1


def test_a_side_that_changed_nothing_adds_nothing() -> None:
    later = rotated(BASE, "g1")
    for pair in ((later, BASE), (BASE, later)):
        merged = union.merge(BASE, *pair)
        assert replace(merged, revision=later.revision) == replace(later, audit=merged.audit)
        assert merged.revision == 1


def test_one_value_replaced_on_both_sides_is_a_contest_until_it_is_decided() -> None:
    ours, theirs = rotated(BASE, "g1"), rotated(BASE, "g2", made="2026-03-02T00:00:00Z")
    merged = union.merge(BASE, ours, theirs)
    assert merged.contests == (Contest("redis-password", "value", "g1", "g2"),)
    assert states(merged) == {"g0": "past", "g1": "past", "g2": "current"}
    (problem,) = union.undecided(merged)
    assert "g1 (made, 2026-03-01T12:00:00Z)" in problem.what
    for choice, live in (("ours", "g1"), ("theirs", "g2"), ("g1", "g1")):
        decided = union.take(merged, "redis-password", choice)
        assert decided.values["redis-password"].current.id == live
        assert decided.contests == ()
        assert union.undecided(decided) == []
    for name, choice in (("redis-password", "g0"), ("turn-password", "ours")):
        with pytest.raises(UsageError):
            union.take(merged, name, choice)


def test_the_same_secret_on_both_sides_is_no_contest() -> None:
    merged = union.merge(BASE, rotated(BASE, "g1", "same"), rotated(BASE, "g2", "same"))
    assert merged.contests == ()


def test_a_secret_that_one_side_found_compromised_is_not_live_again() -> None:
    theirs = rotated(BASE, "g1")
    kept = theirs.values["redis-password"]
    marked = tuple(replace(each, state="compromised") if each.id == "g0" else each for each in kept.generations)
    theirs = replace(theirs, values={"redis-password": replace(kept, generations=marked)})
    merged = union.merge(BASE, replace(BASE, answers={"answers": {"tls.email": "x"}}), theirs)
    assert states(merged) == {"g0": "compromised", "g1": "current"}
    assert merged.contests == ()


def marked(vault: Vault, **given: State) -> Vault:
    kept = vault.values["redis-password"]
    both = tuple(replace(each, state=given.get(each.id, each.state)) for each in kept.generations)
    return replace(vault, values={"redis-password": replace(kept, generations=both)})


def test_what_one_side_found_compromised_is_not_made_live_by_the_other() -> None:
    base = rotated(BASE, "g1")
    ours, theirs = marked(base, g0="compromised"), marked(base, g0="current", g1="past")
    for pair in ((ours, theirs), (theirs, ours)):
        assert states(union.merge(base, *pair)) == {"g0": "compromised", "g1": "current"}


def test_a_generation_that_one_side_gave_up_and_the_other_put_to_use_is_a_contest() -> None:
    pending = Generation("g1", "pending", "2026-03-02T00:00:00Z", "made", Secret("one"))
    base = keep(BASE, "redis-password", pending)
    merged = union.merge(base, marked(base, g1="past"), marked(base, g0="past", g1="current"))
    assert merged.contests == (Contest("redis-password", "value", "g0", "g1"),)


def test_what_both_sides_decided_differently_is_a_contest_again() -> None:
    """One decided for what was in force anyway: it changed nothing but the contest."""
    answered = [replace(BASE, answers={"answers": {"tls.email": text}}) for text in "xyz"]
    ours, theirs = rotated(answered[1], "g1"), rotated(answered[2], "g2")
    met = union.merge(answered[0], ours, theirs)
    names = [each.name for each in met.contests]
    assert len(names) == 2
    one, other = met, met
    for name in names:
        one, other = union.take(one, name, "ours"), union.take(other, name, "theirs")
    for pair in ((one, other), (other, one)):
        assert [each.name for each in union.merge(met, *pair).contests] == names
        assert union.merge(met, pair[0], met).contests == ()


def test_an_answer_of_null_is_an_answer() -> None:
    ours = replace(BASE, answers={"answers": {"smtp": None, "tls.email": None}})
    assert union.merge(BASE, ours, BASE).answers == ours.answers
    base = replace(BASE, answers={"answers": {"smtp": "x"}})
    without = replace(BASE, answers={"answers": {}})
    null = replace(BASE, answers={"answers": {"smtp": None}})
    (contest,) = union.merge(base, null, without).contests
    assert union.take(union.merge(base, null, without), contest.name, "theirs").answers == without.answers
    assert union.take(union.merge(base, without, null), contest.name, "theirs").answers == null.answers


def test_sides_are_told_apart_and_no_confidential_answer_is_told() -> None:
    def answered(email: str, ranges: str) -> Vault:
        return replace(BASE, answers={"answers": {"tls.email": email, "lawful_intercept.allowed_cidrs": [ranges]}})

    sides = answered("x", "185.60.112.0/24"), answered("ops@one.net", "91.198.174.0/24"), answered("ops@two.net", "9.9")
    merged = union.merge(*sides)
    told = " ".join(each.what for each in union.undecided(merged))
    assert "ops@one.net" in told
    assert "ops@two.net" in told
    assert "lawful_intercept.allowed_cidrs" in told
    assert "91.198" not in told
    assert [each.what for each in union.undecided(merged, "answers tls.email")] != []
    assert union.undecided(merged, "tls.email") == []


def test_an_answer_that_both_changed_is_a_contest_and_that_of_one_is_taken() -> None:
    def answered(**answers: object) -> Vault:
        return replace(BASE, answers={"answers": {key.replace("_", "."): text for key, text in answers.items()}})

    base, ours, theirs = answered(a_b="x", c_d=1), answered(a_b="y", c_d=1), answered(a_b="z", e_f=2)
    merged = union.merge(base, ours, theirs)
    assert merged.answers["answers"] == {"a.b": "y", "e.f": 2}
    (contest,) = merged.contests
    assert union.take(merged, contest.name, "theirs").answers["answers"] == {"a.b": "z", "e.f": 2}
    assert union.take(merged, contest.name, "ours").answers["answers"] == {"a.b": "y", "e.f": 2}


def test_whose_exports_one_branch_took_is_not_forgotten_by_the_other() -> None:
    first, second = Twin("cd" * 16, "a"), Twin("cd" * 16, "b")
    for base in (BASE, replace(BASE, twin=first)):
        pinned = replace(base, twin=second)
        assert union.merge(base, pinned, base).twin == second
        assert union.merge(base, base, pinned).twin == second


def test_who_was_removed_on_one_branch_stays_removed() -> None:
    bob = Recipient("age1bob", "2026-01-01")
    base = replace(BASE, recipients=(*BASE.recipients, bob))
    ours = replace(base, recipients=(*BASE.recipients, replace(bob, until="2026-02-01")))
    theirs = replace(base, recipients=(*base.recipients, Recipient("age1eve", "2026-02-02")))
    assert union.merge(base, ours, theirs).keys == ("age1own", "age1eve")
    assert union.merge(base, theirs, ours).keys == ("age1own", "age1eve")


def test_a_trial_on_one_branch_lets_nobody_in_again_and_is_not_forgotten() -> None:
    bob = Recipient("age1bob", "2026-01-01", drilled="2026-01-05")
    base = replace(BASE, recipients=(*BASE.recipients, bob))
    ours = replace(base, recipients=(*BASE.recipients, replace(bob, until="2026-02-01")))
    theirs = replace(base, recipients=(*BASE.recipients, replace(bob, drilled="2026-01-20")))
    for pair in ((ours, theirs), (theirs, ours)):
        merged = union.merge(base, *pair)
        assert merged.recipients[1:] == (replace(bob, until="2026-02-01", drilled="2026-01-20"),)


def test_who_was_removed_is_not_let_in_by_what_is_told_of_another_row() -> None:
    """Both branches had let the same person in; one has merged since, and removed that person."""
    theirs = replace(BASE, recipients=(*BASE.recipients, Recipient("age1bob", "2026-01-04")))
    ours = replace(BASE, recipients=(*BASE.recipients, Recipient("age1bob", "2026-01-03", until="2026-01-09")))
    drilled = replace(theirs, recipients=(*BASE.recipients, Recipient("age1bob", "2026-01-04", drilled="2026-01-08")))
    for pair in ((ours, drilled), (drilled, ours)):
        assert union.merge(theirs, *pair).keys == ("age1own",)
    again = replace(ours, recipients=(*ours.recipients, Recipient("age1bob", "2026-02-01")))
    assert union.merge(ours, again, ours).keys == ("age1own", "age1bob")


def test_two_new_seals_leave_one_and_name_the_other() -> None:
    ours, theirs = replace(BASE, seal=new_seal()), replace(BASE, seal=new_seal())
    merged = union.merge(BASE, ours, theirs)
    assert merged == replace(union.merge(BASE, theirs, ours), audit=merged.audit)
    assert len(merged.former_seals) == 1


def test_logs_that_were_begun_on_both_branches_are_both_believed() -> None:
    """A vault of the first format, which has none, is written anew on two branches."""
    first = replace(BASE, audit=None, seal=Secret(""))
    sides = [Branch(replace(first, audit=new_audit(), seal=new_seal()), "") for _ in range(2)]
    chance = random.Random(1)  # noqa: S311
    one, other = (lived(side, chance, 2) for side in sides)
    merged = union.merge(first, one.vault, other.vault)
    assert merged.audit is not None
    assert audit.problems(audit.merged(one.log, other.log), merged.audit) == []


def test_vaults_that_are_not_of_one_deployment_are_refused() -> None:
    with pytest.raises(RefusedError, match="two deployments"):
        union.merge(None, BASE, replace(BASE, id="f" * 32))
    with pytest.raises(RefusedError, match="two texts"):
        union.merge(BASE, rotated(BASE, "g1", "one"), rotated(BASE, "g1", "two"))


@given(st.integers(0, 2**32))
def test_what_is_merged_already_is_merged_without_a_change(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    base = lived(begun("age1own"), chance, 4).vault
    base = union.merge(None, base, base)  # in the order that a plan gives to places
    assert union.merge(base, base, base) == replace(base, revision=base.revision + 1)
    one, other = (lived(Branch(base, ""), chance, 4).vault for _ in range(2))
    merged = union.merge(base, one, other)
    for side in (one, other):
        for pair in ((merged, side), (side, merged)):
            again = union.merge(side, *pair)
            assert unordered(again) == unordered(merged)


def unordered(vault: Vault) -> object:
    """The vault without what counts the writings, and without the order of what is added on two sides."""
    kept = {name: frozenset(kept.generations) for name, kept in vault.values.items()}
    rest = replace(vault, revision=0, audit=None, values={}, recipients=())
    return rest, kept, frozenset(vault.recipients)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 1) | st.text(max_size=3), lambda some: st.lists(some, max_size=2)
)
keys = st.sampled_from(["smtp", "tls.email", "CHANGE_ME @ Secret/matrix/x:data.a=b"]) | st.text(max_size=3)
answers = st.fixed_dictionaries(
    {section: st.dictionaries(keys, json_values, max_size=3) for section in ("answers", "placeholders")}
)


@given(st.tuples(answers, answers, answers))
def test_every_answer_is_that_of_the_side_which_changed_it_or_waits(
    of: tuple[dict[str, dict[str, object]], ...],
) -> None:
    merged = union.merge(*(replace(BASE, answers=each) for each in of))
    for section, key in {(section, key) for each in of for section, part in each.items() for key in part}:
        base, ours, theirs = (json.dumps(each[section][key]) if key in each[section] else None for each in of)

        def found(vault: Vault, section: str = section, key: str = key) -> str | None:
            return json.dumps(vault.answers[section][key]) if key in vault.answers[section] else None

        contests = [each for each in merged.contests if each.name == f"{section} {key}"]
        if ours == theirs or base in (ours, theirs):
            assert contests == []
            assert found(merged) == (theirs if ours == base else ours)
        else:
            assert len(contests) == 1
            assert found(union.take(merged, contests[0].name, "ours")) == ours
            assert found(union.take(merged, contests[0].name, "theirs")) == theirs


def test_an_old_vault_on_either_side_brings_nothing_back() -> None:
    """In a rebase git's ours is the branch from elsewhere, where somebody may have put a former vault back."""
    eve = Recipient("age1eve", "2026-01-01")
    old = replace(BASE, recipients=(*BASE.recipients, eve))
    new = rotated(replace(old, recipients=(*BASE.recipients, replace(eve, until="2026-02-01"))), "g1")
    kept = new.values["redis-password"]
    marked = tuple(replace(each, state="compromised") if each.id == "g0" else each for each in kept.generations)
    base = replace(new, values={"redis-password": replace(kept, generations=marked)})
    mine = replace(base, answers={"answers": {"tls.email": "x"}})
    assert "age1eve" not in union.merge(base, old, old).keys
    for merged in (union.merge(base, old, mine), union.merge(base, mine, old)):
        assert states(merged) == {"g0": "compromised", "g1": "current"}
        assert "age1eve" not in merged.keys
