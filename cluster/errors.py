"""What can go wrong between a verb and the API server, each failure with its code and its hint.

registry.errors.Fault
├── NoClient         cluster.no-client      the package `kubernetes` is not installed
├── NoKubeconfig     cluster.no-kubeconfig  no way to a cluster: no kubeconfig, no such context, no pod
├── Unreachable      cluster.unreachable    an API server that does not answer, or is not trusted (temporary)
├── TimedOut         cluster.timeout        an API server that takes too long (temporary)
├── LoggedOut        cluster.unauthorized   credentials that the API server does not accept
├── Forbidden        cluster.forbidden      a permission that the user does not have
├── Absent           cluster.not-found      an object that does not exist
├── Conflict         cluster.conflict       fields that another field manager owns
├── Rejected         cluster.rejected       an object that the API server, or a webhook of it, does not accept
├── ServerFailed     cluster.failed         an API server that failed (temporary)
└── BadObject        cluster.object         text that names no object, or one without pods

Tests: tests/verbs/test_api.py
"""

from registry.errors import Fault


class NoClient(Fault):
    """The package `kubernetes` is not installed."""

    code = "cluster.no-client"
    hint = "pip install 'weighbridge[cluster]', or `pip install kubernetes` beside the command"


class NoKubeconfig(Fault):
    """No way to a cluster: no kubeconfig, no such context, and no pod."""

    code = "cluster.no-kubeconfig"
    hint = "name one with --kubeconfig FILE or KUBECONFIG; `kubectl config get-contexts` lists its contexts"


class Unreachable(Fault):
    """The API server does not answer, or its certificate is not trusted."""

    code = "cluster.unreachable"
    temporary = True
    hint = "see whether `kubectl version` reaches it: the VPN, the proxy, the context"


class TimedOut(Fault):
    """The API server took too long to answer."""

    code = "cluster.timeout"
    temporary = True
    hint = "run it again, or with a longer --request-timeout"


class LoggedOut(Fault):
    """The API server does not accept the credentials in the kubeconfig."""

    code = "cluster.unauthorized"
    hint = "log in to the cluster again, as for kubectl"


class Forbidden(Fault):
    """A permission that the user does not have."""

    code = "cluster.forbidden"
    hint = "ask for a Role or ClusterRole with that verb on that resource"


class Absent(Fault):
    """An object that does not exist."""

    code = "cluster.not-found"
    hint = "check the name, the namespace (-n) and the context (--context)"


class Conflict(Fault):
    """Fields that another field manager owns."""

    code = "cluster.conflict"
    hint = "change it with the tool that owns the field, or add --force to take it over"


class Rejected(Fault):
    """An object that the API server, or an admission webhook, does not accept."""

    code = "cluster.rejected"
    hint = "read the API server's own words above"


class ServerFailed(Fault):
    """The API server failed to answer."""

    code = "cluster.failed"
    temporary = True
    hint = "run it again; if it stays so, look at the API server's log"


class BadObject(Fault):
    """Text that names no object, or an object without pods."""

    code = "cluster.object"
    exit_code = 2
    hint = "write it as pod/NAME, deployment/NAME, statefulset/NAME, daemonset/NAME, job/NAME or cronjob/NAME"
