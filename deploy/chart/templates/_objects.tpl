{{/* The documents of a file of the manifests, with the release's labels. `root` is the root context, `file` the file. */}}
{{- define "weighbridge.objects" -}}
{{- $root := .root }}
{{- range splitList "\n---\n" ($root.Files.Get .file) }}
---
{{ include "weighbridge.object" (dict "root" $root "object" (fromYaml .)) }}
{{- end }}
{{- end }}

{{/* One object, with the release's labels beside its own. */}}
{{- define "weighbridge.object" -}}
{{- $own := default dict .object.metadata.labels }}
{{- $_ := set .object.metadata "labels" (merge dict $own (include "weighbridge.labels" .root | fromYaml)) }}
{{- toYaml .object }}
{{- end }}

{{- define "weighbridge.labels" -}}
{{ include "weighbridge.templateLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The labels of pods: without the chart's version, which would restart them where nothing else changes. */}}
{{- define "weighbridge.templateLabels" -}}
app.kubernetes.io/name: weighbridge
app.kubernetes.io/part-of: weighbridge
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "weighbridge.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* The settings of all pods: the file's defaults, the image, and what the operator sets. */}}
{{- define "weighbridge.settings" -}}
{{- $defaults := (first (splitList "\n---\n" (.Files.Get "base/configuration.yaml")) | fromYaml).data }}
{{- $image := dict "WEIGHBRIDGE_PULLER_IMAGE" (include "weighbridge.image" .) }}
{{- toYaml (merge dict .Values.settings $image $defaults) }}
{{- end }}
