using Hanbae.Machinery.Cel;

namespace Hanbae.Machinery.Tests.Cel;

/// <summary>Expressions are written by whoever may create a policy: none may take the server down.</summary>
public sealed class HostileTests
{
    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("{1: ", "}")]
    [InlineData("!(", ")")]
    [InlineData("size(", ")")]
    [InlineData("true ? 1 : (", ")")]
    public void Deep_nesting_is_refused(string open, string close)
    {
        string text = string.Concat(Enumerable.Repeat(open, 5000)) + "1" + string.Concat(Enumerable.Repeat(close, 5000));
        Assert.Contains("expression recursion limit exceeded: 250", Cel.Error(text));
    }

    [Theory]
    [InlineData("1", " + 1")]
    [InlineData("1", " == 1")]
    [InlineData("a", ".b")]
    [InlineData("a", "[0]")]
    [InlineData("a", ".f()")]
    [InlineData("optional.of(1)", ".optMap(x, x)")]
    public void Long_chains_are_refused(string first, string link) => Assert.Contains("recursion limit exceeded", Cel.Error(first + string.Concat(Enumerable.Repeat(link, 2000))));

    [Fact]
    public void Long_conditions_are_fine() =>
        Assert.Equal("true", Cel.Eval(string.Join(" && ", Enumerable.Repeat("true", 5000)) + " || " + string.Join(" || ", Enumerable.Repeat("false", 5000))));

    [Fact]
    public void A_chain_of_optional_maps_does_not_double() =>
        Assert.Equal("optional.of(100)", Cel.Eval("optional.of(0)" + string.Concat(Enumerable.Repeat(".optMap(x, x + 1)", 100))));

    [Fact]
    public void Long_texts_are_refused() =>
        Assert.Equal("ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100003, limit 100000", Cel.Error("'" + new string('a', 100_001) + "'"));

    [Fact]
    public void A_quantified_explosion_is_stopped_by_its_budget()
    {
        string loops = string.Concat("abcdefgh".Select(v => $"[1,2,3,4,5,6,7,8,9,10].all({v}, ")) + "true" + new string(')', 8);
        var result = Cel.Compile(loops).Evaluate(CelActivation.Empty, CelLimits.PerCall, CancellationToken.None);
        Assert.True(result.BudgetExceeded);
        Assert.Equal("operation cancelled: actual cost limit exceeded", result.Error);
        Assert.True(Cel.Compile(loops).Cost.Max > CelLimits.EstimatedPerRule);
    }

    [Fact]
    public void A_budget_is_not_absorbed_by_logic() =>
        Assert.True(Cel.Compile("[1, 2, 3].all(x, x > 0) || true").Evaluate(CelActivation.Empty, 5, CancellationToken.None).BudgetExceeded);

    [Theory]
    [InlineData("'{0}'.replace('', '{0}').replace('', '{0}').replace('', '{0}').replace('', '{0}')")]
    [InlineData("['{0}', '{0}'].join('{0}').replace('a', '{0}').replace('a', '{0}').replace('a', '{0}')")]
    public void Strings_do_not_grow_without_end(string template)
    {
        var result = Cel.Compile(string.Format(null, template, new string('a', 1000))).Evaluate(CelActivation.Empty, CelLimits.PerCall, CancellationToken.None);
        Assert.True(result.Error is "result is too large" || result.BudgetExceeded, result.Error);
    }

    [Fact]
    public void Lists_do_not_grow_without_end()
    {
        string doubling = string.Concat(Enumerable.Repeat("cel.bind(x, x + x, ", 40));
        var result = Cel.Compile("cel.bind(x, [1, 2, 3, 4], " + doubling + "x.size()" + new string(')', 41)).Evaluate(CelActivation.Empty, CelLimits.PerCall, CancellationToken.None);
        Assert.Equal("result is too large", result.Error);
        Assert.Equal("error: result is too large", Cel.Eval("lists.range(1000000000000)"));
    }

    [Theory]
    [InlineData("((a*)*)*b", "false")]
    [InlineData("(a|a|a)*$b", "false")]
    [InlineData("(a?){50}a{50}", "false")]
    [InlineData("(.*)(.*)(.*)(.*)(.*)[^b]", "true")]
    public void Regular_expressions_take_linear_time(string pattern, string matches) =>
        Assert.Equal(matches, Cel.Eval($"'{new string('a', 20_000)}b1'.matches(dyn('^{pattern}$'))"));

    [Fact]
    public void An_evaluation_can_be_cancelled()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => Cel.Compile("[1].all(x, true)").Evaluate(CelActivation.Empty, CelLimits.PerCall, source.Token));
    }

    [Fact]
    public void One_program_serves_many_threads()
    {
        var program = Cel.Compile("[1, 2].map(x, x + n) + [n] == [1 + n, 2 + n, n] && {'a': 1}.transformMap(k, v, v + n)['a'] == n + 1", Cel.All.WithVariable("n", CelType.Int));
        Parallel.For(0, 2000, i => Assert.Equal(CelBool.True, program.Evaluate(new(("n", i)), CancellationToken.None).Value));
    }
}
