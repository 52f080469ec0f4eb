using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Components;

/// <summary>The two pages on which a component tells what it is and what it was started with: <c>/statusz</c> (KEP-4827) and <c>/flagz</c> (KEP-4828).</summary>
/// <remarks>Text for people, or an object for whom asks for it by name.</remarks>
/// <param name="name">Upstream's, such as <c>kube-scheduler</c>.</param>
/// <param name="version">What <c>/version</c> says, with a v before it.</param>
/// <param name="paths">All that can be asked for.</param>
/// <param name="flags">By name, without dashes.</param>
public sealed class ComponentPages(string name, string version, Func<IEnumerable<string>> paths, IReadOnlyDictionary<string, string> flags)
{
    const string Group = "config.k8s.io", Plain = "text/plain; charset=utf-8";

    /// <summary>What is served for other reasons than to find faults, as upstream leaves it out.</summary>
    static readonly string[] s_elsewhere = ["", "apis", "api", "openid", "openapi", ".well-known", "index.html"];

    /// <summary>The process's.</summary>
    static readonly DateTimeOffset s_started = Started();

    /// <summary>What both can be had as.</summary>
    public static IReadOnlyList<string> MediaTypes { get; } = ["application/json", "text/plain"];

    /// <summary>Null when nothing that is accepted can be had.</summary>
    public (string ContentType, byte[] Body)? Status(string accept)
    {
        if (!Chosen(accept, "Statusz", out string? api)) return null;
        long up = Math.Max(0, (long)(DateTimeOffset.UtcNow - s_started).TotalSeconds);
        string binary = version.TrimStart('v'), emulated = string.Join('.', binary.Split('.')[..2]);
        string[] folders = [.. paths().Select(p => p.Split('/') is [_, var folder, ..] ? folder : "").Where(f => !s_elsewhere.Contains(f)).Distinct().Select(f => "/" + f).Order(StringComparer.Ordinal)];
        if (api is not null)
            return Json(api, "Statusz", [("startTime", s_started.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)), ("uptimeSeconds", up), ("goVersion", ""),
                ("binaryVersion", binary), ("emulationVersion", emulated), ("paths", JsonArray.Of([.. folders.Select(f => (JsonValue)new JsonString(f))]))]);
        return Text("statusz", $"""

            Started: {s_started.UtcDateTime.ToString("ddd MMM", CultureInfo.InvariantCulture)} {s_started.Day,2} {s_started.UtcDateTime.ToString("HH:mm:ss 'UTC' yyyy", CultureInfo.InvariantCulture)}
            Up: {up / 3600} hr {up / 60 % 60:00} min {up % 60:00} sec
            Go version:
            Binary version: {binary}
            Emulation version: {emulated}
            Paths: {string.Join(' ', folders)}

            """);
    }

    /// <inheritdoc cref="Status"/>
    public (string ContentType, byte[] Body)? Flags(string accept)
    {
        if (!Chosen(accept, "Flagz", out string? api)) return null;
        var sorted = flags.OrderBy(f => f.Key, StringComparer.Ordinal);
        return api is not null ? Json(api, "Flagz", [("flags", JsonObject.Of([.. sorted.Select(f => (f.Key, (JsonValue)new JsonString(f.Value)))]))])
            : Text("flagz", string.Concat(sorted.Select(f => $"{f.Key}={f.Value}\n")));
    }

    (string, byte[]) Text(string page, string body) =>
        (Plain, Encoding.UTF8.GetBytes($"\n{name} {page}\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n{body}"));

    (string, byte[]) Json(string api, string kind, ReadOnlySpan<(string, JsonValue)> fields) => ("application/json", JsonObject.Of(
        [("kind", kind), ("apiVersion", $"{Group}/{api}"), ("metadata", JsonObject.Of(("name", name))), .. fields]).ToUtf8());

    /// <param name="api">The version of the object that is wanted; null for text.</param>
    static bool Chosen(string accept, string kind, out string? api)
    {
        api = null;
        if (string.IsNullOrWhiteSpace(accept)) return true;
        foreach (string[] clause in accept.Split(',').Select(c => c.Split(';', StringSplitOptions.TrimEntries)).OrderByDescending(Weight))
        {
            string type = clause[0].Trim();
            string? Of(string parameter) => clause.FirstOrDefault(p => p.StartsWith(parameter + "=", StringComparison.Ordinal))?[(parameter.Length + 1)..];
            var (group, wanted, version) = (Of("g"), Of("as"), Of("v"));
            if (type is "application/json" or "application/*" or "*/*" && group == Group && wanted == kind && version is "v1beta1" or "v1alpha1")
            {
                api = version;
                return true;
            }
            if (type is "text/plain" or "text/*" or "*/*" && (group ?? wanted ?? version) is null) return true;
        }
        return false;
    }

    static double Weight(string[] clause) =>
        clause.FirstOrDefault(p => p.StartsWith("q=", StringComparison.Ordinal)) is { } q && double.TryParse(q.AsSpan(2), CultureInfo.InvariantCulture, out double weight) ? weight : 1;

    static DateTimeOffset Started()
    {
        using var process = Process.GetCurrentProcess();
        return process.StartTime.ToUniversalTime();
    }
}
