using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Storage.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Classes of volumes, and how volumes of all sorts may be used.</summary>
static class StorageRules
{
    static readonly string[] s_modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

    public static void Modes(FieldPath at, Seq<string> modes, Errors errors)
    {
        foreach (string mode in modes) errors.OneOf(at, mode, s_modes);
        if (modes.Contains("ReadWriteOncePod") && modes.Exists(m => m != "ReadWriteOncePod" && s_modes.Contains(m))) errors.Forbidden(at, "may not use ReadWriteOncePod with other access modes");
    }

    const int MostParameters = 512, MostParameterBytes = 256 << 10;

    public static void Check(StorageClass o, Errors errors)
    {
        var provisioner = FieldPath.Of("provisioner");
        if (o.Provisioner.Length == 0) errors.Required(provisioner);
        else errors.Invalid(provisioner, o.Provisioner.ToLowerInvariant(), LabelSyntax.KeyErrors(o.Provisioner.ToLowerInvariant()));
        Parameters(FieldPath.Of("parameters"), o.Parameters, some: false, errors);
        if (o.ReclaimPolicy is { Length: > 0 } policy) errors.OneOf(FieldPath.Of("reclaimPolicy"), policy, "Delete", "Retain");
        if (o.VolumeBindingMode is not { } mode) errors.Required(FieldPath.Of("volumeBindingMode"));
        else errors.OneOf(FieldPath.Of("volumeBindingMode"), mode, "Immediate", "WaitForFirstConsumer");
        Topologies(FieldPath.Of("allowedTopologies"), o.AllowedTopologies, errors);
    }

    /// <param name="some">Whether there have to be any.</param>
    public static void Parameters(FieldPath at, Map<string> parameters, bool some, Errors errors)
    {
        if (parameters.Count > MostParameters) errors.TooLong(at, MostParameters);
        long size = 0;
        foreach (var (key, value) in parameters)
        {
            if (key.Length == 0) errors.Invalid(at, key, "field can not be empty.");
            size += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value);
        }
        if (size > MostParameterBytes) errors.TooLong(at, MostParameterBytes);
        if (some && parameters.IsEmpty) errors.Required(at, "must contain at least one key/value pair");
    }

    /// <summary>No two terms may say the same, and none the same thing twice.</summary>
    static void Topologies(FieldPath at, Seq<TopologySelectorTerm> terms, Errors errors)
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < terms.Count; i++)
        {
            var keys = new Dictionary<string, string>();
            var expressions = terms[i].MatchLabelExpressions;
            for (int j = 0; j < expressions.Count; j++)
            {
                var (here, e) = (at[i]["matchLabelExpressions"][j], expressions[j]);
                if (e.Values.IsEmpty) errors.Required(here["values"]);
                var values = new SortedSet<string>(StringComparer.Ordinal);
                for (int k = 0; k < e.Values.Count; k++) if (!values.Add(e.Values[k])) errors.Duplicate(here["values"][k], e.Values[k]);
                errors.Invalid(here["key"], e.Key, LabelSyntax.KeyErrors(e.Key));
                if (!keys.TryAdd(e.Key, string.Join(",", values))) errors.Duplicate(here["key"], e.Key);
            }
            if (!seen.Add(string.Join(";", keys.OrderBy(k => k.Key, StringComparer.Ordinal).Select(k => k.Key + "=" + k.Value))))
                errors.Add(new(FieldErrorType.Duplicate, at[i]["matchLabelExpressions"].ToString(), "\"\"", ""));
        }
    }

    public static void Update(StorageClass o, StorageClass old, Errors errors)
    {
        if (o.Parameters != old.Parameters) errors.Forbidden(FieldPath.Of("parameters"), "updates to parameters are forbidden.");
        if (o.Provisioner != old.Provisioner) errors.Forbidden(FieldPath.Of("provisioner"), "updates to provisioner are forbidden.");
        if (o.ReclaimPolicy != old.ReclaimPolicy) errors.Forbidden(FieldPath.Of("reclaimPolicy"), "updates to reclaimPolicy are forbidden.");
        errors.Unchanged(FieldPath.Of("volumeBindingMode"), o.VolumeBindingMode ?? "", old.VolumeBindingMode ?? "");
    }
}
