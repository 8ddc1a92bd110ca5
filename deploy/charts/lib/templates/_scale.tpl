{{- define "lib.pdb" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "lib.name" . }}
  labels: {{- include "lib.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "lib.selector" . | nindent 6 }}
{{- end -}}

{{- define "lib.autoscaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "lib.name" . }}
  labels: {{- include "lib.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "lib.name" . }}}
  minReplicas: {{ .Values.autoscaling.minReplicas }}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ .Values.autoscaling.cpuPercent }}}
{{- end -}}

{{/* Everything one service needs, in one include. */}}
{{- define "lib.all" -}}
{{ include "lib.deployment" . }}
---
{{ include "lib.service" . }}
{{- if .Values.networkPolicy.enabled }}
---
{{ include "lib.networkpolicy" . }}
{{- end }}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}
---
{{ include "lib.pdb" . }}
{{- end }}
{{- if .Values.autoscaling.enabled }}
---
{{ include "lib.autoscaler" . }}
{{- end }}
{{- if .Values.ingress.enabled }}
---
{{ include "lib.ingress" . }}
{{- end }}
{{- end -}}
