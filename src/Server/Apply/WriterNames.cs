using System.Text;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Apply;

/// <summary>The name under which a client's writes are kept account of: the one it gives, or what its User-Agent begins with.</summary>
static class WriterNames
{
    const int Longest = 128;

    /// <exception cref="StatusException">422: too long, or not printable.</exception>
    public static string Of(RequestContext request)
    {
        string given = request.Parameter("fieldManager") ?? "";
        if (given.Length == 0) return Agent(request.Header("User-Agent"));
        if (Wrong(given) is { Count: > 0 } errors) throw Statuses.Invalid(new("meta.k8s.io", "v1", OptionsOf(request)), "", errors);
        return given;
    }

    public static string OptionsOf(RequestContext request) => request.Method switch { "POST" => "CreateOptions", "PUT" => "UpdateOptions", "PATCH" => "PatchOptions", _ => "DeleteOptions" };

    public static List<FieldError> Wrong(string manager)
    {
        var errors = new List<FieldError>();
        if (Encoding.UTF8.GetByteCount(manager) > Longest) errors.Add(FieldError.TooLong("fieldManager", Longest));
        int at = 0;
        foreach (var rune in manager.EnumerateRunes())
        {
            if (!GoQuote.IsPrintable(rune)) errors.Add(FieldError.Invalid("fieldManager", manager, $"invalid character {Named(rune)} (at position {at})"));
            at += rune.Utf8SequenceLength;
        }
        return errors;
    }

    /// <summary>As Go's %#U.</summary>
    static string Named(Rune rune) => GoQuote.IsPrintable(rune) ? $"U+{rune.Value:X4} '{rune}'" : $"U+{rune.Value:X4}";

    static string Agent(string agent)
    {
        int slash = agent.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0) agent = agent[..slash];
        if (agent.Length <= Longest && !agent.AsSpan().ContainsAnyExceptInRange(' ', '~')) return agent;
        var name = new StringBuilder();
        int bytes = 0;
        foreach (var rune in agent.EnumerateRunes())
        {
            if (!GoQuote.IsPrintable(rune)) continue;
            if ((bytes += rune.Utf8SequenceLength) > Longest) break;
            name.Append(rune.ToString());
        }
        return name.ToString();
    }
}
