using System.Globalization;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Machinery.Cel;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Crd.Structure;
using Findings = Hanbae.Machinery.Validate.Errors;

namespace Hanbae.Server.Crd.Rules;

/// <summary>Whether a definition's rules can be enforced: they compile, and are estimated to cost no more than upstream allows.</summary>
static class DefinedRules
{
    /// <param name="unchanged">What was taken before is not measured against the limit of one rule.</param>
    /// <param name="isBroken">Whether something at or below a place is wrong already.</param>
    public static void Check(Structural schema, FieldPath at, bool unchanged, Func<string, bool> isBroken, Findings errors)
    {
        if (RuleNode.Of(schema) is not { } root) return;
        var costs = new List<(FieldPath At, ulong Cost)>();
        Node(root, at, 1, null, unchanged, isBroken, costs, errors);
        ulong total = costs.Aggregate(0UL, (sum, c) => ulong.MaxValue - sum < c.Cost ? ulong.MaxValue : sum + c.Cost);
        if (total <= CelLimits.EstimatedPerDefinition) return;
        foreach (var (place, _) in costs.OrderByDescending(c => c.Cost).Take(4)) errors.Forbidden(place, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
        errors.Forbidden(at, Exceeds("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", total, CelLimits.EstimatedPerDefinition));
    }

    /// <param name="times">How often the node can be there; null when nothing bounds it.</param>
    /// <param name="uncorrelated">The first list above whose items cannot be told apart over time.</param>
    static void Node(RuleNode node, FieldPath at, ulong? times, FieldPath? uncorrelated, bool unchanged, Func<string, bool> isBroken, List<(FieldPath, ulong)> costs, Findings errors)
    {
        for (int i = 0; i < node.Rules.Length && !isBroken(at.ToString()); i++) Rule(node, node.Rules[i], at["x-kubernetes-validations"][i], times, uncorrelated, unchanged, costs, errors);
        var props = node.Schema.Props;
        foreach (var (name, property) in node.Properties) Node(property, at["properties"].Key(name), times, uncorrelated, unchanged, isBroken, costs, errors);
        if (node.Items is { } items) Node(items, at["items"], Times(times, props.MaxItems), props.XKubernetesListType == "map" ? uncorrelated : uncorrelated ?? at, unchanged, isBroken, costs, errors);
        if (node.Additional is { } more) Node(more, at["additionalProperties"], Times(times, props.MaxProperties), uncorrelated, unchanged, isBroken, costs, errors);
    }

    static ulong? Times(ulong? times, long? most) => times is { } t && most is { } m ? Multiply(t, (ulong)Math.Max(m, 0)) : null;

    static ulong Multiply(ulong a, ulong b) => a != 0 && ulong.MaxValue / a < b ? ulong.MaxValue : a * b;

    static void Rule(RuleNode node, CompiledRule rule, FieldPath at, ulong? times, FieldPath? uncorrelated, bool unchanged, List<(FieldPath, ulong)> costs, Findings errors)
    {
        if (rule.Program.Error is { } broken) errors.InvalidAs(at["rule"], Shown(rule.Rule), "compilation failed: " + broken);
        else if (rule.Program.ResultType != CelType.Bool) errors.InvalidAs(at["rule"], Shown(rule.Rule), "must evaluate to a bool");
        else Price(rule.Program, "estimated rule cost", at["rule"]);
        if (rule.Message is { } message)
        {
            if (message.Error is { } why) errors.InvalidAs(at["messageExpression"], Shown(rule.Rule), "messageExpression compilation failed: " + why);
            else if (message.ResultType != CelType.String) errors.InvalidAs(at["messageExpression"], Shown(rule.Rule), "messageExpression must evaluate to a string");
            else Price(message, "estimated messageExpression cost", at["messageExpression"]);
        }
        if (rule.IsTransition)
        {
            if (uncorrelated is not null) errors.Invalid(at["rule"], rule.Rule.Rule, $"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}");
        }
        else if (rule.Rule.OptionalOldSelf is { } optional && rule.Program.Error is null)
            errors.InvalidAs(at["optionalOldSelf"], optional ? "true" : "false", "may not be set if oldSelf is not used in rule");

        void Price(CelProgram program, string what, FieldPath place)
        {
            ulong cost = Multiply(program.Cost.Max, times ?? CelBounds.MaxTimes(node.Values));
            if (!unchanged && cost > CelLimits.EstimatedPerRule) errors.Forbidden(place, Exceeds(what, cost, CelLimits.EstimatedPerRule));
            costs.Add((place, cost));
        }
    }

    static string Exceeds(string what, ulong cost, ulong limit)
    {
        double factor = (double)cost / limit;
        string by = factor > 100 ? "more than 100x" : factor < 1.5 ? factor.ToString("F6", CultureInfo.InvariantCulture) + "x" : factor.ToString("F1", CultureInfo.InvariantCulture) + "x";
        return $"{what} exceeds budget by factor of {by} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
    }

    /// <summary>As Go shows the structure, which is what upstream's message has.</summary>
    static string Shown(ValidationRule rule) =>
        $"apiextensions.ValidationRule{{Rule:{FieldError.Quoted(rule.Rule)}, Message:{FieldError.Quoted(rule.Message)}, MessageExpression:{FieldError.Quoted(rule.MessageExpression)}, "
        + $"Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:{FieldError.Quoted(rule.FieldPath)}, OptionalOldSelf:(*bool)(nil)}}";
}
