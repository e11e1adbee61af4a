{{- $fullname := include "lab.fullname" . }}
{{- $name := include "lab.name" . }}
{{- $all := dict "root" . "more" (merge (dict "app.kubernetes.io/part-of" "argocd") (default dict .Values.global.additionalLabels)) }}
{{- $image := printf "%s:%s" .Values.global.image.repository (default .Chart.AppVersion .Values.global.image.tag) }}
{{- $ports := dict "server" 8080 "repoServer" 8081 "controller" 8082 "applicationSet" 7000 "notifications" 9001 "dex" 5556 "redis" 6379 }}
{{- $services := dict "server" 80 "repoServer" 8081 "applicationSet" 7000 "dex" 5556 "redis" 6379 }}
{{- $controlling := list (dict "apiGroups" (list "*") "resources" (list "*") "verbs" (list "*")) (dict "nonResourceURLs" (list "*") "verbs" (list "*")) }}
{{- range $key, $port := $ports }}
{{- $values := mergeOverwrite (deepCopy (pick $.Values.global "podLabels" "podAnnotations" "nodeSelector" "tolerations" "priorityClassName" "revisionHistoryLimit")) (deepCopy (get $.Values $key)) }}
{{- if not (and (hasKey $values "enabled") (not $values.enabled)) }}
{{- $mine := merge (dict "name" (printf "%s-%s" $name $values.name) "fullname" (printf "%s-%s" $fullname $values.name) "told" $values.serviceAccount) $all }}
{{- $account := include "lab.account" $mine }}
{{- include "lab.serviceaccount" $mine }}
{{- $its := ternary (printf "%s:%s" (dig "image" "repository" "" $values) (dig "image" "tag" "" $values)) $image (has $key (list "dex" "redis")) }}
{{ include "lab.workload" (merge (dict "kind" (ternary "StatefulSet" "Deployment" (eq $key "controller")) "told" $values "replicas" (default 1 $values.replicas) "account" $account "container" $values.name "port" $port "image" $its) $mine) }}
{{- with get $services $key }}
{{ include "lab.service" (merge (dict "port" .) $mine) }}
{{- end }}
{{- if has $key (list "controller" "server" "applicationSet" "notifications") }}
{{ include "lab.rbac" (merge (dict "role" (printf "%s-%s" $fullname $values.name) "account" $account "scope" "" "rules" (list
  (dict "apiGroups" (list "argoproj.io") "resources" (list "applications" "applicationsets" "appprojects") "verbs" (list "*"))
  (dict "apiGroups" (list "") "resources" (list "secrets" "configmaps" "events") "verbs" (list "get" "list" "watch" "create" "update" "patch" "delete")))) $mine) }}
{{- end }}
{{- if and $.Values.createClusterRoles (has $key (list "controller" "server")) }}
{{ include "lab.rbac" (merge (dict "role" (printf "%s-%s" $fullname $values.name) "account" $account "scope" "Cluster" "rules" $controlling) $mine) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $key, $told := dict "cm" "argocd-cm" "params" "argocd-cmd-params-cm" "rbac" "argocd-rbac-cm" }}
{{- $values := get $.Values.configs $key }}
{{- if $values.create }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $told }}
  namespace: {{ $.Release.Namespace }}
  {{- include "lab.metadata" (merge (dict "name" $told) $all) | nindent 2 }}
data:
  {{- range $entry, $value := omit $values "create" "annotations" }}
  {{ $entry }}: {{ ternary (toYaml $value) (toString $value) (kindIs "map" $value) | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- if .Values.configs.secret.createSecret }}
---
apiVersion: v1
kind: Secret
metadata:
  name: argocd-secret
  namespace: {{ .Release.Namespace }}
  {{- include "lab.metadata" (merge (dict "name" "argocd-secret") $all) | nindent 2 }}
type: Opaque
{{- with .Values.configs.secret.argocdServerAdminPassword }}
data:
  admin.password: {{ . | b64enc }}
{{- end }}
{{- end }}
