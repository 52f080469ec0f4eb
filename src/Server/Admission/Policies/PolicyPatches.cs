using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Machinery.Apply;
using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Patch;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Apply;

namespace Hanbae.Server.Admission.Policies;

/// <summary>What a mutation's expression made, put into the object: a JSON patch, or what is merged as server-side apply merges.</summary>
static class PolicyPatches
{
    /// <exception cref="PolicyConfigurationException">It does not apply.</exception>
    public static JsonValue Patched(JsonValue tree, CelValue made)
    {
        var operations = (CelList)made;
        for (int i = 0; i < operations.Count; i++)
            if ((operations[i] as CelMap)?.Find(new CelString("value")) is { } value) CheckNames(value);
        var patch = CelJson.ToJson(made, out string? error) ?? throw new PolicyConfigurationException("JSONPath valueExpression evaluated to a type that could not marshal to JSON: " + error);
        try { return JsonPatch.Parse(patch).Apply(tree); }
        // A test that fails means that there is nothing to do.
        catch (PatchException e) when (e.Fault == PatchFault.TestFailed) { return tree; }
        catch (PatchException e) { throw new PolicyConfigurationException("JSONPath: " + e.Message); }
    }

    /// <summary>Nobody comes to own anything by it: what a policy set and nobody else has is gone with the next write that the policy does not see.</summary>
    /// <exception cref="PolicyConfigurationException">It does not apply.</exception>
    public static JsonValue Applied(ReviewedWrite.View view, CelValue made, DateTimeOffset now)
    {
        CheckNames(made);
        var kind = view.Object!.Kind();
        var wanted = ((JsonObject)(CelJson.ToJson(made, out string? error) ?? throw new PolicyConfigurationException(error!))).With("apiVersion", kind.ApiVersion).With("kind", kind.Kind);
        var type = ApplyKinds.TypeOf(kind);
        try { TypedCheck.Check(wanted, type); }
        catch (ApplyException e) { throw new PolicyConfigurationException("error applying patch: failed to convert patch object to typed object: " + e.Message); }
        var atomics = new List<string>();
        FindAtomics(wanted, type, "", atomics);
        if (atomics.Count > 0) throw new PolicyConfigurationException("error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: " + string.Join(", ", atomics));
        try { return (JsonValue?)Tracking.Apply(new Ownership(), view.Json, wanted, new FieldTracking("policy", kind, "").Write(now), force: true) ?? view.Tree; }
        catch (Exception e) when (e is ApplyException or PatchException) { throw new PolicyConfigurationException("error applying patch: failed to merge patch: " + e.Message); }
    }

    /// <summary>What is replaced as a whole would lose whatever the expression does not say.</summary>
    static void FindAtomics(JsonValue value, ApplyType type, string at, List<string> found)
    {
        if (type is { Merging: Merging.Leaf, Form: LeafForm.List or LeafForm.Map } && value is JsonArray or JsonObject) found.Add(at);
        switch (value)
        {
            case JsonObject map:
                foreach (var (name, member) in map)
                    if (type.Declares(name)) FindAtomics(member, type.Member(name)!, at + "." + name, found);
                break;
            case JsonArray list when type.Element is { } element:
                for (int i = 0; i < list.Count; i++) FindAtomics(list.Items[i], element, $"{at}[{i}]", found);
                break;
        }
    }

    /// <summary>Types are constructed by the path of the field that they are for.</summary>
    static void CheckNames(CelValue value) => CheckNames(value, (value as CelObject)?.Type.Name ?? "");

    static void CheckNames(CelValue value, string path)
    {
        switch (value)
        {
            case CelObject made when made.Type.Name.StartsWith("Object", StringComparison.Ordinal):
                if (made.Type.Name != path)
                    throw new PolicyConfigurationException($"type mismatch: unexpected type name \"{made.Type.Name}\", expected \"{path}\", which matches field name path from root Object type");
                foreach (var (name, field) in made.Fields) CheckNames(field, path + "." + name);
                break;
            case CelOptional { Value: { } inner }: CheckNames(inner, path); break;
            case CelList list:
                for (int i = 0; i < list.Count; i++) CheckNames(list[i], path);
                break;
        }
    }
}
