{{/* The pod of a service, of the migration and of the doctor. Of a dict: root, component, command (arguments for bbb), own (as in
`defaults`), hook (whether it comes before an install or upgrade), serving (whether it has ports and probes). */}}
{{- define "bridge.pod" -}}
{{- $root := .root -}}
{{- $own := .own -}}
{{- $readers := and .serving (or (eq .component "web") (and (eq .component "buildbot-listener") (include "bridge.liveLogs" $root))) -}}
serviceAccountName: {{ include "bridge.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $own.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
securityContext:
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds | int }}
containers:
  - name: {{ .component }}
    image: {{ include "bridge.image" $root | quote }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args: {{ toJson .command }}
    env:
      - name: BBB_CONFIG
        value: /etc/bridge/bridge.toml
      - name: TMPDIR
        value: /tmp
      {{- with $own.env }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with $own.envFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- toYaml $root.Values.securityContext | nindent 6 }}
    resources:
      {{- toYaml $own.resources | nindent 6 }}
    {{- if .serving }}
    ports:
      - name: health
        containerPort: {{ include "bridge.healthPort" (dict "root" $root "service" .component) }}
      {{- if eq .component "web" }}
      - name: status
        containerPort: {{ $root.Values.settings.status.port | int }}
      {{- else if $readers }}
      - name: live-logs
        containerPort: {{ $root.Values.settings.live_log.port | int }}
      {{- end }}
    startupProbe:
      httpGet: {path: /healthz, port: health}
      {{- toYaml $own.startupProbe | nindent 6 }}
    livenessProbe:
      httpGet: {path: /healthz, port: health}
      {{- toYaml $own.livenessProbe | nindent 6 }}
    readinessProbe:
      httpGet: {path: /readyz, port: health}
      {{- toYaml $own.readinessProbe | nindent 6 }}
    {{- if and $readers $own.preStopSeconds }}
    lifecycle:
      preStop:
        sleep:
          seconds: {{ $own.preStopSeconds | int }}
    {{- end }}
    {{- end }}
    volumeMounts:
      - name: config
        mountPath: /etc/bridge
        readOnly: true
      - name: secrets
        mountPath: {{ $root.Values.secrets.mountPath }}
        readOnly: true
      - name: tmp
        mountPath: /tmp
      {{- with $own.volumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "bridge.fullname" $root }}{{ if .hook }}-migrate{{ end }}
  # Whole, without subPath: what is exchanged in the Secret arrives.
  - name: secrets
    secret:
      secretName: {{ include "bridge.secretName" . }}
      defaultMode: 0440
      items:
        {{- range $path, $key := include "bridge.secretFiles" $root | fromJson }}
        - key: {{ $key | quote }}
          path: {{ $path | quote }}
        {{- end }}
  - name: tmp
    emptyDir:
      sizeLimit: {{ $own.tmp.sizeLimit }}
      {{- with $own.tmp.medium }}
      medium: {{ . }}
      {{- end }}
  {{- with $own.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "bridge.affinity" . | fromJson }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .serving }}
{{- with $own.topologySpread }}
topologySpreadConstraints:
  {{- $selector := dict "labelSelector" (dict "matchLabels" (include "bridge.selectorOf" $ | fromYaml)) }}
  {{- range . }}
  - {{- toYaml (mergeOverwrite (deepCopy $selector) (deepCopy .)) | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Of the pods of one component. */}}
{{- define "bridge.selectorOf" -}}
{{ include "bridge.selector" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "bridge.podLabels" -}}
{{ include "bridge.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "bridge.affinity" -}}
{{- $affinity := deepCopy .own.affinity -}}
{{- if and .serving (ne .own.antiAffinity "none") -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (include "bridge.selectorOf" . | fromYaml)) -}}
{{- $terms := dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "podAffinityTerm" $term)) -}}
{{- if eq .own.antiAffinity "required" -}}
{{- $terms = dict "requiredDuringSchedulingIgnoredDuringExecution" (list $term) -}}
{{- end -}}
{{- $affinity = mergeOverwrite (dict "podAntiAffinity" $terms) $affinity -}}
{{- end -}}
{{- toJson $affinity -}}
{{- end -}}
