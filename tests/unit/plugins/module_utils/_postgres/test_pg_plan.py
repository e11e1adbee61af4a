from __future__ import annotations

from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.plan import make_plan, refusal
from ansible_collections.bahnvision.aws.plugins.module_utils._postgres.preflight.rule import Request
from pg_facts import OBJECTS, source, target

PLENTY = Request(4, free_bytes=1 << 40)
CITEXT = {"citext": {"version": "1.6", "schema": "ext", "order": 2}}
TRGM = {"pg_trgm": {"version": "1.6", "schema": "public", "order": 1}}


def test_nothing_forbids_a_move_into_an_empty_newer_target() -> None:
    plan = make_plan(source(), target(), PLENTY)

    assert (plan.blockers, plan.warnings, plan.skipped) == ((), (), ())
    assert plan.objects == (
        ("schema", "app"), ("sequence", "public.stops_id_seq"), ("table", "public.stops"), ("view", "public.v"),
    )  # fmt: skip
    assert plan.summary["objects"] == {"schema": 1, "sequence": 1, "table": 1, "view": 1}
    assert plan.bytes == 8192


def test_extensions_are_made_in_the_order_of_the_source() -> None:
    theirs = target(available={"citext": "1.7", "pg_trgm": "1.6"})

    plan = make_plan(source(extensions={**CITEXT, **TRGM}), theirs, PLENTY)

    assert plan.extensions == (("pg_trgm", "public"), ("citext", "ext"))
    (warning,) = plan.warnings
    assert warning.startswith("extension citext: version 1.6 on the source, 1.7 on the target: ")


def test_what_is_not_moved_is_named() -> None:
    objects = {**OBJECTS, ("index", "public.i"): "CREATE INDEX i ON public.stops USING btree (id) INVALID"}
    ours = source(
        objects, publications=["p"], event_triggers=["e"], user_mappings=["u on s"], owners=["app"], granted=3
    )

    skipped = [entry["object"] for entry in make_plan(ours, target(), PLENTY).skipped]

    assert sorted(skipped) == [
        "event trigger e", "invalid index public.i", "ownership by app", "privileges (GRANT, default privileges)",
        "publication p", "user mapping u on s",
    ]  # fmt: skip


def test_one_message_names_every_blocker() -> None:
    plan = make_plan(source(encoding="LATIN1"), target(recovery=True), Request(4))

    error = refusal(plan, {"blockers": list(plan.blockers)})

    assert str(error) == "cannot migrate, nothing was touched: " + "; ".join(plan.blockers)
    assert len(error.result["blockers"]) == 2


def test_the_fingerprint_follows_the_schema_and_the_cluster_only() -> None:
    def fingerprint(**changes: object) -> str:
        return make_plan(source(**changes), target(), PLENTY).fingerprint

    first = fingerprint()
    assert fingerprint(size=5, started="later", large_objects=9) == first
    assert fingerprint(objects=dict(reversed(OBJECTS.items()))) == first
    assert len({first, fingerprint(system_identifier="3"), fingerprint(objects={}), fingerprint(database="x")}) == 4
