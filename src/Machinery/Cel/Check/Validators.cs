using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Cel.Check;

/// <summary>Finds literals that could never be what they are used as: durations, timestamps, regular expressions.</summary>
static class Validators
{
    public static void Check(Expr root, Source source) => Walk.All(root, e =>
    {
        if (e is not Call call || call.Args is not [.., Literal { Value: CelString text } argument]) return;
        bool valid = call.Name switch
        {
            "duration" when call.Args.Length == 1 => CelDuration.Parse(text.Value) is not null,
            "timestamp" when call.Args.Length == 1 => CelTimestamp.Parse(text.Value) is not null,
            "matches" => Text.RegexSyntax.TryCompile(text.Value, out _, out _),
            _ => true,
        };
        if (!valid) source.Error(argument.At, $"invalid {call.Name} argument");
    });
}
