"""`weighbridge check` against a real API server: an install that works, and thirty that do not."""

import datetime as dt
import json
from pathlib import Path

import pytest

import weighbridge
from cluster.api import Server
from cluster.check.check import judge
from cluster.check.finding import CHECKS, Finding, bad, good, to_text, warn
from cluster.check.reading import Reading
from cluster.check.server import of_server
from cluster.check.shipped import SHIPPED, expressions
from cluster.errors import Absent, Forbidden, ServerFailed, TimedOut
from registry.errors import Fault
from tests.conftest import Part
from tests.deploy.rendered import render
from tests.parts.process import poll

from .conftest import Install
from .sabotage import SABOTAGES, Sabotage

_SEEN_SECONDS = 20


def checked(install: Install, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, str]]:
    """Return what the verb prints as JSON."""
    code = install.run("check", "-o", "json", *arguments)
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert said.err == ""
    assert found["ok"] is (code == 0)
    assert found["server"] == install.server.url
    checks: list[dict[str, str]] = found["checks"]
    return checks


def line_of(sabotage: Sabotage, found: list[dict[str, str]]) -> dict[str, str] | None:
    """Return the line that speaks of what was broken: the API server calls changed webhooks a moment later."""
    lines = (one for one in found if one["check"] == sabotage.check)
    return next((one for one in lines if sabotage.words in one["text"]), None)


def test_an_install_that_works_has_a_good_line_for_each_thing(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every check of an install is there, once, in the groups' order, and none complains."""
    found = checked(install, capsys)
    assert [one for one in found if one["result"] != "ok"] == []
    wanted = [name for name, check in CHECKS.items() if check.group != "permissions"]
    assert [one["check"] for one in found] == wanted


def test_people_read_signs_and_groups(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """As `linkerd check` prints them; offline no registry is asked, and no line speaks of it."""
    assert install.run("check", "--offline") == 0
    said = capsys.readouterr().out
    assert said.startswith("kubernetes\n----------\n√ the API server is Kubernetes v1.")
    assert "√ a labelled pod in team comes back with its model" in said
    assert "registries have" not in said


@pytest.mark.parametrize("name", SABOTAGES)
def test_what_is_broken_has_its_own_line_and_hint(
    name: str, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its mark, its words, and what to do; what only needs a look fails nothing."""
    sabotage: Sabotage = SABOTAGES[name]
    with sabotage.broken(install):
        line = poll(lambda: line_of(sabotage, checked(install, capsys)), _SEEN_SECONDS)
    assert line is not None
    assert line["result"] == sabotage.mark
    assert sabotage.hint in line["hint"]
    assert line["link"] == f"docs/operate.md#{sabotage.check}"


def test_before_an_install_permissions_are_asked_for(
    install: Install, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An administrator may do all of it, and is told of a former install; a guest is told what is lacking."""
    found = {one["check"]: one for one in checked(install, capsys, "--pre")}
    assert found["may-install"]["result"] == "ok"
    assert found["not-installed"]["result"] == "warning"
    guest = tmp_path / "kubeconfig"
    guest.write_text(
        install.server.kubeconfig.read_text().replace(install.server.admin_token, install.server.guest_token)
    )
    assert weighbridge.main(["check", "--pre", "--kubeconfig", str(guest)]) == 1
    said = capsys.readouterr().out
    assert "× you may not create mutatingwebhookconfigurations.admissionregistration.k8s.io" in said  # noqa: RUF001
    assert "× you may not patch deployments.apps in the namespace weighbridge-system" in said  # noqa: RUF001
    assert "nothing is installed yet" not in said
    assert "‼ not checked: get mutatingwebhookconfigurations" in said


def test_what_a_user_may_not_read_is_not_judged(
    install: Install, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A guest sees which permission each line needs, and none that would be a guess."""
    guest = tmp_path / "kubeconfig"
    guest.write_text(
        install.server.kubeconfig.read_text().replace(install.server.admin_token, install.server.guest_token)
    )
    assert weighbridge.main(["check", "--kubeconfig", str(guest), "-o", "json", "--offline"]) == 0
    found = json.loads(capsys.readouterr().out)["checks"]
    line = next(one for one in found if one["check"] == "secret")
    assert line["result"] == "warning"
    assert "not checked: get secrets/weighbridge-tls in the namespace weighbridge-system" in line["text"]
    assert "ask for a Role or ClusterRole that lets you get secrets/weighbridge-tls" in line["hint"]


def read_by(error: type[Fault]) -> Reading:
    """Return what is read where every question but the version's ends alike."""
    fault = error("why")
    return Reading(
        now=dt.datetime.now(dt.UTC),
        system_namespace="weighbridge-system",
        server=Server("v1.34.0", 0),
        namespaces=fault,
        deployment=fault,
        webhook_pods=fault,
        endpoint_slices=fault,
        settings_map=fault,
        catalog_map=fault,
        configuration=fault,
        policy=fault,
        policy_binding=fault,
        secret=fault,
        pods=fault,
        workloads=fault,
    )


@pytest.mark.parametrize("error", [Forbidden, TimedOut, ServerFailed, Absent])
def test_what_could_not_be_read_is_never_called_good(error: type[Fault]) -> None:
    """Nor wrong, unless it is known not to be there."""
    found = [one for one in judge(read_by(error)) if one.group != "kubernetes"]
    assert {one.check for one in found if one.mark == "ok"} <= ({"policy"} if error is Absent else set())
    if error is not Absent:
        assert {one.mark for one in found} == {"warning"}
    assert len({one.check for one in found}) == len(found)


@pytest.mark.parametrize(
    ("server", "marks"),
    [
        (Server("v1.34.4", 0), ("ok", "ok")),
        (Server("v1.30.0-gke.1", -3), ("ok", "ok")),
        (Server("v1.29.9+k3s1", 0), ("error", "ok")),
        (Server("v2.0", 61), ("ok", "warning")),
        (Server("", -3600), ("warning", "warning")),
    ],
)
def test_old_servers_and_odd_clocks_are_told(server: Server, marks: tuple[str, str]) -> None:
    """Native sidecars and the sleep of preStop need 1.30; certificates need a clock."""
    assert tuple(finding.mark for finding in of_server(server)) == marks


def test_the_shipped_webhooks_are_those_of_the_manifests(part: Part) -> None:
    """What `check` compares with is what deploy/ installs."""
    (configuration,) = [one for one in render(part("kubectl")) if one["kind"] == "MutatingWebhookConfiguration"]
    assert {one["name"] for one in configuration["webhooks"]} == set(SHIPPED)
    for one in configuration["webhooks"]:
        shipped = SHIPPED[one["name"]]
        assert one["failurePolicy"] == shipped.failure_policy
        assert shipped.namespaces <= expressions(one.get("namespaceSelector"))
        assert shipped.objects == expressions(one.get("objectSelector"))
        assert shipped.conditions == {condition["name"] for condition in one.get("matchConditions", [])}
        assert shipped.resources <= {resource for rule in one["rules"] for resource in rule["resources"]}


def test_a_terminal_without_the_signs_gets_letters() -> None:
    """Nothing is lost in a code page."""
    findings = [good("pods", "a"), warn("pods", "b"), bad("pods", "c", "do d"), Finding("catalog", "ok", "e")]
    assert to_text(findings, "latin-1").splitlines() == [
        "install",
        "-------",
        "ok a",
        "!! b",
        f"    {CHECKS['pods'].hint}",
        "    see docs/operate.md#pods",
        "xx c",
        "    do d",
        "    see docs/operate.md#pods",
        "",
        "catalog",
        "-------",
        "ok e",
    ]


def test_an_api_server_that_is_not_there_ends_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is guessed without one."""
    config = tmp_path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    text = {"clusters": [cluster], "contexts": [context], "users": [], "current-context": "c"}
    config.write_text(json.dumps(text))
    assert weighbridge.main(["check", "--kubeconfig", str(config)]) == 1
    assert "[cluster.unreachable]" in capsys.readouterr().err
