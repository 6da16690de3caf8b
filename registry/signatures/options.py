"""The options of verbs that judge signatures, and the policy that they make.

Tests: tests/registry/signatures/test_policy.py
"""

import argparse
import json
from pathlib import Path

from .errors import BadSignaturePolicy
from .policy import DEFAULT


def add_signature_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say whose signature is wanted."""
    group = parser.add_argument_group("signatures, judged before any weight is fetched (docs/signatures.md)")
    group.add_argument(
        "--require-signature", action="store_true", help="fail unless the artifact is signed by one of these"
    )
    group.add_argument("--key", action="append", default=[], metavar="PEM", help="a public key; may be given again")
    group.add_argument(
        "--identity", default="", metavar="SUBJECT", help="who a certificate names: an e-mail address, or a URL"
    )
    group.add_argument("--issuer", default="", metavar="URL", help="who vouched for that identity")
    group.add_argument(
        "--trust-root", default="", metavar="JSON", help="the Sigstore trust root by which certificates are judged"
    )


def policy_from(arguments: argparse.Namespace) -> str:
    """Return the policy that the options make, for any source; empty where they ask for nothing.

    Raises BadSignaturePolicy for options that miss another, and for files that cannot be read.
    """
    has_signatory = bool(arguments.identity or arguments.issuer)
    if has_signatory and not (arguments.identity and arguments.issuer and arguments.trust_root):
        raise _missing("--identity, --issuer and --trust-root are one: the second vouches for the first, by the third")
    if not arguments.key and not has_signatory:
        if arguments.require_signature:
            raise _missing("--require-signature needs --key, or --identity with --issuer and --trust-root")
        return ""
    parts = ['mode = "require"', f"keys = {json.dumps([_read(file) for file in arguments.key])}"]
    if has_signatory:
        who = f"{{issuer = {json.dumps(arguments.issuer)}, subject = {json.dumps(arguments.identity)}}}"
        parts += [f"signatories = [{who}]", f"trust-root = {json.dumps(_read(arguments.trust_root))}"]
    return f"{DEFAULT} = {{{', '.join(parts)}}}"


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadSignaturePolicy(
            f"{file}: cannot be read ({why})", hint="name a file with a public key in PEM"
        ) from None


def _missing(text: str) -> BadSignaturePolicy:
    fault = BadSignaturePolicy(text, hint="name --key FILE, or --identity SUBJECT --issuer URL --trust-root FILE")
    fault.exit_code = 2
    return fault
