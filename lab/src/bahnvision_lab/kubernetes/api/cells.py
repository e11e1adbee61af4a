"""What stands in the cells of tables, as kubectl's users know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bahnvision_lab.kubernetes.clock import now, parsed

Object = dict[str, Any]
NONE, UNKNOWN = "<none>", "<unknown>"
ACCESS = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def ago(moment: str | None) -> str:
    if not moment:
        return UNKNOWN
    return span(int((now() - parsed(moment)).total_seconds()))


def span(seconds: int) -> str:
    """A duration as kubectl has it: the longer, the less exact."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    steps = (
        (seconds < 120, f"{seconds}s"), (minutes < 10, f"{minutes}m" + rest(seconds % 60, "s")),
        (minutes < 180, f"{minutes}m"), (hours < 8, f"{hours}h" + rest(minutes % 60, "m")), (hours < 48, f"{hours}h"),
        (days < 8, f"{days}d" + rest(hours % 24, "h")), (days < 730, f"{days}d"),
    )  # fmt: skip
    return next((text for fits, text in steps if fits), f"{days // 365}y")


def rest(number: int, unit: str) -> str:
    return f"{number}{unit}" if number else ""


def age(one: Object) -> str:
    return ago(one["metadata"].get("creationTimestamp"))


def spec(one: Object) -> Object:
    return one.get("spec") or {}


def status(one: Object) -> Object:
    return one.get("status") or {}


def member(where: Callable[[Object], Object], name: str, otherwise: Any = 0) -> Callable[[Object], Any]:
    return lambda one: where(one).get(name, otherwise)


def selector(told: Object | None) -> str:
    pairs = (told or {}).get("matchLabels", told or {})
    words = [f"{key}={value}" for key, value in sorted(pairs.items()) if isinstance(value, str)]
    rows = [row for row in (told or {}).get("matchExpressions") or () if isinstance(row, dict)]
    words += [f"{row['key']} {row['operator'].lower()} ({','.join(row.get('values') or ())})" for row in rows]
    return ",".join(words) or NONE


def containers(name: str) -> Callable[[Object], str]:
    def cell(one: Object) -> str:
        template = (spec(one).get("jobTemplate") or {}).get("spec", spec(one)).get("template") or {}
        return ",".join(str(row[name]) for row in (template.get("spec") or {}).get("containers") or ())

    return cell


def pod_state(one: Object) -> str:
    told = status(one)
    reason = told.get("reason") or told.get("phase") or "Pending"
    running = False
    for row in reversed(told.get("containerStatuses") or []):
        state = row.get("state") or {}
        kind = next(iter(state), "")
        running = running or (kind == "running" and row.get("ready", False))
        if kind in ("waiting", "terminated") and state[kind].get("reason"):
            reason = state[kind]["reason"]
    if reason == "Completed" and running:
        reason = "Running"
    reason = initial_state(one) or reason
    return "Terminating" if one["metadata"].get("deletionTimestamp") else str(reason)


def initial_state(one: Object) -> str:
    rows = status(one).get("initContainerStatuses") or []
    for at, row in enumerate(rows):
        state = row.get("state") or {}
        if (state.get("terminated") or {}).get("exitCode") == 0 or (row.get("started") and "running" in state):
            continue
        reason = next((inner["reason"] for inner in state.values() if inner.get("reason")), "")
        return f"Init:{reason}" if reason and reason != "PodInitializing" else f"Init:{at}/{len(rows)}"
    return ""


def pod_ready(one: Object) -> str:
    ready = sum(bool(row.get("ready")) for row in status(one).get("containerStatuses") or ())
    return f"{ready}/{len(spec(one)['containers'])}"


def restarts(one: Object) -> str:
    return str(sum(row.get("restartCount", 0) for row in status(one).get("containerStatuses") or ()))


def ready_of(one: Object) -> str:
    return f"{status(one).get('readyReplicas', 0)}/{spec(one).get('replicas', 0)}"


def addresses(one: Object) -> str:
    rows = (status(one).get("loadBalancer") or {}).get("ingress") or []
    return ",".join(row.get("ip") or row.get("hostname", "") for row in rows)


def external(one: Object) -> str:
    if spec(one).get("type") == "ExternalName":
        return str(spec(one).get("externalName"))
    balanced = spec(one).get("type") == "LoadBalancer"
    listed = ",".join(spec(one).get("externalIPs") or ())
    return (addresses(one) if balanced else "") or listed or ("<pending>" if balanced else NONE)


def service_ports(one: Object) -> str:
    return ",".join(
        f"{row['port']}" + (f":{row['nodePort']}" if row.get("nodePort") else "") + f"/{row['protocol']}"
        for row in spec(one).get("ports") or ()
    ) or NONE  # fmt: skip


def hosts(one: Object) -> str:
    return ",".join(row["host"] for row in spec(one).get("rules") or () if row.get("host")) or "*"


def node_state(one: Object) -> str:
    ready = next((row["status"] for row in status(one).get("conditions") or () if row["type"] == "Ready"), "Unknown")
    told = {"True": "Ready", "False": "NotReady"}.get(ready, "Unknown")
    return told + (",SchedulingDisabled" if spec(one).get("unschedulable") else "")


def node_address(kind: str) -> Callable[[Object], str]:
    return lambda one: next((row["address"] for row in status(one).get("addresses") or () if row["type"] == kind), NONE)


def node_info(name: str) -> Callable[[Object], str]:
    return lambda one: (status(one).get("nodeInfo") or {}).get(name) or UNKNOWN


def node_roles(one: Object) -> str:
    mark = "node-role.kubernetes.io/"
    return (
        ",".join(sorted(key.removeprefix(mark) for key in one["metadata"].get("labels") or {} if mark in key)) or NONE
    )


def job_state(one: Object) -> str:
    held = {row["type"] for row in status(one).get("conditions") or () if row["status"] == "True"}
    found = next((kind for kind in ("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")
                  if kind in held), "")  # fmt: skip
    return found or ("Terminating" if one["metadata"].get("deletionTimestamp") else "Running")


def completions(one: Object) -> str:
    done, wanted = status(one).get("succeeded", 0), spec(one).get("completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    several = spec(one).get("parallelism", 1)
    return f"{done}/1 of {several}" if several > 1 else f"{done}/1"


def lasted(one: Object) -> str:
    began, ended = status(one).get("startTime"), status(one).get("completionTime")
    if not began:
        return ""
    return span(int(((parsed(ended) if ended else now()) - parsed(began)).total_seconds()))


def access(one: Object) -> str:
    return ",".join(ACCESS.get(mode, mode) for mode in status(one).get("accessModes") or spec(one)["accessModes"])


def capacity(one: Object) -> str:
    return str((status(one).get("capacity") or spec(one).get("capacity") or {}).get("storage", ""))


def claim_state(one: Object) -> str:
    return "Terminating" if one["metadata"].get("deletionTimestamp") else str(status(one).get("phase", ""))


def endpoints(one: Object) -> str:
    told = [f"{row['ip']}:{port['port']}" for part in one.get("subsets") or () for row in part.get("addresses") or ()
            for port in part.get("ports") or ()]  # fmt: skip
    return few(told)


def few(told: list[str]) -> str:
    more = f" + {len(told) - 3} more..." if len(told) > 3 else ""
    return (",".join(told[:3]) + more) or NONE


def slice_endpoints(one: Object) -> str:
    return few([address for row in one.get("endpoints") or () for address in row["addresses"]]).replace(NONE, "<unset>")


def bound_role(one: Object) -> str:
    return f"{one['roleRef']['kind']}/{one['roleRef']['name']}"


def subjects(kind: str) -> Callable[[Object], str]:
    return lambda one: ", ".join(
        (f"{row.get('namespace')}/" if kind == "ServiceAccount" else "") + row["name"]
        for row in one.get("subjects") or () if row["kind"] == kind
    )  # fmt: skip


def involved(one: Object) -> str:
    told = one.get("involvedObject") or one.get("regarding") or {}
    return f"{told.get('kind', '').lower()}/{told.get('name', '')}"


def last_seen(one: Object) -> str:
    return ago(one.get("lastTimestamp") or one.get("eventTime") or one["metadata"].get("creationTimestamp"))


def created(one: Object) -> str:
    return str(one["metadata"].get("creationTimestamp"))


def scaled(one: Object) -> str:
    told = spec(one)["scaleTargetRef"]
    return f"{told['kind']}/{told['name']}"


def metrics(one: Object) -> str:
    told = []
    for row in spec(one).get("metrics") or ():
        inner = row.get("resource") or {}
        aim = inner.get("target") or {}
        wanted = f"{aim['averageUtilization']}%" if "averageUtilization" in aim else aim.get("averageValue", UNKNOWN)
        told.append(f"{inner.get('name', row['type'].lower())}: {UNKNOWN}/{wanted}")
    return ", ".join(told) or NONE
