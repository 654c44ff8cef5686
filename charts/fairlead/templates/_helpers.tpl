{{/*
Most of these take a "part": a dict of root (the chart's context) and component (receiver, worker, store, api, operator,
migrate, nats …).
*/}}

{{- define "fairlead.name" -}}
{{- printf "%s-%s" .root.Release.Name .component | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "fairlead.selector" -}}
app.kubernetes.io/name: fairlead
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "fairlead.labels" -}}
{{ include "fairlead.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "fairlead.metadata" -}}
name: {{ include "fairlead.name" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "fairlead.labels" . | nindent 2 }}
{{- end -}}

{{/* "true" where the chart brings the server itself, empty where one is named. Take the chart's context. */}}
{{- define "fairlead.ownNats" -}}
{{- if not (or .Values.nats.url .Values.nats.existingSecret) }}true{{ end -}}
{{- end -}}
{{- define "fairlead.ownPostgres" -}}
{{- if not (or .Values.postgres.url .Values.postgres.existingSecret) }}true{{ end -}}
{{- end -}}
{{- define "fairlead.ownRedis" -}}
{{- if and .Values.redis.enabled (not (or .Values.redis.url .Values.redis.existingSecret)) }}true{{ end -}}
{{- end -}}

{{/* Users of the chart's own NATS, with a space between. Take the chart's context. */}}
{{- define "fairlead.natsUsers" -}}
admin receiver worker store{{ if .Values.prober.enabled }} prober{{ end }}
{{- end -}}

{{/*
  Where the prober takes what workers deliver to it. Takes the chart's context. An absolute name: workers ask DNS for names as they are,
  without the search list of the pod.
*/}}
{{- define "fairlead.proberUrl" -}}
http://{{ include "fairlead.name" (dict "root" . "component" "prober") }}.{{ .Release.Namespace }}.svc.{{ .Values.prober.clusterDomain }}:8083
{{- end -}}

{{- define "fairlead.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* What Pod Security "restricted" asks of a pod, and of each container. */}}
{{- define "fairlead.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user | default 65532 }}
runAsGroup: {{ .user | default 65532 }}
fsGroup: {{ .user | default 65532 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "fairlead.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* A part's pods go to different nodes, and to different zones where nodes have such a label. */}}
{{- define "fairlead.spread" -}}
{{- $hostname := dict "key" "kubernetes.io/hostname" "otherwise" .root.Values.topologySpread.whenUnsatisfiable }}
{{- range list $hostname (dict "key" "topology.kubernetes.io/zone" "otherwise" "ScheduleAnyway") }}
- maxSkew: 1
  topologyKey: {{ .key }}
  whenUnsatisfiable: {{ .otherwise }}
  # Pods of the version that is being replaced don't count.
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- include "fairlead.selector" $ | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "fairlead.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: health }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /livez, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 5
  timeoutSeconds: 3
{{- end -}}

{{/* A Deployment's spec: a part, and values, env (whom it talks to), settings, port, account, scaled (by something else). */}}
{{- define "fairlead.deploymentSpec" -}}
{{- if not .scaled }}
replicas: {{ .values.replicas }}
{{- end }}
revisionHistoryLimit: 3
strategy:
  {{- if eq .component "prober" }}
  # Two at one time would take each other's probes.
  type: Recreate
  {{- else }}
  rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  {{- end }}
selector:
  matchLabels:
    {{- include "fairlead.selector" . | nindent 4 }}
template:
  metadata:
    labels:
      {{- include "fairlead.labels" . | nindent 6 }}
  spec:
    serviceAccountName: {{ .account | default "default" }}
    automountServiceAccountToken: {{ ne (.account | default "") "" }}
    enableServiceLinks: false
    terminationGracePeriodSeconds: 45
    {{- with .root.Values.imagePullSecrets }}
    imagePullSecrets:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- include "fairlead.podSecurity" (dict) | nindent 6 }}
    topologySpreadConstraints:
      {{- include "fairlead.spread" . | trim | nindent 6 }}
    {{- with .root.Values.nodeSelector }}
    nodeSelector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .root.Values.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if and (eq .component "store") (include "fairlead.ownPostgres" .root) }}
    initContainers:
      {{- $command := "psql \"$FAIRLEAD_POSTGRES_URL\" --quiet --command 'select 1 from migrations limit 1' >/dev/null 2>&1" }}
      {{- include "fairlead.waitForPostgres" (dict "root" .root "command" $command) | nindent 6 }}
    {{- end }}
    containers:
      - name: {{ .component }}
        image: {{ include "fairlead.image" .root }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        args: [{{ .component }}]
        ports:
          - { name: health, containerPort: 9090 }
          {{- with .port }}
          - { name: {{ .name }}, containerPort: {{ .number }} }
          {{- end }}
        env:
          {{- include "fairlead.env.process" . | trim | nindent 10 }}
          {{- range .env }}
          {{- include (printf "fairlead.env.%s" .) $ | trim | nindent 10 }}
          {{- end }}
          {{- range $name, $value := .settings }}
          - { name: {{ $name }}, value: {{ $value | quote }} }
          {{- end }}
          {{- with .values.env }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
        resources:
          {{- toYaml .values.resources | nindent 10 }}
        securityContext:
          {{- include "fairlead.containerSecurity" . | nindent 10 }}
        {{- include "fairlead.probes" . | nindent 8 }}
{{- end -}}

{{/*
Waits, with a PostgreSQL of the chart's own, until a command of psql's package succeeds: otherwise a first install would
show crashes until the database is there. Takes root and command.
*/}}
{{- define "fairlead.waitForPostgres" -}}
- name: wait-for-postgres
  image: {{ .root.Values.postgres.image }}
  command: [sh, -c, {{ printf "until %s; do sleep 1; done" .command | quote }}]
  env:
    {{- include "fairlead.env.postgres" . | trim | nindent 4 }}
  resources:
    requests: { cpu: 10m, memory: 16Mi }
    limits: { memory: 64Mi }
  securityContext:
    {{- include "fairlead.containerSecurity" . | nindent 4 }}
{{- end -}}

{{/* Keeps one pod while nodes are drained, of a part with several: a part, and replicas (the least there are). */}}
{{- define "fairlead.podDisruptionBudget" -}}
{{- if and .root.Values.podDisruptionBudget.enabled (gt (int .replicas) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "fairlead.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  # One that isn't ready anyway must not hold up a node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "fairlead.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* How Helm runs `helm test`, in the order of weight. */}}
{{- define "fairlead.testHook" -}}
annotations:
  helm.sh/hook: test
  helm.sh/hook-weight: {{ .weight | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* Where an Organization is reconciled. */}}
{{- define "fairlead.testNamespace" -}}
{{- if .Values.operator.namespaces -}}
{{- ternary .Release.Namespace (first .Values.operator.namespaces) (has .Release.Namespace .Values.operator.namespaces) -}}
{{- else -}}
{{ .Release.Namespace }}
{{- end -}}
{{- end -}}

{{/* A NetworkPolicy's start: a part, and types (a list). */}}
{{- define "fairlead.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "fairlead.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "fairlead.selector" . | nindent 6 }}
  policyTypes: {{ toJson .types }}
{{- end -}}
