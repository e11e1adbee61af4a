"""The premigration assessment of DMS Serverless: some of its checks, made on the real source."""

from __future__ import annotations

from typing import Any

from bahnvision_lab.aws.dms.books import Books, Replication, now
from bahnvision_lab.aws.dms.loader import COLUMNS, KEYED, LOBS, Loader

PRIMARY = "select exists (select from pg_index where indrelid = %s::regclass and indisprimary)"
UNKNOWN = ("timetz", "xid", "oid", "tsrange", "tstzrange", "daterange", "pg_lsn", "macaddr8")


def run(books: Books, replication: Replication, loader: Loader, settings: dict[str, Any]) -> dict[str, Any]:
    """Carry the checks out; what is returned is in the replication's list as well."""
    told: dict[str, Any] = {
        "PremigrationAssessmentRunArn": books.new_arn("assessment-run"),
        "FailOnAssessmentFailure": str(settings.get("FailOnAssessmentFailure", True)).lower() == "true",
        "Status": "running",
        "PremigrationAssessmentRunCreationDate": now(),
        "ResultLocationBucket": f"dms-serverless-premigration-results-{books.account}-{books.region}",
        "ResultLocationFolder": settings.get("ResultLocationFolder", replication.identifier),
    }
    replication.assessments.append(told)
    only, without = str(settings.get("IncludeOnly", "")).split(), str(settings.get("Exclude", "")).split()
    found = {
        name: problems
        for name, problems in _checks(loader).items()
        if (not only or name in only) and name not in without
    }
    failed = {name: problems for name, problems in found.items() if problems}
    told["AssessmentProgress"] = {
        "IndividualAssessmentCount": len(found),
        "IndividualAssessmentCompletedCount": len(found),
    }
    told["ResultStatistic"] = {"Passed": len(found) - len(failed), "Failed": len(failed), "Error": 0, "Warning": 0,
                               "Cancelled": 0, "Skipped": 0}  # fmt: skip
    if failed:
        name, problems = list(failed.items())[-1]
        told["LastFailureMessage"] = f"{name}: {', '.join(problems)}"
    told["Status"] = "failed" if failed else "passed"
    return told


def _checks(loader: Loader) -> dict[str, list[str]]:
    """Return what each check found, by AWS's names of them."""
    found: dict[str, list[str]] = {
        "unsupported-data-types-in-source": [], "postgres-check-pk": [],
        "table-with-lob-but-without-primary-key-or-unique-constraint": [], "postgres-check-table-with-array": [],
    }  # fmt: skip
    for table in loader.replication.tables:
        name = f"{table.schema}.{table.name}"
        text = loader.ident(table)
        columns = loader.source.execute(COLUMNS, (text,)).fetchall()
        (keyed,) = loader.source.execute(KEYED, (text,)).fetchone() or (False,)
        (primary,) = loader.source.execute(PRIMARY, (text,)).fetchone() or (False,)
        found["unsupported-data-types-in-source"] += [f"{name}.{one[0]}" for one in columns if one[1] in UNKNOWN]
        if not primary:
            found["postgres-check-pk"].append(name)
        if not keyed and any(one[1] in LOBS for one in columns):
            found["table-with-lob-but-without-primary-key-or-unique-constraint"].append(name)
        if not keyed and any(one[4] for one in columns):
            found["postgres-check-table-with-array"].append(name)
    return found
