{{/* Names and labels. Long names are cut so that the longest suffix, `-taskcluster-listener`, still fits into a label. */}}

{{- define "bridge.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "bridge.fullname" -}}
{{- $name := include "bridge.name" . -}}
{{- $release := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- $whole := .Values.region | empty | ternary $release (printf "%s-%s" $release .Values.region) -}}
{{- .Values.fullnameOverride | default $whole | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Of all pods of the release. */}}
{{- define "bridge.selector" -}}
app.kubernetes.io/name: {{ include "bridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Of every object. */}}
{{- define "bridge.labels" -}}
{{ include "bridge.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: buildbot-bridge
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.region }}
buildbot-bridge/region: {{ . | quote }}
{{- end }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The head of an object. Of a dict: root, name (without it: the release's own), component, annotations, labels. */}}
{{- define "bridge.metadata" -}}
{{- $annotations := mergeOverwrite (dict) (deepCopy .root.Values.commonAnnotations) (deepCopy (.annotations | default dict)) -}}
metadata:
  name: {{ include "bridge.fullname" .root }}{{ with .name }}-{{ . }}{{ end }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "bridge.labels" .root | nindent 4 }}
    {{- with .component }}
    app.kubernetes.io/component: {{ . }}
    {{- end }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "bridge.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Of a dict: root, component. */}}
{{- define "bridge.serviceAccount" -}}
{{- .root.Values.serviceAccount.create | ternary (printf "%s-%s" (include "bridge.fullname" .root) .component) .root.Values.serviceAccount.name -}}
{{- end -}}

{{/* The services that are enabled, as JSON: name to everything about it. */}}
{{- define "bridge.services" -}}
{{- $found := dict -}}
{{- range $name, $own := .Values.services -}}
{{- if $own.enabled -}}
{{- $_ := set $found $name (mergeOverwrite (deepCopy $.Values.defaults) (deepCopy $own)) -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/* Hook annotations. Of a dict: event, weight. A test's pod stays until the next one: most versions of Helm ask for its log
(`helm test --logs`) only after they have deleted it. */}}
{{- define "bridge.hook" -}}
helm.sh/hook: {{ .event }}
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation{{ if ne .event "test" }},hook-succeeded{{ end }}
{{- end -}}
