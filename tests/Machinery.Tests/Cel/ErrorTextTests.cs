using Hanbae.Machinery.Cel;

namespace Hanbae.Machinery.Tests.Cel;

/// <summary>Compilation errors read as cel-go's do: clients show and compare them.</summary>
public sealed class ErrorTextTests
{
    const string Starts = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

    [Theory]
    [InlineData("1 + x", "ERROR: <input>:1:5: undeclared reference to 'x' (in container '')\n | 1 + x\n | ....^")]
    [InlineData("1 + 'a'", "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^")]
    [InlineData("'a'.startsWith(1)", "ERROR: <input>:1:15: found no matching overload for 'startsWith' applied to 'string.(int)'\n | 'a'.startsWith(1)\n | ..............^")]
    [InlineData("foo(1)", "ERROR: <input>:1:4: undeclared reference to 'foo' (in container '')\n | foo(1)\n | ...^")]
    [InlineData("1.foo", null)]
    [InlineData("[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^")]
    [InlineData("1 && true", "ERROR: <input>:1:1: expected type 'bool' but found 'int'\n | 1 && true\n | ^")]
    [InlineData("[1].all(e, 0)", "ERROR: <input>:1:12: expected type 'bool' but found 'int'\n | [1].all(e, 0)\n | ...........^")]
    [InlineData("1.all(e, true)", "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | 1.all(e, true)\n | ^")]
    [InlineData("duration('1x')", "ERROR: <input>:1:10: invalid duration argument\n | duration('1x')\n | .........^")]
    [InlineData("'a'.matches('(')", "ERROR: <input>:1:13: invalid matches argument\n | 'a'.matches('(')\n | ............^")]
    [InlineData("has(m)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(m)\n | ....^")]
    [InlineData("1.all(2, 3)", "ERROR: <input>:1:7: argument must be a simple name\n | 1.all(2, 3)\n | ......^")]
    [InlineData("0xFFFFFFFFFFFFFFFFF", "ERROR: <input>:1:1: invalid int literal\n | 0xFFFFFFFFFFFFFFFFF\n | ^")]
    [InlineData("1.99e90000009", "ERROR: <input>:1:1: invalid double literal\n | 1.99e90000009\n | ^")]
    [InlineData("namespace", "ERROR: <input>:1:1: reserved identifier: namespace\n | namespace\n | ^")]
    [InlineData("self ==", "ERROR: <input>:1:8: Syntax error: mismatched input '<EOF>' expecting " + Starts + "\n | self ==\n | .......^")]
    [InlineData("/", "ERROR: <input>:1:1: Syntax error: mismatched input '/' expecting " + Starts + "\n | /\n | ^\nERROR: <input>:1:2: Syntax error: mismatched input '<EOF>' expecting " + Starts + "\n | /\n | .^")]
    [InlineData("*@a | b", "ERROR: <input>:1:1: Syntax error: extraneous input '*' expecting " + Starts + "\n | *@a | b\n | ^\nERROR: <input>:1:2: Syntax error: token recognition error at: '@'\n | *@a | b\n | .^\n"
        + "ERROR: <input>:1:5: Syntax error: token recognition error at: '| '\n | *@a | b\n | ....^\nERROR: <input>:1:7: Syntax error: extraneous input 'b' expecting <EOF>\n | *@a | b\n | ......^")]
    [InlineData("{", "ERROR: <input>:1:2: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | {\n | .^")]
    [InlineData("{1:305 2:569}", "ERROR: <input>:1:8: Syntax error: mismatched input '2' expecting {'}', ','}\n | {1:305 2:569}\n | .......^")]
    [InlineData("'👑é' + x", "ERROR: <input>:1:8: undeclared reference to 'x' (in container '')\n | '👑é' + x\n | .．．....^")]
    public void An_error_is_told_with_its_place(string expression, string? error)
    {
        if (error is null) Assert.NotEqual("", Cel.Error(expression));
        else Assert.Equal(error, Cel.Error(expression));
    }

    [Fact]
    public void Fields_and_types_of_a_schema_are_named()
    {
        var schema = CelSchema.Object(Cel.P("replicas", CelSchema.Integer), Cel.P("spec", CelSchema.Object(Cel.P("a", CelSchema.String))));
        var env = CelEnvironment.Kubernetes.WithVariable("self", schema, "selfType");
        Assert.Equal("ERROR: <input>:1:5: undefined field 'replica'\n | self.replica > 1\n | ....^", Cel.Error("self.replica > 1", env));
        Assert.Equal("ERROR: <input>:1:11: found no matching overload for '_==_' applied to '(selfType.spec, int)'\n | self.spec == 1\n | ..........^", Cel.Error("self.spec == 1", env));
        Assert.Equal("ERROR: <input>:1:14: type 'int' does not support field selection\n | self.replicas.x == 1\n | .............^", Cel.Error("self.replicas.x == 1", env));
        Assert.Equal("", Cel.Error("self.spec == null || self.replicas == 1", env));
    }

    [Fact]
    public void Errors_on_several_lines_come_in_order() =>
        Assert.Equal("ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n | a ||\n | ^\nERROR: <input>:2:3: undeclared reference to 'b' (in container '')\n |   b\n | ..^", Cel.Error("a ||\n  b"));

    [Fact]
    public void Only_what_has_an_order_can_be_sorted() =>
        Assert.Equal("ERROR: <input>:1:16: found no matching overload for 'sort' applied to 'list(map(string, int)).()'\n | [{'a': 1}].sort()\n | ...............^", Cel.Error("[{'a': 1}].sort()"));

    [Fact]
    public void Libraries_that_are_not_there_are_undeclared()
    {
        Assert.Contains("undeclared reference to 'cel'", Cel.Error("cel.bind(a, 1, a)", CelEnvironment.Kubernetes));
        Assert.Contains("undeclared reference to 'jsonpatch'", Cel.Error("jsonpatch.escapeKey('a')", CelEnvironment.Kubernetes));
        Assert.Equal("", Cel.Error("cel.bind(a, 1, a)", CelEnvironment.Of(CelLibraries.Devices)));
    }
}
