using System.Text;

namespace Hanbae.Host.Progress;

/// <summary>Shows rows as kubectl shows tables: columns as wide as they need, three blanks between them.</summary>
static class TextTable
{
    const string Between = "   ";

    /// <param name="rows">The head first; all have as many cells.</param>
    public static string Of(IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. rows[0].Select((_, column) => rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        foreach (string[] row in rows) text.Append(string.Join(Between, row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()).Append('\n');
        return text.ToString();
    }
}
