using Hanbae.Api.Json;
using Hanbae.Machinery.Cel;

namespace Hanbae.Machinery.Tests.Cel;

/// <summary>Short ways to compile and evaluate in tests.</summary>
static class Cel
{
    public static CelEnvironment All { get; } = CelEnvironment.Of((CelLibraries)~0);

    public static CelProgram Compile(string text, CelEnvironment? env = null)
    {
        var program = (env ?? All).Compile(text);
        Assert.True(program.Error is null, program.Error);
        return program;
    }

    /// <summary>The result as CEL would write it, or the error.</summary>
    public static string Eval(string text, CelEnvironment? env = null, CelActivation? activation = null)
    {
        var result = Compile(text, env).Evaluate(activation ?? CelActivation.Empty, CancellationToken.None);
        return result.Value?.ToString() ?? "error: " + result.Error;
    }

    public static ulong Cost(string text, CelEnvironment? env = null, CelActivation? activation = null)
    {
        var result = Compile(text, env).Evaluate(activation ?? CelActivation.Empty, CancellationToken.None);
        Assert.True(result.Error is null, result.Error);
        return result.Cost;
    }

    public static string Error(string text, CelEnvironment? env = null) => (env ?? All).Compile(text).Error ?? "";

    /// <summary>A rule's environment and values: <c>self</c> with a schema.</summary>
    public static (CelEnvironment Env, CelActivation Values) Self(CelSchema schema, string json) =>
        (All.WithVariable("self", schema, "self"), new(("self", CelJson.Wrap(JsonValue.Parse(json), schema))));

    public static CelProperty P(string name, CelSchema schema, bool required = false) => new(name, () => schema, required);
}
