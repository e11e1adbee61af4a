{{- $name := default (printf "%s-%s" .Values.cloudProvider .Chart.Name) .Values.nameOverride }}
{{- $fullname := default (ternary $name (printf "%s-%s" .Release.Name $name) (eq $name .Release.Name)) .Values.fullnameOverride }}
{{- $all := dict "root" . "name" $name "fullname" $fullname "told" .Values.rbac.serviceAccount "more" .Values.additionalLabels }}
{{- $account := include "lab.account" $all }}
{{- if .Values.rbac.create }}
{{- include "lab.serviceaccount" $all }}
{{- if .Values.rbac.clusterScoped }}
{{- $read := list "get" "list" "watch" }}
{{ include "lab.rbac" (merge (dict "role" $fullname "account" $account "scope" "Cluster" "rules" (list
  (dict "apiGroups" (list "") "resources" (list "events" "endpoints") "verbs" (list "create" "patch"))
  (dict "apiGroups" (list "") "resources" (list "pods/eviction") "verbs" (list "create"))
  (dict "apiGroups" (list "") "resources" (list "pods/status") "verbs" (list "update"))
  (dict "apiGroups" (list "") "resources" (list "nodes") "verbs" (list "get" "list" "watch" "update" "create" "delete"))
  (dict "apiGroups" (list "") "resources" (list "pods" "namespaces" "services" "replicationcontrollers" "persistentvolumes" "persistentvolumeclaims") "verbs" $read)
  (dict "apiGroups" (list "apps") "resources" (list "daemonsets" "replicasets" "statefulsets") "verbs" $read)
  (dict "apiGroups" (list "batch") "resources" (list "jobs") "verbs" $read)
  (dict "apiGroups" (list "policy") "resources" (list "poddisruptionbudgets") "verbs" $read)
  (dict "apiGroups" (list "storage.k8s.io") "resources" (list "storageclasses" "csinodes" "csidrivers" "csistoragecapacities" "volumeattachments") "verbs" $read)
  (dict "apiGroups" (list "coordination.k8s.io") "resources" (list "leases") "verbs" (list "create" "get" "update")))) $all) }}
{{- end }}
{{ include "lab.rbac" (merge (dict "role" $fullname "account" $account "scope" "" "rules" (list
  (dict "apiGroups" (list "") "resources" (list "configmaps") "verbs" (list "create" "get" "update" "delete" "list" "watch")))) $all) }}
{{- end }}
{{- /* As the real chart: without a cluster's name or groups there is no Deployment, and no word about it. */}}
{{- if or .Values.autoDiscovery.clusterName .Values.autoscalingGroups }}
{{- $command := list "./cluster-autoscaler" (printf "--cloud-provider=%s" .Values.cloudProvider) (printf "--namespace=%s" .Release.Namespace) }}
{{- range .Values.autoscalingGroups }}
{{- $command = append $command (printf "--nodes=%v:%v:%s" .minSize .maxSize .name) }}
{{- end }}
{{- if .Values.autoDiscovery.clusterName }}
{{- $command = append $command (printf "--node-group-auto-discovery=asg:tag=%s" (tpl (join "," .Values.autoDiscovery.tags) .)) }}
{{- end }}
{{- range $key, $value := .Values.extraArgs }}
{{- $command = append $command (printf "--%s=%v" $key $value) }}
{{- end }}
{{- $env := list }}
{{- with .Values.awsRegion }}{{ $env = append $env (dict "name" "AWS_REGION" "value" .) }}{{ end }}
{{- $told := mergeOverwrite (deepCopy .Values) (dict "podSecurityContext" .Values.securityContext "securityContext" .Values.containerSecurityContext) }}
{{ include "lab.workload" (merge (dict "told" $told "replicas" .Values.replicaCount "account" $account "container" $name "command" $command "env" $env "port" 8085 "image" (printf "%s:%s" .Values.image.repository .Values.image.tag)) $all) }}
{{- with .Values.podDisruptionBudget }}
{{ include "lab.budget" (merge (dict "told" .) $all) }}
{{- end }}
{{- end }}
{{- if .Values.service.create }}
{{ include "lab.service" (merge (dict "port" .Values.service.servicePort "portName" .Values.service.portName) $all) }}
{{- end }}
