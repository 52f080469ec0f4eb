using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Kit;
using Hanbae.Machinery.Default;

namespace Hanbae.Machinery.Tests.Default;

/// <summary>Every default that upstream sets without further condition, wherever it sets it: <c>applied.txt</c> has the kind, the field and the value.</summary>
public sealed class AppliedTests
{
    static readonly Lazy<(string Kind, string Path, string Value)[]> s_lines = new(Read);

    public static TheoryData<string> Kinds => [.. s_lines.Value.Select(l => l.Kind).Distinct()];

    static (string, string, string)[] Read()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "Machinery.Tests", "Default", "applied.txt")).Where(l => l[0] != '#').Select(l => l.Split(' ')).ToList();
        // What is common to Pods stands there once, for all kinds that have Pods.
        var pods = lines[0].Skip(1).Select(p => p.Split(':')).ToArray();
        return [.. lines.Skip(1).SelectMany(l => l[0] == "Pods" ? pods.Select(p => (p[0], p[1] + "." + l[1], string.Join(' ', l.Skip(2)))) : [(l[0], l[1], string.Join(' ', l.Skip(2)))])];
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Every_default_of_a_kind_is_applied(string kind)
    {
        var wrong = new List<string>();
        foreach (var (name, field, wanted) in s_lines.Value.Where(l => l.Kind == kind))
        {
            string[] path = field.Split('.');
            var document = Without(path);
            var info = Find(name);
            var obj = Defaults.Apply((IObject)info.Decode(document.ToUtf8()));
            string? value = At(JsonValue.Parse(info.ToJson(obj)), path)?.ToString();
            if (value != JsonValue.Parse(wanted).ToString() && !(wanted == "{}" && value is not null)) wrong.Add($"{field}: {value ?? "nothing"} instead of {wanted}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    static KindInfo Find(string kind)
    {
        int dot = kind.LastIndexOf('.');
        var file = ApiData.AllFiles.Single(f => f.Path == kind[..dot]);
        return ApiData.Kind(new(file.Group, file.Version, kind[(dot + 1)..]))!;
    }

    /// <summary>A document in which everything is there that leads to the field, and the field is not.</summary>
    static JsonValue Without(ReadOnlySpan<string> path)
    {
        if (path.Length == 1) return JsonObject.Empty;
        string name = path[0];
        var inner = Without(path[1..]);
        return name.EndsWith("[]", StringComparison.Ordinal) ? JsonObject.Of((name[..^2], JsonArray.Of(inner))) : JsonObject.Of((name, inner));
    }

    static JsonValue? At(JsonValue? value, ReadOnlySpan<string> path)
    {
        foreach (string name in path)
            value = name.EndsWith("[]", StringComparison.Ordinal) ? ((value as JsonObject)?[name[..^2]] as JsonArray)?[0] : (value as JsonObject)?[name];
        return value;
    }
}
