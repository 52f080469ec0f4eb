using System.Globalization;
using System.Text;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Deployments;

/// <summary>Names a Pod template in a few letters: the <c>pod-template-hash</c> label, and the end of its ReplicaSet's name.</summary>
/// <remarks>
/// FNV-1a over the template's JSON, which is the same for the same template in every build. It need not be upstream's: a set is found
/// by its template, not by its name.
/// </remarks>
static class TemplateHash
{
    public const string Label = "pod-template-hash";

    /// <summary>No vowels and no look-alikes: no name becomes a word by chance.</summary>
    const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    /// <param name="collisions">How often the hash has met a foreign set of its name.</param>
    public static string Of(PodTemplateSpec template, int? collisions)
    {
        var writer = new JsonWriter();
        byte[] json;
        try { template.WriteJson(ref writer); json = writer.ToArray(); }
        finally { writer.Dispose(); }
        uint hash = Add(2166136261, json);
        if (collisions is { } count) hash = Add(hash, Encoding.ASCII.GetBytes(count.ToString(CultureInfo.InvariantCulture)));
        return string.Concat(hash.ToString(CultureInfo.InvariantCulture).Select(c => Alphabet[c % Alphabet.Length]));
    }

    static uint Add(uint hash, ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes) hash = (hash ^ b) * 16777619;
        return hash;
    }

    /// <summary>Whether two templates make the same Pods.</summary>
    public static bool Same(PodTemplateSpec a, PodTemplateSpec b) => Bare(a).Equals(Bare(b));

    static PodTemplateSpec Bare(PodTemplateSpec template) => !template.Metadata.Labels.ContainsKey(Label) ? template :
        template with { Metadata = template.Metadata with { Labels = template.Metadata.Labels.Remove(Label) } };
}
