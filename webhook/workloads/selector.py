"""Label selectors: what they match (apimachinery, LabelSelectorAsSelector).

Tests: tests/webhook/test_workloads.py
"""

from webhook.pod.podspec import Raw, entries, mapping


def matches(selector: Raw, held: Raw) -> bool:
    """Return whether labels satisfy a selector; an empty one matches all."""
    wanted = mapping(selector, "matchLabels").items()
    return all(held.get(key) == value for key, value in wanted) and all(
        _satisfies(expression, held) for expression in entries(selector, "matchExpressions")
    )


def _satisfies(expression: Raw, held: Raw) -> bool:
    key, values = expression.get("key"), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return key in held and held[key] in values
        case "NotIn":
            return key not in held or held[key] not in values
        case "Exists":
            return key in held
        case "DoesNotExist":
            return key not in held
        case _:
            return False
