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

{{- define "fairlead.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "fairlead.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user | default 65532 }}
runAsGroup: {{ .user | default 65532 }}
fsGroup: {{ .user | default 65532 }}
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "fairlead.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "fairlead.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "fairlead.selector" . | nindent 6 }}
{{- end -}}

{{- define "fairlead.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: health }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /livez, port: health }
  periodSeconds: 10
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 5
  timeoutSeconds: 3
{{- end -}}

{{/* Environment variables by the things that a part talks to: root, component. */}}
{{- define "fairlead.env.process" -}}
- { name: FAIRLEAD_LOG_LEVEL, value: {{ .root.Values.logLevel }} }
- { name: FAIRLEAD_METRICS_PORT, value: "9090" }
{{- end -}}

{{/* NATS of the chart's own has a user for each part; one that is there already has them if nats.usersSecret names them. */}}
{{- define "fairlead.env.nats" -}}
{{- $own := not (or .root.Values.nats.url .root.Values.nats.existingSecret) -}}
- name: FAIRLEAD_NATS_URL
  {{- if .root.Values.nats.existingSecret }}
  valueFrom: { secretKeyRef: { name: {{ .root.Values.nats.existingSecret }}, key: url } }
  {{- else }}
  value: {{ .root.Values.nats.url | default (printf "nats://%s-nats:4222" .root.Release.Name) | quote }}
  {{- end }}
{{- with ternary (printf "%s-nats" .root.Release.Name) .root.Values.nats.usersSecret $own }}
- { name: FAIRLEAD_NATS_USER, value: {{ $.component }} }
- name: FAIRLEAD_NATS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ . }}, key: {{ $.component }}-password } }
{{- end }}
- { name: FAIRLEAD_STREAM_REPLICAS, value: {{ .root.Values.streams.replicas | quote }} }
- { name: FAIRLEAD_EVENTS_MAX_BYTES, value: {{ .root.Values.streams.eventsMaxBytes | quote }} }
{{- end -}}

{{- define "fairlead.env.postgres" -}}
{{- if .root.Values.postgres.existingSecret }}
- name: FAIRLEAD_POSTGRES_URL
  valueFrom: { secretKeyRef: { name: {{ .root.Values.postgres.existingSecret }}, key: url } }
{{- else }}
- name: FAIRLEAD_POSTGRES_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .root.Release.Name }}-postgres, key: password } }
- name: FAIRLEAD_POSTGRES_URL
  value: postgres://fairlead:$(FAIRLEAD_POSTGRES_PASSWORD)@{{ .root.Release.Name }}-postgres:5432/fairlead
{{- end }}
{{- end -}}

{{- define "fairlead.env.redis" -}}
{{- if .root.Values.redis.enabled }}
- name: FAIRLEAD_REDIS_URL
  {{- if .root.Values.redis.existingSecret }}
  valueFrom: { secretKeyRef: { name: {{ .root.Values.redis.existingSecret }}, key: url } }
  {{- else }}
  value: redis://{{ .root.Release.Name }}-redis:6379
  {{- end }}
{{- end }}
{{- end -}}

{{- define "fairlead.env.keys" -}}
- name: FAIRLEAD_ENCRYPTION_KEYS
  valueFrom: { secretKeyRef: { name: {{ .root.Values.encryptionKeys.existingSecret | default (printf "%s-encryption-keys" .root.Release.Name) }}, key: keys } }
{{- end -}}

{{- define "fairlead.env.store" -}}
- { name: FAIRLEAD_STORE_URL, value: "http://{{ .root.Release.Name }}-store:50051" }
{{- end -}}

{{/*
Waits, with a PostgreSQL of the chart's own, until a command of psql's package succeeds: otherwise a first install would
show crashes until the database is there. root, command.
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

{{/* A Deployment's spec: root, component, values, env (whom it talks to), settings, port, account, drainDelayMs. */}}
{{- define "fairlead.deploymentSpec" -}}
replicas: {{ .values.replicas }}
revisionHistoryLimit: 3
strategy:
  rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
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
      {{- include "fairlead.spread" . | nindent 6 }}
    {{- if and (eq .component "store") (not .root.Values.postgres.existingSecret) }}
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
        resources:
          {{- toYaml .values.resources | nindent 10 }}
        securityContext:
          {{- include "fairlead.containerSecurity" . | nindent 10 }}
        {{- include "fairlead.probes" . | nindent 8 }}
{{- end -}}
