{{/* Rules of egress by whom they lead to. All take the chart's context. */}}

{{/* Names, and what networkPolicy.extraEgress adds. */}}
{{- define "fairlead.egress.names" -}}
- ports: [{ protocol: UDP, port: 53 }, { protocol: TCP, port: 53 }]
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A server of the chart's own by its labels, another one by its port, wherever it is. */}}
{{- define "fairlead.egress.nats" -}}
{{- if include "fairlead.ownNats" . }}
{{- include "fairlead.egress.component" (dict "root" . "component" "nats" "port" 4222) }}
{{- else }}
- ports: [{ protocol: TCP, port: {{ .Values.networkPolicy.ports.nats }} }]
{{- end }}
{{- end -}}

{{- define "fairlead.egress.postgres" -}}
{{- if include "fairlead.ownPostgres" . }}
{{- include "fairlead.egress.component" (dict "root" . "component" "postgres" "port" 5432) }}
{{- else }}
- ports: [{ protocol: TCP, port: {{ .Values.networkPolicy.ports.postgres }} }]
{{- end }}
{{- end -}}

{{- define "fairlead.egress.redis" -}}
{{- if include "fairlead.ownRedis" . }}
{{- include "fairlead.egress.component" (dict "root" . "component" "redis" "port" 6379) }}
{{- else if .Values.redis.enabled }}
- ports: [{ protocol: TCP, port: {{ .Values.networkPolicy.ports.redis }} }]
{{- end }}
{{- end -}}

{{- define "fairlead.egress.store" -}}
{{- include "fairlead.egress.component" (dict "root" . "component" "store" "port" 50051) }}
{{- end -}}

{{- define "fairlead.egress.component" }}
- to:
    - podSelector:
        matchLabels:
          {{- include "fairlead.selector" . | nindent 10 }}
  ports: [{ protocol: TCP, port: {{ .port }} }]
{{- end -}}

{{/* The internet, without private ranges. */}}
{{- define "fairlead.egress.internet" -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
          {{- toYaml .Values.networkPolicy.privateRanges | nindent 10 }}
    - ipBlock: { cidr: "2000::/3" }
{{- end -}}
