"""Ranges are shared out without overlap, inside the VPC, large enough, and stay where they are."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc import cidr
from hypothesis import given
from hypothesis import strategies as st

ZONES = ["a", "b", "c", "d"]


@st.composite
def vpcs(draw: st.DrawFn, longest: int = 23) -> cidr.Network:
    prefix = draw(st.integers(16, longest))
    second, rest = draw(st.integers(0, 255)), draw(st.integers(0, 65535))
    return cidr.Network(f"10.{second}.{rest >> 8}.{rest & 255}/{prefix}", strict=False)


@given(vpc=vpcs())
def test_shared_out_ranges_are_accepted_by_our_own_rules(vpc: cidr.Network) -> None:
    ranges = [(f"{slot} {tier}", tier, part) for slot in range(4) for tier, part in cidr.share_out(vpc, slot).items()]

    cidr.refuse_overlaps((name, part) for name, _tier, part in ranges)
    for name, tier, part in ranges:
        assert cidr.parse_subnet(str(part), [vpc], tier, name) == part


@given(vpc=vpcs(28).filter(lambda vpc: vpc.prefixlen > 23))
def test_a_range_too_small_to_share_out_is_refused(vpc: cidr.Network) -> None:
    with pytest.raises(ResourceError, match="too small to be shared out"):
        cidr.share_out(vpc, 0)


def test_the_sizes_in_the_usual_range() -> None:
    assert {tier: str(part) for tier, part in cidr.share_out(cidr.Network("10.0.0.0/16"), 1).items()} == {
        "private": "10.0.64.0/19", "public": "10.0.96.0/24", "data": "10.0.97.0/24",
    }  # fmt: skip


@given(
    vpc=vpcs(), first=st.permutations(ZONES), second=st.permutations(ZONES), sizes=st.tuples(*[st.integers(1, 4)] * 2)
)
def test_a_zone_keeps_its_place_whatever_comes_and_goes(
    vpc: cidr.Network, first: list[str], second: list[str], sizes: tuple[int, int]
) -> None:
    before = cidr.assign_slots(vpc, first[: sizes[0]], {})
    held = {zone: list(cidr.share_out(vpc, slot).values()) for zone, slot in before.items()}

    after = cidr.assign_slots(vpc, second[: sizes[1]], held)  # never refused: four zones have four quarters

    assert all(after[zone] == before[zone] for zone in after if zone in before)
    assert len(set(after.values())) == len(after)
    assert set(after.values()).isdisjoint(slot for zone, slot in before.items() if zone not in after)


@given(ranges=st.lists(vpcs(28), min_size=2, max_size=6))
def test_overlaps_are_found_exactly_when_there_are_some(ranges: list[cidr.Network]) -> None:
    overlapping = any(one.overlaps(other) for one, other in itertools.combinations(ranges, 2))
    try:
        cidr.refuse_overlaps((str(number), part) for number, part in enumerate(ranges))
    except ResourceError:
        assert overlapping
    else:
        assert not overlapping


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0.0/15", "/16 to /28"),
        ("10.0.0.0/29", "/16 to /28"),
        ("10.0.0.1/16", "host bits"),
        ("169.254.0.0/16", "does not allow"),
        ("ten", "not an IPv4 range"),
        ("fd00::/48", "not an IPv4 range"),
    ],
)
def test_ranges_that_aws_refuses_are_refused_first(text: str, reason: str) -> None:
    with pytest.raises(ResourceError, match=reason):
        cidr.parse_vpc(text)


@pytest.mark.parametrize(("tier", "longest"), [("public", 27), ("private", 26), ("data", 27)])
def test_the_smallest_size_of_each_tier(tier: str, longest: int) -> None:
    vpc = cidr.Network("10.0.0.0/16")

    cidr.parse_subnet(f"10.0.0.0/{longest}", [vpc], tier, "s")
    with pytest.raises(ResourceError, match=f"subnet s: .* usable addresses .* needs /{longest}"):
        cidr.parse_subnet(f"10.0.0.0/{longest + 1}", [vpc], tier, "s")
    with pytest.raises(ResourceError, match=r"subnet s: .* is not inside"):
        cidr.parse_subnet("10.1.0.0/20", [vpc], tier, "s")


def test_a_fifth_zone_waits_until_a_place_is_free() -> None:
    vpc = cidr.Network("10.0.0.0/16")
    held = {zone: [cidr.share_out(vpc, slot)["data"]] for slot, zone in enumerate(ZONES)}

    with pytest.raises(ResourceError, match=r"zone e finds no free quarter of 10.0.0.0/16: a, b, c, d still hold"):
        cidr.assign_slots(vpc, ["a", "b", "e"], held)
