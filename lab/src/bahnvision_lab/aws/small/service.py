"""Put the stricter services in the place of moto's."""

from __future__ import annotations

import moto.iam.urls
import moto.kms.urls
import moto.logs.urls
import moto.secretsmanager.urls
import moto.sts.urls

from bahnvision_lab.aws.small import iam, kms, logs, secrets, sts


def install() -> None:
    """Before the first request."""
    moto.secretsmanager.urls.url_paths["{0}/$"] = secrets.LabSecretsManager.dispatch
    moto.iam.urls.url_paths["{0}/$"] = iam.LabIam.dispatch
    moto.kms.urls.url_paths["{0}/$"] = kms.LabKms.dispatch
    moto.logs.urls.url_paths["{0}/$"] = logs.LabLogs.dispatch
    moto.sts.urls.url_paths["{0}/$"] = sts.LabSts.dispatch
    kms.know_more_aliases()
