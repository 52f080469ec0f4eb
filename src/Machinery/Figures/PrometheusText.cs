using System.Globalization;
using System.Text;

namespace Hanbae.Machinery.Figures;

/// <summary>Writes metrics in Prometheus' text form: for every part that shows figures, so that all escape and round alike.</summary>
public sealed class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    readonly StringBuilder _text = new();

    /// <summary>Begins a metric; its samples follow.</summary>
    public PrometheusText Family(string name, string type, string help)
    {
        _text.Append("# HELP ").Append(name).Append(' ').Append(OneLine(help)).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        return this;
    }

    /// <param name="labels">As <see cref="Labels"/> makes them; empty for none.</param>
    public PrometheusText Sample(string name, string labels, double value, DateTimeOffset? at = null)
    {
        _text.Append(name);
        if (labels.Length > 0) _text.Append('{').Append(labels).Append('}');
        _text.Append(' ').Append(Number(value));
        if (at is { } time) _text.Append(' ').Append(time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture));
        _text.Append('\n');
        return this;
    }

    /// <summary>A metric with one sample and no labels.</summary>
    public PrometheusText Plain(string name, string type, string help, double value) => Family(name, type, help).Sample(name, "", value);

    /// <summary>The samples of a histogram.</summary>
    /// <param name="counts">How many came under each bound and above the one before it; the last, one more than there are bounds, above all of them.</param>
    public PrometheusText Distribution(string name, string labels, ReadOnlySpan<double> bounds, ReadOnlySpan<long> counts, double sum)
    {
        string before = labels.Length > 0 ? labels + "," : "";
        long count = 0;
        for (int i = 0; i < counts.Length; i++)
            Sample(name + "_bucket", $"{before}le=\"{(i < bounds.Length ? Number(bounds[i]) : "+Inf")}\"", count += counts[i]);
        return Sample(name + "_sum", labels, sum).Sample(name + "_count", labels, count);
    }

    public static string Labels(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(name).Append("=\"").Append(OneLine(value).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }
        return text.ToString();
    }

    static string OneLine(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>A bound is a label, by which series are known again: <c>1e-08</c>, as Go spells it.</summary>
    static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');

    public override string ToString() => _text.ToString();

    public byte[] ToUtf8() => Encoding.UTF8.GetBytes(_text.ToString());
}
