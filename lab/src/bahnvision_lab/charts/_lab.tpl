{{/* What all charts of the lab share. Each gets a copy of this file. */}}

{{- define "lab.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "lab.fullname" -}}
{{- $name := include "lab.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* root, name */}}
{{- define "lab.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* root, name, more */}}
{{- define "lab.metadata" -}}
labels:
  {{- include "lab.selector" . | nindent 2 }}
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  {{- with .more }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* told (a serviceAccount of values), fullname */}}
{{- define "lab.account" -}}
{{ if .told.create }}{{ default .fullname .told.name }}{{ else }}{{ default "default" .told.name }}{{ end }}
{{- end }}

{{/* root, name, fullname, told, more */}}
{{- define "lab.serviceaccount" -}}
{{- if .told.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "lab.account" . }}
  namespace: {{ .root.Release.Namespace }}
  {{- include "lab.metadata" . | nindent 2 }}
  {{- with .told.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* root, name, role, account, rules, scope (Cluster or ""), more */}}
{{- define "lab.rbac" -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .scope }}Role
metadata:
  name: {{ .role }}
  {{- if not .scope }}
  namespace: {{ .root.Release.Namespace }}
  {{- end }}
  {{- include "lab.metadata" . | nindent 2 }}
rules:
  {{- toYaml .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .scope }}RoleBinding
metadata:
  name: {{ default .role .binding }}
  {{- if not .scope }}
  namespace: {{ .root.Release.Namespace }}
  {{- end }}
  {{- include "lab.metadata" . | nindent 2 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ .scope }}Role, name: {{ .role }}}
subjects: [{kind: ServiceAccount, name: {{ .account }}, namespace: {{ .root.Release.Namespace }}}]
{{- end }}

{{/* root, name, fullname, kind, replicas, told, container, image, args, env, account, port, health, more
     told: where the names that all charts share are looked for: resources, nodeSelector, podLabels ... */}}
{{- define "lab.workload" -}}
---
apiVersion: apps/v1
kind: {{ default "Deployment" .kind }}
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  {{- include "lab.metadata" . | nindent 2 }}
  {{- with .told.deploymentAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if eq (default "Deployment" .kind) "StatefulSet" }}
  serviceName: {{ .fullname }}
  {{- end }}
  replicas: {{ .replicas }}
  revisionHistoryLimit: {{ default 10 .told.revisionHistoryLimit }}
  selector:
    matchLabels:
      {{- include "lab.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "lab.selector" . | nindent 8 }}
        {{- with .told.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .told.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ .account }}
      {{- range $key := list "priorityClassName" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "hostNetwork" "imagePullSecrets" "terminationGracePeriodSeconds" }}
      {{- with get $.told $key }}
      {{ $key }}: {{ toJson . }}
      {{- end }}
      {{- end }}
      {{- with omit (default dict .told.podSecurityContext) "enabled" }}
      securityContext: {{ toJson . }}
      {{- end }}
      containers:
        - name: {{ .container }}
          image: {{ .image | quote }}
          {{- with .command }}
          command: {{ toJson . }}
          {{- end }}
          {{- with .args }}
          args: {{ toJson . }}
          {{- end }}
          {{- with .env }}
          env: {{ toJson . }}
          {{- end }}
          {{- with omit (default dict (default .told.securityContext .told.containerSecurityContext)) "enabled" }}
          securityContext: {{ toJson . }}
          {{- end }}
          {{- with .told.resources }}
          resources: {{ toJson . }}
          {{- end }}
          {{- with .port }}
          ports: [{name: http, containerPort: {{ . }}, protocol: TCP}]
          {{- end }}
{{- end }}

{{/* root, name, fullname, port, target, more */}}
{{- define "lab.service" -}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  {{- include "lab.metadata" . | nindent 2 }}
spec:
  selector:
    {{- include "lab.selector" . | nindent 4 }}
  ports: [{name: {{ default "http" .portName }}, port: {{ .port }}, targetPort: {{ default "http" .target }}, protocol: TCP}]
{{- end }}

{{/* root, name, fullname, told (maxUnavailable or minAvailable) */}}
{{- define "lab.budget" -}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .fullname }}
  namespace: {{ .root.Release.Namespace }}
  {{- include "lab.metadata" . | nindent 2 }}
spec:
  {{- toYaml (pick .told "maxUnavailable" "minAvailable" "unhealthyPodEvictionPolicy") | nindent 2 }}
  selector:
    matchLabels:
      {{- include "lab.selector" . | nindent 6 }}
{{- end }}
