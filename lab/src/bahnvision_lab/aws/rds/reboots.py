"""RebootDBInstance: a restart in place, or a failover."""

from __future__ import annotations

import time

from moto.rds.models import DBInstance

from bahnvision_lab.aws.rds import failover, parameters
from bahnvision_lab.aws.rds.events import tell
from bahnvision_lab.aws.rds.instances import Fleet, RealInstance
from bahnvision_lab.aws.rds.jobs import Job, Jobs, key_of
from bahnvision_lab.aws.refusals import AwsError
from bahnvision_lab.faults import Faults


class Reboots:
    """Status, servers, zones and events, in AWS's order."""

    def __init__(self, fleet: Fleet, jobs: Jobs, faults: Faults) -> None:
        self.fleet = fleet
        self.jobs = jobs
        self.faults = faults

    def reboot(self, database: DBInstance, with_failover: bool) -> None:
        if with_failover and not database.multi_az:
            raise AwsError(
                "InvalidParameterCombination",
                "ForceFailover cannot be specified since the instance is not configured for MultiAZ.",
            )
        if with_failover and self.faults.does_nothing(database.db_instance_identifier):
            self.jobs.start(database, Job("rebooting", lambda _real: self._pretend(database)))
            return
        group = database.db_parameter_groups()[0]
        self.jobs.instance(database).wish.settings = parameters.settings(group, dict(group.parameters))
        if with_failover:
            job = Job("rebooting", lambda real: self._fail_over(database, real), pace="rds_reboot")
            self.jobs.start(database, job, afterwards=self._rebuild)
        else:
            job = Job("rebooting", lambda real: self._restart(database, real), "rds_reboot",
                      failed="incompatible-parameters")  # fmt: skip
            self.jobs.start(database, job)

    def _restart(self, database: DBInstance, instance: RealInstance) -> None:
        self.fleet.restart(instance)
        tell(database, "DB instance restarted")

    def _pretend(self, database: DBInstance) -> None:
        """The fault to be found by drills: the API says what it always says, and no server notices."""
        name = database.db_instance_identifier
        self.fleet.site.journal.write("failover left out", name)
        time.sleep(self.faults.flip_seconds(name))

    def _fail_over(self, database: DBInstance, instance: RealInstance) -> None:
        key, name = key_of(database), database.db_instance_identifier
        instance.cluster.ensure_standby()  # the one before may have left it to be rebuilt
        tell(database, "Multi-AZ instance failover started.")
        self.fleet.tell_observers(lambda observer: observer.failing_over(key))
        conditions = failover.Conditions(self.faults.is_asynchronous(name), self.faults.flip_seconds(name))
        with_new_parameters = instance.awaits_reboot
        instance.configure()
        failover.fail_over(instance.cluster, conditions, with_new_parameters)
        instance.awaits_reboot = False
        database.availability_zone, database.secondary_availability_zone = (
            database.secondary_availability_zone, database.availability_zone,
        )  # fmt: skip
        instance.wait_for_master()
        tell(database, "DB instance restarted")
        tell(database, "Multi-AZ instance failover completed")
        self.fleet.tell_observers(lambda observer: observer.moved(key))

    def _rebuild(self, instance: RealInstance) -> None:
        """The dead primary comes back as the standby. Meanwhile a commit has one copy, as on RDS."""
        if instance.wish.multi_az and instance.ready:
            instance.cluster.ensure_standby()
