using System.Collections.Immutable;
using System.Text;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;

namespace Hanbae.Server.Cache;

/// <summary>What a list found: the items, when that was true, and how to go on.</summary>
sealed record Listing(IReadOnlyList<Item> Items, long Revision, string Continue, long? Remaining);

/// <summary>Where a list in pages goes on: upstream's continue token, opaque to clients.</summary>
/// <param name="Revision">−1 to go on with what there is now.</param>
readonly record struct ContinueToken(long Revision, string Start)
{
    public string Encode()
    {
        var writer = new JsonWriter(128);
        writer.Raw("{\"v\":\"meta.k8s.io/v1\",\"rv\":"u8);
        writer.Int64(Revision);
        writer.Raw(",\"start\":"u8);
        writer.String(Start);
        writer.Byte((byte)'}');
        string token = System.Convert.ToBase64String(writer.Written).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        writer.Dispose();
        return token;
    }

    /// <summary>Null with upstream's words for what is wrong.</summary>
    public static ContinueToken? Decode(string token, out string error)
    {
        error = "continue key is not valid: illegal base64 data at input byte 0";
        byte[] bytes;
        try
        {
            string padded = token.Replace('-', '+').Replace('_', '/');
            bytes = System.Convert.FromBase64String(padded.PadRight((padded.Length + 3) / 4 * 4, '='));
        }
        catch (FormatException) { return null; }
        error = "continue key is not valid: json: cannot unmarshal";
        JsonObject? json;
        try { json = JsonValue.Parse(bytes) as JsonObject; }
        catch (FormatException e) { error = "continue key is not valid: " + e.Message; return null; }
        if (json is null) return null;
        if ((json["v"] as JsonString)?.Value != "meta.k8s.io/v1") { error = $"continue key is not valid: server does not recognize this encoded version \"{(json["v"] as JsonString)?.Value}\""; return null; }
        long revision = json["rv"] is JsonNumber { IsInteger: true } rv ? rv.Int64 : 0;
        if (revision == 0) { error = "continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"; return null; }
        string start = (json["start"] as JsonString)?.Value ?? "";
        if (start.Length == 0) { error = "continue key is not valid: encoded start key empty (version meta.k8s.io/v1)"; return null; }
        // It becomes part of a key of the store: nothing that could lead out of the resource's own.
        if (start.Length > Store.StoreLimits.MaxKeyLength || start.TrimEnd('\0').AsSpan().ContainsAnyInRange('\0', '\x1f') || start.Split('/').Any(p => p is "." or "..") || !IsText(start))
        {
            error = $"continue key is not valid: invalid start key";
            return null;
        }
        return new(revision, start);
    }

    static bool IsText(string text)
    {
        foreach (var rune in text.EnumerateRunes()) if (rune == Rune.ReplacementChar) return false;
        return true;
    }
}

/// <summary>The states that lists in pages began with, for their later pages.</summary>
/// <remarks>Bound: 32 states; they share all but what changed between them. Older ones are read from the store's history.</remarks>
sealed class Snapshots
{
    const int Most = 32;
    ImmutableList<ResourceCache.State> _kept = [];
    long _oldest;

    /// <summary>Older revisions are gone, as far as clients are told: the store was compacted up to here.</summary>
    public long Oldest => Volatile.Read(ref _oldest);

    public void ForgetBefore(long revision)
    {
        Volatile.Write(ref _oldest, revision);
        ImmutableInterlocked.Update(ref _kept, static (kept, revision) => kept.RemoveAll(k => k.Revision < revision), revision);
    }

    public void Keep(ResourceCache.State state) => ImmutableInterlocked.Update(ref _kept, static (kept, state) =>
        kept.Exists(k => k.Revision == state.Revision) ? kept : (kept.Count == Most ? kept.RemoveAt(0) : kept).Add(state), state);

    public ResourceCache.State? Find(long revision) => _kept.Find(k => k.Revision == revision);
}
