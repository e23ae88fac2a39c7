{{/* The Secret as the External Secrets Operator makes it. Of a dict: root, hook. */}}
{{- define "bridge.externalSecret" -}}
{{- $external := .root.Values.secrets.externalSecret -}}
spec:
  refreshInterval: {{ $external.refreshInterval }}
  secretStoreRef:
    name: {{ $external.store.name }}
    kind: {{ $external.store.kind }}
  target:
    name: {{ include "bridge.secretName" . }}
    creationPolicy: Owner
  data:
    {{- range $key := include "bridge.secretFiles" .root | fromJson | values | uniq | sortAlpha }}
    - secretKey: {{ $key | quote }}
      remoteRef:
        key: {{ $external.remoteKey | quote }}
        property: {{ $key | quote }}
    {{- end }}
{{- end -}}
