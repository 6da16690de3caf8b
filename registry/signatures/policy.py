"""The operator's policy for signatures: a table of TOML for each prefix of sources. Pure.

    ["registry.example.com/models"]
    mode = "require"                 # require, warn or off
    keys = ['''-----BEGIN PUBLIC KEY-----…''']
    signatories = [{issuer = "https://token.actions.githubusercontent.com", subject-pattern = "https://github.com/me/.*"}]
    trust-root = '''{"mediaType": …}'''

The longest prefix of whole path segments counts; `_default` is for all sources that no other table is for. The names of
sources begin with their registry's host, those of the hub with `huggingface.co/`, those of layouts with `layout/`.
Names that lead to one registry are one: case, the ports 443 and 80, and other hosts of Docker Hub and of the hub make
no difference.

Tests: tests/registry/signatures/test_policy.py
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast, get_args

from registry.reference import first_name
from registry.source import ClaimSource, HubSource, LayoutSource, OciSource, Source

from .errors import BadSignaturePolicy
from .rule import OFF, Mode, Rule, Signatory

DEFAULT = "_default"
_STRICTNESS = ("off", "warn", "require")
_HUB = "huggingface.co"
_ALIASES = {"hf.co": _HUB, "registry.hub.docker.com": "docker.io"}
_PORT = re.compile(r":([0-9]+)$")
_USUAL_PORTS = (443, 80)
_KEYS = frozenset({"mode", "keys", "signatories", "trust-root"})
_SIGNATORY_KEYS = frozenset({"issuer", "subject", "subject-pattern"})
_PREFIX = re.compile(r"_default|[A-Za-z0-9._-]+(?::[0-9]+)?(?:/[A-Za-z0-9._-]+)*")
_PEM = re.compile(r"\s*-----BEGIN (?:RSA )?PUBLIC KEY-----[^-]+-----END (?:RSA )?PUBLIC KEY-----\s*")


@lru_cache(maxsize=8)
def parse_policy(text: str) -> Mapping[str, Rule]:
    """Return the rules of a policy by their prefixes; raise BadSignaturePolicy, which names the table and the key."""
    import tomllib  # noqa: PLC0415 - few pulls have a policy, and it would make all of them start later

    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSignaturePolicy(f"the policy for signatures is not TOML: {error}") from None
    rules: dict[str, Rule] = {}
    for prefix, table in tables.items():
        rule, name = _rule(prefix, table), _canonical(prefix)
        if name in rules:
            raise _fault(f'"{prefix}"', f"one table for {name}, which has another one")
        rules[name] = rule
    return rules


def rule_for(text: str, source: Source, child: Rule | None = None, *, is_required: bool = False) -> Rule:
    """Return the rule of a policy for a source; without a table of its own its `child`'s, or `_default`'s if stricter.

    `is_required` asks for more than the policy does, never for less. Raises BadSignaturePolicy where a signature is
    required and the policy says of nobody that they may sign.
    """
    rules = parse_policy(text) if text else {}
    parts = name_of(source).split("/")
    prefixes = ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
    strictest = max(child or OFF, rules.get(DEFAULT, OFF), key=lambda rule: _STRICTNESS.index(rule.mode))
    found = next((rules[prefix] for prefix in prefixes if prefix in rules), strictest)
    if not is_required or found.mode == "require":
        return found
    if not found.keys and not found.signatories:
        raise BadSignaturePolicy(
            f"{source}: a signature is required, and the policy names no key and no signatory for it"
        )
    return Rule(mode="require", keys=found.keys, signatories=found.signatories, trust_root=found.trust_root)


def name_of(source: Source) -> str:
    """Return the name by which prefixes are compared."""
    if isinstance(source, OciSource):
        return _canonical(f"{source.reference.registry}/{source.reference.repository}")
    if isinstance(source, HubSource):
        return _canonical(f"{_HUB}/{source.repository}")
    if isinstance(source, LayoutSource):
        return "layout/" + str(source.directory).strip("/")
    return f"claim/{source.claim}" if isinstance(source, ClaimSource) else "unknown"


def _canonical(name: str) -> str:
    """Return a name of a source in the form that all have which lead to the same place."""
    registry, slash, rest = name.partition("/")
    host = first_name(_PORT.sub("", registry))
    host = _ALIASES.get(host, host)
    found = _PORT.search(registry)
    port = f":{int(found[1])}" if found and int(found[1]) not in _USUAL_PORTS else ""
    return f"{host}{port}{slash}{rest.lower() if host == _HUB else rest}"


def _rule(prefix: str, table: Any) -> Rule:
    if not _PREFIX.fullmatch(prefix) or not isinstance(table, dict):
        raise _fault(f'"{prefix}"', 'a table under a prefix of sources, in quotes: ["registry.example.com/models"]')
    unknown = set(table) - _KEYS
    if unknown:
        raise _fault(f'"{prefix}".{min(unknown)}', f"one of {', '.join(sorted(_KEYS))}")
    mode = table.get("mode")
    if mode not in get_args(Mode):
        raise _fault(f'"{prefix}".mode', "require, warn or off")
    keys, signatories = table.get("keys", []), table.get("signatories", [])
    if not isinstance(keys, list) or not all(isinstance(key, str) and _PEM.fullmatch(key) for key in keys):
        raise _fault(f'"{prefix}".keys', "a list of public keys in PEM, from BEGIN to END")
    if not isinstance(signatories, list):
        raise _fault(f'"{prefix}".signatories', "a list of tables with issuer, and subject or subject-pattern")
    root = table.get("trust-root", "")
    if not isinstance(root, str):
        raise _fault(f'"{prefix}".trust-root', "the JSON of a Sigstore trust root, as text")
    found = tuple(_signatory(prefix, one) for one in signatories)
    if found and not root:
        raise _fault(f'"{prefix}".trust-root', "the trust root by which the signatories' certificates are judged")
    if mode != "off" and not keys and not found:
        raise _fault(f'"{prefix}".keys', f"a key or a signatory: nobody's signature could be good, and mode is {mode}")
    return Rule(mode=cast("Mode", mode), keys=tuple(keys), signatories=found, trust_root=root)


def _signatory(prefix: str, entry: Any) -> Signatory:
    where = f'"{prefix}".signatories'
    if (
        not isinstance(entry, dict)
        or set(entry) - _SIGNATORY_KEYS
        or not all(isinstance(v, str) for v in entry.values())
    ):
        raise _fault(where, "tables with issuer, and subject or subject-pattern, all of them text")
    subject, pattern = entry.get("subject", ""), entry.get("subject-pattern", "")
    if not entry.get("issuer") or bool(subject) == bool(pattern):
        raise _fault(where, "an issuer, and either a subject or a subject-pattern")
    try:
        re.compile(pattern)
    except re.error as error:
        raise _fault(f"{where}.subject-pattern", f"a regular expression ({error})") from None
    return Signatory(entry["issuer"], subject, pattern)


def _fault(path: str, wanted: str) -> BadSignaturePolicy:
    return BadSignaturePolicy(f"the policy for signatures, {path}: wanted {wanted}")
