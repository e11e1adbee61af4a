"""DMS Serverless: endpoints, subnet group, one load, and what tells of it."""

from __future__ import annotations

from bahnvision_lab.testing import Lab
from dms_world import World


def walk(lab: Lab) -> None:
    world = World.make(lab)
    dms = world.dms
    world.both("create table walked (id int primary key, t text)")
    with world.source() as source:
        source.execute("insert into walked select n, 'x' from generate_series(1, 10) n")
    endpoint = world.endpoints["source"]
    dms.describe_endpoints(Filters=[{"Name": "endpoint-arn", "Values": [endpoint]}])
    dms.modify_endpoint(EndpointArn=endpoint, SslMode="none")
    dms.add_tags_to_resource(ResourceArn=endpoint, Tags=[{"Key": "c", "Value": "d"}])
    dms.list_tags_for_resource(ResourceArn=endpoint)
    dms.remove_tags_from_resource(ResourceArn=endpoint, TagKeys=["c"])
    dms.describe_replication_subnet_groups()
    dms.modify_replication_subnet_group(ReplicationSubnetGroupIdentifier="walk", SubnetIds=world.subnets)
    arn = world.create("walked")
    dms.describe_replication_configs(Filters=[{"Name": "replication-config-arn", "Values": [arn]}])
    assert world.run(arn)["Status"] == "stopped"
    dms.describe_replication_table_statistics(ReplicationConfigArn=arn)
    with lab.faults(delay_ms=1):
        world.start(arn, "reload-target")
        dms.stop_replication(ReplicationConfigArn=arn)
    world.remove(arn)
    for one in world.endpoints.values():
        dms.delete_endpoint(EndpointArn=one)
    dms.delete_replication_subnet_group(ReplicationSubnetGroupIdentifier="walk")
    lab.client("sts").get_caller_identity()
    lab.client("rds").delete_db_instance(DBInstanceIdentifier=world.instance, SkipFinalSnapshot=True)
