"""What is rendered: BahnVision's own list, and what the keys of a component come to."""

from __future__ import annotations

import base64
import copy
import json
import re
from pathlib import Path

import botocore
import pytest
import yaml
from ansible_collections.bahnvision.aws.plugins.doc_fragments import app_component, app_context
from app_shapes import (
    DIGEST,
    LISTS,
    REGISTRY,
    ROOT,
    bahnvision,
    container_of,
    found,
    job,
    kinds,
    pod_of,
    render,
    schedule,
    web,
    worker,
)

PEM = re.compile("-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----")
ALB = "alb.ingress.kubernetes.io/"


@pytest.fixture(scope="module")
def objects():
    return render()


def test_objects_come_in_the_order_in_which_they_are_applied(objects):
    first = list(dict.fromkeys(kinds(objects)))

    assert first == [
        "Namespace", "ServiceAccount", "NetworkPolicy", "ConfigMap", "Job", "Service", "Deployment",
        "PodDisruptionBudget", "HorizontalPodAutoscaler", "CronJob", "Ingress",
    ]  # fmt: skip


def test_the_namespace_takes_restricted_pods_only_and_waits_for_the_load_balancer(objects):
    labels = objects[0]["metadata"]["labels"]

    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}
    assert labels["pod-security.kubernetes.io/enforce-version"] == "v1.35"
    assert labels["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"


def test_the_backend_runs_by_digest_and_is_replaced_without_a_gap(objects):
    one = found(objects, "Deployment", "bahnvision-backend")
    pod, container = pod_of(one), container_of(one)

    assert container["image"] == f"{REGISTRY}/bahnvision-backend@{DIGEST}"
    assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 20}}}
    assert pod["terminationGracePeriodSeconds"] == 50
    assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] == 150
    assert {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")} == {
        "/api/v1/health"
    }


def test_zones_and_nodes_share_the_pods(objects):
    spread = pod_of(found(objects, "Deployment", "bahnvision-backend"))["topologySpreadConstraints"]

    assert [(one["topologyKey"], one["whenUnsatisfiable"], one["maxSkew"]) for one in spread] == [
        ("topology.kubernetes.io/zone", "ScheduleAnyway", 1), ("kubernetes.io/hostname", "ScheduleAnyway", 1),
    ]  # fmt: skip
    assert all(one["matchLabelKeys"] == ["pod-template-hash"] for one in spread)


def test_the_environment_is_what_the_application_reads(objects):
    container = container_of(found(objects, "Deployment", "bahnvision-backend"))
    own = {one["name"]: one.get("value") for one in container["env"]}
    shared = found(objects, "ConfigMap")["data"]

    assert container["envFrom"] == [{"configMapRef": {"name": "bahnvision-config"}}]
    assert own["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.observability:4317"
    assert (own["OTEL_ENABLED"], own["OTEL_SERVICE_NAME"]) == ("true", "bahnvision-backend")
    assert own["OTEL_SERVICE_VERSION"] == "0123456789ab"
    assert own["OTEL_RESOURCE_ATTRIBUTES"] == "deployment.environment.name=production,service.namespace=bahnvision"
    assert (own["DATABASE_URL"], own["VALKEY_URL"]) == (None, None)
    assert shared["ENVIRONMENT"] == "production"
    assert (shared["PGSSLROOTCERT"], shared["VALKEY_CLUSTER_MODE"]) == ("/etc/ssl/certs/all.pem", "false")
    assert json.loads(shared["CORS_ALLOW_ORIGINS"]) == ["https://www.bahnvision.com"]


def test_secrets_are_named_and_nowhere_told(objects):
    container = container_of(found(objects, "Deployment", "bahnvision-backend"))
    refs = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one]

    assert refs == [{"name": "bahnvision-secrets", "key": key} for key in ("DATABASE_URL", "VALKEY_URL")]
    assert "Secret" not in kinds(objects)


def test_traces_travel_in_the_headers_that_a_component_names():
    own = {"telemetry": {}, "calls": ["telemetry"]}
    container = container_of(found(render([web(**own)]), "Deployment"))
    silent = container_of(found(render([web(**own)], telemetry={"endpoint": ""}), "Deployment"))

    assert {"name": "OTEL_PROPAGATORS", "value": "tracecontext,baggage,xray"} in container["env"]
    assert silent["env"] == [{"name": "OTEL_ENABLED", "value": "false"}]


def test_nginx_may_listen_at_port_80_without_being_root(objects):
    pod = pod_of(found(objects, "Deployment", "bahnvision-frontend"))
    backend = pod_of(found(objects, "Deployment", "bahnvision-backend"))

    assert pod["securityContext"]["sysctls"] == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsNonRoot"]) == (101, True)
    assert [one["mountPath"] for one in pod["containers"][0]["volumeMounts"]] == ["/var/cache/nginx", "/tmp"]
    assert "sysctls" not in backend["securityContext"]


def test_nobody_gets_a_token_of_kubernetes_who_needs_none(objects):
    accounts = [one for one in objects if one["kind"] == "ServiceAccount"]
    pods = [pod_of(one) for one in objects if one["kind"] in ("Deployment", "Job", "CronJob")]
    wanted = found(render([web(kubernetes_token=True, role_arn="arn:aws:iam::1:role/x")]), "ServiceAccount")

    assert {one["automountServiceAccountToken"] for one in [*accounts, *pods]} == {False}
    assert wanted["automountServiceAccountToken"]
    assert wanted["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}


def test_metrics_have_no_way_in(objects):
    rules = found(objects, "Ingress")["spec"]["rules"]
    paths = {rule["host"]: [path["path"] for path in rule["http"]["paths"]] for rule in rules}

    assert paths == {"api.bahnvision.com": ["/api"], "www.bahnvision.com": ["/"]}


def test_a_route_over_everything_answers_private_paths_with_404():
    one = found(
        render([web(metrics={}, private_paths=["/admin"], private_by_rule=True, routes=[{"path": "/"}])]), "Ingress"
    )
    paths = [(path["path"], path["backend"]["service"]) for path in one["spec"]["rules"][0]["http"]["paths"]]
    action = json.loads(one["metadata"]["annotations"][f"{ALB}actions.not-found"])

    assert paths == [
        ("/metrics", {"name": "not-found", "port": {"name": "use-annotation"}}),
        ("/admin", {"name": "not-found", "port": {"name": "use-annotation"}}),
        ("/", {"name": "bahnvision-web", "port": {"number": 8080}}),
    ]
    assert (action["type"], action["fixedResponseConfig"]["statusCode"]) == ("fixed-response", "404")


def test_the_load_balancer_takes_tls_of_today_and_sends_everybody_to_it(objects):
    told = found(objects, "Ingress")["metadata"]["annotations"]

    assert told[f"{ALB}ssl-policy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert json.loads(told[f"{ALB}listen-ports"]) == [{"HTTP": 80}, {"HTTPS": 443}]
    assert (told[f"{ALB}ssl-redirect"], told[f"{ALB}target-type"]) == ("443", "ip")
    assert told[f"{ALB}load-balancer-name"] == "bahnvision-production"
    assert "kubernetes.io/ingress.class" not in told
    assert f"{ALB}actions.not-found" not in told


def test_each_service_tells_the_load_balancer_its_own_health(objects):
    paths = {one["metadata"]["name"]: one["metadata"]["annotations"][f"{ALB}healthcheck-path"]
             for one in objects if one["kind"] == "Service"}  # fmt: skip

    assert paths == {"bahnvision-backend": "/api/v1/health", "bahnvision-frontend": "/health"}


def test_a_host_comes_before_what_would_swallow_it():
    routes = [{"path": "/"}, {"host": "*.example.com"}, {"host": "z.example.com"}, {"host": "a.example.com"}]
    rules = found(render([web(routes=routes)]), "Ingress")["spec"]["rules"]

    assert [rule.get("host") for rule in rules] == ["a.example.com", "z.example.com", "*.example.com", None]


def test_what_the_load_balancer_gets_by_choice():
    told = found(render(*LISTS["rich"][:1], **LISTS["rich"][1]), "Ingress")["metadata"]["annotations"]
    attributes = dict(one.split("=") for one in told[f"{ALB}load-balancer-attributes"].split(","))

    assert told[f"{ALB}wafv2-acl-arn"].endswith("webacl/a/b")
    assert (attributes["access_logs.s3.bucket"], attributes["access_logs.s3.prefix"]) == (
        "logs",
        "bahnvision-production",
    )
    assert (told[f"{ALB}group.name"], told["x.example.com/y"]) == ("shared", "1")
    assert f"{ALB}load-balancer-name" not in told


# Network policies ----------------------------------------------------------------------------------------------------


def rules_of(objects, name):
    spec = found(objects, "NetworkPolicy", name)["spec"]
    return [[(sorted(json.dumps(peer) for peer in rule[key]), [port["port"] for port in rule["ports"]])
             for rule in spec.get(kind, ())] for kind, key in (("ingress", "from"), ("egress", "to"))]  # fmt: skip


def test_nothing_goes_in_or_out_unless_it_is_named(objects):
    assert found(objects, "NetworkPolicy", "bahnvision-deny-all")["spec"] == {
        "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
    }  # fmt: skip
    (into, out) = rules_of(objects, "bahnvision-frontend")
    assert into == [(['{"ipBlock": {"cidr": "10.0.0.0/20"}}'], [80])]
    assert out == []


def test_the_backend_reaches_what_it_calls_and_nothing_else(objects):
    into, out = rules_of(objects, "bahnvision-backend")

    assert [ports for _peers, ports in into] == [[8000], [8000]]
    assert "heatmap" in into[1][0][0]
    assert [ports for _peers, ports in out] == [[5432], [6379], [4317], [443]]


@pytest.mark.parametrize("name", LISTS)
def test_no_policy_lets_anybody_read_the_metadata_of_the_instance(name):
    policies = [one for one in render(LISTS[name][0], **LISTS[name][1]) if one["kind"] == "NetworkPolicy"]
    peers = [peer for one in policies for rule in one["spec"].get("egress", ()) for peer in rule["to"]]
    open_ones = [peer["ipBlock"] for peer in peers if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0"]

    assert all({"169.254.0.0/16", "10.0.0.0/8"} <= set(block["except"]) for block in open_ones)
    assert not [peer for peer in peers if "169.254.169.254" in json.dumps(peer)]


def test_credentials_of_its_own_come_from_the_agent_on_the_node():
    _into, out = rules_of(render([web(calls=["aws"])]), "bahnvision-web")

    assert out[0] == (['{"ipBlock": {"cidr": "169.254.170.23/32"}}'], [80])
    assert "0.0.0.0/0" in out[1][0][0]


def test_one_component_may_call_another():
    objects = render([web(), worker(calls=["web"])])

    assert rules_of(objects, "bahnvision-web")[0][0][1] == [8080]
    assert rules_of(objects, "bahnvision-worker")[1][0][1] == [8080]


# Starting, stopping, changing ----------------------------------------------------------------------------------------


def test_a_staged_application_has_no_pods():
    staged = render(serving=False)

    assert {one["spec"]["replicas"] for one in staged if one["kind"] == "Deployment"} == {0}
    assert found(staged, "CronJob")["spec"]["suspend"] is True
    assert "Job" not in kinds(staged)
    assert "Ingress" in kinds(staged)


def test_the_autoscaler_alone_says_how_many_there_are(objects):
    scaler = found(objects, "HorizontalPodAutoscaler")["spec"]

    assert "replicas" not in found(objects, "Deployment", "bahnvision-backend")["spec"]
    assert found(objects, "Deployment", "bahnvision-frontend")["spec"]["replicas"] == 2
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 6)
    assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300


def test_a_node_can_always_be_drained(objects):
    budgets = [one["spec"] for one in objects if one["kind"] == "PodDisruptionBudget"]

    assert [(one["maxUnavailable"], one["unhealthyPodEvictionPolicy"]) for one in budgets] == [(1, "AlwaysAllow")] * 2


def job_name(**changes):
    return found(render([job(**{"command": ["migrate"], **changes})]), "Job")["metadata"]["name"]


def test_a_job_has_another_name_when_anything_of_it_is_new():
    assert re.fullmatch("bahnvision-schema-[0-9a-f]{10}", job_name())
    assert job_name() == job_name()
    assert len({job_name(), job_name(command=["other"]), job_name(image=f"a/b@{DIGEST}"), job_name(retries=5)}) == 4


def test_a_new_secret_replaces_pods_but_repeats_no_job():
    def look(checksum):
        objects = render([web(secrets=["DATABASE_URL"]), worker(), job(secrets=["DATABASE_URL"])],
                         secrets={"checksum": checksum})  # fmt: skip
        marks = [one["spec"]["template"]["metadata"]["annotations"]["bahnvision.aws/configuration"]
                 for one in objects if one["kind"] == "Deployment"]  # fmt: skip
        return marks, found(objects, "Job")

    (before, same), (after, job_after) = look("1"), look("2")

    assert before[0] != after[0]
    assert before[1] == after[1]
    assert same == job_after


def test_another_setting_replaces_the_pods_that_read_it():
    def marks(value):
        objects = render([web(), web(name="b", config=False)], environment={"A": value})
        return [one["spec"]["template"]["metadata"]["annotations"]["bahnvision.aws/configuration"]
                for one in objects if one["kind"] == "Deployment"]  # fmt: skip

    one, two = marks("1"), marks("2")

    assert one[0] != two[0]
    assert one[1] == two[1]


def test_the_daily_request_needs_python_and_nothing_else(objects):
    one = found(objects, "CronJob")
    command = container_of(one)

    assert (one["spec"]["schedule"], one["spec"]["timeZone"]) == ("0 2 * * *", "Etc/UTC")
    assert one["spec"]["concurrencyPolicy"] == "Forbid"
    assert command["command"][:2] == ["python", "-c"]
    assert command["args"] == ["POST", "http://bahnvision-backend:8000/api/v1/heatmap/aggregate-daily", "900"]


# Volumes, authorities, external secrets -------------------------------------------------------------------------------


def test_a_volume_that_belongs_to_one_node_is_let_go_before_the_next_pod_comes():
    objects = render(LISTS["storage"][0], **LISTS["storage"][1])
    claim, kind = found(objects, "PersistentVolumeClaim"), found(objects, "StorageClass")

    assert found(objects, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert (claim["metadata"]["name"], claim["spec"]["accessModes"]) == ("bahnvision-web-data", ["ReadWriteOnce"])
    assert kind["parameters"] == {"type": "gp3", "encrypted": "true", "kmsKeyId": "arn:aws:kms:eu-central-1:1:key/a"}
    assert kind["volumeBindingMode"] == "WaitForFirstConsumer"


def test_a_job_may_have_a_volume_of_one_node():
    volumes = [{"path": "/data", "type": "claim", "size": "1Gi"}]
    one = found(render([job(volumes=volumes)]), "Job")

    assert pod_of(one)["volumes"][0]["persistentVolumeClaim"] == {"claimName": "bahnvision-schema-data"}


def test_authorities_are_a_file_that_asyncpg_finds():
    objects = render([web(calls=["database"]), worker()], database={"authorities": "PEM", "ca_file": ""})
    caller, other = (one for one in objects if one["kind"] == "Deployment")

    assert found(objects, "ConfigMap", "bahnvision-authorities")["data"] == {"database.pem": "PEM"}
    assert found(objects, "ConfigMap", "bahnvision-config")["data"]["PGSSLROOTCERT"] == "/etc/authorities/database.pem"
    assert {"name": "authorities", "mountPath": "/etc/authorities", "readOnly": True} in container_of(caller)[
        "volumeMounts"
    ]
    assert "authorities" not in json.dumps(other)


def test_a_proxy_has_another_authority_than_an_instance():
    def file(**database):
        objects = render([web(calls=["database"])], database={"ca_file": "", "proxied": True, **database})
        return found(objects, "ConfigMap", "bahnvision-authorities")["data"]["database.pem"]

    known = (Path(botocore.__file__).parent / "cacert.pem").read_text()
    roots = [base64.b64decode(root) for root in PEM.findall(file())]

    assert [re.search(rb"Amazon Root CA \d", root)[0][-1:] for root in roots] == [b"1", b"2", b"3", b"4"]
    assert set(roots) <= {base64.b64decode(root) for root in PEM.findall(known)}
    assert file(authorities="PEM\n").startswith("PEM\n-----BEGIN CERTIFICATE-----\n")
    assert "BEGIN" not in file(authorities="PEM", proxied=False)


def test_external_secrets_composes_the_urls_from_the_secrets_of_aws():
    objects = render(LISTS["external"][0], **LISTS["external"][1])
    secret = found(objects, "ExternalSecret")["spec"]
    login = (
        '{{{{ .{0}_username | urlquery | replace "+" "%20" }}}}:{{{{ .{0}_password | urlquery | replace "+" "%20" }}}}'
    )

    assert secret["target"]["name"] == "bahnvision-secrets"
    assert secret["target"]["template"]["data"] == {
        "DATABASE_URL": f"postgresql+asyncpg://{login.format('database')}@proxy.rds.amazonaws.com:5432/bahnvision"
        "?ssl=verify-full&prepared_statement_cache_size=0",
        "VALKEY_URL": f"rediss://{login.format('cache')}@master.cache.amazonaws.com:6379/0"
        "?ssl_cert_reqs=required&ssl_check_hostname=true&ssl_ca_certs=/etc/authorities/cache.pem",
    }
    assert found(objects, "SecretStore")["spec"]["provider"]["aws"]["auth"] == {
        "jwt": {"serviceAccountRef": {"name": "bahnvision-web"}}
    }


# Overrides ------------------------------------------------------------------------------------------------------------


def test_overrides_merge_by_key_and_by_name_and_null_removes():
    template = {"spec": {"containers": [{"name": "web", "tty": True, "livenessProbe": None}, {"name": "side", "image":
                f"a/b@{DIGEST}"}]}}  # fmt: skip
    over = {"Deployment": {"spec": {"template": template, "revisionHistoryLimit": 1}}}
    one = found(render([web(overrides=over)]), "Deployment")
    first, second = pod_of(one)["containers"]

    assert (first["tty"], "livenessProbe" in first, first["image"]) == (True, False, f"{REGISTRY}/web@{DIGEST}")
    assert second["name"] == "side"
    assert one["spec"]["revisionHistoryLimit"] == 1


def test_what_is_not_enabled_is_not_there():
    assert render([web(), worker(enabled=False), schedule(enabled=False)]) == render([web()])


def test_what_is_given_stays_as_it_was():
    components, changes = copy.deepcopy(LISTS["rich"])
    render(components, **changes)

    assert (components, changes) == LISTS["rich"]


def test_nothing_is_shared_between_objects(objects):
    assert "&id" not in yaml.safe_dump_all(objects)


# What is documented is read ------------------------------------------------------------------------------------------


def keys(options):
    for name, option in options.items():
        yield name
        yield from keys(option.get("suboptions", {}))


def test_every_documented_key_is_read():
    planners = (ROOT / "plugins/module_utils/_application").glob("*.py")
    texts = [path.read_text() for path in planners if path.name not in ("release.py", "surroundings.py")]
    source = "".join(texts).replace("'", '"')
    component = yaml.safe_load(app_component.ModuleDocFragment.DOCUMENTATION)["options"]["_input"]["suboptions"]
    context = yaml.safe_load(app_context.ModuleDocFragment.DOCUMENTATION)["options"]["context"]["suboptions"]
    # Read by a name that is put together.
    composed = {"cpu", "memory", "requests", "limits", "database_secret", "cache_secret", "annotations"}

    assert [key for key in {*keys(component), *keys(context)} - composed if f'["{key}"]' not in source] == []


def test_the_list_of_the_application_fits_its_facts():
    app = bahnvision()

    assert [one["name"] for one in app["app_components"]] == ["backend", "frontend", "heatmap", "schema"]
    assert app["app_components"][0]["resources"] == {
        "requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"},
    }  # fmt: skip
