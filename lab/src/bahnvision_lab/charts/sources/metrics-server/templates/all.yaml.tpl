{{/* The APIService is left out: the lab's Kubernetes has no aggregation, and says so to `kubectl top`. */}}
{{- $fullname := include "lab.fullname" . }}
{{- $all := dict "root" . "name" (include "lab.name" .) "fullname" $fullname "told" .Values.serviceAccount "more" .Values.commonLabels }}
{{- $account := include "lab.account" $all }}
{{- include "lab.serviceaccount" $all }}
{{- $args := concat (list (printf "--secure-port=%v" .Values.containerPort)) .Values.defaultArgs .Values.args }}
{{- $tag := default (printf "v%s" .Chart.AppVersion) .Values.image.tag }}
{{ include "lab.workload" (merge (dict "told" (mergeOverwrite (deepCopy .Values) (dict "hostNetwork" .Values.hostNetwork.enabled)) "replicas" .Values.replicas "account" $account "container" "metrics-server" "args" $args "port" .Values.containerPort "image" (printf "%s:%s" .Values.image.repository $tag)) $all) }}
{{ include "lab.service" (merge (dict "port" .Values.service.port "portName" "https") $all) }}
{{- if .Values.podDisruptionBudget.enabled }}
{{ include "lab.budget" (merge (dict "told" .Values.podDisruptionBudget) $all) }}
{{- end }}
{{- if .Values.rbac.create }}
{{ include "lab.rbac" (merge (dict "role" (printf "system:%s" $fullname) "account" $account "scope" "Cluster" "rules" (list
  (dict "apiGroups" (list "") "resources" (list "nodes/metrics") "verbs" (list "get"))
  (dict "apiGroups" (list "") "resources" (list "pods" "nodes" "namespaces" "configmaps") "verbs" (list "get" "list" "watch")))) $all) }}
{{- end }}
