"""EC2's network operations with the lab's checks before moto's books."""

from __future__ import annotations

import moto.ec2.urls
from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from bahnvision_lab.aws.ec2 import checks, nat


def install() -> None:
    """Put this module's operations in the place of moto's. Before the first request."""
    moto.ec2.urls.url_paths["{0}/"] = LabEC2.dispatch


class LabEC2(EC2Response):
    """moto's EC2, stricter about networks."""

    def create_vpc(self) -> ActionResult:
        self._canonical_cidr()
        return super().create_vpc()

    def modify_vpc_attribute(self) -> ActionResult:
        checks.check_one_attribute(self.params)
        return super().modify_vpc_attribute()

    def create_subnet(self) -> ActionResult:
        self._canonical_cidr()
        checks.check_subnet_size(self.params.get("CidrBlock"))
        return super().create_subnet()

    def delete_subnet(self) -> ActionResult:
        checks.check_subnet_unused(self.ec2_backend, self.params["SubnetId"])
        return super().delete_subnet()

    def delete_security_group(self) -> ActionResult:
        group_id = self.params.get("GroupId")
        if group_id:
            group = self.ec2_backend.get_security_group_from_id(group_id)
            checks.check_security_group_unused(self.ec2_backend, group)
        return super().delete_security_group()

    def release_address(self) -> ActionResult:
        checks.check_address_unused(self.ec2_backend, self.params.get("AllocationId"))
        return super().release_address()

    def detach_internet_gateway(self) -> ActionResult:
        checks.check_no_public_addresses(self.ec2_backend, self.params["VpcId"])
        return super().detach_internet_gateway()

    def create_vpc_endpoint(self) -> ActionResult:
        checks.check_endpoint(self.ec2_backend, self.params)
        return super().create_vpc_endpoint()

    def create_nat_gateway(self) -> ActionResult:
        known = set(self.ec2_backend.nat_gateways)
        result = super().create_nat_gateway()
        for gateway_id in set(self.ec2_backend.nat_gateways) - known:
            nat.begin(self.ec2_backend.nat_gateways[gateway_id])
        return result

    def describe_nat_gateways(self) -> ActionResult:
        nat.advance(self.ec2_backend)
        return super().describe_nat_gateways()

    def _canonical_cidr(self) -> None:
        if self.params.get("CidrBlock"):
            self.params["CidrBlock"] = checks.canonical(self.params["CidrBlock"])
