using Hanbae.Api.Json;
using Hanbae.Machinery.Patch;

namespace Hanbae.Machinery.Apply;

/// <summary>Whether what is applied has the form of its type, before anything is done with it.</summary>
public static class TypedCheck
{
    /// <exception cref="ApplyException">It has not; the message names each place, as upstream's.</exception>
    public static void Check(JsonValue value, ApplyType type, bool duplicates = false)
    {
        var errors = new List<string>();
        Walk(value, type, "", duplicates, errors);
        if (errors.Count == 1) throw new ApplyException(errors[0]);
        if (errors.Count > 1) throw new ApplyException(string.Join("\n", errors.Select(e => "  " + e).Prepend("errors:")));
    }

    static void Walk(JsonValue value, ApplyType type, string at, bool duplicates, List<string> errors)
    {
        if (value is JsonNull) return;
        bool isMap = type.Merging == Merging.Fields || type is { Merging: Merging.Leaf, Form: LeafForm.Map };
        bool isList = type.Merging is Merging.Set or Merging.Keyed || type is { Merging: Merging.Leaf, Form: LeafForm.List };
        if (isMap)
        {
            if (value is JsonObject map) Members(map, type, at, duplicates, errors);
            else errors.Add($"{at}: expected map, got &{{{GoFormat.Value(value)}}}");
        }
        else if (isList)
        {
            if (value is JsonArray list) Items(list, type, at, duplicates, errors);
            else errors.Add($"{at}: expected list, got &{{{GoFormat.Value(value)}}}");
        }
        else if (Leaf(value, type.Form) is { } wrong) errors.Add($"{at}: {wrong}");
    }

    static void Members(JsonObject map, ApplyType type, string at, bool duplicates, List<string> errors)
    {
        foreach (var (name, value) in map)
        {
            string below = at + "." + name;
            if (type.Member(name) is { } member) Walk(value, member, below, duplicates, errors);
            else
            {
                // Upstream leaves the structure at the first field that it does not know.
                errors.Add($"{below}: field not declared in schema");
                return;
            }
        }
    }

    static void Items(JsonArray list, ApplyType type, string at, bool duplicates, List<string> errors)
    {
        bool keyed = type.Merging != Merging.Leaf;
        var seen = new HashSet<PathElement>();
        for (int i = 0; i < list.Count; i++)
        {
            string below = $"{at}[{i}]";
            if (keyed)
            {
                PathElement key;
                try { key = ListKeys.Of(list[i], type); }
                catch (ApplyException e)
                {
                    errors.Add($"{at}: element {i}: {e.Message}");
                    return;
                }
                if (!seen.Add(key) && !duplicates) errors.Add($"{at}: duplicate entries for key {key}");
                below = at + key;
            }
            Walk(list[i], type.Items, below, duplicates, errors);
        }
    }

    static string? Leaf(JsonValue value, LeafForm form) => (form, value) switch
    {
        (LeafForm.Number, not JsonNumber) => $"expected numeric (int or float), got {GoFormat.Type(value)}",
        (LeafForm.String, not JsonString) => $"expected string, got &value.valueUnstructured{{Value:{GoFormat.Value(value)}}}",
        (LeafForm.Bool, not JsonBool) => $"expected boolean, got &{{{GoFormat.Value(value)}}}",
        (LeafForm.Scalar, JsonObject or JsonArray) => $"expected any scalar, got &{{{GoFormat.Value(value)}}}",
        _ => null,
    };
}
