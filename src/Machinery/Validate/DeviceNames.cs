using System.Text.RegularExpressions;
using Hanbae.Api;
using Hanbae.Api.Resource.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>What attributes and capacities of devices are called, with or without the domain of who named them, and what they may be.</summary>
static partial class DeviceNames
{
    const int LongestIdentifier = 32, LongestValue = 64;
    const string IdentifierRule = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' "
        + "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";

    [GeneratedRegex(@"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$")]
    private static partial Regex Version();

    public static void Qualified(FieldPath at, string name, Errors errors)
    {
        string[] parts = name.Split('/');
        if (name.Length == 0) errors.Required(at, "name required");
        else if (parts.Length == 1) Identifier(at, name, errors);
        else if (parts.Length == 2)
        {
            if (parts[0].Length == 0) errors.Required(at, "the domain must not be empty");
            else DriverRules.Driver(at, parts[0], errors);
            if (parts[1].Length == 0) errors.Required(at, "the name must not be empty");
            else Identifier(at, parts[1], errors);
        }
        else errors.Invalid(at, name, "a valid qualified name has at most one '/'");
    }

    public static void Full(FieldPath at, string name, Errors errors)
    {
        Qualified(at, name, errors);
        if (!name.Contains('/')) errors.Invalid(at, name, "must include a domain");
    }

    static void Identifier(FieldPath at, string id, Errors errors)
    {
        if (id.Length > LongestIdentifier) errors.TooLong(at, LongestIdentifier);
        if (char.IsAsciiDigit(id[0]) || !id.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')) errors.Add(new(FieldErrorType.TypeInvalid, at.ToString(), FieldError.Quoted(id), IdentifierRule));
    }

    public static void Value(FieldPath at, DeviceAttribute value, Errors errors)
    {
        if (value.String?.Length > LongestValue) errors.TooLong(at["string"], LongestValue);
        if (value.Version is not { } version) return;
        if (version.Length > LongestValue) errors.TooLong(at["version"], LongestValue);
        if (!Version().IsMatch(version)) errors.Invalid(at["version"], version, "must be a string compatible with semver.org spec 2.0.0");
    }

    public static void Toleration(FieldPath at, DeviceToleration t, Errors errors)
    {
        if (t.Key.Length > 0) errors.Invalid(at["key"], t.Key, LabelSyntax.KeyErrors(t.Key));
        switch (t.Operator)
        {
            case "Exists":
                if (t.Value.Length > 0) errors.Invalid(at["value"], t.Value, "must be empty for operator `Exists`");
                break;
            case "Equal": errors.Invalid(at["value"], t.Value, LabelSyntax.ValueErrors(t.Value)); break;
            default: errors.RequiredOneOf(at["operator"], t.Operator, "Equal", "Exists"); break;
        }
        if (t.Effect.Length > 0) errors.OneOf(at["effect"], t.Effect, "NoExecute", "NoSchedule", "None");
    }
}
