using System.Collections.Immutable;
using System.Globalization;
using Hanbae.Api.Json;

namespace Hanbae.Api;

/// <summary>How a <see cref="LabelRequirement"/> relates a label to its values.</summary>
public enum LabelOperator : byte { Equal, DoubleEqual, NotEqual, In, NotIn, Exists, DoesNotExist, GreaterThan, LessThan }

/// <summary>One condition on one label.</summary>
public sealed class LabelRequirement
{
    readonly long _bound;

    /// <exception cref="SelectorFormatException">Key, operator and values do not go together; the message is upstream's.</exception>
    public LabelRequirement(string key, LabelOperator op, params ImmutableArray<string> values)
    {
        (Key, Operator, Values) = (key, op, values);
        List<string>? errors = null;
        if (LabelSyntax.KeyErrors(key) is { Count: > 0 } wrong) Add(ref errors, Invalid("key", key, wrong));
        switch (op)
        {
            case LabelOperator.In or LabelOperator.NotIn when values.Length == 0:
                Add(ref errors, Invalid(values, "for 'in', 'notin' operators, values set can't be empty"));
                break;
            case LabelOperator.Equal or LabelOperator.DoubleEqual or LabelOperator.NotEqual when values.Length != 1:
                Add(ref errors, Invalid(values, "exact-match compatibility requires one single value"));
                break;
            case LabelOperator.Exists or LabelOperator.DoesNotExist when values.Length != 0:
                Add(ref errors, Invalid(values, "values set must be empty for exists and does not exist"));
                break;
            case LabelOperator.GreaterThan or LabelOperator.LessThan:
                if (values.Length != 1) Add(ref errors, Invalid(values, "for 'Gt', 'Lt' operators, exactly one value is required"));
                for (int i = 0; i < values.Length; i++)
                    if (!TryParse(values[i], out _bound))
                        Add(ref errors, Invalid($"values[{i}]", values[i], ["for 'Gt', 'Lt' operators, the value must be an integer"]));
                break;
        }
        for (int i = 0; i < values.Length; i++)
            if (LabelSyntax.ValueErrors(values[i]) is { Count: > 0 } bad) Add(ref errors, Invalid($"values[{i}][{key}]", values[i], bad));
        if (errors is not null) throw new SelectorFormatException(errors.Count == 1 ? errors[0] : "[" + string.Join(", ", errors.Distinct()) + "]");
    }

    public string Key { get; }
    public LabelOperator Operator { get; }
    public ImmutableArray<string> Values { get; }

    /// <param name="value">The label's value, or null when there is no such label.</param>
    public bool Matches(string? value) => Operator switch
    {
        LabelOperator.Equal or LabelOperator.DoubleEqual => value is not null && string.Equals(value, Values[0]),
        LabelOperator.NotEqual => value is null || !string.Equals(value, Values[0]),
        LabelOperator.In => value is not null && Values.Contains(value),
        LabelOperator.NotIn => value is null || !Values.Contains(value),
        LabelOperator.Exists => value is not null,
        LabelOperator.DoesNotExist => value is null,
        LabelOperator.GreaterThan => value is not null && TryParse(value, out long n) && n > _bound,
        _ => value is not null && TryParse(value, out long n) && n < _bound,
    };

    public override string ToString()
    {
        // One value is printed as it is; several in order, without touching what was given.
        string values = Values.Length == 1 ? Values[0] : string.Join(",", Values.Order(StringComparer.Ordinal));
        return Operator switch
        {
            LabelOperator.Equal => $"{Key}={values}",
            LabelOperator.DoubleEqual => $"{Key}=={values}",
            LabelOperator.NotEqual => $"{Key}!={values}",
            LabelOperator.In => $"{Key} in ({values})",
            LabelOperator.NotIn => $"{Key} notin ({values})",
            LabelOperator.Exists => Key,
            LabelOperator.DoesNotExist => "!" + Key,
            LabelOperator.GreaterThan => $"{Key}>{values}",
            _ => $"{Key}<{values}",
        };
    }

    internal static string Invalid(string path, string value, IEnumerable<string> details) =>
        $"{path}: Invalid value: {GoQuote.Text(value)}: {string.Join("; ", details)}";

    static string Invalid(ImmutableArray<string> values, string detail) =>
        $"values: Invalid value: [{string.Join(",", values.Select(GoQuote.Text))}]: {detail}";

    static void Add(ref List<string>? errors, string error) => (errors ??= []).Add(error);

    static bool TryParse(string text, out long value) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
}
