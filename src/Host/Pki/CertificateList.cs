using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Host.Progress;

namespace Hanbae.Host.Pki;

/// <summary>What <c>hanbae certs</c> tells of a cluster's certificates.</summary>
public static class CertificateList
{
    /// <param name="Name">Its file's, without the extension.</param>
    /// <param name="Ends">Null for keys, which last until they are retired.</param>
    /// <param name="Use">What it is for, in a word or two.</param>
    public sealed record Row(string Name, string Subject, string Issuer, string Use, DateTimeOffset? Ends, string Fingerprint);

    /// <summary>All that stand in the folder, authorities first; of files with several each one.</summary>
    public static IReadOnlyList<Row> Read(string folder)
    {
        var rows = new List<Row>();
        foreach (string file in Directory.EnumerateFiles(folder, "*.crt").Order(StringComparer.Ordinal))
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(file);
            string name = Path.GetFileNameWithoutExtension(file);
            for (int i = 0; i < all.Count; i++)
            {
                using var one = all[i];
                rows.Add(new(name, one.Subject, one.Issuer, Use(one, name, i), one.NotAfter.ToUniversalTime(), one.Thumbprint));
            }
        }
        var keys = new PkiFolder(folder, TimeProvider.System).TokenKeys(ClusterPki.TokenKeyName);
        for (int i = 0; i < keys.Length; i++)
            rows.Add(new(ClusterPki.TokenKeyName, "tokens of service accounts", "", i == 0 ? "key, signs" : "key, believed still", null, keys[i].Id));
        return [.. rows.OrderByDescending(r => r.Use.StartsWith("authority", StringComparison.Ordinal))];
    }

    static string Use(X509Certificate2 certificate, string name, int place)
    {
        if (certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(b => b.CertificateAuthority))
            return name.EndsWith("-cross", StringComparison.Ordinal) ? "authority, vouched for by the one before" : place == 0 ? "authority, signs" : "authority, believed still";
        var uses = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SelectMany(u => u.EnhancedKeyUsages.OfType<Oid>()).Select(o => o.Value).ToHashSet();
        string[] words = [uses.Contains("1.3.6.1.5.5.7.3.1") ? "server" : "", uses.Contains("1.3.6.1.5.5.7.3.2") ? "client" : ""];
        return string.Join(", ", words.Where(u => u.Length > 0));
    }

    public static string Table(IReadOnlyList<Row> rows, DateTimeOffset now) => TextTable.Of(
    [
        ["NAME", "SUBJECT", "ISSUER", "USE", "ENDS"],
        .. rows.Select(r => (string[])[r.Name, r.Subject, r.Issuer, r.Use, r.Ends is { } end ? $"{end:yyyy-MM-dd} ({Left(end - now)})" : "when it is retired"]),
    ]);

    static string Left(TimeSpan left) => left < TimeSpan.Zero ? "has ended"
        : left.TotalDays < 2 ? $"in {(int)left.TotalHours} hours"
        : left.TotalDays < 730 ? $"in {(int)left.TotalDays} days"
        : $"in {(int)(left.TotalDays / 365)} years";

    public static string Json(IReadOnlyList<Row> rows) => new JsonArray([.. rows.Select(r => (JsonValue)JsonObject.Of(
        ("name", new JsonString(r.Name)), ("subject", new JsonString(r.Subject)), ("issuer", new JsonString(r.Issuer)), ("use", new JsonString(r.Use)),
        ("ends", r.Ends is { } end ? new JsonString(end.ToApi()) : JsonNull.Instance),
        (r.Ends is null ? "kid" : "sha1", new JsonString(r.Fingerprint))))]).ToString()!;
}
