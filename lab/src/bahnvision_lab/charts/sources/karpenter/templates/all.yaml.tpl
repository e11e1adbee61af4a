{{- $fullname := include "lab.fullname" . }}
{{- $all := dict "root" . "name" (include "lab.name" .) "fullname" $fullname "told" .Values.serviceAccount "more" .Values.additionalLabels }}
{{- $account := include "lab.account" $all }}
{{- include "lab.serviceaccount" $all }}
{{- $env := list (dict "name" "KARPENTER_SERVICE" "value" $fullname) }}
{{- range $key, $name := dict "clusterName" "CLUSTER_NAME" "clusterEndpoint" "CLUSTER_ENDPOINT" "interruptionQueue" "INTERRUPTION_QUEUE" }}
{{- with get $.Values.settings $key }}{{ $env = append $env (dict "name" $name "value" (tpl (toString .) $)) }}{{ end }}
{{- end }}
{{- $anti := dict "labelSelector" (dict "matchLabels" (dict "app.kubernetes.io/name" (include "lab.name" .) "app.kubernetes.io/instance" .Release.Name)) }}
{{- $told := mergeOverwrite (deepCopy .Values) (dict "resources" .Values.controller.resources "securityContext" (dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532 "capabilities" (dict "drop" (list "ALL")))) }}
{{- range dig "podAntiAffinity" "requiredDuringSchedulingIgnoredDuringExecution" list (default dict $told.affinity) }}
{{- $_ := merge . $anti }}
{{- end }}
{{ include "lab.workload" (merge (dict "told" $told "replicas" .Values.replicas "account" $account "container" "controller" "env" $env "port" .Values.controller.metrics.port "image" (printf "%s:%v" .Values.controller.image.repository .Values.controller.image.tag)) $all) }}
{{ include "lab.service" (merge (dict "port" .Values.controller.metrics.port) $all) }}
{{- with .Values.podDisruptionBudget }}
{{ include "lab.budget" (merge (dict "told" . "fullname" $fullname) $all) }}
{{- end }}
{{ include "lab.rbac" (merge (dict "role" $fullname "account" $account "scope" "Cluster" "rules" (list
  (dict "apiGroups" (list "karpenter.sh" "karpenter.k8s.aws") "resources" (list "*") "verbs" (list "*"))
  (dict "apiGroups" (list "") "resources" (list "nodes" "pods" "namespaces" "persistentvolumes" "persistentvolumeclaims") "verbs" (list "get" "list" "watch"))
  (dict "apiGroups" (list "") "resources" (list "nodes") "verbs" (list "patch" "delete" "update"))
  (dict "apiGroups" (list "") "resources" (list "pods/eviction") "verbs" (list "create"))
  (dict "apiGroups" (list "") "resources" (list "events") "verbs" (list "create" "patch")))) $all) }}
{{ include "lab.rbac" (merge (dict "role" $fullname "account" $account "scope" "" "rules" (list
  (dict "apiGroups" (list "coordination.k8s.io") "resources" (list "leases") "verbs" (list "get" "watch" "create" "patch" "update")))) $all) }}
