# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of an application's component. They are the specification too: app_manifests reads them from here."""

from __future__ import annotations


class ModuleDocFragment:
    # One process of the application.
    DOCUMENTATION = r"""
options:
  _input:
    description:
      - The parts of the application. Every object is named C(<app>-<name>), and labelled
        C(app.kubernetes.io/name=<name>), C(app.kubernetes.io/part-of=<app>) and
        C(app.kubernetes.io/instance=<app>-<stage>).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the component, such as V(backend).
        type: str
        required: true
      type:
        description:
          - V(web) answers requests at O(_input[].port) behind a Service.
          - V(worker) runs all the time and answers nobody.
          - V(schedule) runs at the times of O(_input[].schedule).
          - V(job) runs once for every image and command, before the others change, such as a migration of the
            database's schema.
        type: str
        choices: [web, worker, schedule, job]
        default: web
      enabled:
        description: A component that is not is left out, and no object of it is rendered.
        type: bool
        default: true
      image:
        description:
          - The name of the image in O(context.registry), whose digest O(context.images) tells, or a whole reference.
        type: str
        required: true
      command:
        description: What to run instead of the image's entry point.
        type: list
        elements: str
        default: []
      args:
        description: What to pass to the entry point instead of the image's command.
        type: list
        elements: str
        default: []
      port:
        description: The port at which a component of the type V(web) answers.
        type: int
      service_port:
        description: The port of its Service. Without it O(_input[].port).
        type: int
      replicas:
        description: How many Pods to run. Without meaning where O(_input[].autoscaling) rules.
        type: int
        default: 2
      autoscaling:
        description: A HorizontalPodAutoscaler. Without it the number is fixed.
        type: dict
        suboptions:
          min:
            description: The least number of Pods.
            type: int
            default: 2
          max:
            description: The greatest number of Pods.
            type: int
            required: true
          cpu:
            description: The use of the requested CPU to aim at, in percent. V(0) takes no notice of it.
            type: int
            default: 70
          memory:
            description: The use of the requested memory to aim at, in percent. V(0) takes no notice of it.
            type: int
            default: 0
          scale_down_seconds:
            description: For how long the need must have been lower before Pods go.
            type: int
            default: 300
      resources:
        description: What a container asks for and may use at most.
        type: dict
        required: true
        suboptions:
          requests:
            description: The keys V(cpu), V(memory) and V(ephemeral-storage), such as V(250m) and V(256Mi).
            type: dict
            required: true
          limits:
            description: The same keys. Without V(memory) one Pod may take a node down with it, so it is required.
            type: dict
            required: true
      health:
        description: How Kubernetes and the load balancer learn that it works. Required for the type V(web).
        type: dict
        suboptions:
          path:
            description: Answers a GET with a status from 200 to 399.
            type: str
          command:
            description: Ends with 0, for a component without a port.
            type: list
            elements: str
            default: []
          ready_path:
            description: Another path for readiness than for start and life.
            type: str
          start_seconds:
            description: How long a start may take.
            type: int
            default: 150
          period_seconds:
            description: Between two questions.
            type: int
            default: 10
          timeout_seconds:
            description: How long an answer may take.
            type: int
            default: 5
          failures:
            description: So many failures in a row count.
            type: int
            default: 3
      metrics:
        description: Where Prometheus finds metrics. The path is never routed from outside.
        type: dict
        suboptions:
          path:
            description: The path.
            type: str
            default: /metrics
          port:
            description: The port, when it is another than O(_input[].port).
            type: int
      routes:
        description: What of the load balancer's requests this component answers.
        type: list
        elements: dict
        default: []
        suboptions:
          host:
            description: The host name. Without it every host.
            type: str
            default: ""
          path:
            description: The path with everything below it.
            type: str
            default: /
          match:
            description: Whether O(_input[].routes[].path) means the paths below it too.
            type: str
            choices: [Prefix, Exact]
            default: Prefix
      private_paths:
        description: Paths besides the metrics' that are for nobody outside. No route may lead to them.
        type: list
        elements: str
        default: []
      private_by_rule:
        description:
          - Whether a route may cover a private path when the load balancer answers that path with 404. The load
            balancer compares the path as it is written, so V(/%6detrics) passes it and is C(/metrics) to most servers.
        type: bool
        default: false
      config:
        description: Whether the ConfigMap C(<app>-config) becomes the environment.
        type: bool
        default: true
      environment:
        description: Further environment variables, never secret ones.
        type: dict
        default: {}
      secrets:
        description:
          - The keys of the Secret C(<app>-secrets) that become environment variables of the same names. Each must be
            one of O(context.secrets.keys).
        type: list
        elements: str
        default: []
      telemetry:
        description: Sends traces to O(context.telemetry.endpoint).
        type: dict
        suboptions:
          service_name:
            description: Without it C(<app>-<name>).
            type: str
          propagators:
            description:
              - In which headers a trace travels. OpenTelemetry does not start with one that the image has no package
                for (V(xray) needs C(opentelemetry-propagator-aws-xray) in Python).
            type: list
            elements: str
            default: [tracecontext, baggage, xray]
      calls:
        description:
          - What it may connect to, besides the names of the cluster. The name of another component; V(database),
            V(cache), V(telemetry) for those of O(context); V(internet) for addresses that are neither private nor
            link-local, at O(_input[].internet_ports); V(aws) for its own AWS credentials (Pod Identity) and AWS's
            services, which is HTTPS to public addresses and to O(context.network.aws_cidrs).
        type: list
        elements: str
        default: []
      internet_ports:
        description: At which ports V(internet) may be reached.
        type: list
        elements: int
        default: [443]
      volumes:
        description: Directories that may be written to, besides V(/tmp).
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: The directory.
            type: str
            required: true
          type:
            description:
              - V(temporary) lives as long as the Pod, V(memory) is the same in memory.
              - V(claim) is a PersistentVolumeClaim. A volume of EBS belongs to one node, so it allows one Pod.
            type: str
            choices: [temporary, memory, claim]
            default: temporary
          size:
            description: Its size, such as V(10Gi); a V(temporary) directory that grows beyond it ends its Pod.
            type: str
            required: true
      user:
        description: The numerical user of the process. V(0) fits no Pod Security level but V(baseline).
        type: int
        default: 1000
      group:
        description: The numerical group of the process and its volumes. Without it as O(_input[].user).
        type: int
      read_only_root:
        description: Whether the image's files cannot be written to.
        type: bool
        default: true
      pod_security:
        description:
          - The level of the Pod Security Standards that the component fits. The namespace enforces the lowest of all
            components, and warns of what does not fit V(restricted). A port below 1024 needs no lower level (the Pod
            gets the harmless sysctl C(net.ipv4.ip_unprivileged_port_start)).
        type: str
        choices: [restricted, baseline, privileged]
        default: restricted
      kubernetes_token:
        description: Whether the Pod gets a token for Kubernetes' own API.
        type: bool
        default: false
      role_arn:
        description:
          - The IAM role for IRSA. With EKS Pod Identity, which needs nothing here, list V(aws) in O(_input[].calls).
        type: str
        default: ""
      schedule:
        description: When a component of the type V(schedule) runs, with cron's five fields.
        type: str
        default: ""
      time_zone:
        description: The time zone of O(_input[].schedule).
        type: str
        default: Etc/UTC
      request:
        description: The request that a component of the type V(schedule) makes, with Python of its image, and no more.
        type: dict
        suboptions:
          component:
            description: The component of the type V(web) that is asked.
            type: str
            required: true
          path:
            description: The path.
            type: str
            required: true
          method:
            description: The method.
            type: str
            default: POST
            choices: [GET, POST, PUT, DELETE]
          timeout_seconds:
            description: How long the answer may take.
            type: int
            default: 900
      deadline_seconds:
        description: After so long a component of the type V(schedule) or V(job) is ended.
        type: int
        default: 1800
      retries:
        description: How often a component of the type V(schedule) or V(job) is started again after a failure.
        type: int
        default: 2
      disruption:
        description: How many Pods may be missing while nodes are drained, as a number or in percent.
        type: str
        default: "1"
      spread:
        description: Whether a Pod waits rather than making the zones uneven (V(required)).
        type: str
        choices: [preferred, required]
        default: preferred
      drain_seconds:
        description: How long a Pod that is to end goes on answering, while the load balancer takes it out.
        type: int
        default: 20
      stop_seconds:
        description: How long the process may take to end after that.
        type: int
        default: 30
      node_selector:
        description: Labels that a node must have, such as V(kubernetes.io/arch).
        type: dict
        default: {}
      tolerations:
        description: Taints of nodes that are put up with, as in a Pod.
        type: list
        elements: dict
        default: []
      priority_class:
        description: The name of a PriorityClass.
        type: str
        default: ""
      overrides:
        description:
          - What the rendered objects get on top, by kind (V(Deployment), V(Service), ...). Dictionaries are merged,
            lists of things that have a C(name) are merged by it, everything else is replaced, and null removes. What an
            object is (its kind, name, namespace and selector) cannot be overridden.
        type: dict
        default: {}
"""
