using System.Text;

namespace Hanbae.Machinery.Yaml;

/// <summary>Chooses and writes the style of each scalar, keeping the column so that long lines fold where go-yaml folds them.</summary>
sealed class YamlText
{
    const int Width = 80;
    readonly StringBuilder _to = new();
    int _column;
    /// <summary>Whether an indicator was just written, so that a collection may start on its line.</summary>
    bool _open = true;

    public override string ToString() => _to.ToString();

    public void Break() { _to.Append('\n'); _column = 0; }

    public void BreakUnlessAtStart() { if (_column > 0) Break(); }

    /// <summary>Goes to the column on a new line, unless an indicator left the text there already.</summary>
    public void Indent(int column, bool always = false)
    {
        if (_open && !always) { _open = false; return; }
        BreakUnlessAtStart();
        Spaces(column);
        _open = false;
    }

    /// <summary><c>- </c>, <c>? </c> or <c>: </c>.</summary>
    public void Indicator(string sign) { Raw(sign); Space(); _open = true; }

    public void Space() => Put(' ');

    public void Raw(string text) { _to.Append(text); _column += text.Length; _open = false; }

    void Put(char c) { _to.Append(c); _column++; }

    void Put(Rune rune) { _to.Append(rune.ToString()); _column++; }

    void Spaces(int column) { for (; _column < column; _column++) _to.Append(' '); }

    public static bool HasBreak(string text) => text.AsSpan().IndexOfAny("\r\n\u0085\u2028\u2029") >= 0;

    /// <param name="indent">Where further lines of the scalar start.</param>
    /// <param name="key">It stands before a colon, on one line.</param>
    public void Scalar(string value, int indent, bool key)
    {
        _open = false;
        var shape = ScalarShape.Of(value);
        if (value.Contains('\n') && !key)
        {
            if (shape.BlockAllowed) Literal(value, indent);
            else DoubleQuoted(value, indent, fold: true);
        }
        else if (YamlScalars.NeedsQuotes(value) || (key && value.Contains('\n'))) DoubleQuoted(value, indent, fold: !key);
        else if (shape.PlainAllowed) Plain(value, indent, fold: !key);
        else if (shape.SingleQuotedAllowed && !(key && shape.Multiline)) SingleQuoted(value, indent, fold: !key);
        else DoubleQuoted(value, indent, fold: !key);
    }

    void Plain(string value, int indent, bool fold)
    {
        bool spaces = false;
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] == ' ')
            {
                if (fold && !spaces && _column > Width && i + 1 < value.Length && value[i + 1] != ' ') { Break(); Spaces(indent); }
                else Put(' ');
                spaces = true;
            }
            else { PutAt(value, ref i); spaces = false; }
        }
    }

    void SingleQuoted(string value, int indent, bool fold)
    {
        Put('\'');
        bool spaces = false, breaks = false;
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] == ' ')
            {
                if (fold && !spaces && _column > Width && i > 0 && i < value.Length - 1 && value[i + 1] != ' ') { Break(); Spaces(indent); }
                else Put(' ');
                spaces = true;
            }
            else if (HasBreak(value[i].ToString()))
            {
                if (!breaks && value[i] == '\n') Break();
                _to.Append(value[i]);
                _column = 0;
                breaks = true;
            }
            else
            {
                if (breaks) Spaces(indent);
                if (value[i] == '\'') Put('\'');
                PutAt(value, ref i);
                spaces = breaks = false;
            }
        }
        Put('\'');
    }

    void DoubleQuoted(string value, int indent, bool fold)
    {
        Put('"');
        bool spaces = false;
        for (int i = 0; i < value.Length; i++)
        {
            var rune = RuneAt(value, i);
            if (!ScalarShape.IsPrintable(rune) || ScalarShape.IsBreak(rune) || rune.Value is '"' or '\\')
            {
                Escape(rune);
                spaces = false;
            }
            else if (rune.Value == ' ')
            {
                if (fold && !spaces && _column > Width && i > 0 && i < value.Length - 1)
                {
                    Break();
                    Spaces(indent);
                    if (value[i + 1] == ' ') Put('\\');
                }
                else Put(' ');
                spaces = true;
            }
            else { Put(rune); spaces = false; }
            i += rune.Utf16SequenceLength - 1;
        }
        Put('"');
    }

    void Escape(Rune rune)
    {
        int v = rune.Value;
        char letter = v switch
        {
            0 => '0', 7 => 'a', 8 => 'b', 9 => 't', 10 => 'n', 11 => 'v', 12 => 'f', 13 => 'r', 0x1b => 'e', '"' => '"', '\\' => '\\',
            0x85 => 'N', 0xa0 => '_', 0x2028 => 'L', 0x2029 => 'P', _ => '\0',
        };
        Raw(letter != 0 ? "\\" + letter : v <= 0xff ? "\\x" + v.ToString("X2") : v <= 0xffff ? "\\u" + v.ToString("X4") : "\\U" + v.ToString("X8"));
    }

    void Literal(string value, int indent)
    {
        Put('|');
        if (value[0] == ' ' || HasBreak(value[..1])) Put('2');
        if (!HasBreak(value[^1..])) Put('-');
        else if (value.Length == 1 || HasBreak(value[^2..^1])) Put('+');
        Break();
        bool breaks = true;
        for (int i = 0; i < value.Length; i++)
        {
            if (value[i] == '\n') { Break(); breaks = true; }
            else if (HasBreak(value[i].ToString())) { _to.Append(value[i]); _column = 0; breaks = true; }
            else
            {
                if (breaks) Spaces(indent);
                PutAt(value, ref i);
                breaks = false;
            }
        }
    }

    void PutAt(string value, ref int i)
    {
        var rune = RuneAt(value, i);
        Put(rune);
        i += rune.Utf16SequenceLength - 1;
    }

    static Rune RuneAt(string value, int i) => Rune.TryGetRuneAt(value, i, out var rune) ? rune : Rune.ReplacementChar;
}
