{{/*
Settings: plain values from .Values.env, secret ones from keys of an existing
Secret. No secret value ever passes through the chart.
*/}}
{{- define "lib.env" -}}
- name: ADDR
  value: ":8080"
- name: PRIVATE_ADDR
  value: ":9090"
- name: GOMEMLIMIT
  valueFrom:
    resourceFieldRef: {resource: limits.memory}
{{- range $name := keys .Values.env | sortAlpha }}
- name: {{ $name }}
  value: {{ index $.Values.env $name | toString | quote }}
{{- end }}
{{- range $name := keys .Values.secretEnv | sortAlpha }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ required "existingSecret names the Secret that holds the service's secrets" $.Values.existingSecret }}
      key: {{ index $.Values.secretEnv $name }}
{{- end }}
{{- range $name := keys .Values.optionalSecretEnv | sortAlpha }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ required "existingSecret names the Secret that holds the service's secrets" $.Values.existingSecret }}
      key: {{ index $.Values.optionalSecretEnv $name }}
      optional: true
{{- end }}
{{- end -}}
