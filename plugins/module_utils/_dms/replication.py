# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, act and wait for one replication of DMS Serverless: its subnet group, configuration and full load."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.bahnvision.aws.plugins.module_utils._dms import api
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.replication_plan import (
    CONFIG,
    GROUP,
    REPLICATION,
    Seen,
    plan,
    table_facts,
    table_problems,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._dms.watch import (
    Watch,
    assessment_facts,
    assessment_notes,
    assessment_settings,
)
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.progress import refuse_foreign
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.calls import call
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.plan import Action, apply
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.wait import wait_until

# Provisioned servers hold the configuration for some minutes after the load.
PROVISIONED = ("provisioning", "provisioned", "deprovisioning", "modifying")

Clients = Mapping[str, Any]


def ensure_replication(clients: Clients, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one replication to the wanted state; with state running, wait until all tables are loaded."""
    dms, name = clients["dms"], params["name"]
    problem = refuse_foreign(params["progress_path"])
    if problem:
        raise ResourceError(problem)
    seen = look(clients, name)
    watch = Watch(started=time.monotonic(), path=Path(params["progress_path"]) if params["progress_path"] else None)
    steps = plan(params, seen, complete=not check_mode)
    result = apply(steps, lambda action: _execute(dms, params, action, watch), check_mode)
    if check_mode or params["state"] == "absent":
        shown = {} if params["state"] == "absent" else facts(seen)
        return {**result, "replication": shown, "tables": [], "states": [], "assessment": {}}
    if params["state"] == "running" and params["wait"]:
        _wait_for_load(dms, params, watch)
    now = look(clients, name)
    tables = table_facts(api.get_tables(dms, name, now.arn)) if now.config else []
    told = {"tables": tables, "states": watch.states, "assessment": assessment_facts(now.replication)}
    if now.damage and params["state"] == "running":
        _refuse_damage(name, now.damage, **told)
    return {**result, "replication": facts(now), **told, "notes": [*result["notes"], *assessment_notes(told)]}


def look(clients: Clients, name: str) -> Seen:
    dms = clients["dms"]
    group = api.get_subnet_group(dms, name)
    config = api.get_config(dms, name)
    arn = config["ReplicationConfigArn"] if config else ""
    seen = Seen(
        config,
        tags=api.get_tags(dms, arn) if arn else {},
        replication=api.get_replication(dms, name, arn) if arn else {},
        group=group,
        group_tags=api.get_tags(dms, _group_arn(clients, name)) if group else {},
    )
    if not seen.finished:
        return seen
    return replace(seen, damage=tuple(table_problems(table_facts(api.get_tables(dms, name, arn)))))


def _group_arn(clients: Clients, name: str) -> str:
    """DMS does not tell the ARNs of its subnet groups."""
    identity = call(clients["sts"], "get_caller_identity", "read who we are")
    partition = identity["Arn"].split(":")[1]
    return f"arn:{partition}:dms:{clients['dms'].meta.region_name}:{identity['Account']}:subgrp:{name.lower()}"


def _execute(dms: Any, params: Mapping[str, Any], action: Action, watch: Watch) -> None:
    name, step = params["name"], (action.verb, action.kind)
    if step == ("create", GROUP):
        api.create_subnet_group(dms, action.params)
    elif step == ("modify", GROUP):
        api.modify_subnet_group(dms, action.params)
    elif step == ("delete", GROUP):
        api.delete_subnet_group(dms, name)
    elif step == ("create", CONFIG):
        api.create_config(dms, action.params)
    elif step == ("delete", CONFIG):
        _wait_deprovisioned(dms, params, action.params["arn"])
        api.delete_config(dms, name, action.params["arn"])
        _wait_gone(dms, params)
    elif step == ("start", REPLICATION):
        arn = _arn(dms, name)
        watch.begin(api.get_replication(dms, name, arn))
        api.start(dms, name, arn, action.params["kind"], assessment_settings(params["premigration_assessment"]))
    elif step == ("stop", REPLICATION):
        api.stop(dms, name, _arn(dms, name))
        _wait_resting(dms, params)
    else:
        raise AssertionError(f"no way to {action}")


def _arn(dms: Any, name: str) -> str:
    config = api.get_config(dms, name)
    if config is None:
        raise ResourceError(f"{CONFIG} {name} has disappeared: run again")
    return str(config["ReplicationConfigArn"])


def _wait_for_load(dms: Any, params: Mapping[str, Any], watch: Watch) -> None:
    name = params["name"]
    arn = _arn(dms, name)

    def read() -> dict[str, Any]:
        replication = api.get_replication(dms, name, arn)
        watch.show_progress(replication, lambda: table_facts(api.get_tables(dms, name, arn)))
        return replication

    try:
        wait_until(
            read, watch.done, f"the full load of {REPLICATION} {name}",
            timeout=params["wait_timeout"], pause=params["wait_pause"], failed=watch.failed, show=watch.show,
        )  # fmt: skip
    except ResourceError as problem:
        raise _with_tables(dms, name, arn, problem, watch) from problem


def _with_tables(dms: Any, name: str, arn: str, problem: ResourceError, watch: Watch) -> ResourceError:
    """Say which tables are broken and where DMS's log is; hand on what was seen until then."""
    tables = table_facts(api.get_tables(dms, name, arn))
    broken = [f"{table['name']}: {table['state']}" for table in tables if table["state"] == "Table error"][:20]
    log = f"Its log group: dms-serverless-replication-{arn.rpartition(':')[2]}"
    text = f"{'; '.join([problem.message, *broken])}. {log}"
    return ResourceError(text, **{**problem.details, "tables": tables, "states": watch.states,
                                  "assessment": watch.assessment})  # fmt: skip


def _refuse_damage(name: str, damage: tuple[str, ...], **seen: Any) -> None:
    raise ResourceError(
        f"{REPLICATION} {name} has ended, and not every table is whole: {'; '.join(damage[:20])}. Was the source "
        "written to meanwhile? Put the cause right and run again: all tables are loaded anew",
        **seen,
    )


def _resting(replication: Mapping[str, Any]) -> bool:
    return not Seen({"-": ""}, replication=replication).active


def _wait_resting(dms: Any, params: Mapping[str, Any]) -> None:
    name = params["name"]
    arn = _arn(dms, name)
    wait_until(
        lambda: api.get_replication(dms, name, arn), _resting, f"the stop of {REPLICATION} {name}",
        timeout=params["wait_timeout"], pause=params["wait_pause"], show=lambda found: found.get("Status", ""),
    )  # fmt: skip


def _wait_deprovisioned(dms: Any, params: Mapping[str, Any], arn: str) -> None:
    def state(found: Mapping[str, Any]) -> str:
        return str((found.get("ProvisionData") or {}).get("ProvisionState") or "").lower()

    wait_until(
        lambda: api.get_replication(dms, params["name"], arn), lambda found: state(found) not in PROVISIONED,
        f"the end of the servers of {REPLICATION} {params['name']}",
        timeout=params["wait_timeout"], pause=params["wait_pause"], show=state,
    )  # fmt: skip


def _wait_gone(dms: Any, params: Mapping[str, Any]) -> None:
    wait_until(
        lambda: api.get_config(dms, params["name"]), lambda found: found is None,
        f"the removal of {CONFIG} {params['name']}", timeout=params["wait_timeout"], pause=params["wait_pause"],
        show=lambda found: "still there" if found else "gone",
    )  # fmt: skip


def facts(seen: Seen) -> dict[str, Any]:
    """Return the replication in the words of our modules."""
    stats = seen.replication.get("ReplicationStats") or {}
    return {
        "name": (seen.config or {}).get("ReplicationConfigIdentifier", ""),
        "arn": seen.arn,
        "status": seen.status,
        "stop_reason": seen.replication.get("StopReason", ""),
        "failure_messages": list(seen.replication.get("FailureMessages") or ()),
        "provision_state": (seen.replication.get("ProvisionData") or {}).get("ProvisionState", ""),
        "capacity_units": (seen.replication.get("ProvisionData") or {}).get("ProvisionedCapacityUnits"),
        "progress_percent": stats.get("FullLoadProgressPercent", 0),
        "tables_loaded": stats.get("TablesLoaded", 0),
        "tables_loading": stats.get("TablesLoading", 0),
        "tables_queued": stats.get("TablesQueued", 0),
        "tables_errored": stats.get("TablesErrored", 0),
        "seconds": round((stats.get("ElapsedTimeMillis") or 0) / 1000, 1),
    }
