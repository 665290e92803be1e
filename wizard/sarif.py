"""The findings of ``check`` in SARIF 2.1.0, which code scanning reads (OASIS, Static Analysis Results Interchange
Format 2.1.0 with Errata 01). Pure.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from wizard import rules
from wizard.finding import Finding, is_shown, shape
from wizard.outcome import Checked
from wizard.rules import Rule, Severity
from wizard.vault import IGNORES

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"


def log(checked: Checked, version: str, below: str = "", least: Severity = "warning") -> dict[str, Any]:
    """Return what a run of check by this *version* found as a SARIF log; *below* is the tree, from the sources' top.

    Nothing below *least* is in it. Findings that are ignored or in a baseline are results that are suppressed, with
    the reason. A fingerprint is a digest of rule, file and message without numbers: of no text of the tree, and the
    same when lines move."""
    found = [
        *((each, []) for each in checked.findings),
        *(
            (each.finding, [_suppression(each.reason, is_inside=not each.place.startswith(IGNORES))])
            for each in checked.ignored
        ),
        *((each, [_suppression(f"It stands in the baseline {checked.baseline}.")]) for each in checked.known),
    ]
    results = _results([each for each in found if is_shown(each[0], least)], below)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "matrix-wizard",
                        "version": version,
                        "semanticVersion": version,
                        "rules": [_rule(each) for each in rules.RULES],
                    }
                },
                "originalUriBaseIds": {
                    _ROOT: {"description": {"text": "The top of the repository, or where the command was given."}}
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": True}],
                "results": list(results),
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    told = "\n\n".join(filter(None, (rule.why, rule.story, f"Source: {rule.source}")))
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": told, "markdown": told},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [rule.group], "problem.severity": rule.severity},
    }


def _results(found: Iterable[tuple[Finding, list[dict[str, Any]]]], below: str) -> Iterator[dict[str, Any]]:
    numbers = {rule: number for number, rule in enumerate(rules.BY_ID)}
    seen: Counter[str] = Counter()
    for each, suppressions in found:
        digest = hashlib.sha256("\0".join(shape(each)).encode()).hexdigest()[:32]
        seen[digest] += 1
        yield {
            "ruleId": each.id,
            "ruleIndex": numbers[each.id],
            "level": each.severity,
            "message": {"text": f"{each.message}\nTo mend it: {each.fix}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(f"{below}{each.file}"), "uriBaseId": _ROOT},
                        "region": {"startLine": each.line, "startColumn": each.column},
                    }
                }
            ],
            # By this name code scanning knows a result again. Where it is absent the uploader makes one of the line's
            # own text, which may be a secret.
            "partialFingerprints": {"primaryLocationLineHash": f"{digest}:{seen[digest]}"},
            "suppressions": suppressions,  # of all results or of none (SARIF 2.1.0, 3.27.23)
        }


def _suppression(reason: str, *, is_inside: bool = False) -> dict[str, Any]:
    return {"kind": "inSource" if is_inside else "external", "status": "accepted", "justification": reason}
