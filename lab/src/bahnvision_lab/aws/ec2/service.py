"""EC2's network operations with the lab's checks before moto's books."""

from __future__ import annotations

from typing import Any

import moto.ec2.urls
from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response
from moto.ec2.utils import generic_filter

from bahnvision_lab.aws.ec2 import checks, endpoint_checks, endpoints, flow_logs, nat, ranges
from bahnvision_lab.aws.refusals import AwsError


def install() -> None:
    """Put this module's operations in the place of moto's. Before the first request."""
    moto.ec2.urls.url_paths["{0}/"] = LabEC2.dispatch


class LabEC2(EC2Response):
    """moto's EC2, stricter about networks."""

    def call_action(self) -> Any:
        """What takes its time on AWS has gone on since the last request."""
        nat.advance(self.ec2_backend)
        endpoints.advance(self.ec2_backend)
        return super().call_action()

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

    def attach_internet_gateway(self) -> ActionResult:
        checks.check_gateway_attachment(self.ec2_backend, self.params)
        return super().attach_internet_gateway()

    def delete_vpc(self) -> ActionResult:
        checks.check_vpc_empty(self.ec2_backend, self.params["VpcId"])
        return super().delete_vpc()

    def create_launch_template(self) -> ActionResult:
        """The tags of the template itself are no part of its data, where moto puts them."""
        made = super().create_launch_template()
        template = self.ec2_backend.get_launch_template_by_name(self.params["LaunchTemplateName"])
        data = template.latest_version().data
        marks = [one for one in data.get("TagSpecifications") or () if one["ResourceType"] != "launch-template"]
        data |= {"TagSpecifications": marks}
        for name in ("TagSpecifications", "UserData"):
            if not data.get(name):
                data.pop(name, None)
        return made

    def create_vpc_endpoint(self) -> ActionResult:
        self.params.setdefault("VpcEndpointType", "Gateway")
        endpoint_checks.check_create(self.ec2_backend, self.params)
        return super().create_vpc_endpoint()

    def modify_vpc_endpoint(self) -> ActionResult:
        endpoint = self.ec2_backend.describe_vpc_endpoints([self.params["VpcEndpointId"]])[0]
        endpoint_checks.check_modify(self.ec2_backend, endpoint, self.params)
        if self.params.get("PrivateDnsEnabled") is not None:  # moto forgets it
            endpoint.private_dns_enabled = self.params["PrivateDnsEnabled"]
        return super().modify_vpc_endpoint()

    def delete_vpc_endpoints(self) -> ActionResult:
        identities = self.params["VpcEndpointIds"]
        unsuccessful = endpoint_checks.check_delete(self.ec2_backend, identities)
        self.ec2_backend.delete_vpc_endpoints(identities)
        return ActionResult({"Unsuccessful": unsuccessful})

    def describe_vpc_endpoint_services(self) -> ActionResult:
        details = endpoint_checks.service_details(self.ec2_backend)
        names = self.params.get("ServiceNames")
        if names:
            details = [entry for entry in details if entry["ServiceName"] in names]
        known = sorted({entry["ServiceName"] for entry in details})
        missing = sorted(set(names or ()) - set(known))
        if missing:
            raise AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{missing[0]}' does not exist")
        return ActionResult({"ServiceNames": known, "ServiceDetails": details})

    def associate_vpc_cidr_block(self) -> ActionResult:
        self._canonical_cidr()
        if self.params.get("CidrBlock"):
            ranges.check_vpc_range(self.ec2_backend.get_vpc(self.params["VpcId"]), self.params["CidrBlock"])
        return super().associate_vpc_cidr_block()

    def disassociate_vpc_cidr_block(self) -> ActionResult:
        ranges.check_unused(self.ec2_backend, self.params["AssociationId"])
        return super().disassociate_vpc_cidr_block()

    def associate_subnet_cidr_block(self) -> ActionResult:
        subnet = self.ec2_backend.get_subnet(self.params["SubnetId"])
        ranges.check_subnet_ipv6(self.ec2_backend, subnet, self.params["Ipv6CidrBlock"])
        return super().associate_subnet_cidr_block()

    def modify_subnet_attribute(self) -> ActionResult:
        wanted = self.params.get("AssignIpv6AddressOnCreation") or {}
        if str(wanted.get("Value", "")).lower() == "true":
            ranges.check_assign_ipv6(self.ec2_backend.get_subnet(self.params["SubnetId"]))
        return super().modify_subnet_attribute()

    def describe_egress_only_internet_gateways(self) -> ActionResult:
        """moto forgets the filters."""
        found = self.ec2_backend.describe_egress_only_internet_gateways(
            self.params.get("EgressOnlyInternetGatewayIds", [])
        )
        filters = self._filters_from_querystring()
        if filters:
            found = generic_filter(filters, found)
        return ActionResult({"EgressOnlyInternetGateways": found})

    def create_flow_logs(self) -> ActionResult:
        flow_logs.check_create(self.ec2_backend, self.params)
        return super().create_flow_logs()

    def create_nat_gateway(self) -> ActionResult:
        known = set(self.ec2_backend.nat_gateways)
        result = super().create_nat_gateway()
        for gateway_id in set(self.ec2_backend.nat_gateways) - known:
            nat.begin(self.ec2_backend.nat_gateways[gateway_id])
        return result

    def _canonical_cidr(self) -> None:
        if self.params.get("CidrBlock"):
            self.params["CidrBlock"] = checks.canonical(self.params["CidrBlock"])
