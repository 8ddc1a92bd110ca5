{{- define "lib.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "lib.name" . }}
  labels: {{- include "lib.labels" . | nindent 4 }}
spec:
  selector: {{- include "lib.selector" . | nindent 4 }}
  ports:
    - {name: http, port: 80, targetPort: http}
{{- end -}}

{{/* Nothing in, nothing out, but the edges that this service uses. */}}
{{- define "lib.networkpolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "lib.name" . }}
  labels: {{- include "lib.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "lib.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- range .Values.networkPolicy.ingressFrom }}
    - from: {{- toYaml (list .) | nindent 8 }}
      ports: [{port: http}]
    {{- end }}
    {{- with .Values.networkPolicy.metricsFrom }}
    - from: {{- toYaml . | nindent 8 }}
      ports: [{port: private}]
    {{- end }}
  egress:
    - to:
        - namespaceSelector: {}
          podSelector:
            matchLabels: {k8s-app: kube-dns}
      ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
    {{- range .Values.networkPolicy.egressTo }}
    - to: {{- toYaml .to | nindent 8 }}
      ports: {{- toYaml .ports | nindent 8 }}
    {{- end }}
{{- end -}}

{{- define "lib.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "lib.name" . }}
  labels: {{- include "lib.labels" . | nindent 4 }}
  {{- with .Values.ingress.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .Values.ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if .Values.ingress.tlsSecret }}
  tls:
    - hosts: [{{ .Values.ingress.host | quote }}]
      secretName: {{ .Values.ingress.tlsSecret }}
  {{- end }}
  rules:
    - host: {{ required "ingress.host is the public host name" .Values.ingress.host | quote }}
      http:
        paths:
          {{- range .Values.ingress.paths }}
          - path: {{ tpl . $ }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "lib.name" $ }}
                port: {name: http}
          {{- end }}
{{- end -}}
