using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Environment variables and where their values come from.</summary>
static class EnvRules
{
    static readonly string[] s_fields = ["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"];

    public static void Env(FieldPath at, Seq<EnvVar> env, Seq<Volume> volumes, Errors errors)
    {
        for (int i = 0; i < env.Count; i++)
        {
            var (here, variable) = (at[i], env[i]);
            if (variable.Name.Length == 0) errors.Required(here["name"]);
            else errors.Invalid(here["name"], variable.Name, Names.EnvVar(variable.Name));
            if (variable.ValueFrom is { } from) Source(here["valueFrom"], from, variable.Value, volumes, errors);
        }
    }

    static void Source(FieldPath at, EnvVarSource from, string value, Seq<Volume> volumes, Errors errors)
    {
        int count = 0;
        if (from.FieldRef is { } field) { count++; Field(at["fieldRef"], field, s_fields, errors); }
        if (from.ResourceFieldRef is { } resource) { count++; Resource(at["resourceFieldRef"], resource, ofVolume: false, errors); }
        if (from.ConfigMapKeyRef is { } map) { count++; Key(at["configMapKeyRef"], map.Name, map.Key, errors); }
        if (from.SecretKeyRef is { } secret) { count++; Key(at["secretKeyRef"], secret.Name, secret.Key, errors); }
        if (from.FileKeyRef is { } file) { count++; FileKey(at["fileKeyRef"], file, volumes, errors); }
        if (count == 0) errors.Invalid(at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
        else if (value.Length > 0) errors.Invalid(at, "", "may not be specified when `value` is not empty");
        else if (count > 1) errors.Invalid(at, "", "may not have more than one field specified at a time");
    }

    static readonly string[] s_amounts = ["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];
    static readonly string[] s_divisors = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

    /// <param name="ofVolume">A file in a volume says whose amount it shows, a variable shows its own container's.</param>
    public static void Resource(FieldPath at, ResourceFieldSelector s, bool ofVolume, Errors errors)
    {
        bool pages = s.Resource.StartsWith("limits.hugepages-", StringComparison.Ordinal) || s.Resource.StartsWith("requests.hugepages-", StringComparison.Ordinal);
        if (ofVolume && s.ContainerName.Length == 0) errors.Required(at["containerName"]);
        else if (s.Resource.Length == 0) errors.Required(at["resource"]);
        else if (!pages) errors.OneOf(at["resource"], s.Resource, s_amounts);
        if (s.Divisor.Sign == 0) return;
        if (s.Resource is "limits.cpu" or "requests.cpu")
        {
            if (s.Divisor.ToString() is not ("1" or "1m")) errors.Invalid(at["divisor"], s.Resource, "only divisor's values 1m and 1 are supported with the cpu resource");
        }
        else if ((pages || s_amounts.Contains(s.Resource)) && !s_divisors.Contains(s.Divisor.ToString()))
        {
            string what = pages ? "hugepages" : s.Resource.EndsWith("memory", StringComparison.Ordinal) ? "memory" : "local ephemeral storage";
            errors.Invalid(at["divisor"], s.Resource, $"only divisor's values {string.Join(", ", s_divisors)} are supported with the {what} resource");
        }
    }

    /// <param name="known">What of a Pod may be asked for there, besides its labels and annotations one by one.</param>
    public static void Field(FieldPath at, ObjectFieldSelector field, string[] known, Errors errors)
    {
        if (field.ApiVersion.Length == 0) { errors.Required(at["apiVersion"]); return; }
        if (field.FieldPath.Length == 0) { errors.Required(at["fieldPath"]); return; }
        string path = field.FieldPath;
        foreach (string prefix in (ReadOnlySpan<string>)["metadata.labels['", "metadata.annotations['"])
            if (path.StartsWith(prefix, StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal))
            {
                string key = path[prefix.Length..^2];
                errors.Invalid(at, key, LabelSyntax.KeyErrors(prefix[9] == 'a' ? key.ToLowerInvariant() : key));
                return;
            }
        int subscript = path.IndexOf("['", StringComparison.Ordinal);
        if (subscript > 0 && path.EndsWith("']", StringComparison.Ordinal)) errors.Invalid(at["fieldPath"], path, $"error converting fieldPath: field label does not support subscript: {path}");
        else if (path is "metadata.labels" or "metadata.annotations" or "spec.restartPolicy" or "spec.schedulerName" or "status.phase" || s_fields.Contains(path)) errors.OneOf(at["fieldPath"], path, known);
        else errors.Invalid(at["fieldPath"], path, $"error converting fieldPath: field label not supported: {path}");
    }

    static void Key(FieldPath at, string name, string key, Errors errors)
    {
        errors.Invalid(at["name"], name, Names.Subdomain(name));
        if (key.Length == 0) errors.Required(at["key"]);
        else errors.Invalid(at["key"], key, Names.ConfigKey(key));
    }

    /// <summary>A variable of a file that an init container writes (KEP-3721): only what lives and dies with the Pod is read.</summary>
    static void FileKey(FieldPath at, FileKeySelector file, Seq<Volume> volumes, Errors errors)
    {
        if (file.Key.Length == 0) errors.Required(at["key"]);
        else errors.Invalid(at["key"], file.Key, Names.EnvVar(file.Key));
        if (file.VolumeName.Length == 0) errors.Required(at["volumeName"]);
        else if (volumes.Find(v => v.Name == file.VolumeName) is not { } volume) errors.NotFound(at["volumeName"], file.VolumeName);
        else if (volume.EmptyDir is null) errors.Invalid(at["volumeName"], file.VolumeName, "referenced volume must be of type emptyDir");
        if (file.Path.Length == 0) errors.Required(at["path"]);
        else VolumeRules.RelativePath(at["path"], file.Path, errors);
    }

    public static void EnvFrom(FieldPath at, Seq<EnvFromSource> sources, Errors errors)
    {
        for (int i = 0; i < sources.Count; i++)
        {
            var (here, source) = (at[i], sources[i]);
            if (source.Prefix.Length > 0) errors.Invalid(here["prefix"], source.Prefix, Names.EnvVar(source.Prefix));
            foreach (var (field, name) in (ReadOnlySpan<(string, string?)>)[("configMapRef", source.ConfigMapRef?.Name), ("secretRef", source.SecretRef?.Name)])
                if (name is "") errors.Required(here[field]["name"]);
                else if (name is not null) errors.Invalid(here[field]["name"], name, Names.Subdomain(name));
            if (source is { ConfigMapRef: null, SecretRef: null }) errors.Invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
            if (source is { ConfigMapRef: not null, SecretRef: not null }) errors.Invalid(at, "", "may not have more than one field specified at a time");
        }
    }
}
