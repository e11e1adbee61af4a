"""STS: who calls, as EKS and the access entries know them too."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from bahnvision_lab.aws.eks.tokens import caller_of


class LabSts(TokenResponse):
    def get_caller_identity(self) -> ActionResult:
        """moto takes keys that it did not make for those of a user that nobody knows; they are the account's own."""
        caller = caller_of(self.current_account, self.partition, self.get_access_key())
        if not caller.principal.endswith(":root"):
            return super().get_caller_identity()
        return ActionResult({"UserId": caller.user_id, "Account": self.current_account, "Arn": caller.arn})
