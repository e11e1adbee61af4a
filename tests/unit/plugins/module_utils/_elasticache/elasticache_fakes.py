"""A small ElastiCache and Secrets Manager that remember: enough to run a module's four runs without a server."""

from __future__ import annotations

import copy
import json

from ansible_collections.bahnvision.aws.plugins.module_utils._elasticache.spec import GROUP_SPEC, USER_SPEC
from botocore.exceptions import ClientError

VERSIONS = [
    ("valkey", "7.2", "valkey7"), ("valkey", "8.0", "valkey8"), ("valkey", "8.2", "valkey8"),
    ("valkey", "9.0", "valkey9"), ("redis", "5.0.6", "redis5.0"), ("redis", "6.2", "redis6.x"),
    ("redis", "7.0", "redis7"), ("redis", "7.1", "redis7"), ("memcached", "1.6.22", "memcached1.6"),
]  # fmt: skip
OURS = {"app": "bahnvision", "stage": "lab", "component": "elasticache", "managed-by": "bahnvision.aws"}
IDENTITY = {"app": "bahnvision", "stage": "lab"}
ZONES = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]


def defaults(spec, **given):
    return {name: option.get("default") for name, option in spec.items()} | IDENTITY | given


def group_params(**given):
    base = {"identifier": "bahnvision-lab", "description": "the cache", "availability_zones": ZONES, "wait_pause": 0}
    return defaults(GROUP_SPEC, **{**base, **given})


def user_params(**given):
    base = {"user_id": "bahnvision-lab-app", "wait_pause": 0}
    return defaults(USER_SPEC, **{**base, **given})


def error(code, operation="Describe", status=400):
    response = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class FakeCache:
    """One group at most, any users. A change makes the group "modifying" for one look."""

    def __init__(self):
        self.group = None
        self.member = {}
        self.tags = {}
        self.users = {}
        self.groups = {}
        self.snapshots = {}
        self.offered = set()
        self.writes = []
        self.states = []
        self.break_after = None  # writes after which the next one fails as if the run were killed

    def write(self, name, params):
        if self.break_after is not None and len(self.writes) >= self.break_after:
            raise KeyboardInterrupt
        self.writes.append((name, copy.deepcopy(params)))
        return {}

    # reading

    def describe_cache_engine_versions(self, **_params):
        rows = [{"Engine": e, "EngineVersion": v, "CacheParameterGroupFamily": f} for e, v, f in VERSIONS]
        return {"CacheEngineVersions": rows}

    def describe_replication_groups(self, ReplicationGroupId):
        if self.group is None:
            raise error("ReplicationGroupNotFoundFault", status=404)
        if self.states:
            self.group["Status"] = self.states.pop(0)
        if self.group["Status"] == "gone":
            self.group = None
            raise error("ReplicationGroupNotFoundFault", status=404)
        return {"ReplicationGroups": [copy.deepcopy(self.group)]}

    def describe_cache_clusters(self, **_params):
        return {"CacheClusters": [copy.deepcopy(self.member)]}

    def describe_reserved_cache_nodes_offerings(self, CacheNodeType):
        return {"ReservedCacheNodesOfferings": [{}] if CacheNodeType in self.offered else []}

    def list_allowed_node_type_modifications(self, **_params):
        return {"ScaleUpModifications": ["cache.t4g.medium", "cache.m7g.large"], "ScaleDownModifications": []}

    def describe_snapshots(self, SnapshotName, **_params):
        if SnapshotName not in self.snapshots:
            raise error("SnapshotNotFoundFault", status=404)
        return {"Snapshots": [self.snapshots[SnapshotName]]}

    def describe_events(self, **_params):
        return {"Events": [{"Message": "Replication group created"}, {"Message": "no address left in the subnet"}]}

    def list_tags_for_resource(self, ResourceName):
        return {"TagList": [{"Key": key, "Value": value} for key, value in self.tags[ResourceName].items()]}

    # tags

    def add_tags_to_resource(self, ResourceName, Tags):
        self.write("add_tags", Tags)
        self.tags[ResourceName].update({tag["Key"]: tag["Value"] for tag in Tags})

    def remove_tags_from_resource(self, ResourceName, TagKeys):
        self.write("remove_tags", TagKeys)
        for key in TagKeys:
            del self.tags[ResourceName][key]

    # the group

    def create_replication_group(self, **params):
        self.write("create_replication_group", params)
        zones = params.get("PreferredCacheClusterAZs")
        if zones:
            shards = [shard("0001", zones, params["ReplicationGroupId"])]
        else:
            layout = params["NodeGroupConfiguration"]
            shards = [
                shard(f"{n:04}", [s["PrimaryAvailabilityZone"], *s["ReplicaAvailabilityZones"]], f"g{n}", False)
                for n, s in enumerate(layout, start=1)
            ]
        self.adopt(params, shards)
        self.states = ["creating", "creating", "available"]

    def adopt(self, params, shards):
        arn = "arn:group"
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        self.group = {
            "ReplicationGroupId": params["ReplicationGroupId"], "ARN": arn, "Status": "available",
            "NodeGroups": shards, "MemberClusters": ["a"], "PendingModifiedValues": {}, "UserGroupIds": [],
            "ClusterMode": params.get("ClusterMode", "disabled"), "TransitEncryptionEnabled": True,
        }  # fmt: skip
        self.member = {"CacheClusterId": "a", "SecurityGroups": [], "CacheParameterGroup": {}}
        self.take(params)

    def take(self, params):
        group = self.group
        same = ("SnapshotRetentionLimit", "SnapshotWindow", "CacheNodeType", "AutoMinorVersionUpgrade", "KmsKeyId",
                "AtRestEncryptionEnabled", "TransitEncryptionMode", "ClusterMode", "Engine")  # fmt: skip
        group.update({key: params[key] for key in same if key in params})
        if "Durability" in params:
            group["EffectiveDurability"] = params["Durability"]
        if "ReplicationGroupDescription" in params:
            group["Description"] = params["ReplicationGroupDescription"]
        for name, switch in (("AutomaticFailover", "AutomaticFailoverEnabled"), ("MultiAZ", "MultiAZEnabled")):
            if switch in params:
                group[name] = "enabled" if params[switch] else "disabled"
        ids = set(group["UserGroupIds"]) | set(params.get("UserGroupIds", params.get("UserGroupIdsToAdd", ())))
        group["UserGroupIds"] = sorted(ids - set(params.get("UserGroupIdsToRemove", ())))
        logs = {item["LogType"]: item for item in group.get("LogDeliveryConfigurations", ())}
        logs |= {item["LogType"]: item for item in params.get("LogDeliveryConfigurations", ())}
        group["LogDeliveryConfigurations"] = [item for item in logs.values() if item["Enabled"]]
        self.take_members(params)

    def take_members(self, params):
        member = self.member
        for name in ("PreferredMaintenanceWindow", "CacheSubnetGroupName"):
            if name in params:
                member[name] = params[name]
        if "EngineVersion" in params:
            member["EngineVersion"] = params["EngineVersion"] + ".1"
        if "SecurityGroupIds" in params:
            member["SecurityGroups"] = [{"SecurityGroupId": item} for item in params["SecurityGroupIds"]]
        if "CacheParameterGroupName" in params:
            member["CacheParameterGroup"] = {"CacheParameterGroupName": params["CacheParameterGroupName"]}
        if "NotificationTopicStatus" in params:
            topic = {"TopicArn": params.get("NotificationTopicArn"), "TopicStatus": params["NotificationTopicStatus"]}
            member["NotificationConfiguration"] = topic

    def modify_replication_group(self, **params):
        assert self.group["Status"] == "available", "two changes at once"
        self.write("modify_replication_group", params)
        self.take(params)
        self.states = ["modifying", "available"]

    def increase_replica_count(self, ReplicaConfiguration, **params):
        assert self.group["Status"] == "available", "two changes at once"
        self.write("increase_replica_count", {"ReplicaConfiguration": ReplicaConfiguration, **params})
        for item in ReplicaConfiguration:
            one = next(s for s in self.group["NodeGroups"] if s["NodeGroupId"] == item["NodeGroupId"])
            one["NodeGroupMembers"] = members(item["PreferredAvailabilityZones"], "n")
        self.states = ["modifying", "available"]

    def decrease_replica_count(self, **params):
        assert self.group["Status"] == "available", "two changes at once"
        self.write("decrease_replica_count", params)
        for one in self.group["NodeGroups"]:
            kept = [m for m in one["NodeGroupMembers"] if m["CacheClusterId"] not in params.get("ReplicasToRemove", ())]
            one["NodeGroupMembers"] = kept[: params["NewReplicaCount"] + 1] if "NewReplicaCount" in params else kept
        self.states = ["modifying", "available"]

    def modify_replication_group_shard_configuration(self, NodeGroupCount, **params):
        assert self.group["Status"] == "available", "two changes at once"
        self.write("reshard", {"NodeGroupCount": NodeGroupCount, **params})
        nodes = len(self.group["NodeGroups"][0]["NodeGroupMembers"])
        gone = params.get("NodeGroupsToRemove", ())
        shards = [one for one in self.group["NodeGroups"] if one["NodeGroupId"] not in gone]
        while len(shards) < NodeGroupCount:
            shards.append(shard(f"{len(shards) + 1:04}", ZONES[:nodes], "s", False))
        self.group["NodeGroups"] = shards
        self.states = ["modifying", "available"]

    def delete_replication_group(self, **params):
        self.write("delete_replication_group", params)
        self.states = ["deleting", "gone"]

    # users

    def describe_users(self, UserId=None):
        if UserId is None:
            return {"Users": [copy.deepcopy(user) for user in self.users.values()]}
        if UserId not in self.users:
            raise error("UserNotFound", status=404)
        return {"Users": [copy.deepcopy(self.users[UserId])]}

    def create_user(self, UserId, Tags, AuthenticationMode, **params):
        self.write("create_user", {"UserId": UserId, "AuthenticationMode": AuthenticationMode, **params})
        self.users[UserId] = {"UserId": UserId, "Status": "active", "ARN": f"arn:user:{UserId}", **params}
        self.tags[f"arn:user:{UserId}"] = {tag["Key"]: tag["Value"] for tag in Tags}
        self.login(UserId, AuthenticationMode)

    def login(self, user_id, mode):
        count = {"PasswordCount": len(mode["Passwords"])} if "Passwords" in mode else {}
        self.users[user_id]["Authentication"] = {"Type": mode["Type"], **count}

    def modify_user(self, UserId, AuthenticationMode=None, **params):
        self.write("modify_user", {"UserId": UserId, "AuthenticationMode": AuthenticationMode, **params})
        self.users[UserId].update(params)
        if AuthenticationMode:
            self.login(UserId, AuthenticationMode)

    def delete_user(self, UserId):
        self.write("delete_user", UserId)
        del self.users[UserId]


class FakeManager:
    """Secrets with versions and their stages. Its writes are counted with those of the cache."""

    def __init__(self, cache):
        self.cache = cache
        self.secrets = {}
        self.names = iter(f"version-{number}" for number in range(100))

    def describe_secret(self, SecretId):
        if SecretId not in self.secrets:
            raise error("ResourceNotFoundException")
        found = self.secrets[SecretId]
        return {"ARN": f"arn:{SecretId}", "VersionIdsToStages": found["stages"], "Tags": found["tags"], **found["more"]}

    def get_secret_value(self, SecretId, VersionId):
        return {"SecretString": self.secrets[SecretId]["values"][VersionId]}

    def create_secret(self, Name, SecretString, Tags, **_params):
        self.cache.write("create_secret", Name)
        version = next(self.names)
        self.secrets[Name] = {
            "values": {version: SecretString}, "stages": {version: ["AWSCURRENT"]}, "tags": Tags, "more": {},
        }  # fmt: skip

    def put_secret_value(self, SecretId, SecretString, VersionStages=("AWSCURRENT",), ClientRequestToken=None):
        self.cache.write("put_secret_value", SecretId)
        version = ClientRequestToken or next(self.names)
        self.secrets[SecretId]["values"][version] = SecretString
        for stage in VersionStages:
            self._move(SecretId, stage, version)

    def update_secret_version_stage(self, SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId):
        self.cache.write("update_secret_version_stage", SecretId)
        assert VersionStage in self.secrets[SecretId]["stages"][RemoveFromVersionId]
        self._move(SecretId, VersionStage, MoveToVersionId)

    def _move(self, name, stage, version):
        stages = self.secrets[name]["stages"]
        for labels in stages.values():
            if stage in labels:
                labels.remove(stage)
        stages.setdefault(version, []).append(stage)

    def restore_secret(self, SecretId):
        self.cache.write("restore_secret", SecretId)
        self.secrets[SecretId]["more"] = {}

    def delete_secret(self, SecretId, RecoveryWindowInDays):
        self.cache.write("delete_secret", SecretId)
        self.secrets[SecretId]["more"] = {"DeletedDate": RecoveryWindowInDays}

    def list_secrets(self, Filters):
        rows = [{"Name": name, "Tags": entry["tags"], **entry["more"]} for name, entry in self.secrets.items()]
        return {"SecretList": rows}

    def value(self, name):
        found = self.secrets[name]
        version = next(version for version, labels in found["stages"].items() if "AWSCURRENT" in labels)
        return json.loads(found["values"][version])


def members(zones, prefix, roles=True):
    made = [{"CacheClusterId": f"{prefix}-{n:03}", "PreferredAvailabilityZone": z} for n, z in enumerate(zones, 1)]
    for number, member in enumerate(made if roles else ()):
        member["CurrentRole"] = "replica" if number else "primary"
    return made


def shard(number, zones, prefix, roles=True):
    place = {
        "PrimaryEndpoint": {"Address": "primary", "Port": 6379},
        "ReaderEndpoint": {"Address": "reader", "Port": 6379},
    }
    return {
        "NodeGroupId": number, "Status": "available", "NodeGroupMembers": members(zones, prefix, roles), **place,
    }  # fmt: skip
