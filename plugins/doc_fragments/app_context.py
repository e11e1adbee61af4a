# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an application is rendered for: the context of app_manifests, which reads the specification from here."""

from __future__ import annotations


class ModuleDocFragment:
    # The application's surroundings.
    DOCUMENTATION = r"""
options:
  context:
    description: What the components have in common and what surrounds them. No value of a secret belongs here.
    type: dict
    required: true
    suboptions:
      app:
        description: The application.
        type: str
        required: true
      stage:
        description: The stage.
        type: str
        required: true
      namespace:
        description: The namespace. Without it C(<app>).
        type: str
        default: ""
      kubernetes_version:
        description: The minor version of the cluster, such as V(1.35).
        type: str
        required: true
      registry:
        description: Where the images are, such as V(123456789012.dkr.ecr.eu-central-1.amazonaws.com).
        type: str
        default: ""
      images:
        description:
          - For every name of an image the digest (V(sha256:...)), or a whole reference with one. With
            O(context.mutable_images) a tag will do.
        type: dict
        default: {}
      mutable_images:
        description: Whether images may be named by a tag, behind which tomorrow may be another image.
        type: bool
        default: false
      serving:
        description:
          - V(false) stages the application, with no Pods, suspended schedules and no job. This is what
            C(application_serving) comes to.
        type: bool
        required: true
      labels:
        description: Further labels of every object.
        type: dict
        default: {}
      environment:
        description: Further environment variables of all components that take the ConfigMap, never secret ones.
        type: dict
        default: {}
      environment_name:
        description: The value of C(ENVIRONMENT). Without it V(production), or V(staging) for a stage of this name.
        type: str
        default: ""
      secrets:
        description: Where the components' secrets come from.
        type: dict
        default: {}
        suboptions:
          source:
            description:
              - With V(role) the Secret C(<app>-secrets) is made by who asks; nothing of it is rendered.
              - With V(external) the External Secrets Operator makes it from AWS Secrets Manager; the SecretStore and
                ExternalSecret are rendered.
            type: str
            choices: [role, external]
            default: role
          keys:
            description: The keys that the Secret has.
            type: list
            elements: str
            default: [DATABASE_URL, VALKEY_URL]
          checksum:
            description: Changes whenever a value does, and gives none away. Pods that use the Secret are replaced then.
            type: str
            default: ""
          hashes:
            description:
              - SHA-256 of secret values, in hexadecimal. None of them may stand in an environment variable, ConfigMap,
                command or annotation.
            type: list
            elements: str
            default: []
          region:
            description: The region of AWS Secrets Manager, for V(external).
            type: str
            default: ""
          database_secret:
            description: The name or ARN of the secret of the application's login to the database, for V(external).
            type: str
            default: ""
          cache_secret:
            description: The name or ARN of the secret of the application's user of the cache, for V(external).
            type: str
            default: ""
          refresh_minutes:
            description: How often External Secrets reads again.
            type: int
            default: 15
          service_account:
            description:
              - The ServiceAccount by whose IAM role (IRSA) the secrets are read. Without it External Secrets uses its
                own (Pod Identity).
            type: str
            default: ""
      database:
        description: The database.
        type: dict
        default: {}
        suboptions:
          host:
            description: The address of the proxy, or the instance where there is none. Empty without a database.
            type: str
            default: ""
          port:
            description: Its port.
            type: int
            default: 5432
          name:
            description: The name of the database, for V(external) secrets.
            type: str
            default: ""
          cidrs:
            description: Where its addresses lie, the data subnets as a rule.
            type: list
            elements: str
            default: []
          tls:
            description: The mode of TLS.
            type: str
            choices: [verify-full, verify-ca, require]
            default: verify-full
          authorities:
            description:
              - The certificates in PEM that its own must come from, RDS's bundle as a rule. They go into the ConfigMap
                C(<app>-authorities), and C(PGSSLROOTCERT) names the file.
            type: str
            default: ""
          proxied:
            description:
              - Whether O(context.database.host) is a proxy's. Its certificate comes from AWS Certificate Manager and
                not from RDS's authorities, so the roots of Amazon Trust Services are added to
                O(context.database.authorities).
            type: bool
            default: false
          ca_file:
            description: A file of the image that holds the authorities, instead.
            type: str
            default: ""
      cache:
        description: The cache.
        type: dict
        default: {}
        suboptions:
          host:
            description: The primary endpoint. Empty where there is no cache.
            type: str
            default: ""
          port:
            description: Its port.
            type: int
            default: 6379
          cidrs:
            description: Where its addresses lie.
            type: list
            elements: str
            default: []
          cluster_mode:
            description: Whether clients must speak to a cluster; becomes C(VALKEY_CLUSTER_MODE).
            type: bool
            default: false
          authorities:
            description:
              - The certificates in PEM that its own must come from, when the image does not know them. They are the
                file C(/etc/authorities/cache.pem), which C(VALKEY_URL) names by P(bahnvision.aws.app_cache_url#filter).
            type: str
            default: ""
      telemetry:
        description: The collector of traces.
        type: dict
        default: {}
        suboptions:
          endpoint:
            description: Where OTLP goes by gRPC, such as V(http://collector.observability:4317). Empty without one.
            type: str
            default: ""
          namespace:
            description: The namespace of the collector, when it runs in the cluster.
            type: str
            default: ""
          cidrs:
            description: Where its addresses lie, when it runs elsewhere.
            type: list
            elements: str
            default: []
          resource_attributes:
            description: Further attributes of the resource that the traces come from.
            type: dict
            default: {}
          service_version:
            description: The value of C(OTEL_SERVICE_VERSION). Without it the beginning of the image's digest.
            type: str
            default: ""
      ingress:
        description: The load balancer.
        type: dict
        default: {}
        suboptions:
          enabled:
            description: Whether there is one.
            type: bool
            default: true
          class_name:
            description: The IngressClass.
            type: str
            default: alb
          scheme:
            description: Whether it is reached from outside of the network.
            type: str
            choices: [internet-facing, internal]
            default: internet-facing
          certificate_arns:
            description: Its certificates of ACM. Without them O(context.ingress.http_only) must be set.
            type: list
            elements: str
            default: []
          http_only:
            description: Whether it may do without TLS, where CloudFront or nobody is in front of it.
            type: bool
            default: false
          ssl_policy:
            description: Which versions and ciphers of TLS it takes.
            type: str
            default: ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09
          group:
            description: The group of Ingresses that share one load balancer.
            type: str
            default: ""
          load_balancer_name:
            description: Its name. Without it C(<app>-<stage>), or none with a group.
            type: str
            default: ""
          waf_arn:
            description: The web ACL of AWS WAF (regional).
            type: str
            default: ""
          access_logs_bucket:
            description: The S3 bucket for its logs.
            type: str
            default: ""
          access_logs_prefix:
            description: The prefix within the bucket. Without it C(<app>-<stage>).
            type: str
            default: ""
          inbound_cidrs:
            description: From where it may be reached. Without it from everywhere.
            type: list
            elements: str
            default: []
          prefix_lists:
            description: From which prefix lists it may be reached, such as CloudFront's.
            type: list
            elements: str
            default: []
          subnets:
            description: In which subnets it is. Without it those with its tags.
            type: list
            elements: str
            default: []
          cidrs:
            description: The ranges of those subnets. Only from there requests come to the Pods.
            type: list
            elements: str
            default: []
          idle_timeout:
            description: Seconds without data after which it closes a connection.
            type: int
            default: 60
          deregistration_delay:
            description: Seconds for which requests that are under way may go on.
            type: int
            default: 30
          deletion_protection:
            description: Whether AWS refuses to remove it.
            type: bool
            default: false
          tags:
            description: Further AWS tags.
            type: dict
            default: {}
          annotations:
            description: Further annotations, which win.
            type: dict
            default: {}
      network:
        description: What NetworkPolicies allow.
        type: dict
        default: {}
        suboptions:
          policies:
            description: Whether there are any.
            type: bool
            default: true
          dns_cidrs:
            description: Where names are asked for, besides the Pods of CoreDNS (NodeLocal DNSCache, EKS Auto Mode).
            type: list
            elements: str
            default: []
          aws_cidrs:
            description: Where V(aws) in C(calls) finds AWS's services within the network, by interface endpoints.
            type: list
            elements: str
            default: []
          metrics_namespaces:
            description: Namespaces from which metrics are collected.
            type: list
            elements: str
            default: []
          metrics_cidrs:
            description: Addresses from which metrics are collected, such as the subnets of AMP's managed collector.
            type: list
            elements: str
            default: []
      storage:
        description: What is behind PersistentVolumeClaims.
        type: dict
        default: {}
        suboptions:
          class_name:
            description: The StorageClass.
            type: str
            default: gp3
          create_class:
            description: Whether to render it, as encrypted gp3 of the EBS CSI driver.
            type: bool
            default: true
          provisioner:
            description: The driver. EKS Auto Mode has one of its own.
            type: str
            choices: [ebs.csi.aws.com, ebs.csi.eks.amazonaws.com]
            default: ebs.csi.aws.com
          kms_key_arn:
            description: The key. Without it AWS's own for EBS.
            type: str
            default: ""
"""
