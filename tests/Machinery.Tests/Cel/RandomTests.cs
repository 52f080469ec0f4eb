using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Cel.Syntax;

namespace Hanbae.Machinery.Tests.Cel;

/// <summary>Expressions nobody thought of.</summary>
public sealed class RandomTests
{
    const int Seed = 20260211;

    [Fact]
    public void What_is_printed_parses_to_the_same_and_nothing_throws()
    {
        var random = new Random(Seed);
        var env = Cel.All.WithVariable("d", CelType.Dyn).WithVariable("n", CelType.Int).WithVariable("s", CelType.String);
        var values = new CelActivation(("d", CelMap.Of(("a", 1), ("b", CelList.Of(1, "x", CelNull.Instance)))), ("n", 3), ("s", "tëxt"));
        int compiled = 0, evaluated = 0;
        for (int i = 0; i < 4000; i++)
        {
            string text = Make(random, 4);
            string context = $"seed {Seed}, expression {i}: {text}";
            var source = new Source(text);
            var parsed = Parser.Parse(source, (CelLibraries)~0);
            Assert.True(parsed is not null, context + "\n" + source.Errors());
            string printed = Printer.Print(parsed);
            var again = Parser.Parse(new Source(printed), (CelLibraries)~0);
            Assert.True(again is not null, context + "\nprinted " + printed);
            Assert.True(printed == Printer.Print(again), context + "\nprinted " + printed + "\nthen " + Printer.Print(again));
            var program = env.Compile(text);
            if (program.Error is not null) continue;
            compiled++;
            var result = program.Evaluate(values, CelLimits.PerCall, CancellationToken.None);
            if (result.Value is { } value)
            {
                evaluated++;
                _ = value.ToString();
                _ = CelJson.ToJson(value, out _);
                if (!result.BudgetExceeded) Assert.True(result.Value is not CelError, context);
            }
            // What is printed means the same.
            var same = env.Compile(printed);
            Assert.True(same.Error is null, context + "\n" + same.Error);
            Assert.Equal(result.Value?.ToString() ?? result.Error, same.Evaluate(values, CelLimits.PerCall, CancellationToken.None) is { } r ? r.Value?.ToString() ?? r.Error : null);
        }
        Assert.True(compiled > 400 && evaluated > 100, $"only {compiled} compiled, {evaluated} evaluated");
    }

    [Fact]
    public void Garbage_is_an_error_not_an_exception()
    {
        var random = new Random(Seed);
        const string Alphabet = "ab.?:[]{}(),+-*/%!&|=<>'\"\\rbux019eE_ \n#@$~é👑";
        for (int i = 0; i < 20_000; i++)
        {
            char[] text = [.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => Alphabet[random.Next(Alphabet.Length)])];
            var program = Cel.All.Compile(new string(text));
            if (program.Error is null) program.Evaluate(CelActivation.Empty, CelLimits.PerCall, CancellationToken.None);
            else Assert.StartsWith("ERROR: <input>:", program.Error);
        }
    }

    static readonly string[] s_leaves = ["1", "-2", "3u", "1.5", "0", "'a'", "'b\\n'", "b'x'", "true", "false", "null", "d", "n", "s", "d.a", "d.b", "[]", "{}", "int", "x", "optional.none()", "duration('1s')", "timestamp('2020-01-01T00:00:00Z')"];
    static readonly string[] s_binary = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"];
    static readonly string[] s_calls = ["size({0})", "string({0})", "int({0})", "type({0})", "dyn({0})", "double({0})", "({0})", "!({0})", "-({0})", "({0}).size()", "optional.of({0})", "quantity({0})", "ip({0})", "[{0}].sum()"];
    static readonly string[] s_pairs = ["({0}).contains({1})", "({0}).matches({1})", "dyn({0})[{1}]", "({0})[?{1}]", "({0}).split({1})", "({0}).map(x, {1})", "({0}).filter(x, {1})", "({0}).all(x, {1})", "[{0}].exists(x, {1})",
        "[{0}].exists_one(i, x, {1})", "({0}).transformList(i, x, {1})", "cel.bind(x, {0}, {1})", "({0}).orValue({1})", "optional.of({0}).optMap(x, {1})", "sets.contains({0}, {1})", "'%s'.format([{0}, {1}])", "({0}).indexOf({1})", "[{0}].sortBy(x, {1})"];

    static string Make(Random random, int depth)
    {
        if (depth == 0 || random.Next(6) == 0) return s_leaves[random.Next(s_leaves.Length)];
        string One() => Make(random, depth - 1);
        return random.Next(8) switch
        {
            0 or 1 => $"({One()} {s_binary[random.Next(s_binary.Length)]} {One()})",
            2 => string.Format(null, s_calls[random.Next(s_calls.Length)], One()),
            3 or 4 => string.Format(null, s_pairs[random.Next(s_pairs.Length)], One(), One()),
            5 => $"({One()} ? {One()} : {One()})",
            6 => $"[{One()}, {One()}]",
            _ => random.Next(3) switch { 0 => "{'k': " + One() + ", " + One() + ": 1}", 1 => "has(d." + "abc"[random.Next(3)] + ")", _ => $"dyn({One()}).?a.?b" },
        };
    }
}
