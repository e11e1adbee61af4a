#!/usr/bin/python
# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_network
short_description: The whole network of one application and stage, in one task
version_added: 0.1.0
description:
  - Makes, changes or removes one VPC with its ranges, subnets, gateways, route tables, endpoints and flow log.
  - Reads everything first, in 11 to 16 calls, and plans every step from that. Check mode therefore predicts every
    object, also those inside a VPC that does not exist yet, and a run that was killed anywhere is completed by the
    next.
  - What it made is known by the tags C(app), C(stage), C(component) and C(managed-by); nothing else is changed or
    removed.
  - The default security group is emptied, and emptied again when somebody gives it a rule.
  - A subnet has one route table. All public subnets share one, all data subnets share one without a way to the
    internet, and the private subnets have one per zone, so that another O(nat) is one replaced route per zone.
author:
  - The bahnvision.aws team (@bahnvision)
options:
  state:
    description:
      - Whether the network should exist.
      - V(absent) removes the log group and role of the flow log too, when they are ours.
      - V(absent) waits for network interfaces of others to go, and refuses before the first deletion when they stay,
        or when the VPC holds subnets, route tables, endpoints or security groups that are not of this component.
    type: str
    choices: [present, absent]
    default: present
  component:
    description: Value of the tag C(component).
    type: str
    default: vpc
  name:
    description: >-
      Name of the VPC, and the beginning of every other name. O(app) and O(stage) joined by a hyphen by default.
    type: str
  cidr:
    description: Address range, V(/16) to V(/28). Required with O(state=present); AWS cannot change it later.
    type: str
  secondary_cidrs:
    description:
      - Further ranges, V(/16) to V(/28), at most four; those that AWS does not take beside O(cidr) are refused.
      - Only O(subnets) that are listed lie in them. One that is no longer listed is given up when no subnet is in it.
    type: list
    elements: str
    default: []
  forbidden_cidrs:
    description: Ranges that no range of the VPC may overlap, such as those of networks that are to be connected.
    type: list
    elements: str
    default: []
  ipv6:
    description:
      - A V(/56) of Amazon for the VPC and a V(/64) for each subnet, routes through the internet gateway for public
        subnets and through an egress-only gateway for private ones. New interfaces get an address, but in data subnets.
      - It can be switched on at any time. Switching it off is refused, because all addresses would be lost for good.
    type: bool
    default: false
  dns_support:
    description: Whether the resolver of AWS answers in the VPC.
    type: bool
    default: true
  dns_hostnames:
    description: Whether public addresses get host names; private endpoints of other services need it.
    type: bool
    default: true
  zones:
    description: The availability zones to use. Without it O(zone_count) zones are chosen, first those in use already.
    type: list
    elements: str
    default: []
  zone_count:
    description: How many zones to use when O(zones) is empty.
    type: int
    choices: [2, 3, 4]
    default: 3
  subnets:
    description:
      - The subnets. Without it a quarter of O(cidr) is shared out per zone; in a V(/16) one private V(/19), one
        public V(/24) and one data V(/24). The last quarter stays free, and a zone that is added later moves nothing.
      - Smallest sizes are V(/27) for public subnets (an Application Load Balancer wants it, with 8 free addresses),
        V(/26) for private ones (each pod takes an address, a small node already 18) and V(/27) for data subnets (RDS
        Proxy wants 10 free addresses beside instances, caches and their replacements). AWS keeps 5 addresses of each.
      - A subnet of ours that is no longer listed is removed, unless something lives in it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name; composed of the name of the VPC, tier and zone by default.
        type: str
      cidr:
        description: Address range, inside that of the VPC.
        type: str
        required: true
      zone:
        description: Availability zone.
        type: str
        required: true
      tier:
        description: V(public) has a route to the internet, V(private) one through NAT, V(data) none.
        type: str
        choices: [public, private, data]
        required: true
      tags:
        description: Further tags of this subnet.
        type: dict
        default: {}
  subnet_tags:
    description: Further tags by tier.
    type: dict
    default: {}
    suboptions:
      public:
        description: Tags of the public subnets, such as C(kubernetes.io/role/elb).
        type: dict
        default: {}
      private:
        description: Tags of the private subnets, such as C(kubernetes.io/role/internal-elb).
        type: dict
        default: {}
      data:
        description: Tags of the data subnets.
        type: dict
        default: {}
  nat:
    description: NAT gateways for the private subnets; V(single) is cheap, V(per_az) survives the loss of a zone.
    type: str
    choices: [none, single, per_az]
    default: single
  s3_endpoint:
    description: Tiers whose route tables reach S3 through a gateway endpoint, which costs nothing. None when empty.
    type: list
    elements: str
    choices: [public, private, data]
    default: [public, private, data]
  interface_endpoints:
    description:
      - AWS services to be reached inside the VPC, such as V(ecr.api), V(sts) or V(logs); each is paid by the hour and
        zone. Short names get C(com.amazonaws.) and the region.
      - They share one security group that admits TLS from the ranges of the VPC. Their names are resolved inside the
        VPC to their own addresses, where the service allows it. A zone where AWS does not offer it is left out.
    type: list
    elements: str
    default: []
  endpoint_tier:
    description: Where the interface endpoints stand, in one subnet per zone.
    type: str
    choices: [private, data]
    default: private
  endpoint_policies:
    description: IAM policies of endpoints by short name, V(s3) for the gateway endpoint. Without one, full access.
    type: dict
    default: {}
  flow_logs:
    description: >-
      What to record of the traffic. AWS cannot change a flow log: another one takes its place, and is told beforehand.
    type: dict
    default: {}
    suboptions:
      destination:
        description:
          - Where to. For V(cloud-watch-logs) a log group and a role that may write only there are made.
          - A log group that is no longer written to is kept until O(state=absent).
        type: str
        choices: [none, cloud-watch-logs, s3]
        default: none
      bucket_arn:
        description: Bucket for V(s3), with a folder by choice. It must exist and let C(delivery.logs.amazonaws.com) in.
        type: str
      retention_days:
        description: How long the log group keeps what it holds, in days; V(0) for ever.
        type: int
        choices:
          [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
        default: 90
      kms_key_arn:
        description: KMS key of the log group; its policy must let CloudWatch Logs use it.
        type: str
      traffic:
        description: Which traffic.
        type: str
        choices: [ACCEPT, REJECT, ALL]
        default: ALL
      interval:
        description: Seconds that one record sums up at most.
        type: int
        choices: [60, 600]
        default: 600
      format:
        description: Fields such as C(${srcaddr} ${dstaddr}), by default those of AWS.
        type: str
  tags:
    description: Further tags of every object.
    type: dict
    default: {}
  purge_tags:
    description:
      - Remove every tag that is not wanted, but for those of AWS and of Kubernetes clusters.
      - When false, only keys go that this module alone sets, such as C(kubernetes.io/role/elb).
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Only reads, and refuses what a run would refuse.
  diff_mode:
    support: full
    description: Names every object and setting that changes.
extends_documentation_fragment:
  - bahnvision.aws.resource
  - bahnvision.aws.resource.identity
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure a network over three zones with a NAT gateway in each
  bahnvision.aws.vpc_network:
    app: orders
    stage: production
    cidr: 10.20.0.0/16
    nat: per_az
    subnet_tags:
      public: {kubernetes.io/role/elb: "1"}
      private: {kubernetes.io/role/internal-elb: "1"}
    interface_endpoints: [ecr.api, ecr.dkr, sts, logs]
    flow_logs: {destination: cloud-watch-logs, retention_days: 30}

- name: Remove it
  bahnvision.aws.vpc_network:
    app: orders
    stage: production
    state: absent
"""

RETURN = r"""
network:
  description: >-
    Ids by role, in the order of the zones. In check mode, what is yet to be made is left out. Empty when absent.
  returned: success
  type: dict
  sample:
    vpc_id: vpc-0a1b2c3d
    name: orders-production
    cidr: 10.20.0.0/16
    secondary_cidrs: []
    ipv6_cidr: ""
    zones: [eu-central-1a, eu-central-1b, eu-central-1c]
    public_subnet_ids: [subnet-01, subnet-02, subnet-03]
    private_subnet_ids: [subnet-04, subnet-05, subnet-06]
    data_subnet_ids: [subnet-07, subnet-08, subnet-09]
    route_table_ids: {public: [rtb-01], private: [rtb-02, rtb-03, rtb-04], data: [rtb-05]}
    internet_gateway_id: igw-01
    nat_gateway_ids: [nat-01, nat-02, nat-03]
    s3_endpoint_id: vpce-01
    interface_endpoint_ids: {ecr.api: vpce-02, sts: vpce-03}
    endpoint_security_group_id: sg-01
    flow_log_id: fl-01
    flow_log_destination: /orders/production/vpc-flow-logs
actions:
  description: The steps that were done, or would be.
  returned: success
  type: list
  elements: str
  sample: [create VPC orders-production]
notes:
  description: What a person should know besides.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.module import run
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.network import ensure_network
from ansible_collections.bahnvision.aws.plugins.module_utils._vpc.spec import SPEC


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=SPEC, required_if=[("state", "present", ["cidr"])], supports_check_mode=True
    )
    services = ["ec2", "iam", "logs", *(["s3"] if module.params["flow_logs"]["destination"] == "s3" else [])]
    run(module, services, ensure_network)


if __name__ == "__main__":
    main()
