{{- define "lib.container" -}}
image: {{ include "lib.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "lib.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "lib.name" . }}
  labels: {{- include "lib.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "lib.selector" . | nindent 6 }}
  strategy:
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  template:
    metadata:
      labels: {{- include "lib.labels" . | nindent 8 }}
      annotations:
        checksum/settings: {{ toJson .Values.env | sha256sum }}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: {type: RuntimeDefault}
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "lib.selector" . | nindent 14 }}
      {{- if .Values.migrate }}
      initContainers:
        - name: migrate
          {{- include "lib.container" . | nindent 10 }}
          args: [migrate, up]
          env:
            {{- include "lib.env" . | nindent 12 }}
            - name: DATABASE_DIRECT_URL
              valueFrom:
                secretKeyRef:
                  name: {{ required "existingSecret names the Secret that holds the service's secrets" .Values.existingSecret }}
                  key: {{ .Values.migrateSecretKey }}
          resources: {{- toYaml .Values.resources | nindent 12 }}
      {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          {{- include "lib.container" . | nindent 10 }}
          args: [serve]
          env: {{- include "lib.env" . | nindent 12 }}
          ports:
            - {name: http, containerPort: 8080}
            - {name: private, containerPort: 9090}
          startupProbe:
            httpGet: {path: /livez, port: private}
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /livez, port: private}
            periodSeconds: 10
            timeoutSeconds: 3
          readinessProbe:
            httpGet: {path: /readyz, port: private}
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 2
          resources: {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 64Mi}
{{- end -}}
