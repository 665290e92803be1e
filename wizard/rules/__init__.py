"""The table of rules: what each id of a finding means. A module for each group; the functions that find are ``checks``.

Facts are rows (DESIGN, law 11). ``explain ID`` tells a row.
"""

from wizard.rules import instep, keeping, left, liaccess, live, serverfacts, wellformed
from wizard.rules.rule import TITLES, Group, Rule, Severity

__all__ = ["BY_ID", "RULES", "TITLES", "Group", "Rule", "Severity"]

RULES: tuple[Rule, ...] = (
    *left.RULES,
    *instep.RULES,
    *wellformed.RULES,
    *liaccess.RULES,
    *keeping.RULES,
    *serverfacts.RULES,
    *live.RULES,
)
BY_ID = {each.id: each for each in RULES}
