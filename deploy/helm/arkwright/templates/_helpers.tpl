{{- define "arkwright.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "arkwright.labels" -}}
app.kubernetes.io/name: arkwright
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Takes a dict: root, part. */}}
{{- define "arkwright.selector" -}}
app.kubernetes.io/name: arkwright
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "arkwright.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "arkwright.secret" -}}
{{ required "existingSecret is missing: name the Secret with database-url and seal.key (see values.yaml)" .Values.existingSecret }}
{{- end -}}

{{- define "arkwright.serverTls" -}}
{{- if .Values.tls.certManager -}}{{ include "arkwright.name" . }}-server-tls{{- else -}}
{{ required "tls.serverSecret is missing: tls.certManager is off" .Values.tls.serverSecret }}{{- end -}}
{{- end -}}

{{- define "arkwright.workerTls" -}}
{{- if .Values.tls.certManager -}}{{ include "arkwright.name" . }}-worker-tls{{- else -}}
{{ required "tls.workerSecret is missing: tls.certManager is off" .Values.tls.workerSecret }}{{- end -}}
{{- end -}}

{{/* Where the Dask scheduler of an entry of workers.groups is. Takes a dict: root, group (its name). */}}
{{- define "arkwright.daskUrl" -}}
tls://{{ include "arkwright.name" .root }}-dask-{{ .group }}:8786
{{- end -}}

{{- define "arkwright.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "arkwright.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* What every pod has around its containers. Takes a dict: root, part, values. */}}
{{- define "arkwright.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- include "arkwright.podSecurity" .root | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "arkwright.selector" . | nindent 8 }}
{{- end -}}

{{/* The environment of a server. */}}
{{- define "arkwright.environment" -}}
- name: ARKWRIGHT_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ include "arkwright.secret" . }}, key: database-url}}
- name: ARKWRIGHT_ADMIN_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ include "arkwright.secret" . }}, key: admin-password, optional: true}}
- name: ARKWRIGHT_PROJECT_ID
  valueFrom: {secretKeyRef: {name: {{ include "arkwright.secret" . }}, key: project-id, optional: true}}
- name: ARKWRIGHT_METRICS_TOKEN
  valueFrom: {secretKeyRef: {name: {{ include "arkwright.secret" . }}, key: metrics-token, optional: true}}
- {name: ARKWRIGHT_SEAL_KEY_FILE, value: /etc/arkwright/seal.key}
- {name: ARKWRIGHT_TLS_CERT, value: /etc/arkwright-tls/tls.crt}
- {name: ARKWRIGHT_TLS_KEY, value: /etc/arkwright-tls/tls.key}
{{- if .Values.ingress.enabled }}
- {name: ARKWRIGHT_PUBLIC_URL, value: {{ printf "https://%s" .Values.ingress.host | quote }}}
{{- end }}
{{- with .Values.objects }}
{{- if .endpoint }}
- {name: ARKWRIGHT_S3_ENDPOINT, value: {{ .endpoint | quote }}}
- {name: ARKWRIGHT_S3_REGION, value: {{ .region | quote }}}
- name: ARKWRIGHT_S3_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ include "arkwright.secret" $ }}, key: s3-access-key}}
- name: ARKWRIGHT_S3_SECRET_KEY
  valueFrom: {secretKeyRef: {name: {{ include "arkwright.secret" $ }}, key: s3-secret-key}}
{{- end }}
{{- if .logStore }}
- {name: ARKWRIGHT_LOG_STORE, value: {{ .logStore | quote }}}
{{- end }}
{{- end }}
{{- if .Values.workers.enabled }}
{{- $ways := list }}
{{- range .Values.workers.groups }}
{{- $ways = append $ways (printf "%s=%s" (.group | default .name) (include "arkwright.daskUrl" (dict "root" $ "group" .name))) }}
{{- end }}
- {name: ARKWRIGHT_EXECUTOR, value: {{ join "," $ways | quote }}}
- {name: ARKWRIGHT_EXECUTOR_CA, value: /etc/arkwright-worker-tls/ca.crt}
- {name: ARKWRIGHT_EXECUTOR_CERT, value: /etc/arkwright-worker-tls/tls.crt}
- {name: ARKWRIGHT_EXECUTOR_KEY, value: /etc/arkwright-worker-tls/tls.key}
- {name: ARKWRIGHT_WORKER_GROUP, value: {{ .Values.workers.defaultGroup | quote }}}
- {name: ARKWRIGHT_ATTEMPT_LEASE_SECONDS, value: {{ .Values.workers.attemptLeaseSeconds | quote }}}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if ne (toString $value) "" }}
- {name: {{ $name }}, value: {{ toString $value | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{/* One Deployment of servers. Takes a dict: root, part, roles, values. */}}
{{- define "arkwright.server" -}}
{{- $name := include "arkwright.name" .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}-{{ .part }}
  labels:
    {{- include "arkwright.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .part }}
spec:
  {{- if not (dig "autoscaling" "enabled" false .values) }}
  replicas: {{ .values.replicas }}
  {{- end }}
  # Old and new servers run side by side on one schema, so that there is no moment without one.
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector:
    matchLabels: {{- include "arkwright.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "arkwright.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .part }}
      {{- with .root.Values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "arkwright.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds | default 30 }}
      containers:
        - name: server
          image: {{ include "arkwright.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [serve, --roles, {{ .roles | quote }}]
          env: {{- include "arkwright.environment" .root | nindent 12 }}
          ports:
            - {name: https, containerPort: 8990}
          startupProbe:
            httpGet: {path: /healthz, port: https, scheme: HTTPS}
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /healthz, port: https, scheme: HTTPS}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: https, scheme: HTTPS}
            periodSeconds: 5
            timeoutSeconds: 5
          {{- if eq .part "api" }}
          # It goes on answering until nobody is sent to it any more.
          lifecycle:
            preStop:
              exec: {command: [sleep, "5"]}
          {{- end }}
          resources: {{- toYaml .values.resources | nindent 12 }}
          securityContext: {{- include "arkwright.containerSecurity" .root | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /var/lib/arkwright}
            - {name: tmp, mountPath: /tmp}
            - {name: key, mountPath: /etc/arkwright, readOnly: true}
            - {name: tls, mountPath: /etc/arkwright-tls, readOnly: true}
            {{- if .root.Values.workers.enabled }}
            - {name: worker-tls, mountPath: /etc/arkwright-worker-tls, readOnly: true}
            {{- end }}
      volumes:
        # What a pod keeps here may go with it: what it ran is taken over by the others.
        - name: data
          emptyDir: {}
        - name: tmp
          emptyDir: {}
        - name: key
          secret:
            secretName: {{ include "arkwright.secret" .root }}
            defaultMode: 0440
            items: [{key: seal.key, path: seal.key}]
        - name: tls
          secret: {secretName: {{ include "arkwright.serverTls" .root }}, defaultMode: 0440}
        {{- if .root.Values.workers.enabled }}
        - name: worker-tls
          secret: {secretName: {{ include "arkwright.workerTls" .root }}, defaultMode: 0440}
        {{- end }}
{{- end -}}

{{/* As many pods as its processors are busy. Takes a dict: root, part, autoscaling, least. */}}
{{- define "arkwright.hpa" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "arkwright.name" .root }}-{{ .part }}
  labels: {{- include "arkwright.labels" .root | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "arkwright.name" .root }}-{{ .part }}}
  minReplicas: {{ .least }}
  maxReplicas: {{ .autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ .autoscaling.targetCPUUtilizationPercentage }}}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300}
{{- end -}}
