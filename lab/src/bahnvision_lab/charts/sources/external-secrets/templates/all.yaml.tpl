{{/* The webhook's Deployment is here, its configuration is not: the lab's Kubernetes refuses admission webhooks. */}}
{{- $name := include "lab.name" . }}
{{- $fullname := include "lab.fullname" . }}
{{- $all := dict "root" . "name" $name "fullname" $fullname "told" .Values.serviceAccount "more" .Values.commonLabels }}
{{- $image := printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- $account := include "lab.account" $all }}
{{- include "lab.serviceaccount" $all }}
{{ include "lab.workload" (merge (dict "told" .Values "replicas" .Values.replicaCount "account" $account "container" .Chart.Name "args" (list "--concurrent=1") "port" 8080 "image" $image) $all) }}
{{- range $part, $key := dict "webhook" "webhook" "cert-controller" "certController" }}
{{- $values := get $.Values $key }}
{{- if $values.create }}
{{- $mine := merge (dict "name" (printf "%s-%s" $name $part) "fullname" (printf "%s-%s" $fullname $part) "told" $values.serviceAccount) $all }}
{{- $hers := merge (dict "fullname" (ternary "external-secrets-webhook" (printf "%s-%s" $fullname $part) (eq $part "webhook"))) $mine }}
{{- include "lab.serviceaccount" $hers }}
{{ include "lab.workload" (merge (dict "told" $values "replicas" $values.replicaCount "account" (include "lab.account" $hers) "container" (trimPrefix "cert-" $part) "args" (list (lower (snakecase $key | replace "_" ""))) "port" 8080 "image" $image) $mine) }}
{{- end }}
{{- end }}
{{- if .Values.webhook.create }}
{{ include "lab.service" (merge (dict "name" (printf "%s-webhook" $name) "fullname" (printf "%s-webhook" $fullname) "port" 443 "portName" "webhook") $all) }}
{{- end }}
{{- if .Values.rbac.create }}
{{ include "lab.rbac" (merge (dict "role" (printf "%s-controller" $fullname) "account" $account "scope" "Cluster" "rules" (list
  (dict "apiGroups" (list "external-secrets.io") "resources" (list "*") "verbs" (list "get" "list" "watch" "update" "patch" "create" "delete"))
  (dict "apiGroups" (list "") "resources" (list "serviceaccounts" "namespaces") "verbs" (list "get" "list" "watch"))
  (dict "apiGroups" (list "") "resources" (list "serviceaccounts/token") "verbs" (list "create"))
  (dict "apiGroups" (list "") "resources" (list "secrets") "verbs" (list "get" "list" "watch" "create" "update" "delete" "patch"))
  (dict "apiGroups" (list "") "resources" (list "events") "verbs" (list "create" "patch")))) $all) }}
{{ include "lab.rbac" (merge (dict "role" (printf "%s-leaderelection" $fullname) "account" $account "scope" "" "rules" (list
  (dict "apiGroups" (list "coordination.k8s.io") "resources" (list "leases") "verbs" (list "get" "create" "update" "patch")))) $all) }}
{{- end }}
