using Hanbae.Api.Codec;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Validate;

/// <summary>What differs between two objects, as lines of a diff: for people who look at why an update was refused.</summary>
static class Difference
{
    public static string Of(IMessage now, IMessage was)
    {
        var (a, b) = ((JsonObject)JsonValue.Parse(Shown.Message(was)), (JsonObject)JsonValue.Parse(Shown.Message(now)));
        var lines = new List<string>();
        foreach (string name in a.Members.Concat(b.Members).Select(m => m.Name).Distinct())
        {
            string? before = a[name]?.ToString(), after = b[name]?.ToString();
            if (before == after) continue;
            if (before is not null) lines.Add($"-  {name}: {before}");
            if (after is not null) lines.Add($"+  {name}: {after}");
        }
        return string.Join("\n", lines) + "\n";
    }
}
