"""What AWS refuses, the lab refuses: same code, same words, at once, and nothing is made."""

from __future__ import annotations

from typing import Any

import pytest
from aws_world import available_instance, fresh, instance_arguments, refused, vpc_with_subnets
from bahnvision_lab.testing import Lab

VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"
CREATE = [
    ({"EngineVersion": "99.99"}, COMBINATION, "Cannot find version 99.99 for postgres"),
    ({"EngineVersion": "15.4"}, COMBINATION, "Cannot find version 15.4 for postgres"),
    ({"DBInstanceClass": "db.nope"}, VALUE, "Invalid DB Instance class: db.nope"),
    ({"DBInstanceClass": "db.t2.micro"}, COMBINATION, "DBInstanceClass=db.t2.micro, Engine=postgres"),
    ({"AllocatedStorage": 19}, COMBINATION, "Invalid storage size for engine name postgres and storage type gp3: 19"),
    ({"AllocatedStorage": 65537}, COMBINATION, "storage type gp3: 65537"),
    ({"AllocatedStorage": None}, VALUE, "AllocatedStorage must be provided"),
    ({"AllocatedStorage": 99, "StorageType": "io1", "Iops": 1000}, COMBINATION, "storage type io1: 99"),
    ({"AllocatedStorage": 100, "StorageType": "io1"}, COMBINATION, "You must specify IOPS"),
    ({"StorageType": "gp9"}, VALUE, "Invalid storage type: gp9"),
    ({"Iops": 4000, "StorageType": "gp3"}, COMBINATION, "a storage size less than 400"),
    ({"StorageThroughput": 300}, COMBINATION, "a storage size less than 400"),
    ({"AllocatedStorage": 400, "Iops": 11999, "StorageType": "gp3"}, COMBINATION, "11999"),
    ({"MaxAllocatedStorage": 20}, COMBINATION, "Max storage size must be greater than storage size"),
    ({"MasterUserPassword": "with/slash"}, VALUE, "Only printable ASCII characters besides '/', '@', '\"', ' '"),
    ({"MasterUserPassword": 'with"quote'}, VALUE, "is not a valid password"),
    ({"MasterUserPassword": "with@at-sign"}, VALUE, "is not a valid password"),
    ({"MasterUserPassword": "with a blank"}, VALUE, "is not a valid password"),
    ({"MasterUserPassword": "schlüssel"}, VALUE, "is not a valid password"),
    ({"MasterUserPassword": "short7!"}, VALUE, "shorter than 8"),
    ({"MasterUserPassword": "x" * 129}, VALUE, "longer than 128"),
    ({"MasterUserPassword": None}, VALUE, "MasterUserPassword must be provided"),
    ({"MasterUsername": "rdsadmin"}, VALUE, "MasterUsername rdsadmin cannot be used as it is a reserved word"),
    ({"MasterUsername": "admin"}, VALUE, "reserved word"),
    ({"MasterUsername": "user"}, VALUE, "reserved word"),
    ({"MasterUsername": "1st"}, VALUE, "MasterUsername is not a valid identifier"),
    ({"MasterUsername": None}, VALUE, "MasterUsername must be provided"),
    ({"ManageMasterUserPassword": True}, COMBINATION, "ManageMasterUserPassword"),
    ({"DBName": "rdsadmin"}, VALUE, "DBName rdsadmin cannot be used"),
    ({"DBName": "with-hyphen"}, VALUE, "DBName must begin with a letter"),
    ({"DBSubnetGroupName": "absent"}, "DBSubnetGroupNotFoundFault", "DB subnet group 'absent' does not exist."),
    ({"DBParameterGroupName": "absent"}, "DBParameterGroupNotFound", "DBParameterGroup not found: absent"),
    (
        {"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]},
        VALUE,
        "Invalid security group , groupId= sg-0123456789abcdef0",
    ),
    ({"StorageEncrypted": True, "KmsKeyId": "no-such-key"}, "KMSKeyNotAccessibleFault", "[no-such-key]"),
    ({"StorageEncrypted": True, "KmsKeyId": "alias/nobody"}, "KMSKeyNotAccessibleFault", "[alias/nobody]"),
    (
        {"ManageMasterUserPassword": True, "MasterUserPassword": None, "MasterUserSecretKmsKeyId": "alias/nobody"},
        "KMSKeyNotAccessibleFault",
        "[alias/nobody]",
    ),
    ({"KmsKeyId": "no-such-key"}, COMBINATION, "StorageEncrypted is false"),
    ({"BackupRetentionPeriod": 36}, VALUE, "Invalid backup retention period: 36"),
    ({"DBInstanceIdentifier": "two--hyphens"}, VALUE, "DBInstanceIdentifier is not a valid identifier"),
    ({"DBInstanceIdentifier": "ends-"}, VALUE, "DBInstanceIdentifier is not a valid identifier"),
    ({"DBInstanceIdentifier": "x" * 64}, VALUE, "DBInstanceIdentifier is not a valid identifier"),
    ({"Port": 80}, VALUE, "1150"),
    ({"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 94}, VALUE, "Insights retention"),
    ({"CACertificateIdentifier": "rds-ca-2019"}, "CertificateNotFound", "rds-ca-2019"),
    ({"EnableCloudwatchLogsExports": ["audit"]}, COMBINATION, "You cannot use the log types 'audit'"),
    ({"MonitoringInterval": 60}, COMBINATION, "MonitoringRoleARN"),
    ({"MultiAZ": True, "AvailabilityZone": "eu-central-1a"}, COMBINATION, "Multi-AZ"),
]


@pytest.mark.parametrize(("change", "code", "words"), CREATE, ids=lambda value: str(value)[:60])
def test_create_is_refused_and_nothing_is_made(rds: Any, change: dict[str, Any], code: str, words: str) -> None:
    arguments = instance_arguments(**change)
    with refused(code, words):
        rds.create_db_instance(**arguments)
    made = [database["DBInstanceIdentifier"] for database in rds.describe_db_instances()["DBInstances"]]
    assert arguments["DBInstanceIdentifier"] not in made


@pytest.mark.parametrize("engine", ["mysql", "aurora-postgresql"])
def test_an_engine_without_servers_is_refused_rather_than_pretended(rds: Any, engine: str) -> None:
    with refused("NotImplementedByLab", f"servers of engine {engine}", status=501):
        rds.create_db_instance(**instance_arguments(Engine=engine))


def test_operations_with_nothing_behind_them_say_so_at_once(rds: Any) -> None:
    with refused("NotImplementedByLab", "rds:CreateDBInstanceReadReplica", status=501):
        rds.create_db_instance_read_replica(DBInstanceIdentifier="replica", SourceDBInstanceIdentifier="db")


def test_absent_groups_and_instances_are_not_found(rds: Any) -> None:
    with refused("DBParameterGroupNotFound", "absent", status=404):
        rds.describe_db_parameter_groups(DBParameterGroupName="absent")
    with refused("DBParameterGroupNotFound", "absent", status=404):
        rds.describe_db_parameters(DBParameterGroupName="absent")
    with refused("DBSubnetGroupNotFoundFault", "absent", status=404):
        rds.describe_db_subnet_groups(DBSubnetGroupName="absent")
    with refused("DBInstanceNotFound", "absent", status=404):
        rds.describe_db_instances(DBInstanceIdentifier="absent")
    with refused("DBInstanceNotFound", "absent", status=404):
        rds.delete_db_instance(DBInstanceIdentifier="absent", SkipFinalSnapshot=True)


def test_a_subnet_group_covers_two_zones_of_one_vpc(rds: Any, ec2: Any) -> None:
    _vpc, (first, second) = vpc_with_subnets(ec2, ("a", "a"))
    _other, (elsewhere,) = vpc_with_subnets(ec2, ("b",))
    name = fresh("group")
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs", "Current AZ coverage: eu-central-1a"):
        rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=[first, second])
    with refused("InvalidSubnet", "same VPC"):
        rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=[first, elsewhere])
    with refused(VALUE, "subnet-00000000000000000"):
        rds.create_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=[first, "subnet-00000000000000000"]
        )


def test_a_subnet_group_keeps_its_instance_and_its_vpc(rds: Any, ec2: Any) -> None:
    vpc, subnets = vpc_with_subnets(ec2)
    name = fresh("group")
    rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=subnets)
    with refused("DBSubnetGroupAlreadyExists", name):
        rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=subnets)
    default_vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    foreign = ec2.create_security_group(GroupName=name, Description="x", VpcId=default_vpc)["GroupId"]
    with refused(COMBINATION, f"The DB instance is in {vpc}"):
        rds.create_db_instance(**instance_arguments(DBSubnetGroupName=name, VpcSecurityGroupIds=[foreign]))
    with available_instance(rds, DBSubnetGroupName=name, MultiAZ=True) as made:
        assert made["DBSubnetGroup"]["VpcId"] == vpc
        assert {made["AvailabilityZone"], made["SecondaryAvailabilityZone"]} == {"eu-central-1a", "eu-central-1b"}
        with refused("InvalidDBSubnetGroupStateFault", made["DBInstanceIdentifier"]):
            rds.delete_db_subnet_group(DBSubnetGroupName=name)
        with refused("DependencyViolation", subnets[0]):
            ec2.delete_subnet(SubnetId=subnets[0])
    rds.modify_db_subnet_group(DBSubnetGroupName=name, SubnetIds=subnets, DBSubnetGroupDescription="y")
    assert rds.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]["DBSubnetGroupDescription"] == "y"
    rds.delete_db_subnet_group(DBSubnetGroupName=name)


def test_changes_that_are_refused(rds: Any, lab: Lab) -> None:
    with available_instance(rds, AllocatedStorage=30, DeletionProtection=True) as made:
        name = made["DBInstanceIdentifier"]
        for change, code, words in (
            ({"AllocatedStorage": 25}, COMBINATION, "can't be reduced"),
            ({"EngineVersion": "15.13"}, COMBINATION, "Cannot upgrade postgres from"),
            ({"EngineVersion": "99"}, COMBINATION, "Cannot find version 99"),
            ({"DBInstanceClass": "db.nope"}, VALUE, "Invalid DB Instance class"),
            ({"MasterUserPassword": "with/slash"}, VALUE, "is not a valid password"),
            ({"BackupRetentionPeriod": 99}, VALUE, "99"),
            ({"RotateMasterUserPassword": True, "ApplyImmediately": True}, COMBINATION, "rotate"),
            ({"DBParameterGroupName": "absent"}, "DBParameterGroupNotFound", "absent"),
            ({"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, VALUE, "sg-0123456789abcdef0"),
        ):
            with refused(code, words):
                rds.modify_db_instance(DBInstanceIdentifier=name, **change)
        with refused("DBInstanceAlreadyExists", "DB instance already exists"):
            rds.create_db_instance(**instance_arguments(DBInstanceIdentifier=name))
        with refused(COMBINATION, "ForceFailover cannot be specified"):
            rds.reboot_db_instance(DBInstanceIdentifier=name, ForceFailover=True)
        with refused(COMBINATION, "Cannot delete protected DB Instance"):
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
        with refused(COMBINATION, "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."):
            rds.delete_db_instance(DBInstanceIdentifier=name)
        with refused(COMBINATION, "cannot be specified when SkipFinalSnapshot"):
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True, FinalDBSnapshotIdentifier="final")
        assert lab.status()["databases"][name]["status"] == "available"


def test_an_instance_that_is_being_made_cannot_be_changed(rds: Any) -> None:
    arguments = instance_arguments()
    rds.create_db_instance(**arguments)
    name = arguments["DBInstanceIdentifier"]
    described = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert (described["DBInstanceStatus"], "Endpoint" in described) == ("creating", False)
    with refused("InvalidDBInstanceState", "not in available state"):
        rds.modify_db_instance(DBInstanceIdentifier=name, AllocatedStorage=40)
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def test_parameter_changes_that_are_refused_change_nothing(rds: Any) -> None:
    name = fresh("parameters")
    family = rds.describe_db_engine_versions(Engine="postgres", DefaultOnly=True)["DBEngineVersions"][0]
    rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily=family["DBParameterGroupFamily"], Description="x"
    )
    good = {"ParameterName": "log_min_duration_statement", "ParameterValue": "5", "ApplyMethod": "immediate"}
    for parameter, value, method, code, words in (
        ("no_such", "1", "immediate", VALUE, "Could not find parameter with name: no_such"),
        ("max_connections", "50", "immediate", COMBINATION, "static parameter"),
        ("log_connections", "yes", "immediate", VALUE, "allowed values are: 0,1"),
        ("log_statement", "everything", "immediate", VALUE, "none,ddl,mod,all"),
        ("work_mem", "10", "immediate", VALUE, "allowed values are: 64-"),
        ("work_mem", "4MB", "immediate", VALUE, "Invalid parameter value: 4MB"),
        ("port", "5433", "pending-reboot", VALUE, "cannot be modified"),
    ):
        bad = {"ParameterName": parameter, "ParameterValue": value, "ApplyMethod": method}
        with refused(code, words):
            rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=[good, bad])
    assert rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"] == []
    with refused("DBParameterGroupAlreadyExists", name):
        rds.create_db_parameter_group(
            DBParameterGroupName=name, DBParameterGroupFamily=family["DBParameterGroupFamily"], Description="x"
        )
    with refused(VALUE, "postgres9"):
        rds.create_db_parameter_group(
            DBParameterGroupName=fresh("p"), DBParameterGroupFamily="postgres9", Description="x"
        )
    with refused("InvalidDBParameterGroupState", "default.postgres"):
        rds.modify_db_parameter_group(
            DBParameterGroupName=f"default.{family['DBParameterGroupFamily']}", Parameters=[good]
        )


def test_a_parameter_group_of_an_instance_cannot_be_deleted(rds: Any) -> None:
    name = fresh("parameters")
    family = rds.describe_db_engine_versions(Engine="postgres", DefaultOnly=True)["DBEngineVersions"][0]
    rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily=family["DBParameterGroupFamily"], Description="x"
    )
    with available_instance(rds, DBParameterGroupName=name), refused("InvalidDBParameterGroupState", name):
        rds.delete_db_parameter_group(DBParameterGroupName=name)
    rds.delete_db_parameter_group(DBParameterGroupName=name)
