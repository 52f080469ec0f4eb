using Hanbae.Machinery.Cel.Text;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>The few functions of strings, and the sizes, that CEL itself has.</summary>
static class StandardStrings
{
    public static void Add(FunctionList f)
    {
        var (text, flag) = (CelType.String, CelType.Bool);
        foreach (var (name, type) in (ReadOnlySpan<(string, CelType)>)[("string", text), ("bytes", CelType.Bytes), ("list", FunctionList.ListOfA), ("map", FunctionList.MapOfAB)])
        {
            f.Global("size", "size_" + name, [type], CelType.Int, (x, _) => (long)x[0].Size);
            f.Member("size", name + "_size", [type], CelType.Int, (x, _) => (long)x[0].Size);
        }
        f.Member("contains", "contains_string", [text, text], flag, (x, _) => S(x[0]).Contains(S(x[1]), StringComparison.Ordinal));
        f.Member("startsWith", "starts_with_string", [text, text], flag, (x, _) => S(x[0]).StartsWith(S(x[1]), StringComparison.Ordinal));
        f.Member("endsWith", "ends_with_string", [text, text], flag, (x, _) => S(x[0]).EndsWith(S(x[1]), StringComparison.Ordinal));
        f.Global("matches", "matches", [text, text], flag, Matches);
        f.Member("matches", "matches_string", [text, text], flag, Matches);
    }

    static string S(CelValue value) => ((CelString)value).Value;

    static CelValue Matches(ReadOnlySpan<CelValue> x, Run.Evaluation run) =>
        RegexSyntax.TryCompile(S(x[1]), out var regex, out string? error) ? CelBool.Of(regex.IsMatch(S(x[0]))) : new CelError(error!);
}
