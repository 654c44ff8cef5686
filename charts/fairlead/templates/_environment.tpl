{{/* Environment variables by the things that a part talks to. All take a part: root, component. */}}

{{- define "fairlead.env.process" -}}
- { name: FAIRLEAD_LOG_LEVEL, value: {{ .root.Values.logLevel }} }
- { name: FAIRLEAD_METRICS_PORT, value: "9090" }
{{- /* For fairlead_build_info: an image that was built without --build-arg VERSION does not know. */}}
- { name: FAIRLEAD_VERSION, value: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }} }
{{- with .root.Values.telemetry }}
{{- if .endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }} }
{{- if not (kindIs "invalid" .ratio) }}
- { name: OTEL_TRACES_SAMPLER_ARG, value: {{ .ratio | quote }} }
{{- end }}
- name: K8S_POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: OTEL_RESOURCE_ATTRIBUTES
  value: {{ compact (list (printf "k8s.namespace.name=%s" $.root.Release.Namespace) "k8s.pod.name=$(K8S_POD_NAME)" .resourceAttributes) | join "," | quote }}
{{- with .headersSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: { secretKeyRef: { name: {{ . }}, key: headers } }
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The chart's own NATS has a user for each part; another one may have them too: nats.usersSecret. */}}
{{- define "fairlead.env.nats" -}}
- name: FAIRLEAD_NATS_URL
  {{- if .root.Values.nats.existingSecret }}
  valueFrom: { secretKeyRef: { name: {{ .root.Values.nats.existingSecret }}, key: url } }
  {{- else }}
  value: {{ .root.Values.nats.url | default (printf "nats://%s-nats:4222" .root.Release.Name) | quote }}
  {{- end }}
{{- $users := .root.Values.nats.usersSecret }}
{{- if include "fairlead.ownNats" .root }}{{ $users = printf "%s-nats" .root.Release.Name }}{{ end }}
{{- with $users }}
- { name: FAIRLEAD_NATS_USER, value: {{ $.component }} }
- name: FAIRLEAD_NATS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ . }}, key: {{ $.component }}-password } }
{{- end }}
- { name: FAIRLEAD_STREAM_REPLICAS, value: {{ .root.Values.streams.replicas | quote }} }
- { name: FAIRLEAD_EVENTS_MAX_BYTES, value: {{ .root.Values.streams.eventsMaxBytes | quote }} }
{{- end -}}

{{- define "fairlead.env.postgres" -}}
{{- with .root.Values.postgres }}
{{- if .existingSecret }}
- name: FAIRLEAD_POSTGRES_URL
  valueFrom: { secretKeyRef: { name: {{ .existingSecret }}, key: {{ .existingSecretKey }} } }
{{- else if .url }}
- { name: FAIRLEAD_POSTGRES_URL, value: {{ .url | quote }} }
{{- else }}
- name: POSTGRES_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ $.root.Release.Name }}-postgres, key: password } }
- name: FAIRLEAD_POSTGRES_URL
  value: postgres://fairlead:$(POSTGRES_PASSWORD)@{{ $.root.Release.Name }}-postgres:5432/fairlead
{{- end }}
{{- end }}
{{- end -}}

{{- define "fairlead.env.redis" -}}
{{- if .root.Values.redis.enabled }}
- name: FAIRLEAD_REDIS_URL
  {{- with .root.Values.redis }}
  {{- if .existingSecret }}
  valueFrom: { secretKeyRef: { name: {{ .existingSecret }}, key: url } }
  {{- else }}
  value: {{ .url | default (printf "redis://%s-redis:6379" $.root.Release.Name) | quote }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "fairlead.env.keys" -}}
- name: FAIRLEAD_ENCRYPTION_KEYS
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.encryptionKeys.existingSecret | default (printf "%s-encryption-keys" .root.Release.Name) }}
      key: keys
{{- end -}}

{{- define "fairlead.env.store" -}}
- { name: FAIRLEAD_STORE_URL, value: "http://{{ .root.Release.Name }}-store:50051" }
{{- end -}}

{{- define "fairlead.env.prober" -}}
- name: FAIRLEAD_PROBER_KEY
  valueFrom: { secretKeyRef: { name: {{ include "fairlead.name" . }}, key: key } }
{{- end -}}

{{/* Of the API. */}}
{{- define "fairlead.env.stripeConnect" -}}
{{- with .root.Values.stripeConnect }}
{{- if .clientId }}
- { name: FAIRLEAD_STRIPE_CONNECT_CLIENT_ID, value: {{ .clientId | quote }} }
- { name: FAIRLEAD_STRIPE_CONNECT_SCOPE, value: {{ .scope | quote }} }
- name: FAIRLEAD_STRIPE_CONNECT_SECRET_KEY
  valueFrom: { secretKeyRef: { name: {{ required "stripeConnect.existingSecret is needed with a client id" .existingSecret }}, key: secretKey } }
{{- end }}
{{- end }}
{{- end -}}

{{/* Of the store. */}}
{{- define "fairlead.env.stripeConnectSource" -}}
{{- with .root.Values.stripeConnect.source }}
- { name: FAIRLEAD_STRIPE_CONNECT_SOURCE, value: {{ . | quote }} }
{{- end }}
{{- end -}}

{{/* Of the API, where people sign in. */}}
{{- define "fairlead.env.signIn" -}}
{{- with .root.Values.signIn }}
{{- if .consoleUrl }}
- { name: FAIRLEAD_CONSOLE_URL, value: {{ .consoleUrl | quote }} }
- name: FAIRLEAD_SIGN_IN_KEYS
  valueFrom: { secretKeyRef: { name: {{ .existingSecret | default (printf "%s-sign-in-keys" $.root.Release.Name) }}, key: keys } }
- { name: FAIRLEAD_PLATFORM_STAFF, value: {{ join "," .staff | quote }} }
- { name: FAIRLEAD_MAIL_FROM, value: {{ .smtp.from | quote }} }
{{- with .smtp.existingSecret }}
- name: FAIRLEAD_SMTP_URL
  valueFrom: { secretKeyRef: { name: {{ . }}, key: url } }
{{- end }}
{{- if .tenantAccounts.enabled }}
- { name: FAIRLEAD_TENANT_ACCOUNTS, value: "true" }
- { name: FAIRLEAD_TENANT_WEBHOOK_LIMIT, value: {{ .tenantAccounts.webhookLimit | int64 | quote }} }
{{- end }}
{{- with .oidc }}
{{- if .issuer }}
- { name: FAIRLEAD_OIDC_ISSUER, value: {{ .issuer | quote }} }
- { name: FAIRLEAD_OIDC_CLIENT_ID, value: {{ .clientId | quote }} }
- { name: FAIRLEAD_OIDC_NAME, value: {{ .name | quote }} }
- name: FAIRLEAD_OIDC_CLIENT_SECRET
  valueFrom: { secretKeyRef: { name: {{ required "signIn.oidc.existingSecret is needed with an issuer" .existingSecret }}, key: clientSecret } }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
