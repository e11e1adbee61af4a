{{/* The webhooks and their certificate are left out: the lab's Kubernetes refuses admission webhooks. */}}
{{- $name := include "lab.name" . }}
{{- $fullname := include "lab.fullname" . }}
{{- $all := dict "root" . "name" $name "fullname" $fullname "told" .Values.serviceAccount "more" .Values.additionalLabels }}
{{- $account := include "lab.account" $all }}
{{- $cluster := required "Chart cannot be installed without a valid clusterName!" (tpl (default "" .Values.clusterName) .) }}
{{- $args := list (printf "--cluster-name=%s" $cluster) }}
{{- with .Values.ingressClass }}{{ $args = append $args (printf "--ingress-class=%s" .) }}{{ end }}
{{- with tpl (default "" .Values.region) . }}{{ $args = append $args (printf "--aws-region=%s" .) }}{{ end }}
{{- with tpl (default "" .Values.vpcId) . }}{{ $args = append $args (printf "--aws-vpc-id=%s" .) }}{{ end }}
{{- $switches := dict "enableShield" "enable-shield" "enableWaf" "enable-waf" "enableWafv2" "enable-wafv2" }}
{{- range $key, $option := $switches }}
{{- if kindIs "bool" (get $.Values $key) }}{{ $args = append $args (printf "--%s=%v" $option (get $.Values $key)) }}{{ end }}
{{- end }}
{{- if .Values.defaultTags }}
{{- $tags := list }}
{{- range $key, $value := .Values.defaultTags }}{{ $tags = append $tags (printf "%s=%s" $key $value) }}{{ end }}
{{- $args = append $args (printf "--default-tags=%s" (join "," $tags)) }}
{{- end }}
{{- include "lab.serviceaccount" $all }}
{{ include "lab.workload" (merge (dict "told" .Values "replicas" .Values.replicaCount "account" $account "container" .Chart.Name "args" $args "port" 8080 "image" (printf "%s:%s" .Values.image.repository .Values.image.tag)) $all) }}
{{- with .Values.podDisruptionBudget }}
{{ include "lab.budget" (merge (dict "told" .) $all) }}
{{- end }}
{{- if .Values.rbac.create }}
{{- $write := list "get" "list" "watch" "create" "update" "patch" "delete" }}
{{- $secrets := ternary (list "get" "list" "watch") (list "get") .Values.clusterSecretsPermissions.allowAllSecrets }}
{{ include "lab.rbac" (merge (dict "role" (printf "%s-leader-election-role" $fullname) "binding" (printf "%s-leader-election-rolebinding" $fullname) "account" $account "scope" "" "rules" (list
  (dict "apiGroups" (list "coordination.k8s.io") "resources" (list "leases") "verbs" (list "get" "create" "update" "patch"))
  (dict "apiGroups" (list "") "resources" (list "secrets") "verbs" $secrets))) $all) }}
{{ include "lab.rbac" (merge (dict "role" (printf "%s-role" $fullname) "binding" (printf "%s-rolebinding" $fullname) "account" $account "scope" "Cluster" "rules" (list
  (dict "apiGroups" (list "elbv2.k8s.aws") "resources" (list "targetgroupbindings" "ingressclassparams") "verbs" $write)
  (dict "apiGroups" (list "") "resources" (list "events") "verbs" (list "create" "patch"))
  (dict "apiGroups" (list "") "resources" (list "pods" "nodes" "services" "endpoints" "namespaces" "configmaps") "verbs" (list "get" "list" "watch"))
  (dict "apiGroups" (list "") "resources" (list "pods/status" "services/status") "verbs" (list "update" "patch"))
  (dict "apiGroups" (list "networking.k8s.io") "resources" (list "ingresses" "ingressclasses") "verbs" (list "get" "list" "watch" "patch" "update"))
  (dict "apiGroups" (list "networking.k8s.io") "resources" (list "ingresses/status") "verbs" (list "update" "patch"))
  (dict "apiGroups" (list "discovery.k8s.io") "resources" (list "endpointslices") "verbs" (list "get" "list" "watch")))) $all) }}
{{- end }}
{{- if .Values.createIngressClassResource }}
{{- $params := default .Values.ingressClass .Values.ingressClassParams.name }}
{{- if .Values.ingressClassParams.create }}
---
apiVersion: elbv2.k8s.aws/v1beta1
kind: IngressClassParams
metadata:
  name: {{ $params }}
  {{- include "lab.metadata" $all | nindent 2 }}
{{- with .Values.ingressClassParams.spec }}
spec:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: {{ .Values.ingressClass }}
  {{- include "lab.metadata" $all | nindent 2 }}
  {{- if .Values.ingressClassConfig.default }}
  annotations: {ingressclass.kubernetes.io/is-default-class: "true"}
  {{- end }}
spec:
  controller: ingress.k8s.aws/alb
  {{- if or .Values.ingressClassParams.name (and .Values.ingressClassParams.create .Values.ingressClassParams.spec) }}
  parameters: {apiGroup: elbv2.k8s.aws, kind: IngressClassParams, name: {{ $params }}}
  {{- end }}
{{- end }}
