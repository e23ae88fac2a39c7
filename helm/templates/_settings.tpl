{{/* The settings file: what `settings` says, and for each secret the place of its file. Nothing here knows single settings but
those that say where pods listen. */}}

{{/* Secret settings in use, as JSON: path of the setting to key in the Secret. */}}
{{- define "bridge.secretFiles" -}}
{{- $files := dict -}}
{{- range $name, $buildbot := .Values.settings.buildbots | default dict -}}
{{- if not (hasKey $buildbot "token_file") -}}
{{- $_ := set $files (printf "buildbots.%s.token" $name) (printf "buildbot-%s-token" $name) -}}
{{- end -}}
{{- end -}}
{{- range $path, $key := .Values.secrets.files -}}
{{- if $key -}}{{- $_ := set $files $path $key -}}{{- else -}}{{- $_ := unset $files $path -}}{{- end -}}
{{- end -}}
{{- toJson $files -}}
{{- end -}}

{{/* The Secret's name. Of a dict: root, hook (whether before an install or upgrade). */}}
{{- define "bridge.secretName" -}}
{{- $secrets := .root.Values.secrets -}}
{{- if $secrets.externalSecret.enabled -}}
{{ include "bridge.fullname" .root }}{{ if .hook }}-migrate{{ end }}
{{- else -}}
{{ $secrets.existingSecret }}
{{- end -}}
{{- end -}}

{{/* The settings in force, as JSON. */}}
{{- define "bridge.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- range $path, $key := include "bridge.secretFiles" . | fromJson -}}
{{- $parts := splitList "." $path -}}
{{- $here := $settings -}}
{{- range initial $parts -}}
{{- if not (get $here .) -}}{{- $_ := set $here . dict -}}{{- end -}}
{{- $here = get $here . -}}
{{- end -}}
{{- $_ := set $here (printf "%s_file" (last $parts)) (printf "%s/%s" $.Values.secrets.mountPath $path) -}}
{{- end -}}
{{- if and .Values.services.web.enabled (not $settings.status.host) -}}
{{- $_ := set $settings.status "host" "0.0.0.0" -}}
{{- end -}}
{{- if and $settings.live_log.public_url (not $settings.live_log.host) -}}
{{- $_ := set $settings.live_log "host" "0.0.0.0" -}}
{{- end -}}
{{- toJson $settings -}}
{{- end -}}

{{- define "bridge.config" -}}
# Made by the chart from its values.
{{ include "bridge.toml" (dict "table" (include "bridge.settings" . | fromJson) "path" list) }}
{{- end -}}

{{/* A table as TOML: its single values first, then its tables. Of a dict: table, path. A null is a setting that is not given. */}}
{{- define "bridge.toml" -}}
{{- range $key, $value := .table }}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value)) }}
{{ include "bridge.toml.key" $key }} = {{ include "bridge.toml.value" $value }}
{{- end }}
{{- end }}
{{- range $key, $value := .table }}
{{- if kindIs "map" $value }}
{{- $path := append $.path (include "bridge.toml.key" $key) }}

[{{ join "." $path }}]
{{- include "bridge.toml" (dict "table" $value "path" $path) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "bridge.toml.key" -}}
{{- regexMatch "^[A-Za-z0-9_-]+$" . | ternary . (toRawJson .) -}}
{{- end -}}

{{/* JSON's numbers, booleans and strings are TOML's, but for the one control character that JSON lets pass. */}}
{{- define "bridge.toml.value" -}}
{{- if kindIs "slice" . -}}
[{{ range $index, $value := . }}{{ if $index }}, {{ end }}{{ include "bridge.toml.value" $value }}{{ end }}]
{{- else if kindIs "map" . -}}
{ {{- range $index, $key := keys . | sortAlpha }}{{ if $index }}, {{ end }}{{ include "bridge.toml.key" $key }} = {{ include "bridge.toml.value" (get $ $key) }}{{ end -}} }
{{- else -}}
{{ toRawJson . | replace "\x7f" "\\u007f" }}
{{- end -}}
{{- end -}}

{{/* Where a service shows health and metrics. Of a dict: root, service. */}}
{{- define "bridge.healthPort" -}}
{{- $web := .root.Values.settings.web -}}
{{- get ($web.ports | default dict) .service | default $web.port | int -}}
{{- end -}}

{{/* `true` where live logs are shown, else nothing. */}}
{{- define "bridge.liveLogs" -}}
{{- if and .Values.settings.live_log.public_url (index .Values.services "buildbot-listener").enabled -}}true{{- end -}}
{{- end -}}

{{/* What does not fit together, in words. */}}
{{- define "bridge.validate" -}}
{{- $secrets := .Values.secrets -}}
{{- $files := include "bridge.secretFiles" . | fromJson -}}
{{- $settings := .Values.settings -}}
{{- if and $secrets.existingSecret $secrets.externalSecret.enabled -}}
{{- fail "secrets.existingSecret and secrets.externalSecret.enabled: give one of the two" -}}
{{- end -}}
{{- if not (or $secrets.existingSecret $secrets.externalSecret.enabled) -}}
{{- fail (printf "secrets.existingSecret: name the Secret that holds the keys %s; or set secrets.externalSecret.enabled" (values $files | sortAlpha | join ", ")) -}}
{{- end -}}
{{- if and $secrets.externalSecret.enabled (not $secrets.externalSecret.store.name) -}}
{{- fail "secrets.externalSecret.store.name: name the SecretStore, or ClusterSecretStore, that the secrets come from" -}}
{{- end -}}
{{- if and .Values.services.web.enabled (not (or (get $files "status.read_token") $settings.status.read_token_file $settings.status.proxy_header)) -}}
{{- fail "services.web: nobody may ask the status. Give secrets.files the key of status.read_token, or settings.status.proxy_header of a proxy that knows its users; or set services.web.enabled to false" -}}
{{- end -}}
{{- if and $settings.live_log.public_url (not (or (get $files "live_log.key") $settings.live_log.key_file)) -}}
{{- fail "settings.live_log.public_url: live logs need a key that signs addresses. Give secrets.files the key of live_log.key" -}}
{{- end -}}
{{- if not (include "bridge.services" . | fromJson) -}}
{{- fail "services: none is enabled" -}}
{{- end -}}
{{- range $name, $own := include "bridge.services" . | fromJson -}}
{{- if and $own.autoscaling.kind (not $own.autoscaling.targetCPU) (or (eq $own.autoscaling.kind "HorizontalPodAutoscaler") (not $own.autoscaling.triggers)) -}}
{{- fail (printf "services.%s.autoscaling: nothing says when to scale. Give targetCPU, or triggers to a ScaledObject" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
