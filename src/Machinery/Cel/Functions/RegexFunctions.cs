using System.Text.RegularExpressions;
using Hanbae.Machinery.Cel.Text;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Finds what a regular expression matches.</summary>
static class RegexFunctions
{
    public static void Add(FunctionList f)
    {
        var (text, texts) = (CelType.String, CelType.List(CelType.String));
        f.Member("find", "string_find_string", [text, text], text, (x, _) => Find(x[0], x[1]));
        f.Member("findAll", "string_find_all_string", [text, text], texts, (x, _) => FindAll(x[0], x[1], -1));
        f.Member("findAll", "string_find_all_string_int", [text, text, CelType.Int], texts, (x, _) => FindAll(x[0], x[1], ((CelInt)x[2]).Value));
    }

    static CelValue Find(CelValue text, CelValue pattern) =>
        RegexSyntax.TryCompile(((CelString)pattern).Value, out var regex, out string? error) ? regex.Match(((CelString)text).Value).Value : new CelError("Illegal regex: " + error);

    static CelValue FindAll(CelValue text, CelValue pattern, long limit)
    {
        if (!RegexSyntax.TryCompile(((CelString)pattern).Value, out var regex, out string? error)) return new CelError("Illegal regex: " + error);
        var found = new List<string>();
        int last = -1;
        for (var match = regex.Match(((CelString)text).Value); match.Success && (limit < 0 || found.Count < limit); match = match.NextMatch())
        {
            // Go does not find nothing right behind something.
            if (match.Length > 0 || match.Index != last) found.Add(match.Value);
            last = match.Index + match.Length;
        }
        return CelList.Of(found);
    }
}
