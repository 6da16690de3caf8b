"""The kinds that the verbs read, with their places in the API and the names that kubectl knows them by. Pure.

Tests: tests/verbs/test_api.py
"""

from dataclasses import dataclass

from webhook.values.near import Names

from .errors import BadObject

WEBHOOK_PODS = "app.kubernetes.io/name=weighbridge,app.kubernetes.io/component=webhook"
"""The labels of the webhook's pods."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: its group and version, its resource, and whether its objects are in namespaces."""

    name: str
    resource: str
    group: str = ""
    version: str = "v1"
    is_namespaced: bool = True
    short: str = ""

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def permission(self) -> str:
        """The resource as RBAC rules name it, with its group: `deployments.apps`."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of a list, over all namespaces without one, or of an object."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = f"/namespaces/{namespace}" if self.is_namespaced and namespace else ""
        return f"{root}{place}/{self.resource}" + (f"/{name}" if name else "")


POD = Kind("Pod", "pods", short="po")
NAMESPACE = Kind("Namespace", "namespaces", is_namespaced=False, short="ns")
CONFIG_MAP = Kind("ConfigMap", "configmaps", short="cm")
SECRET = Kind("Secret", "secrets")
SERVICE = Kind("Service", "services", short="svc")
SERVICE_ACCOUNT = Kind("ServiceAccount", "serviceaccounts", short="sa")
EVENT = Kind("Event", "events", short="ev")
DEPLOYMENT = Kind("Deployment", "deployments", "apps", short="deploy")
STATEFUL_SET = Kind("StatefulSet", "statefulsets", "apps", short="sts")
DAEMON_SET = Kind("DaemonSet", "daemonsets", "apps", short="ds")
REPLICA_SET = Kind("ReplicaSet", "replicasets", "apps", short="rs")
JOB = Kind("Job", "jobs", "batch")
CRON_JOB = Kind("CronJob", "cronjobs", "batch", short="cj")
ENDPOINT_SLICE = Kind("EndpointSlice", "endpointslices", "discovery.k8s.io")
_RBAC = "rbac.authorization.k8s.io"
ROLE = Kind("Role", "roles", _RBAC)
ROLE_BINDING = Kind("RoleBinding", "rolebindings", _RBAC)
CLUSTER_ROLE = Kind("ClusterRole", "clusterroles", _RBAC, is_namespaced=False)
CLUSTER_ROLE_BINDING = Kind("ClusterRoleBinding", "clusterrolebindings", _RBAC, is_namespaced=False)
DISRUPTION_BUDGET = Kind("PodDisruptionBudget", "poddisruptionbudgets", "policy", short="pdb")
_ADMISSION = "admissionregistration.k8s.io"
CONFIGURATION = Kind("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", _ADMISSION, is_namespaced=False)
POLICY = Kind("ValidatingAdmissionPolicy", "validatingadmissionpolicies", _ADMISSION, is_namespaced=False)
POLICY_BINDING = Kind(
    "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", _ADMISSION, is_namespaced=False
)
ACCESS_REVIEW = Kind("SelfSubjectAccessReview", "selfsubjectaccessreviews", "authorization.k8s.io", is_namespaced=False)

FOLLOWED = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, JOB, CRON_JOB)
"""The kinds whose label the webhook copies to their pods."""

_EXPLAINED = (POD, *FOLLOWED, REPLICA_SET)


def parse_object(text: str) -> tuple[Kind, str]:
    """Parse `deploy/vllm` as kubectl does, in each spelling of the kind; raise BadObject with what was meant."""
    word, slash, name = text.partition("/")
    if not slash or not name or "/" in name:
        raise BadObject(f"{text!r} is no KIND/NAME")
    spellings = {spelling: kind for kind in _EXPLAINED for spelling in _spellings(kind)}
    found = spellings.get(word.lower().partition(".")[0])
    if found is None:
        near = Names(spellings).near(word)
        raise BadObject(f"{text!r}: {word!r} is no kind with pods" + (f"; did you mean {near[0]}?" if near else ""))
    return found, name


def _spellings(kind: Kind) -> tuple[str, ...]:
    return tuple(filter(None, (kind.name.lower(), kind.resource, kind.short)))
