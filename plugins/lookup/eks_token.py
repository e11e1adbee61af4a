# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: eks_token
version_added: 0.1.0
author:
  - The bahnvision.aws team (@bahnvision)
short_description: Make a bearer token for an EKS cluster
description:
  - Makes the same token as C(aws eks get-token), an address of STS that is signed in advance, without the AWS CLI.
  - The cluster takes the token for 15 minutes. Look it up where it is used, so that every task gets a fresh one.
  - No request is made, unless the credentials come from a place that has to be asked, as a role or a single sign-on.
    Whether the cluster knows who signed shows with the first request to it.
  - The token is a secret. Hand it to options that are not logged, as O(kubernetes.core.k8s#module:api_key); it has no
    place in a kubeconfig, on a command line or in a variable that is shown.
options:
  _terms:
    description: Names of clusters.
    required: true
    type: list
    elements: str
  validate_certs:
    description: Whether certificates of AWS's API are verified, when a request is made for the credentials.
    type: bool
    default: true
  aws_ca_bundle:
    description: The file of the authorities by which they are verified.
    type: path
    env:
      - name: AWS_CA_BUNDLE
  aws_config:
    description:
      - Settings of botocore, as all modules of the collection amazon.aws take them. With
        C(use_fips_endpoint) and C(use_dualstack_endpoint) another endpoint of STS is named in the token.
    type: dict
notes:
  - The token names the endpoint of STS in the given region, or the FIPS endpoint or other one that botocore's settings
    and environment choose.
  - With O(access_key), O(secret_key), O(region) and O(endpoint_url) all given, boto3 is not needed.
extends_documentation_fragment:
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
seealso:
  - module: bahnvision.aws.eks_cluster
"""

EXAMPLES = r"""
- name: Read the namespaces of a cluster
  kubernetes.core.k8s_info:
    kind: Namespace
    host: "{{ cluster.endpoint }}"
    ca_cert: "{{ ca_file }}"
    api_key: "{{ lookup('bahnvision.aws.eks_token', 'bahnvision-production', region='eu-central-1') }}"

- name: Install a chart, with a kubeconfig that holds no secret
  kubernetes.core.helm:
    name: metrics-server
    namespace: kube-system
    chart_ref: metrics-server
    chart_repo_url: https://kubernetes-sigs.github.io/metrics-server
    kubeconfig: "{{ kubeconfig_without_user }}"
    api_key: "{{ lookup('bahnvision.aws.eks_token', 'bahnvision-production', **aws_connection) }}"
"""

RETURN = r"""
_raw:
  description: A token for each name.
  type: list
  elements: str
"""

import re  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402
from ansible_collections.bahnvision.aws.plugins.plugin_utils.presigning import Signer, token  # noqa: E402

# https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
GIVEN = ("access_key", "secret_key", "region", "endpoint_url")


class LookupModule(LookupBase):
    """Resolves who signs as the plugins of amazon.aws do, and asks boto3 only for what the options do not say."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        if not terms:
            self.fail_aws("eks_token needs the name of a cluster")
        for name in terms:
            if not isinstance(name, str) or not NAME.fullmatch(name):
                self.fail_aws(f"eks_token: {name!r} is not the name of an EKS cluster")
        signer = self._signer()
        now = datetime.now(UTC)
        return [token(signer, name, now) for name in terms]

    def _signer(self) -> Signer:
        options = self.get_options()
        if all(options.get(name) for name in GIVEN) and not options.get("profile"):
            return Signer(
                options["access_key"], options["secret_key"], options.get("session_token") or "", options["region"],
                options["endpoint_url"],
            )  # fmt: skip
        return self._signer_of_boto3()

    def _signer_of_boto3(self) -> Signer:
        # Imported here: it costs 0.2 s of CPU, in every task that looks a token up.
        try:
            import boto3
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as problem:
            self.fail_aws("eks_token needs boto3, or the options " + ", ".join(GIVEN), problem)
        from ansible_collections.amazon.aws.plugins.plugin_utils.botocore import boto3_conn, get_aws_connection_info

        region, endpoint, rest = get_aws_connection_info(self)
        client = boto3_conn(self, conn_type="client", resource="sts", region=region, endpoint=endpoint, **rest)
        if not region:
            self.fail_aws("eks_token needs a region: give the option region, or set AWS_REGION")
        keys = {name: rest.get(name) for name in
                ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "profile_name")}  # fmt: skip
        try:
            found = boto3.session.Session(region_name=region, **keys).get_credentials()
            frozen = found.get_frozen_credentials() if found else None
        except (BotoCoreError, ClientError) as problem:
            self.fail_aws("eks_token could not get AWS credentials", problem)
        if frozen is None:
            self.fail_aws(
                "eks_token found no AWS credentials: give access_key and secret_key or profile, or set them in the "
                "environment as for every AWS tool"
            )
        return Signer(
            frozen.access_key, frozen.secret_key, frozen.token or "", client.meta.region_name, client.meta.endpoint_url
        )

    def fail_aws(self, message: str, exception: Exception | None = None) -> NoReturn:
        """Raise; the name is the one by which amazon.aws's helpers call it."""
        raise AnsibleLookupError(f"{message}: {exception}" if exception else message)
