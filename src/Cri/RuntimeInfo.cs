using System.Text.Json;

namespace Hanbae.Cri;

/// <summary>What a runtime tells of its own accord when it is asked in full: JSON under <c>info</c>, of a form that is its own.</summary>
public static class RuntimeInfo
{
    /// <summary>The first process of a container or sandbox, which every runtime calls <c>pid</c>; null when it does not say, or there is none (CRI-O's sandboxes, when Pods share no PIDs).</summary>
    public static int? Process(IDictionary<string, string> said)
    {
        if (!said.TryGetValue("info", out string? info)) return null;
        try
        {
            using var json = JsonDocument.Parse(info);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("pid", out var pid)
                && pid.ValueKind == JsonValueKind.Number && pid.TryGetInt32(out int number) && number > 0 ? number : null;
        }
        catch (JsonException) { return null; }
    }
}
