using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Server;

/// <summary>Which part of a container's log is asked for.</summary>
public sealed record LogOptions
{
    public bool Follow { get; init; }
    public bool Previous { get; init; }
    public bool Timestamps { get; init; }
    public long? TailLines { get; init; }
    public long? LimitBytes { get; init; }
    public DateTimeOffset? Since { get; init; }
    /// <summary>Null for both (KEP-3288).</summary>
    public bool? Stderr { get; init; }

    /// <returns>What is wrong with the query, or null.</returns>
    public static string? TryRead(IQueryCollection query, DateTimeOffset now, out LogOptions options)
    {
        options = new() { Follow = Flag("follow"), Previous = Flag("previous"), Timestamps = Flag("timestamps") };
        if (!Number("tailLines", out long? tail) || tail < 0) return "tailLines: must be greater than or equal to 0";
        if (!Number("limitBytes", out long? limit) || limit < 1) return "limitBytes: must be greater than 0";
        if (!Number("sinceSeconds", out long? seconds) || seconds < 1) return "sinceSeconds: must be greater than 0";
        DateTimeOffset? since = seconds is { } s ? now - TimeSpan.FromSeconds(s) : null;
        if ((string?)query["sinceTime"] is { Length: > 0 } text)
        {
            if (since is not null) return "at most one of `sinceTime` or `sinceSeconds` may be specified";
            if (!Api.Timestamps.TryParse(Encoding.UTF8.GetBytes(text), out var time)) return "sinceTime: not RFC 3339";
            since = time;
        }
        options = options with
        {
            TailLines = tail, LimitBytes = limit, Since = since,
            Stderr = (string?)query["stream"] switch { "Stdout" => false, "Stderr" => true, _ => null },
        };
        return null;

        bool Flag(string name) => (string?)query[name] is "true" or "1";

        bool Number(string name, out long? value)
        {
            value = null;
            if ((string?)query[name] is not { Length: > 0 } given) return true;
            if (!long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) return false;
            value = number;
            return true;
        }
    }
}
