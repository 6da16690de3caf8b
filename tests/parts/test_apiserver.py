"""Laws of the API server that tests run against."""

from kubernetes import client

from .apiserver import ApiServer


def test_the_api_server_stores_pods_and_audits_their_creation(api_server: ApiServer) -> None:
    """A pod is created without any controller, and the audit log has it by the time the answer is here."""
    container = {"name": "app", "image": "registry.example/app:1"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain"}, "spec": {"containers": [container]}}

    namespace = api_server.objects().namespace("parts", {})
    namespace.create(pod)

    stored = namespace.read("v1", "Pod", "plain")
    assert stored["spec"]["containers"][0]["name"] == "app"
    (event,) = api_server.audited("create", namespace.name, "plain")
    assert event["responseObject"]["metadata"]["name"] == "plain"


def test_the_guest_may_do_nothing_that_was_not_granted(api_server: ApiServer) -> None:
    """RBAC decides, so that what the manifests grant can be seen."""
    review = client.AuthorizationV1Api(api_server.client(api_server.guest_token))
    wish = client.V1ResourceAttributes(verb="list", resource="pods", namespace="default")
    spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=wish)
    answer = review.create_self_subject_access_review(client.V1SelfSubjectAccessReview(spec=spec))

    assert answer.status is not None
    assert not answer.status.allowed
