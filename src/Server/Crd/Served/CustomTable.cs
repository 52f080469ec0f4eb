using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Server.Crd.Structure;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Crd.Served;

/// <summary>The columns that a definition's version asks for: name, then its own, or the age when it has none.</summary>
sealed class CustomTable : ITable
{
    static readonly CustomResourceColumnDefinition s_age = new() { Name = "Age", Type = "date", JsonPath = ".metadata.creationTimestamp" };

    readonly ImmutableArray<(CustomResourceColumnDefinition Column, JsonPath? Path)> _columns;

    public CustomTable(CustomResourceDefinitionVersion version)
    {
        _columns = [.. (version.AdditionalPrinterColumns.IsEmpty ? [s_age] : version.AdditionalPrinterColumns.Span.ToArray()).Select(c => (c, JsonPath.TryParse(c.JsonPath)))];
        Columns = [new("Name", "string", "name", 0), .. _columns.Select(c => new ApiColumn(c.Column.Name, c.Column.Type, c.Column.Format, c.Column.Priority))];
    }

    public ImmutableArray<ApiColumn> Columns { get; }

    public string Describe(ApiColumn column)
    {
        foreach (var (mine, _) in _columns)
            if (mine.Name == column.Name && mine.Description.Length > 0) return mine.Description;
        return column.Name is "Name" or "Age" ? ColumnWords.Of(column.Name) : $"Custom resource definition column (in JSONPath format): {_columns.FirstOrDefault(c => c.Column.Name == column.Name).Column?.JsonPath}";
    }

    public void Write(IObject obj, IRow row)
    {
        row.Text(obj.Metadata.Name);
        var tree = ((Unstructured)obj).ToTree();
        foreach (var (column, path) in _columns)
            if (path?.Find(tree) is [var value, ..]) Cell(column.Type, value, row);
            else row.Null();
    }

    static void Cell(string type, JsonValue value, IRow row)
    {
        switch (type, value)
        {
            // Text is whatever is there, printed.
            case ("string", JsonString s): row.Text(s.Value); break;
            case ("string", JsonNull): row.Text("null"); break;
            case ("string", JsonBool b): row.Text(b.Value ? "true" : "false"); break;
            case ("string", _): row.Text(SchemaValidator.Shown(value)); break;
            case ("integer", JsonNumber n): row.Number(n.IsInteger ? n.Int64 : (long)n.Double); break;
            case ("number", JsonNumber n): row.Number(n.Double); break;
            case ("boolean", JsonBool b): row.Bool(b.Value); break;
            case ("date", JsonString s):
                if (Timestamps.TryParse(System.Text.Encoding.UTF8.GetBytes(s.Value), out var time)) row.Age(time);
                else row.Text("<invalid>");
                break;
            default: row.Null(); break;
        }
    }
}
