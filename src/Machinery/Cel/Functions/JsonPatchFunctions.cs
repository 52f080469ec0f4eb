namespace Hanbae.Machinery.Cel.Functions;

/// <summary>What writing JSON patches needs.</summary>
static class JsonPatchFunctions
{
    public static void Add(FunctionList f) => f.Global("jsonpatch.escapeKey", "string_jsonpatch_escapeKey_string", [CelType.String], CelType.String,
        (x, _) => ((CelString)x[0]).Value.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
}
