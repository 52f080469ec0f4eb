using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Crd.Rules;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Crd.Served;

/// <summary>What a definition demands of its objects, in the order upstream asks: the schema's restrictions, embedded metadata, sets and maps, rules.</summary>
static class CustomRules
{
    public static IReadOnlyList<FieldError> Check(Unstructured obj, Unstructured? old, CustomKind kind)
    {
        if (kind.Structure is not { } structure) return [];
        var (tree, before) = (obj.ToTree(), old?.ToTree());
        var errors = new List<FieldError>(SchemaValidator.Check(tree, structure, before));
        errors.AddRange(EmbeddedMetadata.Check(obj.Content, structure));
        // Ratcheting here is of the whole: what was wrong already stays allowed.
        var duplicates = Duplicates(obj.Content, structure);
        if (duplicates.Count > 0 && (old is null || Duplicates(old.Content, structure).Count == 0)) errors.AddRange(duplicates);
        if (kind.Rules is { } rules)
        {
            // Rules rest on types being right: with these wrong they would only confuse.
            if (errors.Any(e => e.Type is FieldErrorType.NotSupported or FieldErrorType.Required or FieldErrorType.TooLong or FieldErrorType.TooMany or FieldErrorType.TypeInvalid))
                errors.Add(FieldError.InvalidAs("<nil>", "null", "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"));
            else errors.AddRange(EnforcedRules.Check(rules, tree, before));
        }
        return errors;
    }

    static List<FieldError> Duplicates(JsonObject content, Structural structure)
    {
        var errors = new List<FieldError>();
        ListKeys.Check(content, structure, "", errors);
        return errors;
    }
}
