{{/* What people and their browsers read, as JSON: name to values, component and host. Those that are not served are left out. */}}
{{- define "bridge.readers" -}}
{{- $found := dict -}}
{{- if .Values.services.web.enabled -}}
{{- $_ := set $found "status" (dict "own" .Values.status "component" "web" "host" "") -}}
{{- end -}}
{{- if include "bridge.liveLogs" . -}}
{{- $host := (urlParse .Values.settings.live_log.public_url).hostname -}}
{{- $_ := set $found "live-logs" (dict "own" .Values.liveLogs "component" "buildbot-listener" "host" $host) -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}
