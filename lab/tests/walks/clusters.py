"""EKS: a cluster with nodes, an add-on, access and Pod identity, changed and deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from aws_world import fresh, vpc_with_subnets
from bahnvision_lab.testing import Lab

FAST = {"Delay": 0.1, "MaxAttempts": 600}


def _role(lab: Lab, service: str, *policies: str) -> str:
    iam, name = lab.client("iam"), fresh("walked")
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return str(arn)


def walk(lab: Lab) -> None:
    eks, name = lab.client("eks"), fresh("walked")
    ec2 = lab.client("ec2")
    _vpc, subnets = vpc_with_subnets(ec2)
    medium = [{"Name": "instance-type", "Values": ["t3.medium"]}]
    assert ec2.describe_instance_types(Filters=medium)["InstanceTypes"]
    assert ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=medium)[
        "InstanceTypeOfferings"
    ]
    ec2.describe_volumes()
    _template(ec2)
    _balancers(lab.client("elbv2"), subnets)
    node = _role(lab, "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy")
    eks.create_cluster(
        name=name, version="1.34", roleArn=_role(lab, "eks.amazonaws.com"), resourcesVpcConfig={"subnetIds": subnets},
        accessConfig={"authenticationMode": "API"}, tags={"a": "b"}, deletionProtection=False,
        logging={"clusterLogging": [{"types": ["audit"], "enabled": True}]}, upgradePolicy={"supportType": "STANDARD"},
    )  # fmt: skip
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=FAST)
    where: dict[str, Any] = {"clusterName": name}
    eks.create_nodegroup(**where, nodegroupName="n", subnets=subnets, nodeRole=node, labels={"a": "b"})
    eks.get_waiter("nodegroup_active").wait(**where, nodegroupName="n", WaiterConfig=FAST)
    _access(eks, where, node)
    entry = {**where, "principalArn": _role(lab, "ec2.amazonaws.com")}
    eks.create_access_entry(**entry, type="STANDARD", tags={"a": "b"})
    eks.delete_access_entry(**entry)
    _addons(eks, where, _role(lab, "pods.eks.amazonaws.com"))
    _capability(eks, where, _role(lab, "capabilities.eks.amazonaws.com"))
    update = eks.update_cluster_config(name=name, zonalShiftConfig={"enabled": True})["update"]["id"]
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=FAST)
    eks.describe_update(name=name, updateId=update)
    eks.list_updates(name=name)
    assert eks.list_fargate_profiles(**where)["fargateProfileNames"] == []
    _upgraded(lab, where, name)
    arn = eks.describe_cluster(name=name)["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"c": "d"})
    eks.untag_resource(resourceArn=arn, tagKeys=["c"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    for summary in eks.list_insights(**where)["insights"]:
        eks.describe_insight(**where, id=summary["id"])
    assert name in eks.list_clusters()["clusters"]
    eks.describe_cluster_versions()
    eks.update_nodegroup_config(
        **where, nodegroupName="n", scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 1}
    )
    eks.get_waiter("nodegroup_active").wait(**where, nodegroupName="n", WaiterConfig=FAST)
    eks.delete_nodegroup(**where, nodegroupName="n")
    eks.get_waiter("nodegroup_deleted").wait(**where, nodegroupName="n", WaiterConfig=FAST)
    eks.delete_cluster(name=name)
    eks.get_waiter("cluster_deleted").wait(name=name, WaiterConfig=FAST)


def _template(ec2: Any) -> None:
    data, tags = {"MetadataOptions": {"HttpTokens": "required"}}, [{"Key": "a", "Value": "b"}]
    own = ec2.create_launch_template(LaunchTemplateName=fresh("walked"), LaunchTemplateData=data)["LaunchTemplate"][
        "LaunchTemplateId"
    ]
    ec2.create_launch_template_version(LaunchTemplateId=own, LaunchTemplateData=data)
    ec2.describe_launch_template_versions(LaunchTemplateId=own, Versions=["$Latest"])
    ec2.create_tags(Resources=[own], Tags=tags)
    ec2.delete_tags(Resources=[own], Tags=tags)
    assert ec2.describe_launch_templates(LaunchTemplateIds=[own])["LaunchTemplates"]
    ec2.delete_launch_template(LaunchTemplateId=own)


def _balancers(elb: Any, subnets: list[str]) -> None:
    arn = elb.create_load_balancer(Name=fresh("walked"), Subnets=subnets, Tags=[{"Key": "a", "Value": "b"}])[
        "LoadBalancers"
    ][0]["LoadBalancerArn"]
    assert elb.describe_load_balancers()["LoadBalancers"]
    elb.describe_tags(ResourceArns=[arn])
    elb.delete_load_balancer(LoadBalancerArn=arn)


def _upgraded(lab: Lab, where: dict[str, Any], name: str) -> None:
    eks, key = lab.client("eks"), lab.client("kms").create_key()["KeyMetadata"]["Arn"]
    eks.associate_encryption_config(**where, encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key}}])
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=FAST)
    eks.update_cluster_version(name=name, version="1.35")
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=FAST)
    eks.update_nodegroup_version(**where, nodegroupName="n", version="1.35")
    eks.get_waiter("nodegroup_active").wait(**where, nodegroupName="n", WaiterConfig=FAST)


def _capability(eks: Any, where: dict[str, Any], role: str) -> None:
    argo = {"namespace": "argocd", "awsIdc": {"idcInstanceArn": "arn:aws:sso:::instance/ssoins-0123456789abcdef"}}
    admins = {"role": "ADMIN", "identities": [{"id": "someone", "type": "SSO_USER"}]}
    one = {**where, "capabilityName": "argocd"}
    eks.create_capability(**one, type="ARGOCD", roleArn=role, deletePropagationPolicy="RETAIN", tags={"a": "b"},
                          configuration={"argoCd": {**argo, "rbacRoleMappings": [admins]}})  # fmt: skip
    _until(lambda: eks.describe_capability(**one)["capability"]["status"] == "ACTIVE")
    eks.list_capabilities(**where)
    changed = {"rbacRoleMappings": {"removeRoleMappings": [admins]}}
    update = eks.update_capability(**one, configuration={"argoCd": changed})["update"]["id"]
    told = {"name": where["clusterName"], "updateId": update, "capabilityName": "argocd"}
    _until(lambda: eks.describe_update(**told)["update"]["status"] == "Successful")
    eks.delete_capability(**one)
    _until(lambda: not eks.list_capabilities(**where)["capabilities"])


def _until(done: Callable[[], bool]) -> None:
    for _look in range(600):
        if done():
            return
        time.sleep(0.1)
    raise AssertionError("the lab did not come to it within a minute")


def _access(eks: Any, where: dict[str, Any], node: str) -> None:
    admin = next(one for one in eks.list_access_entries(**where)["accessEntries"] if one != node)
    eks.describe_access_entry(**where, principalArn=admin)
    policy = next(one["arn"] for one in eks.list_access_policies()["accessPolicies"] if "View" in one["name"])
    entry = {**where, "principalArn": admin}
    eks.associate_access_policy(**entry, policyArn=policy, accessScope={"type": "cluster"})
    eks.list_associated_access_policies(**entry)
    eks.disassociate_access_policy(**entry, policyArn=policy)
    eks.update_access_entry(**entry, kubernetesGroups=["team"])
    eks.list_nodegroups(**where)
    eks.describe_nodegroup(**where, nodegroupName="n")
    eks.delete_access_entry(**entry)


def _addons(eks: Any, where: dict[str, Any], role: str) -> None:
    addon = {**where, "addonName": "eks-pod-identity-agent"}
    version = eks.describe_addon_versions(addonName="eks-pod-identity-agent")["addons"][0]["addonVersions"][0]
    eks.create_addon(**addon, addonVersion=version["addonVersion"])
    eks.get_waiter("addon_active").wait(**addon, WaiterConfig=FAST)
    eks.update_addon(**addon, configurationValues="{}")
    eks.get_waiter("addon_active").wait(**addon, WaiterConfig=FAST)
    eks.list_addons(**where)
    association = eks.create_pod_identity_association(**where, namespace="a", serviceAccount="b", roleArn=role)[
        "association"
    ]
    one = {**where, "associationId": association["associationId"]}
    eks.describe_pod_identity_association(**one)
    eks.list_pod_identity_associations(**where)
    eks.update_pod_identity_association(**one, roleArn=role)
    eks.delete_pod_identity_association(**one)
    eks.delete_addon(**addon)
    eks.get_waiter("addon_deleted").wait(**addon, WaiterConfig=FAST)
