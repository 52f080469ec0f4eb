using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Tests.Tables;

/// <summary>A row as a reader sees it, at a fixed time.</summary>
sealed class RowText : IRow
{
    public static readonly DateTimeOffset Now = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public List<string> Cells { get; } = [];
    public List<string> Conditions { get; } = [];

    public static RowText Of(KindInfo kind, string json)
    {
        var row = new RowText();
        TableCatalog.Of(kind)!.Write((IObject)kind.Decode(System.Text.Encoding.UTF8.GetBytes(json)), row);
        return row;
    }

    public void Text(string value) => Cells.Add(value);
    public void Number(long value) => Cells.Add(value.ToString(System.Globalization.CultureInfo.InvariantCulture));
    public void Number(double value) => Cells.Add(value.ToString(System.Globalization.CultureInfo.InvariantCulture));
    public void Bool(bool value) => Cells.Add(value ? "true" : "false");
    public void Null() => Cells.Add("null");
    public void Age(DateTimeOffset? since) => Cells.Add(since is { } at ? HumanDuration.Of(Now - at) : "<unknown>");
    public void TextWithAge(string before, DateTimeOffset since, string after) => Cells.Add(before + HumanDuration.Of(Now - since) + after);
    public void Time(DateTimeOffset? value) => Cells.Add(value?.ToString("O") ?? "null");
    public void Condition(string type, string status, string reason, string message) => Conditions.Add($"{type}={status} {reason}");

    public override string ToString() => string.Join(" | ", Cells);
}
