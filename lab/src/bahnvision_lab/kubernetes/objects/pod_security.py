"""Pod Security Standards: what a namespace's level (baseline, restricted) keeps out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]
PREFIX = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def violations(spec: Object, level: str) -> list[str]:
    """What of a Pod's spec breaks the level, in the words of the admission plugin."""
    if level == "privileged":
        return []
    return [*_baseline(spec), *(_restricted(spec) if level == "restricted" else ())]


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _listed(names: list[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"container {quoted}" if len(names) == 1 else f"containers {quoted}"


def _context(one: Object) -> Object:
    return one.get("securityContext") or {}


def _baseline(spec: Object) -> Iterator[str]:
    containers = _containers(spec)
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"host namespaces ({key}=true)"
    for one in containers:
        added = set((_context(one).get("capabilities") or {}).get("add") or ()) - CAPABILITIES
        if added:
            told = ", ".join(f'"{name}"' for name in sorted(added))
            yield (
                f"non-default capabilities ({_listed([one['name']])} must not include {told} in "
                "securityContext.capabilities.add)"
            )
    paths = [volume["name"] for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    if paths:
        told = ", ".join(f'"{name}"' for name in paths)
        yield f"hostPath volumes (volume{'s' if len(paths) > 1 else ''} {told})"
    used = {
        one["name"]: [port["hostPort"] for port in one.get("ports") or () if port.get("hostPort")] for one in containers
    }
    ports = sorted({port for found in used.values() for port in found})
    if ports:
        told = ", ".join(str(port) for port in ports)
        names = [name for name, found in used.items() if found]
        yield f"hostPort ({_listed(names)} use{'s' if len(names) == 1 else ''} hostPort{'s' * (len(ports) > 1)} {told})"
    bad = [one["name"] for one in containers if _context(one).get("privileged")]
    if bad:
        yield f"privileged ({_listed(bad)} must not set securityContext.privileged=true)"
    sysctls = [one["name"] for one in _context(spec).get("sysctls") or () if one["name"] not in SYSCTLS]
    if sysctls:
        yield f"forbidden sysctls ({', '.join(sysctls)})"
    if any((_context(one).get("seccompProfile") or {}).get("type") == "Unconfined" for one in (spec, *containers)):
        yield 'seccompProfile (pod or container must not set securityContext.seccompProfile.type to "Unconfined")'
    bad = [one["name"] for one in containers if _context(one).get("procMount") not in (None, "Default")]
    if bad:
        yield f"procMount ({_listed(bad)} must not set securityContext.procMount)"


def _restricted(spec: Object) -> Iterator[str]:
    containers = _containers(spec)
    bad = [one["name"] for one in containers if _context(one).get("allowPrivilegeEscalation") is not False]
    if bad:
        yield (
            f"allowPrivilegeEscalation != false ({_listed(bad)} must set "
            "securityContext.allowPrivilegeEscalation=false)"
        )
    bad = [
        one["name"] for one in containers if "ALL" not in ((_context(one).get("capabilities") or {}).get("drop") or ())
    ]
    if bad:
        yield f'unrestricted capabilities ({_listed(bad)} must set securityContext.capabilities.drop=["ALL"])'
    for one in containers:
        added = set((_context(one).get("capabilities") or {}).get("add") or ()) - {"NET_BIND_SERVICE"}
        if added:
            yield f"unrestricted capabilities ({_listed([one['name']])} must not include {sorted(added)})"
    for volume in spec.get("volumes") or ():
        kinds = [key for key in volume if key != "name" and key not in VOLUMES]
        if kinds:
            yield f'restricted volume types (volume "{volume["name"]}" uses restricted volume type "{kinds[0]}")'
    pod = _context(spec)
    bad = [one["name"] for one in containers
           if not _context(one).get("runAsNonRoot", pod.get("runAsNonRoot"))]  # fmt: skip
    if bad:
        yield f"runAsNonRoot != true (pod or {_listed(bad)} must set securityContext.runAsNonRoot=true)"
    if pod.get("runAsUser") == 0 or any(_context(one).get("runAsUser") == 0 for one in containers):
        yield "runAsUser=0 (pod must not set runAsUser=0)"
    bad = [one["name"] for one in containers
           if (_context(one).get("seccompProfile") or pod.get("seccompProfile") or {}).get("type")
           not in ("RuntimeDefault", "Localhost")]  # fmt: skip
    if bad:
        yield (f"seccompProfile (pod or {_listed(bad)} must set securityContext.seccompProfile.type to "
               '"RuntimeDefault" or "Localhost")')  # fmt: skip


def template_of(one: Object) -> Object | None:
    """The Pod's spec within an object, None when there is none."""
    spec: Any = one.get("spec") or {}
    if one["kind"] == "Pod":
        return spec
    if one["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template = spec.get("template")
    return template.get("spec") if isinstance(template, dict) else None
