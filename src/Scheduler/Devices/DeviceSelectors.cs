using System.Collections.Concurrent;
using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Cel;

namespace Hanbae.Scheduler.Devices;

/// <summary>Tells which devices selectors mean.</summary>
internal static class DeviceSelectors
{
    /// <summary>Expressions that are kept compiled; beyond that all are forgotten, and compiled again as they are met.</summary>
    const int Most = 1000;

    static readonly ConcurrentDictionary<string, CelProgram> s_programs = new(StringComparer.Ordinal);

    /// <param name="error">Why it cannot be said; the expression is at fault, or the device has not what it asks for.</param>
    public static bool Match(Seq<DeviceSelector> selectors, PoolDevice device, string whose, out string? error)
    {
        error = null;
        CelActivation? activation = null;
        for (int i = 0; i < selectors.Count; i++)
        {
            if (selectors[i].Cel is not { } cel) { error = $"{whose}: selector #{i}: CEL must be set"; return false; }
            var program = Program(cel.Expression);
            if (program.Error is not null) { error = $"{whose}: selector #{i}: CEL compile error: {program.Error}"; return false; }
            var result = program.Evaluate(activation ??= CelDevices.Of(device.Id.Driver, device.Device), CancellationToken.None);
            if (result.Error is not null) { error = $"{whose}: selector #{i}: CEL runtime error: {result.Error}"; return false; }
            if (result.Value is not CelBool { Value: true }) return false;
        }
        return true;
    }

    static CelProgram Program(string expression)
    {
        if (s_programs.TryGetValue(expression, out var known)) return known;
        if (s_programs.Count >= Most) s_programs.Clear();
        return s_programs[expression] = CelDevices.Environment.Compile(expression);
    }
}
