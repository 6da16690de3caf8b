"""One line of `check`: a mark, what was found, and what to do about it. `CHECKS` has them all.

Tests: tests/verbs/test_check.py
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from registry.errors import Fault
from registry.printable import printable

Mark = Literal["ok", "warning", "error"]
_SIGNS: dict[Mark, str] = {"ok": "√", "warning": "‼", "error": "×"}  # noqa: RUF001 - the sign of linkerd check
_ASCII: dict[Mark, str] = {"ok": "ok", "warning": "!!", "error": "xx"}
_WORDS = 600
_LINE = 2000
PAGE = "docs/operate.md"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so: its group, what it is, and what to do where it is not."""

    group: str
    what: str
    hint: str


_SYSTEM = "kubectl -n weighbridge-system"
CHECKS: dict[str, Check] = {
    "server-version": Check(
        "kubernetes", "the API server is Kubernetes 1.30 or newer", "upgrade the cluster, or use a release for it"
    ),
    "server-clock": Check(
        "kubernetes",
        "this machine's clock and the API server's agree to a minute",
        "set the clock by NTP: certificates are judged by it",
    ),
    "may-install": Check(
        "permissions", "you may create what the manifests hold", "install as somebody with the role cluster-admin"
    ),
    "not-installed": Check(
        "permissions",
        "nothing is installed yet",
        "that is an upgrade, which the same command does; `weighbridge check` judges what is there",
    ),
    "namespace": Check(
        "install",
        "the namespace of the install exists",
        "kubectl apply --server-side -k deploy/ (or --system-namespace)",
    ),
    "deployment": Check(
        "install",
        "the Deployment weighbridge-webhook has all its replicas",
        f"{_SYSTEM} describe deployment weighbridge-webhook",
    ),
    "pods": Check(
        "install",
        "its image is pulled and its containers run",
        f"{_SYSTEM} logs deployment/weighbridge-webhook --previous",
    ),
    "endpoints": Check(
        "install",
        "the Service weighbridge-webhook leads to ready pods",
        f"{_SYSTEM} get pods: without a ready one labelled pods are refused",
    ),
    "settings": Check(
        "install",
        "the ConfigMap weighbridge-config can be read as settings",
        f"mend it, then {_SYSTEM} rollout restart deployment weighbridge-webhook",
    ),
    "configuration": Check(
        "admission",
        "the MutatingWebhookConfiguration admission.weighbridge.dev exists",
        "kubectl apply --server-side -k deploy/: without it labelled pods start without their model",
    ),
    "webhooks": Check(
        "admission", "it has all of its webhooks", "kubectl apply --server-side -k deploy/ --force-conflicts"
    ),
    "failure-policy": Check(
        "admission",
        "labelled pods wait for the webhook, and all else does not",
        "kubectl apply --server-side -k deploy/ --force-conflicts",
    ),
    "selectors": Check(
        "admission",
        "its webhooks see what they should, and nothing else",
        "kubectl apply --server-side -k deploy/ --force-conflicts",
    ),
    "ca-bundle": Check(
        "admission",
        "the API server trusts the certificate that is served",
        "built-in certificates write it within a minute (the webhook's log says why not); with your own: "
        "weighbridge certs rotate; with cert-manager look at its ca-injector",
    ),
    "policy": Check(
        "admission",
        "a policy of the API server refuses labelled pods that no webhook saw (optional)",
        "add components: [deploy/components/policy]",
    ),
    "secret": Check(
        "certificate",
        "the Secret weighbridge-tls holds a certificate, its key and its CA",
        "delete it, and a replica with built-in certificates makes another; with your own: weighbridge certs init",
    ),
    "certificate-names": Check(
        "certificate",
        "the certificate is for the name by which the API server calls",
        "WEIGHBRIDGE_CERTIFICATE_NAMES adds names; with your own: weighbridge certs init --dns-name NAME",
    ),
    "certificate-days": Check(
        "certificate",
        "the certificate and its CA are valid for two weeks and more",
        "built-in certificates are renewed at two thirds of their life: the webhook's log says why not; else "
        "weighbridge certs rotate",
    ),
    "catalog": Check(
        "catalog", "every entry of the catalog can be read", "weighbridge catalog add NAME SOURCE replaces it"
    ),
    "sources": Check(
        "catalog",
        "every entry's registry has its artifact (asked from here, without credentials)",
        "push the model, or mend the entry: weighbridge catalog add NAME SOURCE",
    ),
    "namespaces": Check(
        "models", "some namespace has opted in", "kubectl label namespace NAMESPACE weighbridge.dev/injection=enabled"
    ),
    "dry-run": Check(
        "models",
        "a labelled pod comes back from the API server with its model",
        "docs/troubleshooting.md has each of the API server's messages",
    ),
    "labelled-pods": Check(
        "models",
        "every labelled pod in a namespace that has opted in has its model",
        "kubectl rollout restart their workloads: they were made before their namespace opted in, or without a webhook",
    ),
    "labels": Check(
        "models",
        "no label stands where it does nothing",
        "kubectl label namespace NAMESPACE weighbridge.dev/injection=enabled, or take the label off",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A line: which check, its mark, what was found, and what to do, which is the check's own hint if it is empty."""

    check: str
    mark: Mark
    text: str
    own_hint: str = ""
    is_checked: bool = True

    @property
    def group(self) -> str:
        """The group of its check."""
        return CHECKS[self.check].group

    @property
    def hint(self) -> str:
        """What to do about it; empty where all is well."""
        return "" if self.mark == "ok" else self.own_hint or CHECKS[self.check].hint

    @property
    def link(self) -> str:
        """The place in the documentation that says more."""
        return f"{PAGE}#{self.check}"

    def to_raw(self) -> dict[str, Any]:
        """Return the finding as JSON has it."""
        told = {"hint": self.hint, "link": self.link} if self.hint else {}
        return {"group": self.group, "check": self.check, "result": self.mark, "text": self.text} | told


def good(check: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check, "ok", text)


def warn(check: str, text: str, hint: str = "") -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(check, "warning", text, hint)


def bad(check: str, text: str, hint: str = "") -> Finding:
    """Return a finding that something does not work."""
    return Finding(check, "error", text, hint)


def unread(check: str, fault: Fault) -> Finding:
    """Return a finding that something could not be looked at."""
    return Finding(check, "warning", f"not checked: {printable(str(fault), _WORDS)}", fault.hint, is_checked=False)


def to_text(findings: Iterable[Finding], encoding: str = "utf-8") -> str:
    """Return the lines for people, by groups, escaped, in signs that the terminal's encoding has."""
    signs = _SIGNS if encoding.lower().replace("-", "").startswith("utf") else _ASCII
    lines: list[str] = []
    for group, members in groupby(findings, key=lambda finding: finding.group):
        lines += [*([""] if lines else []), group, "-" * len(group)]
        for finding in members:
            lines.append(f"{signs[finding.mark]} {printable(finding.text, _LINE)}")
            lines += [f"    {finding.hint}", f"    see {finding.link}"] if finding.hint else []
    return "\n".join(lines)
