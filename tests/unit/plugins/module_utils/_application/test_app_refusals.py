"""What is refused before anything is applied, with words that say what to do."""

from __future__ import annotations

import hashlib

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.bahnvision.aws.plugins.filter.app_manifests import app_manifests
from app_shapes import RESOURCES, context, job, render, schedule, web, worker

SECRET = "pAssw0rd-of-the-database"
HASH = hashlib.sha256(SECRET.encode()).hexdigest()
CLAIM = [{"path": "/data", "type": "claim", "size": "1Gi"}]


def refusal(components, **changes):
    with pytest.raises(AnsibleFilterError) as caught:
        render(components, **changes)
    return str(caught.value)


def sized(kind, **amounts):
    return {"resources": {**RESOURCES, kind: {**RESOURCES[kind], **amounts}}}


COMPONENTS = [
    ([web(imagee="x")], "knows no imagee; is image meant?"),
    ([web(health={"path": "/", "perod_seconds": 1})], "health knows no perod_seconds; is period_seconds meant?"),
    ([web(port="http")], "component web: "),
    ([{"name": "web"}], "missing required arguments: image, resources"),
    (["web"], "component 0 must be a dictionary, not str"),
    ([web(), web()], "2 components are named web"),
    ([web(name="Web")], "lower-case letters"),
    ([web(name="database")], "stands for something else in calls"),
    ([web(name="w" * 60)], "Kubernetes takes 63"),
    ([schedule(name="s" * 50)], "Kubernetes takes 52"),
    ([job(name="j" * 50)], "Kubernetes takes 52"),
    ([web(image="unknown")], "context.images"),
    ([web(image="nginx:latest")], "nginx:latest names its image by a tag"),
    ([web(image="registry.example.com/Web@sha256:" + "0" * 64)], "is no reference to an image"),
    ([web(image="registry.example.com/web@sha256:abc")], "is no reference to an image"),
    ([web(port=None)], "needs a port"),
    ([web(port=70000)], "70000 is no port"),
    ([web(health=None)], "needs health.path"),
    ([web(health={"command": ["true"]})], "needs health.path"),
    ([web(health={"path": "ok"})], "must begin with /"),
    ([web(health={"path": "/", "failures": 0})], "health.failures must be 1 or more"),
    ([worker(health={"path": "/"})], "take health.command"),
    ([worker(routes=[{"path": "/"}])], "routes is for the type web"),
    ([worker(port=80)], "port is for the type web"),
    ([schedule(health={"command": ["true"]})], "health has no meaning for the type schedule"),
    ([schedule(schedule="0 2 * *")], "takes five fields"),
    ([schedule(schedule="0 25 * * *")], "'25' is no hour"),
    ([schedule(schedule="*/0 * * * *")], "'*/0' is no minute"),
    ([schedule(schedule="0 0 0 * *")], "'0' is no day of the month"),
    ([schedule(schedule="0 0 * * fri-mon")], "'fri-mon' is no day of the week"),
    ([schedule(time_zone="UTC+1 h")], "is no time zone"),
    ([schedule(request={"component": "web", "path": "/"})], "request.component web is no component"),
    ([web(), schedule(request={"component": "web", "path": "x"})], "request.path 'x' must begin with /"),
    ([web(), schedule(request={"component": "web", "path": "/"}, command=["a"])], "exclude each other"),
    ([web(schedule="0 2 * * *")], "schedule and request are for the type schedule"),
    ([web(**sized("requests", cpu="200m"), replicas=0)], "replicas must be 1 or more"),
    ([web(**sized("requests", memory="256Mi"))], "asks for more memory (256Mi) than it may use (128Mi)"),
    ([web(**sized("limits", cpu="0.05"))], "asks for more cpu (100m) than it may use (0.05)"),
    ([web(**sized("limits", memory="128mb"))], "'128mb' is no amount"),
    ([web(**sized("limits", disk="1Gi"))], "not disk"),
    ([web(resources={"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {}})], "limits.memory is missing"),
    ([web(autoscaling={"min": 3, "max": 2})], "1 <= min <= max"),
    ([web(autoscaling={"max": 2, "cpu": 0})], "needs cpu or memory"),
    ([web(disruption="0")], "0 lets no node be drained"),
    ([web(disruption="0%")], "0 lets no node be drained"),
    ([job(autoscaling={"max": 2})], "autoscaling has no meaning for the type job"),
    ([web(calls=["databse"])], "is database meant?"),
    ([web(calls=["worker"]), worker()], "neither a component of the type web"),
    ([web(telemetry={})], "add telemetry to its calls"),
    ([web(metrics={}, routes=[{"path": "/metrics"}])], "would lay /metrics open"),
    ([web(metrics={}, routes=[{"path": "/metrics/x"}])], "would lay /metrics open"),
    ([web(metrics={}, routes=[{"path": "/metrics/", "match": "Exact"}])], "would lay /metrics open"),
    ([web(private_paths=["/admin"], routes=[{"path": "/admin/x"}])], "would lay /admin open"),
    ([web(private_paths=["admin"])], "private path 'admin' must begin with /"),
    ([web(metrics={}, routes=[{"path": "/"}])], "can be walked round (/%6detrics is /metrics)"),
    (
        [web(metrics={}, private_by_rule=True, routes=[{}]), web(name="b", routes=[{"path": "/metrics"}])],
        "is a private path of web",
    ),
    ([web(routes=[{"path": "/a"}]), web(name="b", routes=[{"path": "/a/"}])], "2 routes lead to */a (Prefix)"),
    ([web(routes=[{"path": "/a/*"}])], "hold neither *"),
    ([web(routes=[{"path": "/a//b"}])], "hold neither *"),
    ([web(routes=[{"path": "a"}])], "must begin with /"),
    ([web(routes=[{"host": "no_host"}])], "is no host name"),
    ([web(volumes=CLAIM)], "set replicas to 1 without autoscaling"),
    ([web(replicas=1, autoscaling={"max": 2}, volumes=CLAIM)], "set replicas to 1 without autoscaling"),
    ([web(volumes=[{"path": "data", "size": "1Gi"}])], "is no directory"),
    ([web(volumes=[{"path": "/a/b", "size": "1Gi"}, {"path": "/a-b", "size": "1Gi"}])], "name or the place of another"),
    ([web(volumes=[{"path": "/.tmp", "size": "1Gi"}])], "volume /.tmp would have the name"),
    ([web(volumes=[{"path": "/etc/authorities", "size": "1Gi"}])], "volume /etc/authorities would have"),
    ([web(volumes=[{"path": "/data", "size": "much"}])], "'much' is no size"),
    ([web(environment={"a b": 1})], "is no name of an environment variable"),
    ([web(environment={"DATABASE_URL": "x"})], "name it in secrets instead"),
    ([web(secrets=["OTHER"])], "there is no secret OTHER"),
    ([web(secrets=["VALKEY_URL", "VALKEY_URL"])], "is named twice"),
    ([web(user=0)], "does not fit Pod Security restricted"),
    ([web(overrides={"CronJob": {}})], "not CronJob"),
    ([web(overrides={"Deployment": {"metadata": {"name": "x"}}})], "overrides.Deployment.metadata.name"),
    ([web(overrides={"Deployment": {"spec": {"selector": {}}}})], "overrides.Deployment.spec.selector"),
    ([web(environment={"API_TOKEN": "abcdef"})], "API_TOKEN holds what looks like a secret by its name"),
    ([web(environment={"db_password": "abcdef"})], "db_password holds what looks like a secret by its name"),
    ([web(environment={"BROKER": "amqp://u:p@host/"})], "BROKER holds a URL with a password"),
    ([web(environment={"CERT": "-----BEGIN RSA PRIVATE KEY-----"})], "CERT holds a private key"),
    ([web(args=["--key=AKIAIOSFODNN7EXAMPLE"])], "args holds an AWS access key"),
    (
        [web(overrides={"Deployment": {"spec": {"template": {"spec": {"initContainers": [
            {"name": "a", "image": "busybox"}]}}}}})],
        "busybox names its image by a tag",
    ),
]  # fmt: skip
CONTEXTS = [
    ({"apps": 1}, "context knows no apps; is app meant?"),
    ({"kubernetes_version": "1.35.2"}, "is no minor version"),
    ({"kubernetes_version": "1.28"}, "1.28 is too old"),
    ({"database": {"host": ""}}, "web calls the database, and there is none"),
    ({"app": "1a"}, "must begin with a letter"),
    ({"app": "A"}, "context.app 'A' is no name"),
    ({"stage": "s" * 60}, "too long for a label"),
    ({"labels": {"a": "b c"}}, "is no label"),
    ({"environment": {"DATABASE_URL": "x"}}, "has no place in a ConfigMap"),
    ({"environment": {"SMTP_PASSWORD": "abc"}}, "ConfigMap bahnvision-config: SMTP_PASSWORD holds"),
    ({"database": {"cidrs": ["10.0.0.1/8"]}}, "context.database.cidrs: 10.0.0.1/8 has host bits set"),
    ({"database": {"cidrs": []}}, "context.database.cidrs is empty"),
    ({"cache": {"cidrs": []}}, "context.cache.cidrs is empty"),
    ({"database": {"ca_file": ""}}, "verify-full needs the authorities"),
    ({"telemetry": {"endpoint": "collector"}}, "is no address such as http://collector:4317"),
    ({"telemetry": {"namespace": ""}}, "or no trace arrives"),
    ({"ingress": {"cidrs": []}}, "the load balancer's subnets"),
    ({"ingress": {"certificate_arns": []}}, "name a certificate"),
    ({"ingress": {"certificate_arns": ["x"]}}, "is no ARN of a certificate"),
    ({"ingress": {"waf_arn": "arn:aws:wafv2:us-east-1:1:global/webacl/a/b"}}, "load balancers take no global one"),
    ({"ingress": {"load_balancer_name": "l" * 33}}, "up to 32 characters"),
    ({"ingress": {"tags": {"a": "b,c"}}}, "would be cut at its comma"),
    ({"secrets": {"source": "external"}}, "context.secrets.region is missing"),
    ({"secrets": {"source": "external", "region": "r", "keys": ["OTHER"]}}, "nobody knows how"),
    ({"secrets": {"source": "external", "region": "r"}}, "context.secrets.database_secret"),
]  # fmt: skip


@pytest.mark.parametrize(("components", "told"), COMPONENTS, ids=[told for _components, told in COMPONENTS])
def test_a_component_is_refused(components, told):
    assert told in refusal(components)


@pytest.mark.parametrize(("changes", "told"), CONTEXTS, ids=[told for _changes, told in CONTEXTS])
def test_a_context_is_refused(changes, told):
    everything = web(calls=["database", "cache", "telemetry"], telemetry={}, routes=[{"path": "/"}])
    assert told in refusal([everything], **changes)


def test_all_that_is_wrong_is_told_at_once():
    wrong = [web(imagee="x", port=70000), worker(calls=["nobody"])]
    told = refusal(wrong, kubernetes_version="new", apps=1)

    for part in ("imagee", "70000", "nobody", "minor version", "apps"):
        assert part in told


@pytest.mark.parametrize("given", [{}, "text", None])
def test_components_must_be_a_list(given):
    with pytest.raises(AnsibleFilterError, match="the components must be a list"):
        app_manifests(given, context())


@pytest.mark.parametrize(
    "change",
    [{"environment": {"HARMLESS": SECRET}}, {"args": [f"--login=me:{SECRET}"]},
     {"overrides": {"Service": {"metadata": {"annotations": {"x": SECRET}}}}}],
)  # fmt: skip
def test_a_known_secret_is_found_wherever_it_stands_and_not_repeated(change):
    told = refusal([web(**change)], secrets={"hashes": [HASH]})

    assert "holds the value of a secret" in told
    assert SECRET not in told


def test_what_looks_like_a_secret_is_not_repeated():
    assert "topsecret" not in refusal([web(environment={"API_TOKEN": "topsecret", "A": "x://u:topsecret@h"})])


@pytest.mark.parametrize(
    "variables",
    [{"TOKEN_TTL_SECONDS": 30, "SECRET_NAME": "x", "PASSWORD_FILE": "/run/x", "TOKENS_ENABLED": True},
     {"URL": "https://host/path", "MAIL": "me@example.com", "TIME": "a:b@c"}, {"MAX_TOKENS": "4096"}],
)  # fmt: skip
def test_what_only_tells_of_a_secret_is_none(variables):
    render([web(environment=variables)])


def test_a_tag_is_allowed_where_the_stage_allows_it():
    objects = render([web(image="web"), web(name="b", image="registry.example.com/b:1")],
                     images={"web": "1.2"}, mutable_images=True)  # fmt: skip
    pods = [one["spec"]["template"]["spec"]["containers"][0] for one in objects if one["kind"] == "Deployment"]

    assert [(pod["image"].rpartition("/")[2], pod["imagePullPolicy"]) for pod in pods] == [
        ("web:1.2", "Always"), ("b:1", "Always"),
    ]  # fmt: skip


@pytest.mark.parametrize("fine", ["@daily", "*/5 1-3,7 * JAN-mar MON", "0 0 1,15 * 0", "0 2 * * ?"])
def test_schedules_of_cron_are_taken(fine):
    render([schedule(schedule=fine)])
