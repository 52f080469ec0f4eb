using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Tables;

/// <summary>The forms that values take in several tables, as upstream prints them.</summary>
static class CellText
{
    public const string None = "<none>", Unset = "<unset>", Unknown = "<unknown>";

    public static string Of(long value) => value.ToString(CultureInfo.InvariantCulture);

    public static string OrNone(string? text) => string.IsNullOrEmpty(text) ? None : text;

    /// <summary><c>app=web,tier=front</c>.</summary>
    public static string Labels(Map<string> labels) => OrNone(string.Join(',', labels.Select(l => l.Key + "=" + l.Value)));

    public static string Selector(LabelSelector? selector)
    {
        try { return OrNone(selector.ToSelector().ToString()); }
        catch (SelectorFormatException) { return "<error>"; }
    }

    public static string Bool(bool? value) => value switch { true => "True", false => "False", null => Unset };

    public static string Modes(Seq<string> modes) => string.Join(',', s_modes.Where(m => modes.Contains(m.Mode)).Select(m => m.Short));

    static readonly (string Mode, string Short)[] s_modes =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];

    /// <summary>As many as <paramref name="most"/>, and how many more there are.</summary>
    public static string Some(IReadOnlyCollection<string> texts, int most = 3, string separator = ",") =>
        texts.Count <= most ? string.Join(separator, texts) : $"{string.Join(separator, texts.Take(most))} + {texts.Count - most} more...";

    public static string SomeOrUnset(IReadOnlyCollection<string> texts) => Some(texts) is { Length: > 0 } text ? text : Unset;

    public static string HostPort(string host, int port) => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";

    /// <summary>The names of a Pod's containers.</summary>
    public static string Names(PodSpec pod) => string.Join(',', pod.Containers.Select(c => c.Name));

    public static string Images(PodSpec pod) => string.Join(',', pod.Containers.Select(c => c.Image));
}
