"""Which node a Pod goes to: selectors, taints, spreading and room, as the real scheduler weighs them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from bahnvision_lab.kubernetes.api.selectors import selects
from bahnvision_lab.kubernetes.controllers.hands import NODES, PODS, Hands, is_going, phase
from bahnvision_lab.kubernetes.objects.quantity import amount

Object = dict[str, Any]


class Scheduler:
    """The nodes and what is on them, at one moment."""

    def __init__(self, hands: Hands) -> None:
        self.nodes = [node for node in hands.every(NODES) if not is_going(node)]
        self.placed = [pod for pod in hands.every(PODS)
                       if pod["spec"].get("nodeName") and phase(pod) not in ("Succeeded", "Failed")]  # fmt: skip

    def choose(self, pod: Object) -> tuple[str, str]:
        """Return the node's name, or "" and why there is none."""
        reasons: Counter[str] = Counter()
        fitting = []
        for node in self.nodes:
            why = self._why_not(node, pod)
            if why:
                reasons[why] += 1
            else:
                fitting.append(node)
        if not fitting:
            told = ", ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
            if not self.nodes:
                return "", "no nodes available to schedule pods"
            return (
                "",
                f"0/{len(self.nodes)} nodes are available: {told}. preemption: 0/{len(self.nodes)} nodes are available",
            )
        best = min(fitting, key=lambda node: self._load(node, pod))
        self.placed.append({**pod, "spec": {**pod["spec"], "nodeName": best["metadata"]["name"]}})
        return str(best["metadata"]["name"]), ""

    def _why_not(self, node: Object, pod: Object) -> str:
        labels = node["metadata"].get("labels") or {}
        wanted = pod["spec"].get("nodeSelector") or {}
        if not is_node_ready(node):
            return "node(s) were not ready"
        if node["spec"].get("unschedulable"):
            return "node(s) were unschedulable"
        if any(labels.get(key) != value for key, value in wanted.items()) or not _affine(pod, labels):
            return "node(s) didn't match Pod's node affinity/selector"
        for taint in node["spec"].get("taints") or ():
            if taint["effect"] != "PreferNoSchedule" and not tolerates(pod, taint):
                return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
        return self._no_room(node, pod) or self._too_skewed(node, pod)

    def _on(self, node: Object) -> list[Object]:
        return [pod for pod in self.placed if pod["spec"]["nodeName"] == node["metadata"]["name"]]

    def _no_room(self, node: Object, pod: Object) -> str:
        room, there = node.get("status", {}).get("allocatable") or {}, self._on(node)
        if len(there) >= amount(room.get("pods", "110")):
            return "Too many pods"
        for key in ("cpu", "memory"):
            if sum((requested(one, key) for one in (*there, pod)), Decimal(0)) > amount(room.get(key, "0")):
                return f"Insufficient {key}"
        return ""

    def _too_skewed(self, node: Object, pod: Object) -> str:
        for rule in pod["spec"].get("topologySpreadConstraints") or ():
            if rule["whenUnsatisfiable"] != "DoNotSchedule":
                continue
            key = rule["topologyKey"]
            domain = (node["metadata"].get("labels") or {}).get(key)
            if domain is None:
                return "node(s) didn't match pod topology spread constraints (missing required label)"
            counts = self._domains(key, rule, pod)
            if counts[domain] + 1 - min(counts.values()) > rule["maxSkew"]:
                return "node(s) didn't match pod topology spread constraints"
        return ""

    def _domains(self, key: str, rule: Object, pod: Object) -> Counter[str]:
        where = {node["metadata"]["name"]: (node["metadata"].get("labels") or {}).get(key) for node in self.nodes}
        counts: Counter[str] = Counter({domain: 0 for domain in where.values() if domain})
        for one in self.placed:
            domain = where.get(one["spec"]["nodeName"])
            same = one["metadata"]["namespace"] == pod["metadata"]["namespace"]
            if domain and same and selects(rule.get("labelSelector"), one["metadata"].get("labels") or {}):
                counts[domain] += 1
        return counts

    def _load(self, node: Object, pod: Object) -> tuple[int, int]:
        """Nodes and zones with fewer of the same owner first."""
        mine = [told["uid"] for told in pod["metadata"].get("ownerReferences") or ()]
        there = self._on(node)
        same = sum(any(told["uid"] in mine for told in one["metadata"].get("ownerReferences") or ()) for one in there)
        return same, len(there)


def is_node_ready(node: Object) -> bool:
    told = (node.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in told)


def tolerates(pod: Object, taint: Object) -> bool:
    for one in pod["spec"].get("tolerations") or ():
        if one.get("effect") not in (None, "", taint["effect"]):
            continue
        if one.get("operator", "Equal") == "Exists":
            if one.get("key") in (None, "", taint["key"]):
                return True
        elif one.get("key") == taint["key"] and (one.get("value") or "") == (taint.get("value") or ""):
            return True
    return False


def _affine(pod: Object, labels: dict[str, str]) -> bool:
    told = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    terms = (told or {}).get("nodeSelectorTerms") or ()
    if told is None:
        return True
    plain = ("In", "NotIn", "Exists", "DoesNotExist")
    return any(
        all(rule["operator"] in plain for rule in term.get("matchExpressions") or ()) and selects(term, labels)
        for term in terms
    )


def requested(pod: Object, key: str) -> Decimal:
    """What all containers ask for together; an init container counts where it asks for more."""

    def of(container: Object) -> Decimal:
        return amount(((container.get("resources") or {}).get("requests") or {}).get(key, "0"))

    together = sum((of(one) for one in pod["spec"]["containers"]), Decimal(0))
    return max([together, *(of(one) for one in pod["spec"].get("initContainers") or ())])
