using Hanbae.Kit;
using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Cel.Functions;

namespace Hanbae.Machinery.Tests.Cel;

/// <summary>Every overload of every function and operator with what it gives for good input and for bad: <c>functions.txt</c>, a line for each.</summary>
public sealed class FunctionTableTests
{
    /// <summary>Those of the authorizer need one to ask: <see cref="KubernetesTests.An_authorizer_is_asked_for_what_was_narrowed"/>.</summary>
    static readonly string[] s_elsewhere = ["authorizer_", "groupcheck_", "resourcecheck_", "pathcheck_", "decision_"];

    static readonly (string Overload, string Expression, string Value)[] s_table =
    [
        .. File.ReadAllLines(Path.Combine(Repository.Root, "tests/Machinery.Tests/Cel/functions.txt")).Select(line =>
        {
            int first = line.IndexOf(" | ", StringComparison.Ordinal), last = line.LastIndexOf(" | ", StringComparison.Ordinal);
            return (line[..first], line[(first + 3)..last], line[(last + 3)..]);
        }),
    ];

    static IEnumerable<(string Name, string Overload)> All => Catalog.Of((CelLibraries)~0).Select(f => (f.Name, f.Overload.Id)).Where(f => !s_elsewhere.Any(e => f.Id.StartsWith(e, StringComparison.Ordinal)));

    [Fact]
    public void Every_overload_gives_what_the_table_says()
    {
        var wrong = new List<string>();
        foreach (var (overload, expression, value) in s_table)
        {
            var program = Cel.All.Compile(expression);
            string said = program.Error ?? program.Evaluate(CelActivation.Empty, CancellationToken.None) switch { { Value: { } v } => v.ToString()!, var r => "error: " + r.Error };
            if (said != value) wrong.Add($"{overload}: {expression}\n  expected {value}\n  said     {said}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public void Every_overload_is_in_the_table() => Assert.Empty(All.Select(f => f.Overload).Except(s_table.Select(t => t.Overload)));

    [Fact]
    public void The_table_has_nothing_else()
    {
        var names = All.ToLookup(f => f.Overload, f => f.Name);
        foreach (var (overload, expression, _) in s_table)
        {
            Assert.True(names.Contains(overload), overload);
            // What is called by its name is in the expression; operators and what macros expand to are not.
            string name = names[overload].First();
            if (char.IsLetter(name[0]) && !name.Contains('@') && name is not ("not_strictly_false" or "conditional")) Assert.Contains(name + "(", expression.Replace("sortBy(", "@sortByAssociatedKeys("));
        }
    }
}
