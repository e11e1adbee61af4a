"""IAM: policy documents, names that differ by case only, and roles that belong to services."""

from __future__ import annotations

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.exceptions import NotFoundException
from moto.iam.responses import IamResponse

from bahnvision_lab.aws.refusals import AwsError
from bahnvision_lab.aws.small import policies

SERVICE_ROLES = {"rds.amazonaws.com": "RDS", "elasticache.amazonaws.com": "ElastiCache"}
LINKED = "/aws-service-role/"


class LabIam(IamResponse):
    """moto's IAM, stricter about documents and roles."""

    def create_role(self) -> ActionResult:
        name = self._get_param("RoleName")
        if any(role.name.lower() == name.lower() for role in self.backend.get_roles()):
            raise AwsError("EntityAlreadyExists", f"Role with name {name} already exists.")
        policies.check_trust(self._get_param("AssumeRolePolicyDocument"), self.current_account)
        _check_tags(self._get_param("Tags", []))
        boundary = self._get_param("PermissionsBoundary")
        if boundary:
            self._require_policy(boundary)
        return super().create_role()

    def update_assume_role_policy(self) -> ActionResult:
        self._require_own_role()
        policies.check_trust(self._get_param("PolicyDocument"), self.current_account)
        return super().update_assume_role_policy()

    def put_role_policy(self) -> ActionResult:
        self._require_own_role()
        policies.check_identity(self._get_param("PolicyDocument"))
        return super().put_role_policy()

    def create_policy(self) -> ActionResult:
        policies.check_identity(self._get_param("PolicyDocument"))
        return super().create_policy()

    def attach_role_policy(self) -> ActionResult:
        self._require_own_role()
        return super().attach_role_policy()

    def tag_role(self) -> ActionResult:
        _check_tags(self._get_param("Tags", []))
        return super().tag_role()

    def delete_role(self) -> ActionResult:
        self._require_own_role()
        return super().delete_role()

    def create_service_linked_role(self) -> ActionResult:
        service = self._get_param("AWSServiceName")
        name = f"AWSServiceRoleFor{SERVICE_ROLES.get(service, '')}"
        if service not in SERVICE_ROLES:
            return super().create_service_linked_role()
        if any(role.name == name for role in self.backend.get_roles()):
            raise AwsError(
                "InvalidInput",
                f"Service role name {name} has been taken in this account, please try a different suffix.",
            )
        result = super().create_service_linked_role()
        role = result.result["Role"]
        role.name = name
        return result

    def add_client_id_to_open_id_connect_provider(self) -> ActionResult:
        clients, one = self._clients_of_provider()
        if one not in clients:
            clients.append(one)
        return EmptyResult()

    def remove_client_id_from_open_id_connect_provider(self) -> ActionResult:
        clients, one = self._clients_of_provider()
        if one in clients:  # no error otherwise, says the API's reference
            clients.remove(one)
        return EmptyResult()

    def _clients_of_provider(self) -> tuple[list[str], str]:
        provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
        return provider.client_id_list, self._get_param("ClientID")

    def _require_own_role(self) -> None:
        name = self._get_param("RoleName")
        role = self.backend.get_role(name)
        if (role.path or "").startswith(LINKED):
            raise AwsError(
                "UnmodifiableEntity",
                f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
            )

    def _require_policy(self, arn: str) -> None:
        try:
            self.backend.get_policy(arn)
        except NotFoundException:
            raise AwsError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.") from None


def _check_tags(tags: list[dict[str, str]]) -> None:
    if any(tag["Key"].lower().startswith("aws:") for tag in tags):
        raise AwsError("InvalidInput", "Tag keys that start with 'aws:' are reserved for system use.")
