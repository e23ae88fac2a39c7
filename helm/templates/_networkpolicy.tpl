{{/* Rules of egress: a list of maps with `to`, `ports` and, where UDP is open as well, `udp`. */}}
{{- define "bridge.openings" -}}
{{- range $opening := . }}
- ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . | int }}}
    {{- if $opening.udp }}
    - {protocol: UDP, port: {{ . | int }}}
    {{- end }}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The opening for names, on whatever port: servers' pods may listen on another one than 53, which is where a policy counts. */}}
{{- define "bridge.dns" -}}
{{- toJson (set (deepCopy .Values.networkPolicy.dns) "udp" true) -}}
{{- end -}}

{{/* The ports of all addresses in the settings, and those that are named, as YAML: ports. */}}
{{- define "bridge.httpsPorts" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.https.ports }}{{ $ports = append $ports (int .) }}{{ end -}}
{{- range regexFindAll "\"https?://[^/\"]+" (include "bridge.config" .) -1 -}}
{{- $port := regexFind ":[0-9]+$" . | trimPrefix ":" | int -}}
{{- $ports = append $ports ($port | default (hasPrefix "\"https" . | ternary 443 80)) -}}
{{- end -}}
ports: {{ $ports | uniq | toJson }}
{{- end -}}

{{/* A policy that lets somebody in. Of a dict: root, name, components (nothing: all), from, ports. */}}
{{- define "bridge.letIn" -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "bridge.metadata" (dict "root" .root "name" .name) }}
spec:
  podSelector:
    matchLabels:
      {{- include "bridge.selector" .root | nindent 6 }}
      {{- with .component }}
      app.kubernetes.io/component: {{ . }}
      {{- end }}
  policyTypes: [Ingress]
  ingress:
    - from:
        {{- toYaml .from | nindent 8 }}
      ports:
        - {protocol: TCP, port: {{ .port }}}
{{ end -}}

{{/* A policy that lets pods out. Of a dict: root, name, openings, expressions (which pods of the release; nothing: all). */}}
{{- define "bridge.letOut" -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "bridge.metadata" (dict "root" .root "name" .name) }}
spec:
  podSelector:
    matchLabels:
      {{- include "bridge.selector" .root | nindent 6 }}
    {{- with .expressions }}
    matchExpressions:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  policyTypes: [Egress]
  egress:
    {{- include "bridge.openings" .openings | trim | nindent 4 }}
    {{- with .extra }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{ end -}}
