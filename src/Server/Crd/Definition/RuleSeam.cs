using Hanbae.Api.Apiextensions.V1;
using Hanbae.Machinery.Validate;
using Findings = Hanbae.Machinery.Validate.Errors;

namespace Hanbae.Server.Crd.Definition;

/// <summary>Where x-kubernetes-validations (KEP-2876) come in: a definition is only taken when its rules will be enforced.</summary>
static class RuleSeam
{
    /// <param name="unchanged">What was taken before is not measured against today's cost limits.</param>
    public static void CheckDefinition(JSONSchemaProps schema, FieldPath at, bool unchanged, Findings errors)
    {
        _ = unchanged;
        if (!schema.XKubernetesValidations.IsEmpty) errors.Forbidden(at["x-kubernetes-validations"], "this server does not enforce validation rules");
        foreach (var (name, property) in schema.Properties) CheckDefinition(property, at["properties"].Key(name), unchanged, errors);
        if (schema.Items?.One is { } items) CheckDefinition(items, at["items"], unchanged, errors);
        if (schema.AdditionalProperties?.One is { } more) CheckDefinition(more, at["additionalProperties"], unchanged, errors);
    }
}
